"""The alerts that build on nothing recorded do in VictoriaMetrics what their tests say, to the minute."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.artifacts import DASHBOARDS, DEPLOY, RULE_TESTS, dashboard, loaded, queries, recorded_named, rules
from tests.deploy.rule_tests import check_in_victoria, interval
from tests.e2e.conftest import tool

LATER = {name for name, rule in rules("alert").items() if recorded_named(f"{rule['expr']} {rule['annotations']}")}
"""Alerts that build on what other rules record, which vmalert sees one evaluation later: test_newest.py has these."""


def cases(path: Path) -> list[dict[str, Any]]:
    """The tests in a file of alerts that build on nothing recorded."""
    found = loaded(path)["tests"]
    return [
        {name: value for name, value in case.items() if name != "promql_expr_test"}
        for case in found
        if (asked := {check["alertname"] for check in case.get("alert_rule_test", ())}) and not asked & LATER
    ]


TESTS = [path for path in RULE_TESTS if cases(path)]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests_in_victoria(path: Path, tmp_path: Path) -> None:
    check_in_victoria(cases(path), tmp_path, every=interval(path))


def test_half_of_the_alerts_are_tried() -> None:
    asked = {check["alertname"] for path in TESTS for case in cases(path) for check in case["alert_rule_test"]}
    assert len(asked) > 20
    assert "FrsExporterRestarting" in asked, "what counts changes is where engines differ"


def test_the_newest_engines_understand_all_queries_of_dashboards_and_runbooks(tmp_path: Path) -> None:
    blocks = re.findall(r"```promql\n(.*?)```", (DEPLOY / "prometheus/runbooks.md").read_text(), re.DOTALL)
    asked = {line for block in blocks for line in block.splitlines()}
    asked |= {expression for path in DASHBOARDS for _, expression, _ in queries(dashboard(path))}
    recorded = [{"record": f"query:{number}", "expr": each} for number, each in enumerate(sorted(asked))]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": recorded}]}))
    for command in (["promtool", "check", "rules", str(file)], ["vmalert", "-dryRun", f"-rule={file}"]):
        done = subprocess.run(
            [tool(command[0], newest=True), *command[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
