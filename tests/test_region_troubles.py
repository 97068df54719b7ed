"""What the status page says of regions without answers is what the alerting rules say of the same metrics."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from frs_exporter.core.alerts import alerts
from frs_exporter.core.errors import Reason
from frs_exporter.core.model import Job, JobState
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.polling.runner import show
from frs_exporter.status.i18n import CHINESE, ENGLISH, Translator
from frs_exporter.status.region_troubles import region_troubles
from frs_exporter.status.snapshot import JobSnapshot
from tests.deploy.rule_tests import check, with_labels
from tests.test_verdict import ACCOUNT, NOW, PROJECT, answered, down

Jobs = list[tuple[str, str, str, Reason | None]]
"""Projects, their regions, collectors, and why each is down."""
WELL, TIMEOUT, SERVER, AUTH = None, Reason.TIMEOUT, Reason.SERVER, Reason.AUTH
NAMES = "FrsRegionUnreachable|FrsCloudUnreachable"
NORTH, EAST = "cn-north-4", "cn-east-3"


def of(collector: str, region: str, *reasons: Reason | None) -> Jobs:
    """Jobs of projects of a region, by number."""
    return [(f"{region}-{number}", region, collector, reason) for number, reason in enumerate(reasons)]


STATES: dict[str, tuple[Jobs, list[str]]] = {
    "well": (of("subscription", NORTH, WELL, WELL), []),
    "most of a region": (
        of("subscription", NORTH, TIMEOUT, SERVER, WELL) + of("subscription", EAST, WELL),
        ["FrsRegionUnreachable"],
    ),
    "half of a region": (of("subscription", NORTH, TIMEOUT, WELL), []),
    "a project": (of("subscription", NORTH, TIMEOUT) + of("subscription", EAST, WELL, WELL), []),
    "an API of several": (
        of("subscription", NORTH, WELL, WELL) + of("face_sets", NORTH, SERVER, SERVER),
        ["FrsRegionUnreachable"],
    ),
    "an API of one project": (
        of("subscription", NORTH, SERVER, SERVER, WELL) + of("face_sets", NORTH, SERVER),
        ["FrsRegionUnreachable"],
    ),
    "Cloud Eye": (of("subscription", NORTH, WELL, WELL) + of("cloud_eye", NORTH, SERVER, SERVER), []),
    "refused, and the others": (of("subscription", NORTH, AUTH, AUTH, TIMEOUT, SERVER), ["FrsRegionUnreachable"]),
    "refused": (of("subscription", NORTH, AUTH, AUTH), []),
    "two of three regions": (
        of("subscription", NORTH, TIMEOUT, TIMEOUT)
        + of("subscription", EAST, TIMEOUT, TIMEOUT)
        + of("subscription", "cn-south-1", WELL),
        ["FrsRegionUnreachable", "FrsRegionUnreachable"],
    ),
    "all regions": (
        of("subscription", NORTH, TIMEOUT, TIMEOUT) + of("subscription", EAST, TIMEOUT),
        ["FrsCloudUnreachable"],
    ),
    "the only region": (of("subscription", NORTH, TIMEOUT, TIMEOUT), ["FrsRegionUnreachable"]),
}
EVERY_STATE = pytest.mark.parametrize(("jobs", "expected"), STATES.values(), ids=STATES)


def snapshots(jobs: Jobs) -> Iterator[JobSnapshot]:
    """The jobs, and those of two accounts, of which nothing is known: these have no region."""
    for project, region, collector, reason in jobs:
        target = replace(PROJECT, project=project, project_id=project, region=region)
        yield JobSnapshot(Job(target, collector), down(reason) if reason else answered(), NOW)
    for account in ("acme", "globex"):
        target = replace(ACCOUNT, project=account)
        yield JobSnapshot(Job(target, "billing"), down(Reason.TIMEOUT), NOW)


@EVERY_STATE
def test_a_region_without_answers_is_told_once(jobs: Jobs, expected: list[str]) -> None:
    troubles = region_troubles(snapshots(jobs))
    assert [trouble.alert for trouble in troubles] == expected
    for trouble in troubles:
        assert trouble.alert in alerts()
        for words in (Translator(ENGLISH), Translator(CHINESE)):
            assert all(text and "{" not in text for text in map(words, (trouble.text, trouble.do)))


def test_nothing_is_told_of_nothing() -> None:
    assert not region_troubles([])
    assert not region_troubles([JobSnapshot(Job(PROJECT, "subscription"), JobState(), NOW)])


@pytest.mark.programs
def test_the_alerts_that_fire_are_those_that_the_page_names(tmp_path: Path) -> None:
    """Through promtool and the rules as they are shipped, each state in a cluster of its own."""
    series, asked = list[dict[str, str]](), []
    for name, (jobs, expected) in STATES.items():
        page = Page(PAGE_FAMILIES)
        for job, state, _ in snapshots(jobs):
            show(page, job, state, None)
        for family in text_string_to_metric_families(b"".join(page.blocks(TEXT, 0.0)).decode()):
            for sample in family.samples:
                labels = {"cluster": name, "job": "frs", "instance": "i", **sample.labels}
                series.append({"series": with_labels(sample.name, labels), "values": f"{sample.value:.12g}x10"})
        fired = f'ALERTS{{cluster="{name}", alertstate="firing", alertname=~"{NAMES}"}}'
        samples = [{"labels": f'{{alertname="{alert}"}}', "value": expected.count(alert)} for alert in set(expected)]
        asked.append({"expr": f"count by (alertname) ({fired})", "eval_time": "9m", "exp_samples": samples})
    check([{"interval": "1m", "input_series": series, "promql_expr_test": asked}], tmp_path, every="1m")
