"""`explain` knows every metric, collector and key of the config, and guesses what an unknown code means."""

from importlib.resources import files

import pytest

from frs_exporter.cli.explain_names import collectors, keys, metrics
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.schema import Settings
from frs_exporter.polling.exporter import PAGE_FAMILIES
from tests.test_cli import run


def explained(*words: str) -> str:
    shown = run("explain", *words)
    assert shown.exit_code == 0, shown.stderr
    return shown.stdout


def test_every_metric_of_the_page_is_known_by_its_own_help() -> None:
    known = metrics()
    assert {family.name: family.help for family in PAGE_FAMILIES}.items() <= {
        name: topic.lines[0][1].en for name, topic in known.items()
    }.items()
    assert "frs_exporter_log_messages_total" in known
    shown = explained('frs_up{project="a"} 0')
    assert shown.startswith("frs_up (metric, gauge): Whether the newest poll told what was asked")
    assert "labels: project, collector" in shown


def test_every_collector_is_known_by_its_metrics() -> None:
    assert set(collectors()) == set(COLLECTORS)
    shown = explained("billing")
    assert shown.startswith("billing (collector of accounts):\n  frs_account_balance: ")
    assert explained("subscription").startswith("subscription (collector of projects):")


def test_every_key_of_the_config_is_known_with_the_places_where_it_may_stand() -> None:
    assert len(keys()) > 50
    assert set(Settings.model_fields) <= set(keys())
    assert explained("domain_id") == (
        "domain_id (key of the config):\n  accounts[].domain_id: The account's id (default: asked for).\n"
    )
    places = [line.split(":")[0].strip() for line in explained("poll_interval").splitlines()[1:]]
    assert places == [f"{place}.poll_interval" for place in ("defaults", "projects[]", "discovery[]", "accounts[]")]
    assert "credentials.NAME.ak_sk.secret_key: " in explained("secret_key")


def test_all_that_is_said_of_names_is_said_in_chinese() -> None:
    """A wheel has the Chinese, too: it is in the package, and not in docs/."""
    topics = [topic for kind in (metrics(), collectors(), keys()) for topic in kind.values()]
    assert [name for topic in topics for name, text in topic.lines if text.en == text.zh] == []
    assert explained("frs_up", "--lang=zh").startswith("frs_up (指标，gauge)：最近一次轮询是否得到答案")
    assert explained("domain_id", "--lang=zh") == (
        "domain_id (配置项)：\n  accounts[].domain_id：账号 ID（默认：自动查询）。\n"
    )
    assert files("frs_exporter.core").joinpath("chinese.yaml").is_file()


def test_a_note_that_names_a_metric_is_explained_by_it() -> None:
    assert explained("sub-services not shown, see frs_subservices_ignored: odd").startswith("frs_subservices_ignored (")


def test_in_chinese_the_headings_are_chinese() -> None:
    assert explained("frs_subscribed", "--lang=zh").startswith("frs_subscribed (指标，gauge)：")
    assert "标签：project, subservice" in explained("frs_subscribed", "--lang=zh")
    assert explained("domain_id", "--lang=zh").startswith("domain_id (配置项)：")
    assert explained("billing", "--lang=zh").startswith("billing (账号的采集器)：")


@pytest.mark.parametrize(("word", "meant"), [("frs_upp", "frs_up"), ("domainid", "domain_id"), ("biling", "billing")])
def test_a_name_that_is_nearly_right_is_offered(word: str, meant: str) -> None:
    shown = run("explain", word)
    assert shown.exit_code == 1
    assert meant in shown.stderr


def test_the_gateways_codes_are_headed_by_both_of_their_names() -> None:
    for code in ("APIGW.0301", "APIG.0301"):
        assert explained(code).startswith("APIG.0301 = APIGW.0301 (HTTP 401, reason token): ")


def test_a_code_that_is_not_known_is_guessed_by_the_status_beside_it() -> None:
    shown = run("explain", "FRS.9999", "403")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("HTTP 403 (reason forbidden): ")
    assert shown.stderr.startswith("FRS.9999 is not known here; the vendor lists such codes at https://support.")
    assert "错误码列表" in run("explain", "FRS.9999", "403", "--lang=zh").stderr
