"""Each minute of Cloud Eye is counted once, whatever the order in which polls, answers and data come."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frs_exporter.collectors.cloud_eye import (
    API_CALLS,
    API_ERRORS,
    COLLECTOR,
    LATENCY,
    LOOK_BACK,
    MAX_APIS,
    MONTH_CALLS,
    MONTH_COST,
    Memory,
    collect,
)
from frs_exporter.core.errors import ApiError
from frs_exporter.core.model import CollectResult, Target
from frs_exporter.core.pricing import LIST_PRICE_2018
from frs_simulator.traffic import HOUR, MINUTE, Traffic
from tests.collectors.asking import CloudEye, Minutes, now, page
from tests.conftest import account, target_of

START = 1_763_700_000 // HOUR * HOUR
OWNER = account("ak_sk", "gate-1")
TARGET = target_of(OWNER, OWNER.projects[0], "http://127.0.0.1:9", pricing=(LIST_PRICE_2018,))


@dataclass
class Polling:
    """Polls one after the other, each with the memory of the last that succeeded."""

    cloud_eye: CloudEye
    memory: Memory | None = None

    def at(self, time: float) -> CollectResult | None:
        """What a poll finds, None where it fails."""
        self.cloud_eye.now = time
        try:
            findings = now(collect(self.cloud_eye.client, TARGET, self.memory))
        except ApiError:
            return None
        self.memory = findings.memory
        return findings


def values(findings: CollectResult | None, family: Any) -> dict[tuple[str, ...], float]:
    """Samples of a family by their labels but the project."""
    assert findings
    return {sample.labels: sample.value for sample in findings.samples if sample.family is family}


def test_the_exposition_of_a_poll() -> None:
    polling = Polling(CloudEye(Traffic({"detect": 600, 'a "b"\\': 10}, delay=0), START + 30))
    polling.at(START + 30)
    findings = polling.at(START + 2 * MINUTE + 30)
    assert findings
    assert page(findings.samples) == [
        'frs_api_calls_total{project="gate-1",api="a \\"b\\"\\\\"} 19.0',
        'frs_api_calls_total{project="gate-1",api="detect"} 1081.0',
        'frs_api_errors_total{project="gate-1",api="a \\"b\\"\\\\",class="4xx"} 1.0',
        'frs_api_errors_total{project="gate-1",api="a \\"b\\"\\\\",class="5xx"} 0.0',
        'frs_api_errors_total{project="gate-1",api="detect",class="4xx"} 1.0',
        'frs_api_errors_total{project="gate-1",api="detect",class="5xx"} 0.0',
        'frs_subservice_last_used_timestamp_seconds{project="gate-1",subservice="detect"} 1763697660.0',
        'frs_api_latency_average_seconds{project="gate-1",api="a \\"b\\"\\\\"} 0.189',
        'frs_api_latency_average_seconds{project="gate-1",api="detect"} 0.189',
        'frs_month_api_calls{project="gate-1",api="a \\"b\\"\\\\"} 171840.0',
        'frs_month_api_calls{project="gate-1",api="detect"} 8568720.0',
        'frs_month_api_cost_cny{project="gate-1",api="detect"} 3726.488',
    ]
    assert findings.warnings == ()


def test_an_account_without_calls_shows_nothing_and_is_well() -> None:
    assert Polling(CloudEye(Traffic(), START)).at(START) == CollectResult(
        (), (), Memory(START, START, {}, polled_month())
    )


def polled_month() -> Any:
    """The month of an account without calls."""
    polling = Polling(CloudEye(Traffic(), START))
    polling.at(START)
    assert polling.memory
    return polling.memory.month


def minutes_of(calls: Mapping[int, float], arrivals: Mapping[int, float] | None = None) -> Minutes:
    """Calls of detect by minute of START."""
    named = {("api_calls", "detect", START + at * MINUTE): float(value) for at, value in calls.items()}
    late = {START + at * MINUTE: START + time for at, time in (arrivals or {}).items()}
    return Minutes({"detect": 0}, values=named, arrivals=late)


DETECT = ("detect",)


def test_the_first_poll_counts_nothing_and_shows_a_zero() -> None:
    """What was before belongs to whoever watched then; Prometheus sees increases from the zero on."""
    polling = Polling(CloudEye(minutes_of({-1: 100, 0: 5, 1: 7}), START))
    assert values(polling.at(START + 1), API_CALLS) == {DETECT: 0}
    assert values(polling.at(START + 61), API_CALLS) == {DETECT: 5}
    assert values(polling.at(START + 121), API_CALLS) == {DETECT: 12}


def test_an_unfinished_minute_is_not_counted() -> None:
    polling = Polling(CloudEye(minutes_of({0: 5, 1: 7}), START))
    polling.at(START)
    assert values(polling.at(START + 119.9), API_CALLS) == {DETECT: 5}
    assert values(polling.at(START + 120), API_CALLS) == {DETECT: 12}


def test_an_api_found_later_starts_at_zero_and_loses_nothing() -> None:
    traffic = Minutes({"detect": 0}, values={})
    polling = Polling(CloudEye(traffic, START))
    polling.at(START)
    traffic.calls = {"detect": 0, "search": 0}
    traffic.values = {("api_calls", "search", START + at * MINUTE): 1.0 for at in range(120)}
    polling.at(START + 30 * MINUTE)
    first = polling.at(START + 61 * MINUTE)
    assert values(first, API_CALLS) == {("detect",): 0, ("search",): 0}
    assert values(polling.at(START + 62 * MINUTE), API_CALLS)["search",] == 62


def test_an_api_that_is_not_listed_any_more_keeps_its_counter() -> None:
    """Cloud Eye forgets what is not used for some hours; a counter that goes and comes back would count twice."""
    traffic = minutes_of({0: 5})
    polling = Polling(CloudEye(traffic, START))
    polling.at(START)
    polling.at(START + MINUTE)
    traffic.calls = {}
    assert values(polling.at(START + 2 * HOUR), API_CALLS) == {DETECT: 5}


def test_two_days_of_silence_are_made_up_for_and_what_is_older_is_told() -> None:
    calls = dict.fromkeys(range(4 * 24 * 60), 1.0)
    polling = Polling(CloudEye(minutes_of(calls), START))
    polling.at(START)
    polling.cloud_eye.failing = 10
    assert polling.at(START + HOUR) is None
    polling.cloud_eye.failing = 0
    findings = polling.at(START + 46 * HOUR)
    for _ in range(5):
        findings = polling.at(START + 46 * HOUR)
    assert findings
    assert values(findings, API_CALLS) == {DETECT: 46 * 60}
    findings = polling.at(START + 95 * HOUR)
    assert findings
    (note,) = findings.warnings
    assert note.text.en == (
        "minutes not counted: 135, as Cloud Eye was not asked in time; it tells single ones for two days"
    )


@pytest.mark.uncounted
def test_a_long_silence_is_made_up_for_a_few_requests_at_a_time() -> None:
    names = [f"api-{n:02}" for n in range(60)]
    traffic = Minutes(
        dict.fromkeys(names, 0), values={("api_calls", "api-00", START + n * MINUTE): 1.0 for n in range(3000)}
    )
    polling = Polling(CloudEye(traffic, START))
    polling.at(START)
    counts = []
    for poll in range(30):
        polling.cloud_eye.asked.clear()
        counts.append(values(polling.at(START + 40 * HOUR + poll * MINUTE), API_CALLS)["api-00",])
        minutes = [body for body in polling.cloud_eye.asked if isinstance(body, dict) and len(body["metrics"]) == 180]
        assert len(minutes) <= 10
    assert counts == sorted(counts)
    assert counts[-1] == 40 * 60 + 29


def test_too_many_apis_and_hostile_names_are_told_not_shown() -> None:
    names = [f"api-{n:03}" for n in range(MAX_APIS + 2)] + ["a\nb", "x" * 200]
    polling = Polling(CloudEye(Traffic(dict.fromkeys(names, 1)), START))
    findings = polling.at(START)
    assert findings
    assert len(values(findings, API_CALLS)) == MAX_APIS
    (note,) = findings.warnings
    assert note.text.en.startswith("APIs not shown: ")
    assert "\n" not in note.text.en


def test_latency_is_the_newest_and_none_is_old() -> None:
    latency = {("average_latency", "detect", START + at * MINUTE): 100.0 + at for at in (0, 1, 3)}
    polling = Polling(CloudEye(Minutes({"detect": 0}, values=latency), START))
    assert values(polling.at(START + 3 * MINUTE), LATENCY) == {DETECT: 0.101}
    assert values(polling.at(START + 4 * MINUTE), LATENCY) == {DETECT: 0.103}
    assert values(polling.at(START + 4 * MINUTE + LOOK_BACK - 1), LATENCY) == {DETECT: 0.103}
    assert values(polling.at(START + 4 * MINUTE + LOOK_BACK), LATENCY) == {}


def test_without_a_price_there_are_calls_and_no_cost() -> None:
    polling = Polling(CloudEye(Traffic({"compare": 10, "detect": 10}, delay=0), START))
    findings = polling.at(START)
    assert values(findings, MONTH_COST).keys() == {DETECT}
    assert values(findings, MONTH_CALLS).keys() == {("compare",), DETECT}
    bare = now(collect(polling.cloud_eye.client, replace(TARGET, pricing=()), None))
    assert values(bare, MONTH_COST) == {}


def test_a_clock_that_jumps_ahead_and_back_costs_minutes_not_days() -> None:
    polling = Polling(CloudEye(minutes_of(dict.fromkeys(range(100), 1.0)), START))
    polling.at(START)
    polling.at(START + 10 * MINUTE)
    polling.at(START + 400 * HOUR)
    polling.at(START + 20 * MINUTE)
    assert values(polling.at(START + 40 * MINUTE), API_CALLS) == {DETECT: 30}


@st.composite
def histories(draw: st.DrawFn) -> tuple[Minutes, list[tuple[float, int]]]:
    """Minutes that come late, within the look-back, and polls at any time of which some fail at any request."""
    minutes = range(draw(st.integers(1, 240)))
    kinds = ("api_calls", "error_4xx", "error_5xx")
    written = {
        (kind, api, START + at * MINUTE): float(draw(st.integers(0, 50)))
        for api in ("detect", "search")
        for at in draw(st.sets(st.sampled_from(minutes), max_size=20))
        for kind in kinds
    }
    delays = st.floats(0, LOOK_BACK - MINUTE)
    arrivals = {start: start + MINUTE + draw(delays) for _, _, start in written}
    pauses = draw(st.lists(st.floats(1, 40 * MINUTE), min_size=1, max_size=25))
    polls, time = [], float(START)
    for pause in pauses:
        time += pause
        polls.append((time, draw(st.sampled_from([0, 0, 0, 1, 2]))))
    return Minutes({"detect": 0, "search": 0}, values=written, arrivals=arrivals), polls


@settings(max_examples=100)
@given(histories())
@pytest.mark.uncounted
def test_the_counters_are_the_true_totals_of_the_minutes_seen(history: tuple[Minutes, list[tuple[float, int]]]) -> None:
    """Whatever the times of polls, delays within the look-back, answers that are missing, and answers told twice."""
    traffic, polls = history
    polling = Polling(CloudEye(traffic, START))
    polling.at(START)
    before: dict[tuple[str, ...], float] = {}
    for time, failing in polls:
        polling.cloud_eye.failing = failing
        findings = polling.at(time)
        polling.cloud_eye.failing = 0
        if findings is None:
            continue
        shown = {**values(findings, API_CALLS), **values(findings, API_ERRORS)}
        assert all(shown[key] >= before[key] for key in before), "a counter never decreases"
        assert shown == true_totals(traffic, time)
        before = shown


def true_totals(traffic: Minutes, time: float) -> dict[tuple[str, ...], float]:
    """What there is to be known at a time: complete minutes that have arrived."""
    totals: dict[tuple[str, ...], float] = {(api,): 0.0 for api in traffic.calls}
    totals |= {(api, kind): 0.0 for api in traffic.calls for kind in ("4xx", "5xx")}
    for (kind, api, start), value in traffic.values.items():
        if start + MINUTE <= time and traffic.arrivals[start] <= time:
            totals[(api,) if kind == "api_calls" else (api, kind.removeprefix("error_"))] += value
    return totals


def test_an_exact_answer_makes_exact_memory(target: Target) -> None:
    """Polled again in the same minute, nothing is counted twice and nothing is listed again."""
    polling = Polling(CloudEye(minutes_of({0: 5, 1: 7}), START))
    polling.at(START)
    first = polling.at(START + 2 * MINUTE)
    polling.cloud_eye.asked.clear()
    assert polling.at(START + 2 * MINUTE + 10) == first
    assert [body["filter"] for body in polling.cloud_eye.asked] == ["sum", "average"]


@pytest.mark.parametrize("interval", [10, 60, 300, 900])
@pytest.mark.uncounted
def test_the_demand_is_what_is_asked(interval: int) -> None:
    polling = Polling(CloudEye(Traffic({"detect": 10}), START))
    polling.at(START)
    polling.cloud_eye.asked.clear()
    polls = 24 * HOUR // interval
    for poll in range(1, polls + 1):
        polling.at(START + poll * interval)
    asked = len(polling.cloud_eye.asked) / (24 * HOUR)
    assert asked == pytest.approx(COLLECTOR.demand(interval), rel=0.15)
