"""Every expression of every panel and rule, executed by a real Prometheus that scrapes a real exporter."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.artifacts import CHINESE_DASHBOARDS, DASHBOARDS, dashboard, filled_in, panels, queries, rules
from tests.deploy.plot import History, picture
from tests.deploy.stack import Stack
from tests.e2e.conftest import eventually, fetch, query, query_range

QUERIES = [
    pytest.param(expression, target, id=where)
    for path in DASHBOARDS
    for where, expression, target in queries(dashboard(path))
]


TAKES_HOURS = re.compile(r"(spent|used):(sum1h|per_day)|(balance|remaining):days_left")
"""What is known after an hour or a day of use only: deploy/prometheus/tests/spending.yml has days of it."""


@pytest.fixture(scope="module")
def lived(it: Stack) -> Stack:
    """The stack after it has seen something of everything: a failure, a switch, some minutes of calls."""
    it.order(project="fleet-00007", fault={"status": 503})
    it.order(project="vip-lounge", subscribed={"detect": False})
    # For so long that whoever looks every two seconds sees it.
    kept = '%s_over_time(frs_subscribed{project="vip-lounge", subservice="detect"}[5s]) == %d'
    eventually(lambda: query(it.prometheus, kept % ("max", 0)))
    it.order(project="vip-lounge", subscribed={"detect": True})
    eventually(lambda: query(it.prometheus, kept % ("min", 1)))
    eventually(lambda: query(it.prometheus, 'rate(frs_poll_errors_total{project="fleet-00007"}[1m]) > 0'))
    it.order(subscribe_absent={"ap-southeast-1": True})
    eventually(lambda: query(it.prometheus, 'frs_subscription_probes_total{project="new-branch"}'))
    it.order(api="bss", project="acme", fault={"status": 403, "code": "CBC.0151"})
    it.ask_again("acme-account")
    eventually(lambda: query(it.prometheus, 'frs_poll_error_info{project="acme-account", reason="forbidden"}'))
    it.order(api="bss", project="acme", fault=None)
    # Cloud Eye's minutes come one by one, and the first call is counted a minute after its API is first shown.
    eventually(lambda: query(it.prometheus, "project_api_class:frs_api_errors:ratio_rate30m"), 180)
    eventually(lambda: query(it.prometheus, 'count(ALERTS{alertstate="firing"})'))
    it.order(project="fleet-00007", fault=None)
    return it


@pytest.mark.filterwarnings("ignore:Glyph")  # packages have Chinese names, and not each machine a font for them
@pytest.mark.parametrize("path", [*DASHBOARDS, *CHINESE_DASHBOARDS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_dashboard_can_be_plotted(lived: Stack, path: Path, tmp_path: Path) -> None:
    picture(dashboard(path), History(lived.prometheus, time.time() - 60)).savefig(tmp_path / "dashboard.png")
    assert (tmp_path / "dashboard.png").stat().st_size > 50_000


def over_time(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """The series of an expression in the last five minutes."""
    return query_range(prometheus, expression, time.time() - 300)


@pytest.mark.parametrize(("expression", "target"), QUERIES)
def test_every_panel_and_mark_gets_data_with_the_labels_it_shows(
    lived: Stack, expression: str, target: dict[str, Any]
) -> None:
    series = over_time(lived.prometheus, expression)
    assert series or TAKES_HOURS.search(expression)
    for one in series:
        assert all(value not in ("NaN", "+Inf", "-Inf") for _, value in one["values"])
    if "legendFormat" in target:
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        legends = [tuple(one["metric"][label] for label in sorted(shown)) for one in series]
        assert len(set(legends)) == len(legends), "two lines of one name"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_the_columns_of_tables_are_labels_of_their_data(lived: Stack, path: Path) -> None:
    for panel in panels(dashboard(path)):
        columns = columns_of(panel)
        if columns:
            (target,) = panel["targets"]
            series = over_time(lived.prometheus, filled_in(target["expr"]))
            assert columns - {"Value"} == {label for one in series for label in one["metric"]}, panel["title"]


def columns_of(panel: dict[str, Any]) -> set[str]:
    """The labels that a table shows; empty for what is no table."""
    columns: set[str] = set()
    for change in panel.get("transformations", ()):
        options = change["options"]
        if change["id"] == "groupingToMatrix":
            columns |= {options["rowField"], options["columnField"]}
        else:
            columns |= {name for name in options["renameByName"] if "\\" not in name}
    return columns


def test_every_rule_is_evaluated_without_an_error(lived: Stack) -> None:
    groups = json.loads(fetch(f"{lived.prometheus}/api/v1/rules"))["data"]["groups"]
    found = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert found.keys() == rules("alert").keys() | rules("record").keys()
    assert {rule["health"] for rule in found.values()} == {"ok"}
    assert not [rule["lastError"] for rule in found.values() if rule.get("lastError")]
    assert max(rule["evaluationTime"] for rule in found.values()) < 1


@pytest.mark.parametrize("name", rules("record"))
def test_every_recorded_series_is_there_with_the_labels_of_its_level(lived: Stack, name: str) -> None:
    level = name.partition(":")[0]
    labels = [
        label
        for label in ("project", "collector", "reason", "face_set", "api", "class", "account", "package", "resource")
        if label in parts(level)
    ]
    series = over_time(lived.prometheus, name)
    assert series or TAKES_HOURS.search(name)
    for one in series:
        whose = {"job"} if level == "job" else {"job", "instance"}
        assert {*labels, *whose} <= one["metric"].keys()


def parts(level: str) -> set[str]:
    """The labels in the first part of a recorded series' name."""
    return {level} | set(re.findall(r"face_set|project|collector|reason|api|class|account|package|resource", level))


OVER_TLS = {"frs_exporter_web_certificate_expiry_timestamp_seconds"}
"""Without a certificate there is none: tests/e2e/test_prometheus.py has it stored of an exporter that has one."""


@pytest.mark.parametrize("name", rules("alert"))
def test_every_alerts_expression_has_its_data_before_it_is_compared(lived: Stack, name: str) -> None:
    """The metrics that an alert compares are there, all of them: no alert is silent for want of data."""
    metrics = set(re.findall(r"\b((?:\w+:)?(?:frs|process)_\w+(?::\w+)?)", rules("alert")[name]["expr"]))
    for metric in metrics - OVER_TLS:
        assert over_time(lived.prometheus, metric) or TAKES_HOURS.search(metric), metric
