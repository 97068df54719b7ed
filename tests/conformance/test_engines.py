"""What Prometheus and VictoriaMetrics store of each scrape is what they were served: samples, types, help.

No two scrapes of a living exporter are the same: a relay keeps the bytes that each engine was given.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from frs_exporter.exposition.page import OPENMETRICS, TEXT, Format
from tests.conformance.engines import (
    PROMETHEUS_2,
    PROMETHEUS_3,
    SCRAPED,
    VICTORIA_METRICS,
    Engine,
    Metadata,
    Snapshot,
)
from tests.conformance.openmetrics import check
from tests.conformance.relay import Relay, Scrape, relay
from tests.deploy.artifacts import exposed_metrics
from tests.deploy.stack import fetch_by_post
from tests.e2e.conftest import Programs, eventually, fetch

ODD = 'C:\\门禁\\"A" 座'
ODD_LABEL = '{team="视觉\\n"} # 1'
"""What both formats escape, what only looks like a part of them, and what is not ASCII."""
PROBE = {"metrics_path": "/probe", "params": {"project": [ODD]}}
NOT_HERE = {
    "frs_exporter_web_certificate_expiry_timestamp_seconds": "there is no TLS",
    "frs_subscription_probe_useless": "each probe tells something",
    "frs_subservice_last_used_timestamp_seconds": "it takes a minute",
}
"""Metrics that the exporter may have and that are not on this page, and why."""
SCRAPES = 3
"""That are compared, of each reader."""


class Reader(NamedTuple):
    """A job of an engine, and the format that it is given."""

    engine: Engine
    format: Format
    options: Mapping[str, Any] = {}


class Seen(NamedTuple):
    """What a reader was given, what it stored of each scrape, and what it knows of the metrics."""

    scrapes: list[Scrape]
    snapshots: list[Snapshot]
    metadata: Metadata


READERS = {
    "Prometheus 2": Reader(PROMETHEUS_2, OPENMETRICS),
    "Prometheus 3": Reader(PROMETHEUS_3, OPENMETRICS),
    "Prometheus 3, text": Reader(PROMETHEUS_3, TEXT, {"scrape_protocols": ["PrometheusText0.0.4"]}),
    "Prometheus 3, a probe": Reader(PROMETHEUS_3, OPENMETRICS, PROBE),
    "VictoriaMetrics": Reader(VICTORIA_METRICS, TEXT),
}


def odd_config(document: dict[str, Any]) -> dict[str, Any]:
    """That of the simulator with all that is collected, odd names, and an account that cannot be asked."""
    cloud = document["endpoints"]["frs"]
    document["defaults"] |= {"collectors": ["subscription", "face_sets", "cloud_eye"], "max_face_sets": 2}
    document["defaults"] |= {"probes": ["compare"], "month_budget_cny": 5000}
    document["limits"] = {"frs": {"rate": 9}}
    document["discovery"] = [{"credential": "globex", "regions": ["cn-east-3"]}]
    (odd,) = (project for project in document["projects"] if project["name"] == "door-access")
    odd |= {"name": ODD, "labels": {"team": ODD_LABEL, "empty": ""}}
    document["credentials"]["nowhere"] = {"ak_sk": {"access_key": "NOWHERE", "secret_key": "nothing"}}
    where = {"acme": cloud, "globex": cloud, "nowhere": "http://127.0.0.1:1"}
    document["accounts"] = [
        {"name": f"{name}-account", "credential": name, "endpoint": url, "collectors": ["billing", "vouchers"]}
        for name, url in where.items()
    ]
    return document


def start_exporter(programs: Programs) -> str:
    """An exporter in front of a cloud where some fail, and one is in arrears; its URL."""
    _, file = programs.simulator("--poll-interval=2s")
    config = odd_config(yaml.safe_load(file.read_text()))
    file.write_text(yaml.safe_dump(config, allow_unicode=True))
    faults = config["endpoints"]["frs"] + "/_simulator/faults"
    fetch_by_post(faults, b'{"project": "vip-lounge", "fault": {"status": 503, "code": "APIGW.0613"}}')
    fetch_by_post(faults, b'{"subscribe_absent": {"ap-southeast-1": true}}')
    _, url = programs.daemon(file)
    return url


def start_engines(programs: Programs, relays: Mapping[str, Relay]) -> Mapping[str, str]:
    """Where the engine of each reader is."""
    urls: dict[int, str] = {}
    for engine in {id(reader.engine): reader.engine for reader in READERS.values()}.values():
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [relays[name].address]}], **reader.options}
            for name, reader in READERS.items()
            if reader.engine is engine
        ]
        urls[id(engine)] = engine.start(programs, {"global": {"scrape_interval": "2s"}, "scrape_configs": jobs})
    return {name: urls[id(reader.engine)] for name, reader in READERS.items()}


@pytest.fixture(scope="module")
def all_seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Seen]]:
    """What each reader has seen, once the cloud is in the state that is wanted."""
    programs = Programs(tmp_path_factory.mktemp("engines"))
    with ExitStack() as stack:
        stack.callback(programs.stop)
        url = start_exporter(programs)
        relays = {name: stack.enter_context(relay(url, SCRAPES)) for name in READERS}
        urls = start_engines(programs, relays)
        eventually(lambda: 'frs_service_frozen{project="in-arrears"} 1.0' in fetch(f"{url}/metrics"))
        for each in relays.values():
            each.open()
        eventually(lambda: all(each.turned_away for each in relays.values()))
        yield {
            name: Seen(
                relays[name].scrapes,
                reader.engine.snapshots(urls[name], name),
                reader.engine.metadata(urls[name], name),
            )
            for name, reader in READERS.items()
        }


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def samples(page: str) -> Snapshot:
    """The samples of a page of either format; a label without a value is none."""
    parse = parse_openmetrics if page.endswith("# EOF\n") else parse_text
    return {
        (sample.name, frozenset((name, value) for name, value in sample.labels.items() if value)): sample.value
        for family in parse(page)
        for sample in family.samples
    }


def described(page: str) -> Metadata:
    """What the comments of a page say; our help has nothing that is escaped."""
    helps, types = (dict(re.findall(rf"(?m)^# {what} (\S+) (.*)$", page)) for what in ("HELP", "TYPE"))
    assert helps.keys() == types.keys()
    assert not [text for text in helps.values() if "\\" in text or '"' in text]
    return {name: (types[name], text) for name, text in helps.items()}


def differences(served: Snapshot, stored: Snapshot, engine: Engine) -> list[str]:
    """What was lost, what came from elsewhere than the engine itself, and what has another value."""
    of_page = {series: value for series, value in stored.items() if series[0] not in engine.own}
    return [
        *(f"lost: {series}" for series in served.keys() - of_page.keys()),
        *(f"added: {series}" for series in of_page.keys() - served.keys()),
        *(
            f"{series}: {served[series]!r} is stored as {of_page[series]!r}"
            for series in served.keys() & of_page.keys()
            if not math.isclose(served[series], of_page[series], rel_tol=engine.error)
        ),
    ]


def test_the_page_has_every_metric_that_it_may_have(all_seen: Mapping[str, Seen]) -> None:
    """But for those that are named here, with a reason."""
    on_page = {name for name, _ in samples(all_seen["Prometheus 2"].scrapes[-1].page)}
    assert exposed_metrics() - on_page == NOT_HERE.keys()


def test_each_is_given_the_format_that_it_asks_for(all_seen: Mapping[str, Seen], reader: str) -> None:
    scrapes = all_seen[reader].scrapes
    assert len(scrapes) == SCRAPES
    wanted = READERS[reader].format
    assert {scrape.content_type for scrape in scrapes} == {wanted.content_type}
    assert all(scrape.accept.startswith(f"{wanted.media_type};version={wanted.versions[0]}") for scrape in scrapes)
    assert {scrape.page.endswith("\n# EOF\n") for scrape in scrapes} == {wanted is OPENMETRICS}


def test_all_that_is_served_is_stored_and_nothing_else(all_seen: Mapping[str, Seen], reader: str) -> None:
    seen, engine = all_seen[reader], READERS[reader].engine
    pages = [samples(scrape.page) for scrape in seen.scrapes]
    assert len({frozenset(page.items()) for page in pages}) == SCRAPES, "the exporter lives meanwhile"
    for scrape, page, stored in zip(seen.scrapes, pages, seen.snapshots, strict=True):
        assert differences(page, stored, engine) == []
        assert {name for name, _ in stored} == {name for name, _ in page} | engine.own
        assert stored[SCRAPED, frozenset()] == len(page) == len(re.findall("(?m)^[^#]", scrape.page))
        assert not [name for name, _ in stored if name.endswith("_created")]


def test_odd_names_are_stored_as_the_config_has_them(all_seen: Mapping[str, Seen], reader: str) -> None:
    for stored in all_seen[reader].snapshots:
        labels = [dict(labels) for name, labels in stored if name == "frs_project_info"]
        (odd,) = (each for each in labels if each["project"] == ODD)
        assert odd["team"] == ODD_LABEL
        assert "empty" not in odd
        assert stored["frs_up", frozenset({("project", ODD), ("collector", "face_sets")})] == 1


def test_types_and_help_are_known_as_they_are_served(all_seen: Mapping[str, Seen], reader: str) -> None:
    seen = all_seen[reader]
    assert seen.metadata == described(seen.scrapes[-1].page)
    counters = {name for name, (kind, _) in seen.metadata.items() if kind == "counter"}
    assert counters
    assert {name.endswith("_total") for name in counters} == {READERS[reader].format is TEXT}


def test_openmetrics_is_what_its_specification_says(all_seen: Mapping[str, Seen]) -> None:
    pages = [scrape.page for seen in all_seen.values() for scrape in seen.scrapes if scrape.page.endswith("# EOF\n")]
    assert len(pages) == 3 * SCRAPES
    for page in pages:
        families = check(page)
        assert {family.type for family in families} <= {"gauge", "counter", "histogram"}
        assert sum(len(family.samples) for family in families) == len(samples(page))


SPOILT: Mapping[str, Callable[[str], str]] = {
    "a label is lost": lambda page: page.replace(',collector="subscription"', "", 1),
    "a label has another value": lambda page: page.replace('C:\\\\门禁\\\\\\"A', 'C:\\\\门禁\\"A', 1),
    "a label has another name": lambda page: page.replace('{project="', '{account="', 1),
    "a value is another one": lambda page: re.sub(r"(?m)^(frs_up{.*}) 1\.0$", r"\1 0.0", page, count=1),
    "a value differs a little": lambda page: re.sub(r"(?m)^(frs_last_poll_.*\d)(\.\d\d)", r"\g<1>9\2", page, count=1),
    "a sample is lost": lambda page: re.sub(r"(?m)^frs_up{.*\n", "", page, count=1),
    "a bucket is lost": lambda page: re.sub(r'(?m)^\w+_bucket{.*le="0.1".*\n', "", page, count=1),
    "a sample is new": lambda page: page.replace("# HELP frs_up ", 'frs_new{a="b"} 1.0\n# HELP frs_up ', 1),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("which", ["Prometheus 3", "VictoriaMetrics"])
def test_a_page_that_differs_a_little_would_be_told(
    all_seen: Mapping[str, Seen], which: str, spoil: Callable[[str], str]
) -> None:
    """The comparison itself: against the same page with one difference it tells of that one."""
    seen, engine = all_seen[which], READERS[which].engine
    page, stored = seen.scrapes[0].page, seen.snapshots[0]
    told = differences(samples(spoil(page)), stored, engine)
    assert 1 <= len(told) <= 2
    assert described(page.replace(" gauge\n", " counter\n", 1)) != seen.metadata
