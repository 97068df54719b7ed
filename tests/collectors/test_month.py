"""The month as it is billed: in Asia/Shanghai, from sums that are asked for as rarely as may be."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.collectors.cloud_eye import MONTH_CALLS, MONTH_COST, collect
from frs_exporter.collectors.cloud_eye.metric_data import DAY, HOUR, MINUTE, Span
from frs_exporter.collectors.cloud_eye.month import Month, gaps, month_start, month_to_date, whole_days
from frs_exporter.core.pricing import LIST_PRICE_2018, cost
from frs_simulator.traffic import Traffic
from tests.collectors.asking import CloudEye, now
from tests.conftest import account, target_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
OWNER = account("ak_sk", "gate-1")
TARGET = target_of(OWNER, OWNER.projects[0], "http://127.0.0.1:9", pricing=(LIST_PRICE_2018,))


def shanghai(*parts: int) -> int:
    """Unix seconds of a time there."""
    return int(datetime(*parts, tzinfo=SHANGHAI).timestamp())  # type: ignore[arg-type, misc]


def true_calls(traffic: Traffic, api: str, start: int, until: int) -> float:
    """Minute by minute."""
    return sum(traffic.minute("api_calls", api, time) or 0 for time in range(start, until, MINUTE))


@pytest.mark.parametrize(
    ("time", "first"),
    [
        ("2026-10-31T15:59:59Z", "2026-09-30T16:00:00Z"),
        ("2026-10-31T16:00:00Z", "2026-10-31T16:00:00Z"),
        ("2026-11-30T15:59:59Z", "2026-10-31T16:00:00Z"),
        ("2025-12-31T16:00:00Z", "2025-12-31T16:00:00Z"),
        ("2028-02-29T12:00:00Z", "2028-01-31T16:00:00Z"),
    ],
)
def test_a_month_begins_at_midnight_in_shanghai(time: str, first: str) -> None:
    assert month_start(datetime.fromisoformat(time).timestamp()) == datetime.fromisoformat(first).timestamp()


MONTH_IN_A_ZONE = """
import time
from frs_exporter.collectors.cloud_eye.month import month_start
assert time.strftime("%z", time.localtime(1793462400)) == "{offset}", time.strftime("%z", time.localtime(1793462400))
print(month_start(1793462399), month_start(1793462400))
"""


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("UTC0", "+0000"),
        ("XXX12", "-1200"),
        ("XXX-14", "+1400"),
        ("Asia/Kolkata", "+0530"),
        ("America/New_York", "-0400"),
    ],
)
def test_whatever_the_zone_of_the_process_is(zone: str, offset: str) -> None:
    """2026-10-31T16:00:00Z is when November 2026 begins in Shanghai."""
    program = MONTH_IN_A_ZONE.format(offset=offset)
    result = subprocess.run(
        [sys.executable, "-c", program], env={"TZ": zone}, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [str(shanghai(2026, 10, 1)), str(shanghai(2026, 11, 1))]


@dataclass
class Clock:
    """A month of polls on virtual time."""

    traffic: Traffic
    cloud_eye: CloudEye = field(init=False)
    memory: Any = None

    def __post_init__(self) -> None:
        self.cloud_eye = CloudEye(self.traffic, 0.0)

    def at(self, time: float) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Calls and cost by API, as they are shown then."""
        self.cloud_eye.now = time
        findings = now(collect(self.cloud_eye.client, TARGET, self.memory))
        self.memory = findings.memory
        calls = {sample.labels[0]: sample.value for sample in findings.samples if sample.family is MONTH_CALLS}
        costs = {sample.labels[0]: sample.value for sample in findings.samples if sample.family is MONTH_COST}
        return calls, costs


def test_a_month_of_virtual_time_is_right_at_every_look() -> None:
    """From the middle of October until December, every hour, whatever has been settled by then."""
    traffic = Traffic({"detect": 300, "search": 40}, delay=0)
    clock = Clock(traffic)
    time, start = shanghai(2026, 10, 17, 5, 30), shanghai(2026, 10, 1)
    truth, counted_until = {"detect": 0.0, "search": 0.0}, start
    while time < shanghai(2026, 12, 1, 3, 0):
        if month_start(time) != start:
            start = counted_until = month_start(time)
            truth = dict.fromkeys(truth, 0.0)
        for api in truth:
            truth[api] += true_calls(traffic, api, counted_until, time)
        counted_until = time
        calls, costs = clock.at(time)
        assert calls == truth, datetime.fromtimestamp(time, SHANGHAI)
        assert costs == {"detect": float(cost(Decimal(truth["detect"]), LIST_PRICE_2018.tiers))}
        time += 60 * MINUTE
    assert start == shanghai(2026, 12, 1)


def test_at_midnight_in_shanghai_it_starts_anew() -> None:
    clock = Clock(Traffic({"detect": 300}, delay=0))
    before, cost_before = clock.at(shanghai(2026, 10, 31, 23, 59))
    assert before["detect"] > 6_000_000
    assert cost_before["detect"] > 2_500
    assert clock.at(shanghai(2026, 11, 1)) == ({"detect": 0.0}, {"detect": 0.0})
    after, _ = clock.at(shanghai(2026, 11, 1, 0, 11))
    assert after == {"detect": true_calls(clock.traffic, "detect", shanghai(2026, 11, 1), shanghai(2026, 11, 1, 0, 11))}


def test_a_start_at_the_end_of_a_month_takes_few_requests_and_a_look_in_between_two() -> None:
    """Days first, hours where no day is told, and minutes for what is not rolled up yet."""
    clock = Clock(Traffic({f"api-{n}": 10 for n in range(15)}, delay=0))
    clock.at(shanghai(2026, 10, 31, 20, 0))
    periods = [body["period"] for body in clock.cloud_eye.asked if isinstance(body, dict) and body["filter"] == "sum"]
    assert periods == ["86400", "3600", "3600", "1"]
    clock.cloud_eye.asked.clear()
    clock.at(shanghai(2026, 10, 31, 20, 11))
    periods = [body["period"] for body in clock.cloud_eye.asked if body["filter"] == "sum"]
    assert periods == ["1", "3600", "1"]


class Days(Traffic):
    """Days of another zone, or of none: some clouds may not tell sums of days at all."""

    shift: int | None = 0

    def rolled_up(self, metric: str, api: str, start: int, period: int, how: str) -> float | None:
        if period == DAY and self.shift is None:
            return None
        return super().rolled_up(metric, api, start, period, how)


@pytest.mark.parametrize("told", [True, False])
def test_without_sums_of_days_hours_are_added(told: bool) -> None:
    traffic = Days({"detect": 300}, delay=0)
    traffic.shift = 0 if told else None
    calls, _ = Clock(traffic).at(shanghai(2026, 10, 20, 12, 34))
    assert calls == {"detect": true_calls(traffic, "detect", shanghai(2026, 10, 1), shanghai(2026, 10, 20, 12, 34))}


def test_hours_that_are_told_late_are_added_late() -> None:
    """Hours are asked for again until they are three hours old and one more."""

    class Late(Traffic):
        late: int = 0

        def minute(self, metric: str, api: str, start: int) -> float | None:
            return None if start < self.late else super().minute(metric, api, start)

        def hour(self, metric: str, api: str, start: int) -> float | None:
            return None if self.late <= start + 3 * HOUR and start < self.late else super().hour(metric, api, start)

    traffic = Late({"detect": 300}, delay=0)
    clock = Clock(traffic)
    time = shanghai(2026, 10, 20, 12)
    traffic.late = time
    short, _ = clock.at(time)
    traffic.late = 0
    full, _ = clock.at(time + 10 * MINUTE)
    assert short["detect"] == true_calls(traffic, "detect", shanghai(2026, 10, 1), time - 3 * HOUR)
    assert full["detect"] == true_calls(traffic, "detect", shanghai(2026, 10, 1), time + 10 * MINUTE)


def test_a_new_api_is_added_from_the_first_of_the_month_on() -> None:
    traffic = Traffic({"detect": 300}, delay=0)
    known = now(month_to_date(CloudEye(traffic, 0).client, TARGET, ["detect"], None, float(shanghai(2026, 10, 3, 4))))
    assert known.calls.keys() == {"detect"}
    traffic.calls = {"detect": 300, "search": 5}
    time = shanghai(2026, 10, 3, 4, 1)
    cloud_eye = CloudEye(traffic, time)
    both = now(month_to_date(cloud_eye.client, TARGET, ["detect", "search"], known, float(time)))
    assert both.calls == {api: true_calls(traffic, api, shanghai(2026, 10, 1), time) for api in ("detect", "search")}


@given(st.sets(st.integers(-50, 900)), st.integers(0, 800))
def test_days_and_gaps_are_a_span_without_overlap(times: set[int], hours: int) -> None:
    start = month_start(1_763_700_000)
    span = Span(start, start + hours * HOUR, HOUR)
    days = set(whole_days((start + time * HOUR // 2 for time in times), span.start, span.end))
    parts = sorted([(day, day + DAY) for day in days] + [(part.start, part.end) for part in gaps(days, span)])
    assert sum(end - begin for begin, end in parts) == span.end - span.start
    assert all(first[1] == second[0] for first, second in pairwise(parts))
    assert not parts or (parts[0][0], parts[-1][1]) == (span.start, span.end)


def test_a_clock_that_goes_back_is_no_reason_to_wait() -> None:
    traffic = Traffic({"detect": 300}, delay=0)
    time = float(shanghai(2026, 10, 3, 4))
    known = Month(shanghai(2026, 10, 1), shanghai(2026, 10, 1), {"detect": 0.0}, {"detect": 0.0}, time + 5 * HOUR)
    assert now(month_to_date(CloudEye(traffic, time).client, TARGET, ["detect"], known, time)).asked_at == time
