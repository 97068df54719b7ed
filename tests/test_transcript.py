"""`check --transcript`: every exchange, and nobody's names, ids or secrets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from frs_exporter.cli.transcript import TranscriptTrace, anonymous, as_transcript, names_in, without_names
from frs_exporter.collectors.probes import PROBES
from frs_exporter.core.credentials import AssumedAgency, Credential, KeyCredential, OidcCredential, TokenCredential
from frs_exporter.core.model import Job, Target
from frs_simulator import Account, Project, Simulator, World, demo_world
from frs_simulator.server import config_text
from tests.conftest import secrets_of, target_of
from tests.test_check import ended


async def test_a_transcript_tells_what_was_said_and_of_nobody(tmp_path: Path) -> None:
    world = demo_world()
    world.without_subscribe.add("cn-north-4")
    async with Simulator(world) as simulator:
        config, file = tmp_path / "config.yaml", tmp_path / "transcript.txt"
        config.write_text(config_text(world, simulator.url))
        code, _, told = await ended(f"--config.file={config}", f"--transcript={file}")
    assert (code, told) == (1, "")
    text = file.read_text()
    for part in (
        simulator.url,
        "/v1/PROJECT_ID/subscribe",
        "/v2/PROJECT_ID/face-sets",
        "APIGW.0101",
        '"subscribe_status": true',
        "< 404",
    ):
        assert part in text, part
    for account, project in world.projects():
        for private in (project.id, project.name, account.domain_name, account.access_key):
            assert private not in text, private
    assert not [secret for secret in secrets_of(world) if secret in text]
    assert not [name for name in ("employees", "visitors", "building") if name in text]


async def test_one_run_sends_all_probes_of_a_project(tmp_path: Path) -> None:
    """So that a report needs no more."""
    services = {f"{name}_service": {"subscribe_status": name == "compare"} for name in ("compare", "search")}
    world = World([Account("two", "ak_sk", [Project("door", "cn-north-4", services)])])
    world.without_subscribe.add("cn-north-4")
    async with Simulator(world) as simulator:
        config, file = tmp_path / "config.yaml", tmp_path / "transcript.txt"
        config.write_text(config_text(world, simulator.url))
        document = yaml.safe_load(config.read_text())
        document["defaults"]["probes"] = list(PROBES)
        config.write_text(yaml.safe_dump(document))
        chosen = ("--collector=subscription", f"--transcript={file}", f"--state.directory={tmp_path / 'state'}")
        for _ in range(2):
            await ended(f"--config.file={config}", *chosen)
            assert [call.subservice for call in world.calls] == list(PROBES), "the second run has nothing to send"
    assert "face-sets" in file.read_text()


def test_of_messages_about_permissions_nobody_is_left() -> None:
    """The vendor's messages stay, but for whom they are about."""
    account = "0503dda897000fed2f78c00909158a4d"
    line = f"User: iam::{account}:user/alice.smith may not frs:get on {account} of Acme_x, nor on that of 分店gate-1。"
    owner = Account("acme", "token", [Project(name, "cn-north-4", None) for name in ("gate-1", "s", "face")])
    targets = [target_of(owner, project, "http://127.0.0.1:9") for project in owner.projects]
    said = anonymous(line, targets[1], names_in(targets))
    assert said == "User: iam::*** may not frs:get on *** of ***_x, nor on that of 分店***。"
    asked = "> GET https://face.cn-north-4.myhuaweicloud.com/v2/PROJECT_ID/face-sets"
    assert anonymous(asked, targets[2], names_in(targets)) == asked
    assert names_in([]).sub("***", "a b") == "a b"


KEYS = KeyCredential("keys", "AKIDEXAMPLE000000001", SecretStr("SK"))
USER = TokenCredential("c1", 'acme "x"', "bob\\smith", SecretStr("hunter2"))


@pytest.mark.parametrize(
    ("credential", "said", "left"),
    [
        (AssumedAgency("ag", KEYS, "acct", "agn"), "no AKIDEXAMPLE000000001, acct agn keys", "no ***, *** *** ***"),
        (USER, 'user bob\\smith of acme "x"', "user *** of ***"),
        (
            OidcCredential("oi", "iam::acct1:oidc:corp-idp", "iam::acct1:agency/readers", session_name="my-session"),
            "agency readers, provider corp-idp, session my-session, of acct1",
            "agency ***, provider ***, session ***, of ***",
        ),
        (replace(USER, user_name="张三\u3000李四"), "user 张三\u3000李四!", "user ***!"),
        (replace(USER, user_name="张三"), "user=%E5%BC%A0%E4%B8%89 and 张三", "user=*** and ***"),
        (KEYS, "x_fedcba9876543210FEDCBA9876543210 of 0123456789ABCDEF0123456789ABCDEF", "x_*** of PROJECT_ID"),
    ],
)
def test_nobody_is_left_however_a_name_is_written(credential: Credential, said: str, left: str, target: Target) -> None:
    about = replace(target, credential=credential, project_id="0123456789abcdef0123456789abcdef")
    job, trace = Job(about, "subscription"), TranscriptTrace()
    trace.body(json.dumps({"error_msg": said}).encode())
    text = as_transcript([job], {job.key: trace}, 0.0)
    assert f'"error_msg": "{left}"' in text


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (
            {"external_fields": {"salary": {"type": "integer"}, "badge": {"type": "string"}}},
            {"external_fields": {"***1": {"type": "***"}, "***2": {"type": "***"}}},
        ),
        ({"faces": 3, "face_set_name": "boss", "on": True}, {"faces": 3, "face_set_name": "***", "on": True}),
        (
            {"error_code": "FRS.0019", "error_msg": "The service"},
            {"error_code": "FRS.0019", "error_msg": "The service"},
        ),
        ([{"create_time": "2024-01-01", "x": None}], [{"create_time": "2024-01-01", "x": None}]),
        (
            {"name": "call_of_api", "value": "CompareFace", "owner": "bob"},
            {"name": "call_of_api", "value": "CompareFace", "owner": "***"},
        ),
    ],
)
def test_of_answers_the_shape_is_kept(answer: object, kept: object) -> None:
    assert without_names(json.loads(json.dumps(answer))) == kept


def test_of_money_only_the_shape_is_written() -> None:
    """Whether an amount is a number, a string or null is what is to be known of it."""
    answer = {"amount": 25310.32, "original_amount": "100000", "debt_amount": None, "measure_id": 14, "currency": "CNY"}
    assert without_names({"x": [answer]}) == {
        "x": [{"amount": 0, "original_amount": "***", "debt_amount": None, "measure_id": 14, "currency": "CNY"}]
    }
