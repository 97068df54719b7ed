"""What silences what, asked of a real Alertmanager: an alert silences others where it fires, and nowhere else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.artifacts import DEPLOY, loaded, rules
from tests.deploy.rule_tests import ELSEWHERE, HERE, Place
from tests.deploy.stack import Told, fetch_by_post, start_alertmanager
from tests.e2e.conftest import ENGINES, Programs, eventually, fetch

CONFIGS = [DEPLOY / "prometheus/alertmanager.yml", DEPLOY / "docker/alertmanager.yml"]
INHIBITIONS: list[dict[str, Any]] = loaded(CONFIGS[0])["inhibit_rules"]
OF_NOTHING = "FrsExporterAbsent"
"""Has no labels but those that Prometheus gives to all: so it is of a cluster at most."""


@pytest.fixture
def told() -> Iterator[Told]:
    receiver = Told()
    yield receiver
    receiver.stop()


def names(matchers: list[str]) -> set[str]:
    """The names of the alerts that these matchers mean."""
    found = set(rules("alert"))
    for matcher in matchers:
        name, operator, value = re.fullmatch(r"(\w+) (=|=~|!~) \"?(.+?)\"?", matcher).groups()  # type: ignore[union-attr]
        assert name == "alertname"
        pattern = re.escape(value) if operator == "=" else value
        found = {each for each in found if bool(re.fullmatch(pattern, each)) is (operator != "!~")}
    return found


PAIRS = sorted(
    (source, target)
    for inhibition in INHIBITIONS
    for source in names(inhibition["source_matchers"])
    for target in names(inhibition["target_matchers"]) - {OF_NOTHING}
)
"""Who silences whom."""
SHARED = {label for inhibition in INHIBITIONS for label in inhibition["equal"]} - set(HERE)
"""The labels that say what an alert is about."""


EXPLAINS: tuple[str, ...] = ("FrsServiceFrozen", "FrsCredentialRejected", "FrsAuthFailing", "FrsApiAbsent")
EXPLAINS += ("FrsRegionUnreachable", "FrsCloudUnreachable")


@pytest.mark.parametrize("source", EXPLAINS)
def test_what_explains_failing_polls_silences_those_who_count_them(source: str) -> None:
    targets = {target for its, target in PAIRS if its == source}
    assert targets >= {"FrsPollsUnreliable", "FrsDataStale", "FrsNeverAnswered"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_messages_and_inhibitions_keep_to_a_cluster(path: Path) -> None:
    document = loaded(path)
    assert "cluster" in document["route"]["group_by"]
    for inhibition in document["inhibit_rules"]:
        place = ["cluster"] if names(inhibition["source_matchers"]) == {OF_NOTHING} else ["cluster", "namespace"]
        assert inhibition["equal"][: len(place)] == place


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("labelled", [True, False], ids=["with labels of a place", "without"])
@pytest.mark.parametrize("newest", ENGINES)
def test_an_alert_silences_others_where_it_fires_and_nowhere_else(
    programs: Programs, told: Told, path: Path, *, labelled: bool, newest: bool
) -> None:
    address = start_alertmanager(programs, loaded(path), told, newest=newest)
    alertmanager = f"http://{address}/api/v2/alerts"
    here: Place = HERE if labelled else {}
    sent = [alert for number in range(len(PAIRS)) for alert in alerts(number, here)]
    fetch_by_post(alertmanager, json.dumps([{"labels": labels} for labels in sent]).encode())
    silenced = {(str(number), "target") for number in range(len(PAIRS))}
    # Sources are known one after the other: when the last of these is, all others would be silenced as well.
    eventually(lambda: of(inhibited(alertmanager)) >= silenced)
    assert of(inhibited(alertmanager)) == silenced


def alerts(number: int, here: Place) -> Iterator[dict[str, str]]:
    """An alert that silences another here, that one, and the same elsewhere; they share nothing with another pair."""
    source, target = PAIRS[number]
    if source == OF_NOTHING:
        own = {"cluster": f"of pair {number}"}
        yield {"alertname": source, "pair": str(number), "part": "source", **own}
        here = {**here, **own}
    else:
        own = dict.fromkeys(SHARED, f"of pair {number}")
        yield {"alertname": source, "pair": str(number), "part": "source", **own, **here}
    for place in (here, *ELSEWHERE):
        part = "target" if place is here else f"elsewhere: {place}"
        yield {"alertname": target, "pair": str(number), "part": part, **own, **place}


def inhibited(alertmanager: str) -> list[dict[str, str]]:
    """The labels of alerts that are silenced by others."""
    found = json.loads(fetch(f"{alertmanager}?silenced=false&active=false&inhibited=true"))
    return [alert["labels"] for alert in found]


def of(labels: list[dict[str, str]]) -> set[tuple[str, str]]:
    """Which alert of which pair."""
    return {(each["pair"], each["part"]) for each in labels}
