"""Exporters that differ in their cluster or namespace only are kept apart by rules, dashboards and runbooks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from frs_exporter.config.types import RESERVED_FOR_ACCOUNTS, RESERVED_LABELS
from tests.deploy.artifacts import DASHBOARDS, DEPLOY, RULE_TESTS, dashboard, queries, rules
from tests.deploy.rule_tests import cases, check, effort, everywhere, here_only, interval, paired, queried, shortest

PLACE = {"cluster", "namespace"}
RULES = [
    pytest.param(name, rule["expr"], id=name) for kind in ("alert", "record") for name, rule in rules(kind).items()
]
PANELS = [
    pytest.param(expression, id=where) for path in DASHBOARDS for where, expression, _ in queries(dashboard(path))
]
TESTS = [pytest.param(path, id=path.stem) for path in RULE_TESTS]
PAIRED = [test for test in TESTS if test.id not in ("scrapes", "spending")]
"""But those in which exporters are named by the test, and those of weeks, which take long to evaluate."""
MUCH = 500_000
"""Minutes times series, from which a test takes as long as all others of its file."""
CROSSING: dict[str, set[tuple[str, ...]]] = {
    "FrsTargetNeverUp": {("job",)},  # a job is known by its name, wherever it is
    "FrsExporterAbsent": {()},  # that there is none at all is no place's
}
"""By alert: the labels of joins that are meant to reach into other clusters and namespaces."""


def placeable(path: Path) -> list[dict[str, Any]]:
    """The tests in a file, but for that of a month: whatever is joined wrongly in it is so in shorter ones, too."""
    return [case for case in cases(path) if effort(case) < MUCH]


@pytest.mark.parametrize("path", TESTS)
@pytest.mark.uncounted
def test_what_happens_in_several_clusters_and_namespaces_fires_in_each(path: Path, tmp_path: Path) -> None:
    tests = [everywhere(case) for case in placeable(path)]
    check(tests, tmp_path, every=interval(path))


@pytest.mark.parametrize("path", TESTS)
@pytest.mark.uncounted
def test_what_happens_in_one_cluster_and_namespace_fires_there_alone(path: Path, tmp_path: Path) -> None:
    tests = [here for here in map(here_only, placeable(path)) if here]
    check(tests, tmp_path, every=interval(path))


def test_each_alert_is_shown_to_fire_in_one_place_alone() -> None:
    tests = [here for path in RULE_TESTS for here in map(here_only, placeable(path)) if here]
    shown = {looked["alertname"] for test in tests for looked in test["alert_rule_test"] if looked["exp_alerts"]}
    assert set(rules("alert")) - shown == {"FrsExporterAbsent"}


@pytest.mark.parametrize("path", PAIRED)
@pytest.mark.uncounted
def test_two_exporters_that_watch_the_same_tell_the_same_each(path: Path, tmp_path: Path) -> None:
    """So a pair of them is two lines in one message, and nothing is an error or a trouble for there being two."""
    tests = [pair for pair in map(paired, shortest(cases(path))) if pair]
    check(tests, tmp_path, every=interval(path))


@pytest.mark.parametrize(("name", "expression"), RULES)
def test_rules_keep_cluster_and_namespace_where_they_join_or_group(name: str, expression: str) -> None:
    labels = {*joins(expression), *groups(expression)}
    assert {each for each in labels if not each >= PLACE} == {frozenset(each) for each in CROSSING.get(name, ())}


@pytest.mark.parametrize("expression", PANELS)
def test_panels_keep_cluster_and_namespace_where_they_join(expression: str) -> None:
    assert all(labels >= PLACE for labels in joins(expression))


@pytest.mark.parametrize("path", TESTS)
@pytest.mark.uncounted
def test_no_panel_and_no_rule_fails_where_there_are_several_clusters_and_namespaces(path: Path, tmp_path: Path) -> None:
    """Also those that a test is not about, and which are not evaluated for it."""
    expressions = sorted({str(param.values[0]) for param in PANELS} | {str(param.values[1]) for param in RULES})
    check([queried(case, expressions) for case in cases(path)], tmp_path, every="30m")


def test_the_queries_of_the_runbooks_keep_cluster_and_namespace_where_they_join() -> None:
    text = (DEPLOY / "prometheus/runbooks.md").read_text()
    blocks = re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]
    assert lines
    assert all(labels >= PLACE for line in lines for labels in joins(line))


def joins(expression: str) -> Iterator[frozenset[str]]:
    """The labels by which an expression joins series; all of them, if it does not say."""
    for node in nodes(expression):
        if isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
            yield kept(node.modifier.matching)


def groups(expression: str) -> Iterator[frozenset[str]]:
    """The labels by which an expression groups series: none, if it does not say."""
    for node in nodes(expression):
        if isinstance(node, promql_parser.AggregateExpr):
            yield kept(node.modifier) if node.modifier else frozenset()


def kept(labels: Any) -> frozenset[str]:
    """The labels of on(), by(), ignoring() or without() that are of a place and stay."""
    if str(labels.type).rpartition(".")[2] in ("Include", "By"):
        return frozenset(labels.labels)
    return frozenset(PLACE - set(labels.labels))


def nodes(expression: str) -> list[Any]:
    """An expression and all that it is made of."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return found


def test_only_the_month_is_not_tried_in_several_places() -> None:
    left_out = [case["name"] for path in RULE_TESTS for case in cases(path) if effort(case) >= MUCH]
    assert [name.partition(",")[0] for name in left_out] == ["A month"]


def test_no_label_of_a_users_own_is_one_that_rules_join_by() -> None:
    joins = [
        set(re.split(r"\W+", labels))
        for kind in ("alert", "record")
        for _, rule in rules(kind).items()
        for labels in re.findall(r"\bon \(([^)]+)\)", rule["expr"])
    ]
    of_projects = set.intersection(*(join for join in joins if {"project", "instance"} <= join))
    of_accounts = set.intersection(*(join for join in joins if {"account", "instance"} <= join))
    assert PLACE < of_projects <= RESERVED_LABELS
    assert PLACE < of_accounts <= RESERVED_FOR_ACCOUNTS
