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
from tests.deploy.artifacts import DEPLOY, RULE_TESTS, RULES, exposed_metrics, metrics_named, rules
from tests.deploy.rule_tests import check, interval
from tests.e2e.conftest import ROOT, tool

RUNBOOKS = "https://runbooks.example.com/frs-exporter"
PARTS = {
    "runbooks.md": ("Meaning.", "Impact.", "Diagnosis.", "Mitigation."),
    "runbooks.zh-CN.md": ("含义。", "影响。", "诊断。", "处理。"),
}
ALERTS = rules("alert")
PLACE = {"cluster", "namespace"}


def run(*command: str) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases() -> list[dict[str, Any]]:
    """All entries of the rules' tests."""
    return [case for path in RULE_TESTS for case in yaml.safe_load(path.read_text())["tests"]]


def test_promtool_and_amtool_have_nothing_to_say() -> None:
    assert "60 rules found" in run(tool("promtool"), "check", "rules", str(RULES)), "the count keeps all groups honest"
    assert "SUCCESS" in run(tool("amtool"), "check-config", str(DEPLOY / "prometheus/alertmanager.yml"))


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests(path: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert [(path.parent / file).resolve() for file in document["rule_files"]] == [RULES]
    check(document["tests"], tmp_path / path.name, every=interval(path))


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
                assert set(fired["exp_annotations"]) == {"summary", "description", "runbook_url"}


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_how_bad_what_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert re.fullmatch(r"Frs([A-Z][a-z]+)+", alert)
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    assert "{{" not in said["summary"], "it is the same for all, so that messages can be grouped"
    assert said["summary"].endswith(".")
    assert said["summary"].count(".") == 1
    assert "{{" in said["description"] or "absent(" in rule["expr"]
    assert said["runbook_url"] == f"{RUNBOOKS}#{alert.lower()}"


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
