"""What is in deploy/: rules, dashboards, and the metrics and expressions in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import PAGE_FAMILIES
from tests.e2e.conftest import ROOT

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus/frs.rules.yml"
CHINESE_RULES = DEPLOY / "prometheus/frs.rules.zh-CN.yml"
RULE_TESTS = sorted((DEPLOY / "prometheus/tests").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
CHINESE_DASHBOARDS = sorted((DEPLOY / "grafana/dashboards-zh-CN").glob("*.json"))


def loaded(path: Path) -> Any:
    """What is in a YAML file, read by libyaml, as the rules and their tests are read often."""
    return yaml.load(path.read_bytes(), yaml.CSafeLoader)


def rules(kind: str, file: Path = RULES) -> dict[str, dict[str, Any]]:
    """The rules that are an `alert`, or that `record`, by their names."""
    groups = loaded(file)["groups"]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def dashboard(path: Path) -> dict[str, Any]:
    """A rendered dashboard."""
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def panels(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a dashboard that show something."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def queries(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The queries of a dashboard: where each is, its expression as Prometheus gets it, and its target."""
    for panel in panels(document):
        for target in panel["targets"]:
            yield f"{document['uid']}: {panel['title']}", filled_in(target["expr"]), target
    for mark in document["annotations"]["list"]:
        yield f"{document['uid']}: {mark['name']}", filled_in(mark["expr"]), mark


VALUES = {
    "$__rate_interval": "2m",
    "$__range": "5m",
    "$cluster": ".*",
    "$job": ".*",
    "$instance": ".*",
    "$project": ".*",
}
"""What Grafana puts in the place of variables, all values chosen."""


def filled_in(expression: str) -> str:
    """An expression as Grafana sends it; for one project, whose name is not a pattern, all are asked for at once."""
    expression = expression.replace('="$project"', '=~"$project"')
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    return expression


def exposed_metrics() -> set[str]:
    """The names of all samples that an exporter may have on its page."""
    telemetry = Telemetry()
    names = {family.name for family in PAGE_FAMILIES}
    for metric in telemetry.registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(metric.type, [""])
        names.update(metric.name + suffix for suffix in suffixes)
    return names


def recorded_named(text: str) -> set[str]:
    """The names in a text that look like series recorded by our rules."""
    return set(re.findall(r"\b\w+:frs_\w+:\w+", text))


def metrics_named(text: str) -> set[str]:
    """The names in a text that look like metrics of ours, or of our process."""
    return set(re.findall(r"(?<![\w:./-])((?:frs|process|python)_[a-z0-9_]*[a-z0-9])(?![\w:./-]|=)", text))
