"""Rules, runbooks, and the examples for Prometheus and Alertmanager."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from deploy.prometheus.build import TARGET, rendered
from frs_exporter.core.alerts import alerts
from tests.deploy.artifacts import (
    CHINESE_RULES,
    DEPLOY,
    RULE_TESTS,
    RULES,
    exposed_metrics,
    loaded,
    metrics_named,
    rules,
)
from tests.deploy.rule_tests import check, interval
from tests.e2e.conftest import ENGINES, ROOT, tool

RUNBOOKS = "https://runbooks.example.com/frs-exporter"
PARTS = {
    "runbooks.md": ("Meaning.", "Impact.", "Diagnosis.", "Mitigation."),
    "runbooks.zh-CN.md": ("含义。", "影响。", "诊断。", "处理。"),
}
ALERTS = rules("alert")
CHINESE = rules("alert", CHINESE_RULES)
PLACE = {"cluster", "namespace"}
WITHOUT_PAGE = {
    *("FrsExporterDown", "FrsTargetNeverUp", "FrsExporterAbsent", "FrsExporterMissing"),
    *("FrsProjectsMissing", "FrsProbeFailing", "FrsExporterRestarting", "FrsShardMissing", "FrsRegionUnreachable"),
}
"""Alerts about exporters that do not answer, or may not when they are asked, and about what several of them tell."""


def run(*command: str) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases() -> list[dict[str, Any]]:
    """All entries of the rules' tests."""
    return [case for path in RULE_TESTS for case in loaded(path)["tests"]]


@pytest.mark.parametrize("newest", ENGINES)
def test_promtool_and_amtool_have_nothing_to_say(newest: bool) -> None:
    for file in (RULES, CHINESE_RULES):
        told = run(tool("promtool", newest=newest), "check", "rules", str(file))
        assert "75 rules found" in told, "the count keeps all groups honest"
    for config in ("prometheus/alertmanager.yml", "docker/alertmanager.yml"):
        assert "SUCCESS" in run(tool("amtool", newest=newest), "check-config", str(DEPLOY / config))


@pytest.mark.parametrize("newest", ENGINES)
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests(path: Path, tmp_path: Path, newest: bool) -> None:
    written = loaded(path)
    assert [(path.parent / file).resolve() for file in written["rule_files"]] == [RULES]
    check(written["tests"], tmp_path, every=interval(path), newest=newest)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_shown_to_fire_to_resolve_and_to_stay_quiet(alert: str) -> None:
    """Resolving is an empty answer after a full one of the same series; quiet are series at which it never fires."""
    seen: dict[str, int] = defaultdict(int)
    for case in cases():
        told = [bool(each.get("exp_alerts")) for each in case.get("alert_rule_test", ()) if each["alertname"] == alert]
        seen["fires"] += True in told
        seen["resolves"] += True in told and not told[-1]
        seen["quiet"] += bool(told) and True not in told
    assert all(seen[kind] for kind in ("fires", "resolves", "quiet")), dict(seen)


def test_each_firing_is_looked_at_with_all_that_it_says() -> None:
    for case in cases():
        for each in case.get("alert_rule_test", ()):
            for fired in each.get("exp_alerts", ()):
                assert fired["exp_annotations"].keys() == ALERTS[each["alertname"]]["annotations"].keys()


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_how_bad_what_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert re.fullmatch(r"Frs([A-Z][a-z]+)+", alert)
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    said = rule["annotations"]
    assert said.keys() - {"page_url"} == {"summary", "description", "runbook_url"}
    assert "{{" not in said["summary"], "it is the same for all, so that messages can be grouped"
    assert said["summary"].endswith(".")
    assert said["summary"].count(".") == 1
    assert "{{" in said["description"] or "absent(" in rule["expr"]
    assert said["runbook_url"] == f"{RUNBOOKS}#{alert.lower()}"


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_links_to_the_page_of_what_it_is_about(alert: str) -> None:
    """But those of no one exporter, or of one whose page there is none of, as it does not answer."""
    named = set(re.findall(r"\$labels\.(\w+)", ALERTS[alert]["annotations"]["description"]))
    subject = next((label for label in ("project", "account", "credential") if label in named), "")
    query = "/?q=credential:" if subject == "credential" else "/project?name=" if subject else "/"
    page = "http://{{ $labels.instance }}" + query + (f"{{{{ $labels.{subject} | urlquery }}}}" if subject else "")
    assert ALERTS[alert]["annotations"].get("page_url", "") == ("" if alert in WITHOUT_PAGE else page)


def test_descriptions_name_labels_that_the_alert_has() -> None:
    fired = [
        (each["alertname"], alert)
        for case in cases()
        for each in case.get("alert_rule_test", ())
        for alert in each.get("exp_alerts", ())
    ]
    for name, alert in fired:
        # A series without a cluster or a namespace is asked for as such: an empty label is none.
        for label in {*re.findall(r"\$labels\.(\w+)", ALERTS[name]["annotations"]["description"])} - PLACE:
            assert alert["exp_labels"].get(label), (name, label)


def test_the_rules_in_chinese_are_those_in_english_but_for_texts() -> None:
    """So that what promtool tries in English holds for both."""
    english, chinese = (yaml.safe_load(file.read_text()) for file in (RULES, CHINESE_RULES))
    for document in (english, chinese):
        for group in document["groups"]:
            for rule in group["rules"]:
                rule.get("annotations", {}).update(summary="", description="")
    assert chinese == english


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_the_same_in_chinese(alert: str) -> None:
    """As far as a machine can tell: each value is named as often, and each has its own sentence."""
    english, chinese = ALERTS[alert]["annotations"], CHINESE[alert]["annotations"]
    for part in ("summary", "description"):
        assert re.search(r"[\u4e00-\u9fff]", chinese[part])
        assert chinese[part].endswith(("。", "{{ end }}"))
        assert sorted(templates(chinese[part])) == sorted(templates(english[part]))
        assert not re.search(r"[\u3000-\u9fff\uff00-\uffef] +[\u3000-\u9fff\uff00-\uffef]", chinese[part]), "a blank"
    assert chinese["summary"].count("。") == 1
    for named in re.findall(r"--[\w.-]+|frs-exporter \w+|\w+_\w+", re.sub(r"{{.*?}}", "", english["description"])):
        assert named in chinese["description"]
    others = [rule["annotations"]["summary"] for name, rule in CHINESE.items() if name != alert]
    assert chinese["summary"] not in others


MAY_CHANGE = {"reason", "code", "status", "version", "python_version", "total_shards", "__name__"}
"""Labels of which several values may follow each other within one trouble."""


def test_no_label_of_an_alert_changes_within_one_trouble() -> None:
    """As that would be another alert, which fires while the one before resolves; texts may ask for the newest value."""
    for case in cases():
        for each in case.get("alert_rule_test", ()):
            for fired in each.get("exp_alerts", ()):
                assert not fired["exp_labels"].keys() & MAY_CHANGE, each["alertname"]


def templates(text: str) -> list[str]:
    """The parts of a text that Prometheus fills in."""
    return re.findall(r"{{.*?}}", text)


SAID = {
    "FrsPollFailing": (
        "door（cn-north-1，凭证 ops）的 subscription 已有 5 个轮询周期没有答复。"
        "失败原因 timeout，如何处理见 frs-exporter explain timeout。"
    ),
    "FrsPollsUnreliable": (
        "过去一小时内（账号为一天内），door 的 subscription 有 66.67% 的轮询失败："
        "已知情况往往是旧的。失败原因：timeout。"
    ),
    "FrsDataStale": (
        "door（cn-north-1，凭证 ops）的 subscription 已有 13 个轮询周期没有答复：此间子服务被关闭也不会被发现。"
    ),
    "FrsSubserviceLost": (
        "door 的 search 24 小时之内还是开通的，现已关闭：对它的调用会失败。"
        "请以 exporter 凭证的用户身份在 FRS 控制台重新开通。"
    ),
    "FrsRequiredSubserviceMissing": (
        "door 的 search 是必需的，但未开通：对它的调用会失败。"
        "请以 exporter 凭证的用户身份在 FRS 控制台开通，或从 require 中去掉。"
    ),
    "FrsVoucherExpires": "账号 acme 的 coupon CP1 还有 100.00 CNY，将在 13d 23h 41m 40s 后到期：到期未用即作废。",
    "FrsBillingNotPermitted": (
        "账号 acme 的 billing（凭证 keys）已被拒绝 1 小时：余额或套餐包用尽之前不会有告警。"
        "原因和处理建议见 frs-exporter explain CBC.0151。"
    ),
}
"""What alerts say in Chinese that have more than values in them: as they fire first in the tests in English."""


def test_in_chinese_each_value_is_in_its_place(tmp_path: Path) -> None:
    """Of those with queries, loops and cases in them."""
    tests = []
    for alert, description in SAID.items():
        fired = [(case, each) for case in cases() for each in fires(case, alert)]
        case, each = fired[0]
        said = {"summary": CHINESE[alert]["annotations"]["summary"], "description": description}
        expected = [{**one, "exp_annotations": {**one["exp_annotations"], **said}} for one in each["exp_alerts"]]
        tests.append({**without_checks(case), "alert_rule_test": [{**each, "exp_alerts": expected}]})
    check(tests, tmp_path, every="1m", rules=CHINESE_RULES)


def fires(case: dict[str, Any], alert: str) -> list[dict[str, Any]]:
    """Where a test of minutes looks at an alert of one series that fires: those of hours would take their time."""
    looks = [each for each in case.get("alert_rule_test", ()) if each["alertname"] == alert]
    return [each for each in looks if len(each.get("exp_alerts", ())) == 1 and "h" not in each["eval_time"]]


def without_checks(case: dict[str, Any]) -> dict[str, Any]:
    """The series of a test alone."""
    return {name: value for name, value in case.items() if name not in ("alert_rule_test", "promql_expr_test")}


@pytest.mark.parametrize("file", PARTS)
def test_each_alert_has_a_runbook_and_each_runbook_an_alert(file: str) -> None:
    text = (DEPLOY / "prometheus" / file).read_text()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [section.split("\n", 1)[0] for section in sections] == list(ALERTS)
    for section in sections:
        assert re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE) == list(PARTS[file]), section[:40]
    assert text.count("```") % 2 == 0
    for anchor in re.findall(r"\]\(#(\w+)\)", text):
        assert anchor in {alert.lower() for alert in ALERTS}, anchor


def test_the_commands_of_the_runbooks_are_the_same_in_both_languages() -> None:
    def commands(file: str) -> list[str]:
        blocks = re.findall(r"```(?:sh|promql)\n(.*?)```", (DEPLOY / "prometheus" / file).read_text(), re.DOTALL)
        return [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]

    assert commands("runbooks.md") == commands("runbooks.zh-CN.md")


FILES = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_metrics_that_are_named_anywhere_exist(path: Path) -> None:
    """But for `frs_exporter` itself, and a histogram as a whole, which is what name[] selects."""
    known = exposed_metrics() | {"frs_exporter", "frs_simulator"}
    if path.name == "prometheus-probe.yml":
        known |= {name.removesuffix("_bucket") for name in known}
    assert metrics_named(path.read_text()) <= known


def test_expressions_are_promql() -> None:
    for rule in (*ALERTS.values(), *rules("record").values()):
        promql_parser.parse(rule["expr"])
        assert metrics_named(rule["expr"]) <= exposed_metrics()
    text = (DEPLOY / "prometheus/runbooks.md").read_text()
    for block in re.findall(r"```promql\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            promql_parser.parse(re.sub(r"\s+#.*", "", line))


def test_no_rule_names_a_job() -> None:
    assert not re.search(r'job\s*(=|=~|!=)\s*"', RULES.read_text())


def test_whoever_probes_scrapes_all_that_the_rules_want_of_the_exporter() -> None:
    _, job = yaml.safe_load((DEPLOY / "prometheus/prometheus-probe.yml").read_text())["scrape_configs"]
    wanted = {name for name in metrics_named(RULES.read_text()) if name.startswith(("frs_exporter_", "process_"))}
    assert wanted <= set(job["params"]["name[]"])
    assert set(job["params"]["name[]"]) <= exposed_metrics() | {"frs_exporter_api_request_duration_seconds"}


def test_inhibitions_name_alerts_that_there_are() -> None:
    document = yaml.safe_load((DEPLOY / "prometheus/alertmanager.yml").read_text())
    names = set(re.findall(r"Frs[A-Z]\w+", str(document)))
    assert names
    assert names <= set(ALERTS)
    severities = set(re.findall(r"severity = (\w+)", str(document["route"])))
    assert {rule["labels"]["severity"] for rule in ALERTS.values()} == severities


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=FrsSubserviceLost severity=critical", "on-call"),
        ("alertname=FrsClockSkewed severity=warning", "tickets"),
        ("alertname=NodeDown severity=critical", "tickets"),
    ],
)
def test_alerts_are_routed_by_severity(labels: str, receiver: str) -> None:
    file = f"--config.file={DEPLOY / 'prometheus/alertmanager.yml'}"
    assert run(tool("amtool"), "config", "routes", "test", file, *labels.split()).strip() == receiver


def test_explain_knows_the_alerts_as_rules_and_runbooks_have_them() -> None:
    assert TARGET.read_text() == rendered(), "run make deploy"
    assert list(alerts()) == list(ALERTS)
    for name, alert in alerts().items():
        assert (alert.severity, alert.summary) == (
            ALERTS[name]["labels"]["severity"],
            ALERTS[name]["annotations"]["summary"],
        )
        for place in (alert.page.en, alert.page.zh):
            file, _, anchor = place.partition("#")
            assert f"## {name}\n" in (ROOT / file).read_text()
            assert anchor == ALERTS[name]["annotations"]["runbook_url"].partition("#")[2]
