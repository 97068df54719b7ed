"""Each point once, however late and however often it comes."""

from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.collectors.cloud_eye.tally import Tally


def test_points_are_added_once() -> None:
    tally = Tally(100).feed({100: 3.0, 160: 4.0}, until=220).feed({100: 3.0, 160: 4.0, 220: 9.0}, until=220)
    assert (tally.total, dict(tally.counted)) == (7.0, {100: 3.0, 160: 4.0})


def test_a_point_that_grows_adds_what_it_grew_by_and_one_that_shrinks_takes_nothing() -> None:
    tally = Tally(0).feed({60: 3.0}, until=600)
    assert tally.feed({60: 5.0}, until=600).total == 5.0
    assert tally.feed({60: 1.0}, until=600).total == 3.0
    assert tally.feed({60: 1.0}, until=600).feed({60: 3.0}, until=600).total == 3.0


def test_what_is_settled_stays() -> None:
    tally = Tally(0).feed({60: 3.0, 120: 4.0}, until=600).settled(120)
    assert (tally.since, tally.total, dict(tally.counted)) == (120, 7.0, {120: 4.0})
    assert tally.feed({60: 30.0}, until=600).total == 7.0, "too late"
    assert tally.settled(60) == tally


def test_a_clock_that_was_ahead_does_not_stop_it() -> None:
    tally = Tally(0).feed({60: 3.0}, until=600).settled(10_000)
    assert tally.feed({660: 1.0}, until=720).total == 3.0
    assert tally.not_after(660).feed({660: 1.0}, until=720).total == 4.0
    assert tally.not_after(10_000) is tally


@given(st.lists(st.dictionaries(st.integers(0, 30), st.floats(0, 100)), max_size=10), st.integers(0, 30))
def test_it_never_decreases_and_counts_the_most_that_was_told(told: list[dict[int, float]], since: int) -> None:
    tally, most = Tally(since), dict[int, float]()
    for points in told:
        before, tally = tally, tally.feed(points, until=25)
        assert tally.total >= before.total
        for time, value in points.items():
            if since <= time < 25:
                most[time] = max(most.get(time, 0.0), value)
    assert abs(tally.total - sum(most.values())) < 1e-6
