"""The newest engines, too, tell what goes wrong by the right alert: Prometheus, and VictoriaMetrics with vmalert."""

import json
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.artifacts import rules
from tests.deploy.stack import Stack, stack
from tests.deploy.test_alerts import OF_THE_DEMO
from tests.e2e.conftest import fetch

ENGINES: dict[str, Callable[[Stack], None]] = {
    "Prometheus": lambda started: started.start_prometheus(newest=True),
    "VictoriaMetrics": Stack.start_victoria,
}
NEVER = ("FrsExporterRestarting", "FrsExporterAbsent", "FrsExporterMissing", "FrsTargetNeverUp")


@pytest.fixture(params=ENGINES)
def it(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A cloud of seven projects and an exporter, with one of the engines and the newest Alertmanager in front of it."""
    with stack(tmp_path_factory.mktemp("newest"), projects=7) as started:
        ENGINES[request.param](started)
        yield started


def test_alerts_of_troubles_and_of_a_killed_exporter_are_told_and_are_over(it: Stack) -> None:
    it.until(lambda told: told.now() == OF_THE_DEMO)
    it.order(project="vip-lounge", fault={"status": 503, "code": "APIGW.0613"})
    it.order(project="vision-prod", faces={"visitors": 85_000})
    failing = {("FrsPollFailing", "vip-lounge"), ("FrsDataStale", "vip-lounge")}
    full = {("FrsFaceSetNearlyFull", "vision-prod")}
    it.until(lambda told: told.now() >= OF_THE_DEMO | failing | full)
    it.order(project="vip-lounge", fault=None)
    it.ask_again("vip-lounge")
    it.until(lambda told: told.now() >= OF_THE_DEMO | full and not told.now() & failing)
    # In which order alerts of one trouble begin differs, and so does which of them silences others in time.
    others = {alert for alert in it.told.ever("firing") if alert[1] != "vip-lounge"}
    assert others == OF_THE_DEMO | full, "nothing else was told"
    it.exporter.stop(signal.SIGKILL)
    it.until(lambda told: ("FrsExporterDown", "frs") in told.now())
    it.exporter = it.start_exporter()
    it.until(lambda told: told.now() >= OF_THE_DEMO | full and ("FrsExporterDown", "frs") not in told.now())
    assert not [name for name, _ in it.told.ever("firing") if name in NEVER], "one start more is none too many"
    groups = json.loads(fetch(f"{it.ruler}/api/v1/rules"))["data"]["groups"]
    found = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert found.keys() == rules("alert").keys() | rules("record").keys()
    assert not [rule["lastError"] for rule in found.values() if rule.get("lastError")]
    assert {rule["health"] for rule in found.values()} == {"ok"}
