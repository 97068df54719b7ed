"""When jobs are due."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.schedule import LAST_RETRY, LONGEST_RETRY_AFTER, TICK, first_delay, next_delay, next_tick


def test_phases_are_stable_and_even() -> None:
    assert first_delay("vision-prod/subscription", 60) == first_delay("vision-prod/subscription", 60)
    phases = sorted(first_delay(f"project-{n}/subscription", 60) for n in range(6000))
    per_second = [sum(second <= phase < second + 1 for phase in phases) for second in range(60)]
    assert min(per_second) > 60
    assert max(per_second) < 140


@given(st.text(), st.floats(0, 1e6))
def test_a_phase_is_within_its_window(key: str, window: float) -> None:
    assert 0 <= first_delay(key, window) <= window


@given(st.floats(1, 86400), st.integers(0, 10**6), st.none() | st.floats(0, 1e6), st.integers())
def test_delays_stay_in_bounds_and_never_raise(
    interval: float, failures: int, retry_after: float | None, seed: int
) -> None:
    delay = next_delay(interval, failures, retry_after, random.Random(seed).uniform)
    if failures == 0:
        assert interval * 0.95 <= delay <= interval * 1.05
    else:
        floor = max(1.0, min(retry_after or 0, LONGEST_RETRY_AFTER))
        assert floor <= delay <= max(interval, LAST_RETRY, floor)


def test_the_ceiling_doubles_up_to_its_end() -> None:
    ceilings = [next_delay(60, failures, None, lambda _, high: high) for failures in (1, 2, 3, 4, 5, 2000)]
    assert ceilings == [60, 120, 240, 300, 300, 300]
    ceilings = [next_delay(3600, failures, None, lambda _, high: high) for failures in (1, 2, 3, 6, 7, 2000)]
    assert ceilings == [60, 120, 240, 1920, 3600, 3600], "what is asked once an hour is not unknown for an hour"
    assert next_delay(20, 1, None, lambda _, high: high) == 20


def test_a_retry_is_spread_over_all_of_its_range() -> None:
    """Full jitter: also at the cap a fleet of failing jobs does not beat in unison."""
    draw = random.Random(1)
    delays = [next_delay(60, 50, None, draw.uniform) for _ in range(1000)]
    assert min(delays) < 10
    assert max(delays) > 290


@pytest.mark.parametrize("failures", [1, 9])
def test_retry_after_is_a_floor(failures: int) -> None:
    assert next_delay(60, failures, 1000, lambda low, _: low) == 1000
    assert next_delay(60, failures, 1e9, lambda low, _: low) == 3600


@given(st.floats(0, 1e9))
def test_a_tick_is_never_early_and_never_a_tick_late(due: float) -> None:
    assert due - 1e-6 <= next_tick(due) <= due + TICK + 1e-6
