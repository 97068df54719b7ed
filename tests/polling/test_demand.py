"""What is asked of a gate, against what it lets through."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.model import Api, Job, Limit, Target
from frs_exporter.polling.capacity import overloads, shared_interval

LIMITS = {api: Limit(rate=5, concurrency=5) for api in Api}


def jobs(target: Target, count: int, **settings: object) -> list[Job]:
    return [Job(replace(target, project=f"p{n}", **settings), "subscription") for n in range(count)]  # type: ignore[arg-type]


def test_demand_that_fits_is_silent(target: Target) -> None:
    assert list(overloads(jobs(target, 300), LIMITS)) == []


def test_too_much_is_told_with_its_numbers(target: Target) -> None:
    (notice,) = overloads(jobs(target, 600), LIMITS)
    assert notice.text == (
        "credential ak_sk-account at http://127.0.0.1:9: 600 jobs want 10 requests per second, limits.frs.rate allows "
        "5: they will be polled every 120s; set poll_interval to at least 120s, or limits.frs.rate to 10 (the vendor "
        "grants a user 10, whoever uses it)"
    )
    assert not notice.serious


def test_of_a_single_job_it_is_told_as_of_one(target: Target) -> None:
    limits = {**LIMITS, Api.FRS: Limit(rate=0.001, concurrency=1)}
    (notice,) = overloads(jobs(target, 1), limits)
    assert ": 1 job wants 0.0167 requests per second, limits.frs.rate allows 0.001: it will be polled" in notice.text
    assert notice.text.endswith("; it will lose its samples in between, stale after 180s")
    (notice,) = overloads(jobs(target, 60), limits)
    assert ": 60 jobs want 1 request per second, limits.frs.rate allows 0.001: they will be polled" in notice.text


def test_it_is_serious_where_samples_will_be_missing(target: Target) -> None:
    (notice,) = overloads(jobs(target, 900), LIMITS)
    assert notice.serious
    assert "want 15 requests per second" in notice.text
    assert notice.text.endswith(
        "they will be polled every 180s; set poll_interval to at least 180s, or spread the projects over several "
        "users: the vendor grants each 10 requests per second; "
        "900 of them will lose their samples in between, stale after 180s"
    )
    (notice,) = overloads(jobs(target, 1200), {**LIMITS, Api.FRS: Limit(rate=10, concurrency=5)})
    assert "limits.frs.rate to" not in notice.text, "there is no more to be had"


def test_each_endpoint_and_credential_has_its_own_gate(target: Target) -> None:
    elsewhere = dict.fromkeys(Api, "http://127.0.0.1:10")
    here, there = jobs(target, 200), jobs(target, 200, endpoints=elsewhere)
    assert list(overloads([*here, *there], LIMITS)) == []
    assert len(list(overloads([*here, *there, *jobs(target, 101, endpoints=elsewhere)], LIMITS))) == 1


def test_who_asks_rarely_keeps_its_interval() -> None:
    assert shared_interval([10, 10, 1000], 0.101) == pytest.approx(20)


@given(st.lists(st.floats(1, 86400), min_size=1, max_size=50), st.floats(0.01, 100))
def test_the_shared_interval_is_what_the_rate_can_bear(intervals: list[float], rate: float) -> None:
    shared = shared_interval(intervals, rate)
    if sum(1 / interval for interval in intervals) > rate:
        assert sum(1 / max(interval, shared) for interval in intervals) == pytest.approx(rate)
    else:
        assert shared == min(intervals)
