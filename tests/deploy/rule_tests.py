"""The tests of the rules as promtool runs them, and the same in several clusters and namespaces at once."""

import copy
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.deploy.artifacts import RULES, loaded
from tests.e2e.conftest import tool

Place = dict[str, str]
"""The labels of where an exporter is."""

HERE: Place = {"cluster": "a", "namespace": "x"}
ELSEWHERE: tuple[Place, ...] = ({"cluster": "b", "namespace": "x"}, {"cluster": "a", "namespace": "y"})
EVERYWHERE = (HERE, *ELSEWHERE)

INSTANCE = re.compile(r'\binstance="([^"]*)"')
LITTLE = 5_000
"""Minutes times series, below which all tests of a file take a second or two."""
UNITS = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440}

Groups = list[dict[str, Any]]
"""Rules as a file has them."""

CHECKS = ("alert_rule_test", "promql_expr_test")

ONE_THREAD = {**os.environ, "GOMAXPROCS": "1", "GOGC": "off", "GOMEMLIMIT": "512MiB"}
"""For promtool, which goes step by step: more threads would collect its garbage, often, and look for work."""

STEP = re.compile(r"(?P<start>-?[\d.]+|_|stale)(?P<slope>[+-][\d.]+)?(x(?P<more>\d+))?")


def interval(path: Path) -> str:
    """How often the tests in a file evaluate the rules."""
    return str(loaded(path)["evaluation_interval"])


def cases(path: Path) -> list[dict[str, Any]]:
    """The tests in a file, but for those that say themselves where their exporters are."""
    found = loaded(path)["tests"]
    return [case for case in found if not any("cluster=" in series["series"] for series in case["input_series"])]


def check(tests: list[dict[str, Any]], folder: Path, *, every: str, rules: Path = RULES, newest: bool = False) -> None:
    """Write tests that evaluate the rules so often into files, and run promtool on them: they must pass.

    Tests that ask about the same rules share a file.
    """
    files = [str(file) for file in written(by_rules(tests, loaded(rules)["groups"]), folder, every)]
    run(tool("promtool", newest=newest), "test", "rules", *files)


def check_in_victoria(tests: list[dict[str, Any]], folder: Path, *, every: str, rules: Path = RULES) -> None:
    """The same by vmalert-tool, of alerts that build on nothing recorded: it sees that one evaluation later."""
    asked = {check["alertname"] for test in tests for check in test["alert_rule_test"]}
    # Each group that it evaluates costs it a write, and each rule a query.
    groups = [
        {**group, "rules": [rule for rule in group["rules"] if rule.get("alert") in asked]}
        for group in loaded(rules)["groups"]
    ]
    (file,) = written([([group for group in groups if group["rules"]], tests)], folder, every)
    # Alerts have the label `alertgroup`, if nobody says that they shall not.
    run(tool("vmalert-tool", newest=True), "unittest", f"--files={file}", "--disableAlertgroupLabel")


def written(parts: Iterable[tuple[list[dict[str, Any]], list[dict[str, Any]]]], folder: Path, every: str) -> list[Path]:
    """Files of tests, each with the groups of rules that it is about in another file."""
    files = []
    for number, (asked, same) in enumerate(parts):
        (folder / f"{number}.rules.yml").write_text(json.dumps({"groups": asked}))
        inputs = {"rule_files": [str(folder / f"{number}.rules.yml")], "evaluation_interval": every, "tests": same}
        files.append(folder / f"{number}.yml")
        files[-1].write_text(json.dumps(inputs))  # YAML, as JSON is, and quickly written
    assert files
    return files


def run(*command: str) -> None:
    """Run a program that tries rules; it must succeed."""
    done = subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def by_rules(tests: Iterable[dict[str, Any]], groups: Groups) -> list[tuple[Groups, list[dict[str, Any]]]]:
    """The rules that are asked about, in their groups, with the tests that ask about all of them."""
    found: list[tuple[Groups, list[dict[str, Any]]]] = []
    for test in tests:
        asked = asked_rules(test, groups)
        same = next((tests for rules, tests in found if rules == asked), None)
        if same is None:
            found.append((asked, [test]))
        else:
            same.append(test)
    return found


def asked_rules(test: dict[str, Any], groups: Groups) -> Groups:
    """The rules that a test asks about, and the records these use: all others would take their time at each step."""
    asked = {check.get("alertname") or check["expr"] for kind in CHECKS for check in test.get(kind, ())}
    rules = [rule for group in groups for rule in group["rules"]]
    found: list[dict[str, Any]] = []
    while more := [rule for rule in rules if rule not in found and is_used(rule, asked)]:
        found += more
        asked |= {rule["expr"] for rule in more}
    kept = [{**group, "rules": [rule for rule in group["rules"] if rule in found]} for group in groups]
    return [group for group in kept if group["rules"]]


def is_used(rule: dict[str, Any], expressions: Iterable[str]) -> bool:
    """Whether a rule is named in one of the expressions."""
    name = rule.get("alert") or rule["record"]
    return any(name in expression for expression in expressions)


def everywhere(case: dict[str, Any]) -> dict[str, Any]:
    """A test of which everything happens at once in all places, so that each alert fires in each of them."""
    spread = copy.deepcopy(case)
    spread["input_series"] = [placed(series, place) for series in case["input_series"] for place in EVERYWHERE]
    for check in spread.get("alert_rule_test", ()):
        check["exp_alerts"] = expected(check, EVERYWHERE)
    for check in spread.get("promql_expr_test", ()):
        check["exp_samples"] = [
            {**sample, "labels": with_labels(sample["labels"], place)}
            for sample in check["exp_samples"]
            for place in EVERYWHERE
        ]
    return spread


def here_only(case: dict[str, Any]) -> dict[str, Any] | None:
    """A test that happens here, while elsewhere all is as it is at its end; None if that is not well."""
    checks: list[dict[str, Any]] = case.get("alert_rule_test", [])
    if {check["alertname"] for check in checks} != {name for name, well in ends(checks).items() if well}:
        return None
    series = [placed(one, HERE) for one in case["input_series"]]
    calm = [one for one in map(as_at_the_end, case["input_series"]) if one]
    series += [placed(one, place) for one in calm for place in ELSEWHERE]
    rest = {name: value for name, value in case.items() if name != "promql_expr_test"}
    checks = [{**check, "exp_alerts": expected(check, [HERE], others=bool(calm))} for check in checks]
    return {**rest, "input_series": series, "alert_rule_test": checks}


def paired(case: dict[str, Any]) -> dict[str, Any] | None:
    """A test in which each exporter has another one beside it that tells the same; None if it does not name them.

    What is about an exporter, or told by one, is told of both; what is about all of a job is told once.
    """
    if not all(INSTANCE.search(series["series"]) for series in case["input_series"]):
        return None
    series = [{**one, "series": each} for one in case["input_series"] for each in with_other(one["series"])]
    checks = [
        {**check, "exp_alerts": [each for alert in check.get("exp_alerts") or () for each in with_other_alert(alert)]}
        for check in case.get("alert_rule_test", ())
    ]
    rest = {name: value for name, value in case.items() if name != "promql_expr_test"}
    return {**rest, "input_series": series, "alert_rule_test": checks}


def with_other(series: str) -> tuple[str, str]:
    """A series, and that of the exporter beside it."""
    return series, INSTANCE.sub(r'instance="\1-too"', series)


def with_other_alert(alert: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An alert, and that about the exporter beside it if it is about one."""
    yield alert
    if instance := alert["exp_labels"].get("instance"):
        other = f"{instance}-too"
        told = {name: text.replace(instance, other) for name, text in alert["exp_annotations"].items()}
        yield {"exp_labels": {**alert["exp_labels"], "instance": other}, "exp_annotations": told}


def shortest(cases: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of tests with little to evaluate those that are needed to see fire whatever they see fire."""
    found, seen = list[dict[str, Any]](), set[str]()
    for case in sorted((case for case in cases if effort(case) < LITTLE), key=effort):
        firing = {check["alertname"] for check in case.get("alert_rule_test", ()) if check.get("exp_alerts")}
        if firing - seen:
            found.append(case)
            seen |= firing
    return found


def effort(case: dict[str, Any]) -> float:
    """How much there is to evaluate: minutes times series."""
    times = [check["eval_time"] for check in case.get("alert_rule_test", ())]
    minutes = [sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)([smhd])", time)) for time in times]
    return max(minutes, default=0.0) * len(case["input_series"])


def queried(case: dict[str, Any], expressions: Iterable[str]) -> dict[str, Any]:
    """A test in all places that asks half an hour after its start, and passes if no expression is an error."""
    always = [{"labels": "{}", "value": 0}]
    asked = [
        {"expr": f"count({each}) * 0 or vector(0)", "eval_time": "30m", "exp_samples": always} for each in expressions
    ]
    rest = {name: value for name, value in everywhere(case).items() if name != "alert_rule_test"}
    return {**rest, "promql_expr_test": asked}


def ends(checks: Iterable[dict[str, Any]]) -> dict[str, bool]:
    """By alert, whether it does not fire when it is looked at for the last time."""
    return {check["alertname"]: not check.get("exp_alerts") for check in checks}


def expected(check: dict[str, Any], places: Iterable[Place], *, others: bool = False) -> list[dict[str, Any]]:
    """The alerts of a check in these places; that there is none at all has no place, and is not so with others."""
    alerts: list[dict[str, Any]] = check.get("exp_alerts") or []
    if check["alertname"] == "FrsExporterAbsent":
        return [] if others else alerts
    return [{**alert, "exp_labels": {**alert["exp_labels"], **place}} for alert in alerts for place in places]


def placed(series: dict[str, str], place: Place) -> dict[str, str]:
    """A series as it is in a place."""
    return {**series, "series": with_labels(series["series"], place)}


def with_labels(series: str, labels: dict[str, str]) -> str:
    """A series' name with more labels, before those that it has."""
    name, _, rest = series.partition("{")
    more = "".join(f'{label}="{value}", ' for label, value in labels.items())
    return f"{name}{{{more}{rest or '}'}"


def as_at_the_end(series: dict[str, str]) -> dict[str, str] | None:
    """A series that has gone on since ever as it does in the last step of its values; None if it is not there then."""
    index, last, before = 0, None, 0
    for text in series["values"].split():
        last, before = STEP.fullmatch(text), index
        assert last, text
        # `1x4` is the value and four more, `_x4` is four gaps.
        index += int(last["more"] or 0) + (0 if last["start"] == "_" and last["more"] else 1)
    assert last
    if last["start"] in ("_", "stale"):
        return None
    slope = float(last["slope"] or 0)
    return {**series, "values": f"{float(last['start']) - slope * before:g}{slope:+g}x{index - 1}"}
