"""An outage of 500 accounts is told in three messages at most, by the rules and a real Alertmanager; so is its end."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import pytest
import yaml

from tests.deploy.artifacts import CHINESE_RULES, DEPLOY, RULES, rules
from tests.deploy.rule_tests import check
from tests.deploy.stack import Told, fetch_by_post, start_alertmanager
from tests.e2e.conftest import Programs, eventually

ACCOUNTS, FEW = 500, 50
"""As many as people are told of; as many as the rules are tried with, which know no numbers."""
LIMIT = 2048
"""Bytes after which WeCom cuts a text."""
MINUTE = 0.5
"""How many seconds a minute takes here."""
BEGIN, END, LAST = 10, 30, 40
"""Minutes: from which on nothing is answered, and from which on all is again; when it is over for good."""
FOLLOWING = {"FrsPollFailing": (13, 29), "FrsDataStale": (22, 29)}
"""The first and the last minute of the alerts of a project that is not answered."""
WHOLE = (12, 35)
"""The same of the alerts of all of them."""
LABELS: dict[str, tuple[str, ...]] = {
    "FrsRegionUnreachable": ("cluster", "namespace", "region"),
    "FrsCloudUnreachable": ("cluster", "namespace", "job", "instance"),
}
"""What the alerts that say why are about."""
NAMES = "|".join((*FOLLOWING, "FrsNeverAnswered", *LABELS))


class Outage(NamedTuple):
    """What is down: a part of the projects, in so many regions; the alert that says why, and all that are told."""

    part: float
    regions: int
    cause: str
    told: list[str]

    @property
    def firing(self) -> dict[str, tuple[int, int]]:
        """The first and the last minute of each alert."""
        return {**FOLLOWING, **({self.cause: WHOLE} if self.cause else {})}


OUTAGES = {
    "a region": Outage(0.98, 1, "FrsRegionUnreachable", ["FrsRegionUnreachable"]),
    "less than half of a region": Outage(0.4, 1, "", ["FrsDataStale", "FrsPollFailing"]),
    "all regions": Outage(1.0, 10, "FrsCloudUnreachable", ["FrsCloudUnreachable"]),
}
"""By the cluster where each happens. In the first two there is another region, of one project, which is well."""


@pytest.fixture
def told() -> Iterator[Told]:
    receiver = Told()
    yield receiver
    receiver.stop()


def projects(cluster: str, number_of_them: int) -> Iterator[tuple[dict[str, str], bool]]:
    """Projects, each of an account of its own, and whether each is down."""
    outage = OUTAGES[cluster]
    for number in range(number_of_them):
        down = number < number_of_them * outage.part
        well = not down and number == number_of_them - 1
        region = "another-region" if well else f"region-{number % outage.regions}"
        exporter = {"cluster": cluster, "namespace": "frs", "job": "frs", "instance": "a:10377"}
        yield {**exporter, "project": f"gate-{number:03}", "region": region, "credential": f"account-{number}"}, down


def series(cluster: str) -> Iterator[dict[str, str]]:
    """What an exporter shows of them, minute by minute."""
    for project, down in projects(cluster, FEW):
        told = pairs(project)
        of_job = pairs({**project, "collector": "subscription"}, without=("region", "credential"))
        up, answered = f"1x{LAST}", f"0+60x{LAST}"
        if down:
            up = f"1x{BEGIN - 1} 0x{END - BEGIN - 1} 1x{LAST - END}"
            answered = f"0+60x{BEGIN - 1} {60 * BEGIN - 60}x{END - BEGIN - 1} {60 * END}+60x{LAST - END}"
            error = f'frs_poll_error_info{{{of_job}, reason="timeout", code=""}}'
            yield {"series": error, "values": f"_x{BEGIN} 1x{END - BEGIN - 1} stale"}
        yield {"series": f"frs_project_info{{{told}}}", "values": f"1x{LAST}"}
        yield {"series": f"frs_poll_interval_seconds{{{of_job}}}", "values": f"60x{LAST}"}
        yield {"series": f"frs_up{{{of_job}}}", "values": up}
        yield {"series": f"frs_last_success_timestamp_seconds{{{of_job}}}", "values": answered}


def pairs(labels: dict[str, str], without: tuple[str, ...] = ()) -> str:
    """Labels as a series has them."""
    return ", ".join(f'{name}="{value}"' for name, value in labels.items() if name not in without)


def test_what_fires_in_an_outage_and_when(tmp_path: Path) -> None:
    """So that Alertmanager is given below what Prometheus would give it."""
    minutes = {minute for outage in OUTAGES.values() for pair in outage.firing.values() for minute in pair}
    question = f'count by (cluster, alertname) (ALERTS{{alertstate="firing", alertname=~"{NAMES}"}})'
    asked = [
        {"expr": question, "eval_time": f"{minute}m", "exp_samples": samples(minute)}
        for minute in sorted({minute + step for minute in minutes for step in (-1, 0, 1)})
    ]
    shown = [one for cluster in OUTAGES for one in series(cluster)]
    check([{"interval": "1m", "input_series": shown, "promql_expr_test": asked}], tmp_path, every="1m")


def samples(minute: int) -> list[dict[str, Any]]:
    """How many alerts of each name fire in a minute."""
    return [
        {
            "labels": f'{{cluster="{cluster}", alertname="{alert}"}}',
            "value": 1 if alert == outage.cause else FEW * outage.part,
        }
        for cluster, outage in OUTAGES.items()
        for alert, (first, last) in outage.firing.items()
        if first <= minute <= last
    ]


def alerts(cluster: str, name: str) -> Iterator[dict[str, Any]]:
    """All alerts of a name that 500 accounts have, as Prometheus gives them to Alertmanager."""
    outage, rule = OUTAGES[cluster], rules("alert")[name]
    about: list[dict[str, str]] = [project for project, down in projects(cluster, ACCOUNTS) if down]
    if name == outage.cause:
        about = [{label: about[0][label] for label in LABELS[name]}]
    for labels in about:
        own = labels if name == outage.cause else {**labels, "collector": "subscription"}
        yield {"labels": {**own, "alertname": name, **rule["labels"]}, "annotations": annotations_of(rule, own)}


def filled(text: str, labels: dict[str, str]) -> str:
    """A text as Prometheus fills it in, nearly."""
    text = re.sub(r"{{ \$labels\.(\w+) }}", lambda match: labels.get(match[1], "timeout"), text)
    text = re.sub(r"{{ \$labels\.(\w+) \| urlquery }}", lambda match: quote_plus(labels[match[1]]), text)
    return re.sub(r"{{.*?}}", "98%", text)


def test_an_outage_of_many_accounts_and_its_end_are_told_in_few_messages(programs: Programs, told: Told) -> None:
    document = yaml.safe_load((DEPLOY / "prometheus/alertmanager.yml").read_text())
    url = f"http://{start_alertmanager(programs, document, told, minute=MINUTE)}/api/v2/alerts"
    began = time.monotonic()
    for minute in range(BEGIN, LAST):
        time.sleep(max(0.0, began + (minute - BEGIN) * MINUTE - time.monotonic()))
        fetch_by_post(url, json.dumps(list(given(minute))).encode())
    wanted = sorted((cluster, alert) for cluster, outage in OUTAGES.items() for alert in outage.told)
    eventually(lambda: set(names(told, "resolved")) == set(wanted))
    for status in ("firing", "resolved"):
        assert sorted(names(told, status)) == wanted
    assert {line for text in told.messages for line in text.split("\n") if line.startswith("另有")} == {"另有 192 条"}
    for message in told.messages:
        assert len(message.encode()) < LIMIT
        assert message.split("\n")[1].startswith("https://runbooks.example.com/frs-exporter#frs")


SCRIPTS = ["door access " * 6, "人脸识别门禁" * 11, "🚪" * 64]
"""Names as long as those of projects may be, whose characters have one byte, three and four."""


def on_call_alone(programs: Programs, told: Told) -> str:
    """Alertmanager that tells of all at once, by WeCom; where it takes alerts."""
    document = yaml.safe_load((DEPLOY / "prometheus/alertmanager.yml").read_text())
    document["inhibit_rules"] = []
    document["route"] |= {"receiver": "on-call", "routes": []}
    return f"http://{start_alertmanager(programs, document, told)}/api/v2/alerts"


def test_a_message_is_never_cut_however_many_alerts_there_are_and_whatever_they_are_called(
    programs: Programs, told: Told
) -> None:
    """Of every alert in both languages, one to nine in each cluster, in which these are a group."""
    of_both = [*rules("alert", RULES).items(), *rules("alert", CHINESE_RULES).items()]
    groups = [(index, number, alert, rule) for index, (alert, rule) in enumerate(of_both) for number in (1, 3, 9)]
    given = [
        {"labels": {**labels, "alertname": alert}, "annotations": annotations_of(rule, labels)}
        for index, number, alert, rule in groups
        for labels in about_long_names(index, number)
    ]
    fetch_by_post(on_call_alone(programs, told), json.dumps(given).encode())
    eventually(lambda: len(told.messages) >= len(groups))
    for text in told.messages:
        assert len(text.encode()) < LIMIT, text
        assert "\ufffd" not in text
        head, link, *lines = text.split("\n")
        assert re.fullmatch(r"Frs\w+ .+：告警 \d，恢复 0", head)
        assert link == f"https://runbooks.example.com/frs-exporter#{head.partition(' ')[0].lower()}"
        assert sum(line.startswith("告警：") for line in lines) == min(8, int(head[head.index("告警 ") + 3]))
        assert (lines[-1] == "另有 1 条") is ("告警 9" in head)


def about_long_names(index: int, number: int) -> Iterator[dict[str, str]]:
    """The labels of so many alerts of which every one is about something with a long name."""
    name = SCRIPTS[index % len(SCRIPTS)][:63]
    for each in range(number):
        about = dict.fromkeys(("project", "account", "credential", "face_set", "name", "instance"), f"{name}{each}")
        yield {"cluster": f"{index} {number} {name}", "region": "cn-north-4", "collector": "subscription", **about}


def test_what_fires_is_told_before_what_is_over(programs: Programs, told: Told) -> None:
    url = on_call_alone(programs, told)
    rule = rules("alert")["FrsDataStale"]
    now = datetime.now(UTC)
    given = [
        {"labels": {**labels, "alertname": "FrsDataStale"}, "annotations": annotations_of(rule, labels)}
        for labels in about_long_names(0, 11)
    ]
    fetch_by_post(url, json.dumps(given).encode())
    eventually(lambda: told.messages)
    ended = [{**alert, "endsAt": now.isoformat()} for alert in given[:5]]
    fetch_by_post(url, json.dumps(ended).encode())
    eventually(lambda: len(told.messages) >= 2)
    counts, _, page, *lines = told.messages[-1].split("\n")
    assert counts.endswith("：告警 6，恢复 5")
    assert re.fullmatch(r"http://[^?]+/", page), "the exporter's own"
    assert [line[:3] for line in lines] == ["告警："] * 6 + ["恢复："] * 2 + ["另有 "]
    assert lines[-1] == "另有 3 条"


def annotations_of(rule: dict[str, Any], labels: dict[str, str]) -> dict[str, str]:
    """What a rule says of something."""
    return {part: filled(text, labels) for part, text in rule["annotations"].items()}


def given(minute: int) -> Iterator[dict[str, Any]]:
    """What Prometheus tells Alertmanager in a minute: what begins to fire then, and what has ended."""
    now = datetime.now(UTC)
    for cluster, outage in OUTAGES.items():
        for name, (first, last) in outage.firing.items():
            if minute in (first, last + 1):
                ends = now + timedelta(hours=1) if minute == first else now
                yield from ({**alert, "endsAt": ends.isoformat()} for alert in alerts(cluster, name))


def names(told: Told, status: str) -> list[tuple[str, str]]:
    """The clusters and alerts of all messages with this status."""
    return [
        (each["groupLabels"]["cluster"], each["groupLabels"]["alertname"])
        for each in told.notifications
        if each["status"] == status
    ]
