"""What panels show of odd names, namesakes, what is not known and a first failure, by Prometheus' own engine."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from tests.deploy.artifacts import DASHBOARDS, VALUES, dashboard, filled_in, panels, queries
from tests.deploy.rule_tests import check

ODD_NAMES = ["door (east)", "lab c++", "a.b", "a-b", "north|south", "50 % [new]", "$1", "人脸.*", "back\\slash"]
ALL = {path.stem: dashboard(path) for path in DASHBOARDS}
OF_A_PROJECT = [panel["targets"][0]["expr"] for panel in panels(ALL["project"])]
EXPORTER = 'cluster="c", namespace="n", job="frs", instance="a:10377"'


def with_name(expression: str, name: str) -> str:
    """An expression as Grafana sends it for a variable of one value: it escapes that as a string, not as a pattern."""
    written = name.replace("\\", "\\\\").replace("'", "\\'")
    for variable, value in {**VALUES, "$project": written}.items():
        expression = expression.replace(variable, value)
    return expression


def panel_of(name: str, title: str) -> str:
    """The first expression of a panel, all values chosen."""
    (panel,) = [panel for panel in panels(ALL[name]) if panel["title"] == title]
    return filled_in(panel["targets"][0]["expr"])


def test_the_variable_of_one_project_is_compared_as_a_name_everywhere() -> None:
    for document in ALL.values():
        several = {each["name"]: each.get("multi", False) for each in document["templating"]["list"]}
        for expression in [target["expr"] for _, _, target in queries(document)]:
            for operator, variable in re.findall(r'(=~?)"\$(\w+)"', expression):
                assert operator == ("=~" if several[variable] else "="), expression


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_project_of_an_odd_name_is_found_by_every_panel(name: str) -> None:
    """In each selector that names a project at all it is this one, by its whole name."""
    for expression in OF_A_PROJECT:
        parsed = str(promql_parser.parse(with_name(expression, name)).prettify())
        found = re.findall(r'project(=~?)("(?:[^"\\]|\\.)*")', parsed)
        assert found
        assert {operator for operator, _ in found} == {"="}


def test_a_project_of_an_odd_name_is_shown_alone(tmp_path: Path) -> None:
    """By the engine of Prometheus, each with face sets of another number."""
    series, asked = [], []
    for number, name in enumerate(ODD_NAMES, start=1):
        written = name.replace("\\", "\\\\")
        series.append({"series": f'frs_face_sets{{{EXPORTER}, project="{written}"}}', "values": f"{number}x5"})
        (expression,) = {target for target in OF_A_PROJECT if target.startswith("max(frs_face_sets{")}
        asked.append(
            {
                "expr": with_name(expression, name),
                "eval_time": "3m",
                "exp_samples": [{"labels": "{}", "value": number}],
            }
        )
    run(series, asked, tmp_path)


def run(series: list[dict[str, str]], asked: list[dict[str, Any]], folder: Path, every: str = "1m") -> None:
    """What is asked of series that are scraped so often; the answers must be as expected."""
    check([{"interval": every, "input_series": series, "promql_expr_test": asked}], folder, every="1m")


def shown(expression: str, minute: int, *samples: tuple[str, float]) -> dict[str, Any]:
    """That an expression is so in a minute."""
    expected = [{"labels": labels, "value": value} for labels, value in samples]
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": expected}


def test_a_first_failure_is_seen_and_so_are_those_after_it(tmp_path: Path) -> None:
    """Of a counter that is there from its first failure on, with 1, and after a restart anew."""
    job = f'{EXPORTER}, project="door", collector="subscription"'
    series = [
        {"series": f"frs_polls_total{{{job}}}", "values": " ".join(f"{minute}x3" for minute in range(30))},
        {"series": f'frs_poll_errors_total{{{job}, reason="timeout"}}', "values": "_x40 1x35 2x40"},
        {"series": f'frs_poll_errors_total{{{job}, reason="server"}}', "values": "7x120"},
    ]
    # Of two polls in two minutes, whether or not an engine counts the first moment of these as well.
    expression = f"round({panel_of('fleet', 'Failed polls')}, 0.5)"
    run(
        series,
        [
            shown(expression, 9),
            shown(expression, 11, ('{reason="timeout"}', 0.5)),
            shown(expression, 14),
            shown(expression, 19, ('{reason="timeout"}', 0.5)),
            shown(expression, 25),
        ],
        tmp_path,
        every="15s",
    )


def test_failures_of_before_the_first_scrape_are_not_told_as_new(tmp_path: Path) -> None:
    job = f'{EXPORTER}, project="door", collector="subscription"'
    series = [
        {"series": f"frs_polls_total{{{job}}}", "values": "_x10 1000+1x10"},
        {"series": f'frs_poll_errors_total{{{job}, reason="timeout"}}', "values": "_x10 500x10"},
    ]
    run(series, [shown(panel_of("fleet", "Failed polls"), minute) for minute in (10, 11, 13)], tmp_path)


def test_what_is_not_known_has_a_row_and_off_is_not_hidden_by_a_namesake(tmp_path: Path) -> None:
    series = [
        {"series": f'{name}{{{EXPORTER.replace("a:", f"{instance}:")}, project="{project}"{more}}}', "values": value}
        for name, instance, project, more, value in (
            ("frs_project_info", "a", "door", ', region="r"', "1x5"),
            ("frs_project_info", "b", "door", ', region="s"', "1x5"),
            ("frs_project_info", "a", "gate", ', region="r"', "1x5"),
            ("frs_subscribed", "a", "door", ', subservice="search"', "1x5"),
            ("frs_subscribed", "b", "door", ', subservice="search"', "0x5"),
        )
    ]
    expected = ('{project="door", subservice="search"}', 0), ('{project="gate", subservice="?"}', 2)
    run(series, [shown(panel_of("fleet", "Subscriptions"), 3, *expected)], tmp_path)


def test_of_two_exporters_that_tell_of_one_project_the_worse_is_shown(tmp_path: Path) -> None:
    labels = {
        "frs_up": ', collector="subscription"',
        "frs_service_frozen": "",
        "frs_subscribed": ', subservice="search"',
    }
    series = [
        {"series": f'{name}{{{exporter}, project="door"{more}}}', "values": f"{value}x5"}
        for name, more in labels.items()
        for value, exporter in enumerate((EXPORTER, EXPORTER.replace("a:", "b:")))
    ]
    asked = [
        shown(panel_of("project", title), 3, sample)
        for title, sample in (
            ("State", ("{}", 0)),
            ("Service", ("{}", 1)),
            ("Sub-services", ('{subservice="search"}', 0)),
            ("Collectors", ('{collector="subscription"}', 0)),
        )
    ]
    run(series, asked, tmp_path)


def test_ages_are_those_of_the_scrape(tmp_path: Path) -> None:
    """What Prometheus cannot scrape for four minutes is no older for that."""
    series = [
        {"series": f'frs_last_success_timestamp_seconds{{{EXPORTER}, project="door", collector="c"}}', "values": "0x5"},
        {"series": f"process_start_time_seconds{{{EXPORTER}}}", "values": "0x5"},
        {"series": f'frs_exporter_build_info{{{EXPORTER}, version="1"}}', "values": "1x5"},
    ]
    run(
        series,
        [
            shown(panel_of("project", "Oldest answer"), 8, ("{}", 300)),
            shown(panel_of("project", "Age of answers"), 8, ('{collector="c"}', 300)),
            shown(panel_of("exporter", "Uptime"), 8, (f'{{{EXPORTER}, version="1"}}', 300)),
        ],
        tmp_path,
    )
    for document in ALL.values():
        for where, expression, _ in queries(document):
            assert not re.search(r"\btime\(\) - ", expression), f"{where} is an age by time()"


NEW_AT_ONE = {"frs_poll_errors_total"}
"""Counters that are not there with 0 first."""


def test_no_panel_counts_by_rate_alone_what_is_born_at_one() -> None:
    for document in ALL.values():
        for where, expression, _ in queries(document):
            for name in NEW_AT_ONE:
                assert (name in expression) is (f"{name}{{" in expression and " offset " in expression), where
