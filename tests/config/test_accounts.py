"""Accounts in the config: what is read, and one line for each mistake."""

import json
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.config.load import load
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import Account, Api, Target

KEYS = {"ak_sk": {"access_key": "AK", "secret_key": "SK"}}
TOKEN = {"token": {"domain_name": "d", "user_name": "u", "password": "p"}}


def written(folder: Path, *accounts: Any, credential: Any = KEYS, **others: Any) -> str:
    """A config file with these accounts."""
    file = folder / "config.yaml"
    file.write_text(json.dumps({"credentials": {"k": credential}, "accounts": list(accounts), **others}))
    return str(file)


def loaded(folder: Path, *accounts: Any, **others: Any) -> Target:
    """The target of the first account."""
    return load(written(folder, *accounts, **others)).targets[0]


def problems(folder: Path, *accounts: Any, **others: Any) -> list[str]:
    """What is wrong, without where it stands."""
    with pytest.raises(ConfigError) as caught:
        load(written(folder, *accounts, **others))
    return [problem.split(": ", 1)[1] for problem in caught.value.problems]


def test_an_account_has_settings_of_its_own(tmp_path: Path) -> None:
    it = loaded(tmp_path, {"name": "a", "credential": "k"}, defaults={"poll_interval": "1m", "poll_timeout": "7s"})
    assert (it.project, it.account, it.poll_interval, it.poll_timeout) == ("a", Account(), 3600.0, 7.0)
    assert (it.display.collectors, it.display.stale_after) == (("billing",), 10800.0)


@pytest.mark.parametrize(
    ("site", "bss", "iam"),
    [
        ("china", "https://bss.myhuaweicloud.com", "https://iam.cn-north-4.myhuaweicloud.com"),
        ("international", "https://bss-intl.myhuaweicloud.com", "https://iam.ap-southeast-1.myhuaweicloud.com"),
        ("europe", "https://bss.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu"),
    ],
)
def test_the_site_says_where_it_is_asked(site: str, bss: str, iam: str, tmp_path: Path) -> None:
    it = loaded(tmp_path, {"name": "a", "credential": "k", "site": site})
    assert it.endpoints == {Api.BSS: bss, Api.IAM: iam}


def test_endpoints_that_are_written_have_the_sites_region(tmp_path: Path) -> None:
    own = {"name": "a", "credential": "k", "endpoint": "https://bss.{region}.example.com"}
    it = loaded(tmp_path, own, endpoints={"iam": "https://iam.{region}.example.com"})
    assert it.endpoints == {
        Api.BSS: "https://bss.cn-north-4.example.com",
        Api.IAM: "https://iam.cn-north-4.example.com",
    }


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        (
            [{"labels": {"site": "x"}}],
            "accounts[0].labels.site: clashes with a label that is already there; choose another name",
        ),
        (
            [{"labels": {"account": "x"}}],
            "accounts[0].labels.account: clashes with a label that is already there; choose another name",
        ),
        ([{"site": "chna"}], "accounts[0].site: must be one of china, international, europe; did you mean china?"),
        ([{"site": ["china"]}], "accounts[0].site: must be text, but YAML reads it as a list"),
        ([{"collectors": ["subscription"]}], "accounts[0].collectors[0]: must be one of billing, vouchers"),
        ([{"poll_interval": "1s"}], "accounts[0].poll_interval: must be between 10m and 1d"),
        ([{"credential": "x"}], "accounts[0].credential: no credential is named x; known here: k"),
        (
            [{"service_types": ["a b"]}],
            "accounts[0].service_types[0]: must be a code of letters, digits, dots, hyphens and underscores",
        ),
    ],
)
def test_a_mistake_is_one_line(accounts: list[dict[str, Any]], told: str, tmp_path: Path) -> None:
    assert problems(tmp_path, *({"name": "a", "credential": "k", **account} for account in accounts)) == [told]


def test_a_project_has_no_collector_of_accounts(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"name": "a", "credential": "k"}, defaults={"collectors": ["billing"]})
    assert problem.startswith("defaults.collectors[0]: must be one of subscription, face_sets, cloud_eye")


def test_an_account_is_watched_once_whatever_its_site_is_said_to_be(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"name": "a", "credential": "k"}, {"name": "b", "credential": "k", "site": "china"})
    assert problem.startswith("accounts[1].credential: the same user as ")


def test_a_user_whom_the_sites_own_iam_does_not_know_is_refused(tmp_path: Path) -> None:
    """It would be told the same as of a wrong password."""
    europe = {"name": "a", "credential": "k", "site": "europe"}
    (problem,) = problems(tmp_path, europe, credential=TOKEN)
    message = "europe has an IAM of its own; write it in endpoints.iam of the credential k"
    assert problem == f"accounts[0].site: {message}"
    there = {**TOKEN, "endpoints": {"iam": "https://iam.{region}.myhuaweicloud.eu"}}
    assert loaded(tmp_path, europe, credential=there).endpoints[Api.IAM] == "https://iam.eu-west-101.myhuaweicloud.eu"
