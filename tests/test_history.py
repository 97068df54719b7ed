"""A day in little memory: what is kept of polls and figures, however long and whatever the clock does."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.collectors.billing.balance import BALANCE
from frs_exporter.collectors.billing.packages import QUOTA, REMAINING
from frs_exporter.collectors.cloud_eye import MONTH_CALLS, MONTH_COST
from frs_exporter.collectors.face_sets import CAPACITY, FACE_SETS, FACES
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import CollectResult, JobState, Sample
from frs_exporter.status.chart import (
    ALONE,
    HEIGHT,
    WIDTH,
    bars,
    hours,
    line,
    points_within,
    polled_hours,
    polls_within,
)
from frs_exporter.status.history import (
    MAX_POINTS,
    SLOT,
    SLOTS,
    STEP,
    Figure,
    JobHistory,
    Point,
    PollHistory,
    figures_in,
)
from frs_exporter.status.json_text import indented, printable

NOON = 1_800_000_000 // 86400 * 86400 + 43200
DAY = 86400
STEPS_OF_A_DAY = DAY // STEP


@given(st.lists(st.tuples(st.floats(0, 2**32), st.floats(0, 1e6), st.booleans()), max_size=50))
def test_polls_of_any_times_take_a_day_at_most(polls: list[tuple[float, float, bool]]) -> None:
    history = PollHistory()
    for at, duration, up in polls:
        history.add(at, duration, up=up)
        slots = history.slots()
        assert len(slots) <= SLOTS
        assert all(before.at < after.at for before, after in pairwise(slots))
        assert any(slot.at == int(at) // SLOT * SLOT and (slot.well if up else slot.failed) for slot in slots)


@given(st.lists(st.tuples(st.floats(0, 4 * DAY), st.floats(-1e6, 1e6)), min_size=1, max_size=400))
def test_a_figure_of_any_times_has_few_points_and_ends_with_the_newest(values: list[tuple[float, float]]) -> None:
    figure = Figure()
    for offset, value in values:
        figure.add(NOON + offset, value, 600)
    points = figure.points()
    assert len(points) <= MAX_POINTS
    assert all(before.at < after.at for before, after in pairwise(points))
    assert points[-1].value == pytest.approx(values[-1][1], rel=1e-6)
    assert points[0].at >= points[-1].at - DAY


def test_a_minute_a_poll_for_two_days_keeps_the_second() -> None:
    history = JobHistory()
    for minute in range(2 * 24 * 60):
        history.add(NOON + 60 * minute, 0.1, up=not 2000 <= minute < 2010)
    slots = history.polls.slots()
    assert (len(slots), slots[-1].at) == (SLOTS, NOON + 2 * DAY - SLOT)
    assert [slot.at for slot in slots if slot.failed] == [NOON + 60 * 2000, NOON + 60 * 2005]
    assert not any(slot.well and slot.failed for slot in slots)


@pytest.mark.parametrize("duration", [0.001, 0.02, 0.4, 3.0, 42.0])
def test_a_duration_is_kept_to_a_tenth(duration: float) -> None:
    history = PollHistory()
    history.add(NOON, duration, up=True)
    history.add(NOON + 1, duration / 2, up=False)
    (slot,) = history.slots()
    assert slot.longest == pytest.approx(duration, rel=0.1)
    assert slot.well
    assert slot.failed


def test_what_stays_the_same_takes_two_points() -> None:
    figure = Figure()
    for slot in range(3 * STEPS_OF_A_DAY):
        figure.add(NOON + STEP * slot, 0.25, 600)
    end = NOON + STEP * (3 * STEPS_OF_A_DAY - 1)
    assert figure.points() == [Point(end - DAY, 0.25), Point(end, 0.25)]


def test_what_was_not_known_is_a_gap() -> None:
    figure = Figure()
    for at in (0, STEP, 20 * STEP):
        figure.add(NOON + at, 7.0, 600)
    known = [(point.at - NOON, math.isnan(point.value)) for point in figure.points()]
    assert known == [(0, False), (STEP, False), (2 * STEP, True), (20 * STEP, False)]
    drawn = line(figure.points(), NOON + 20 * STEP)
    assert drawn
    assert drawn.path.count("M") == 2


def test_a_clock_that_is_set_back_begins_anew() -> None:
    figure, history = Figure(), PollHistory()
    for at in (NOON, NOON - 10 * DAY):
        figure.add(at, 1.0, 600)
        history.add(at, 0.1, up=True)
    assert [point.at for point in figure.points()] == [slot.at for slot in history.slots()] == [NOON - 10 * DAY]


def test_the_figures_of_an_answer() -> None:
    samples = [
        Sample(FACE_SETS, (), 3),
        *(Sample(CAPACITY, (name,), 100) for name in ("a", "b")),
        *(Sample(FACES, (name,), faces) for name, faces in (("a", 20), ("b", 90))),
        *(Sample(MONTH_CALLS, (api,), calls) for api, calls in (("DetectFace", 5), ("CompareFace", 6))),
        Sample(MONTH_COST, ("DetectFace",), 1.5),
        Sample(BALANCE, ("balance", "CNY"), 12.5),
        Sample(BALANCE, ("bonus", "CNY"), 99),
        *(Sample(QUOTA, (name, "calls", "times"), 1000) for name in ("p", "q")),
        *(Sample(REMAINING, (name, "calls", "times"), it) for name, it in (("p", 800), ("q", 100))),
    ]
    assert dict(figures_in(samples)) == {
        "fullness": 0.9,
        "face_sets": 3,
        "month_calls": 11,
        "month_cost": 1.5,
        "balance CNY": 12.5,
        "package_left": 0.1,
    }
    assert figures_in([]) == []


def test_any_number_of_currencies_is_none_for_memory() -> None:
    history = JobHistory()
    history.add_figures(NOON, [Sample(BALANCE, ("balance", f"X{number}"), 1) for number in range(1000)], 600)
    assert history.figures
    assert len(history.figures) == 8


def test_a_line_is_drawn_within_its_chart() -> None:
    drawn = line([Point(NOON - DAY, 0.0), Point(NOON - DAY // 2, 5.0), Point(NOON, 10.0)], NOON)
    assert drawn
    assert drawn.path == f"M0.0 {HEIGHT - 2}.0h{ALONE}L{WIDTH / 2} {HEIGHT / 2}L{float(WIDTH)} 2.0"
    assert (drawn.least, drawn.highest, drawn.last) == (0.0, 10.0, 10.0)
    assert line([], NOON) is None
    alone = line([Point(NOON, 5.0)], NOON)
    assert alone
    assert alone.path == f"M{float(WIDTH - ALONE)} {HEIGHT / 2}h{ALONE}", "seen at the right end, too"


def test_polls_are_drawn_by_how_they_went() -> None:
    history = PollHistory()
    history.add(NOON - SLOT, 1.0, up=True)
    history.add(NOON, 1.0, up=False)
    drawn = bars(history.slots(), NOON)
    assert drawn
    assert (drawn.well.count("M"), drawn.failed.count("M")) == (1, 1)
    assert drawn.failed.startswith(f"M{WIDTH - 1.7:.1f} "), "a bar that has just begun is as broad as the others"
    assert bars([], NOON) is None
    assert [(hour.well, hour.failed) for hour in polled_hours(history.slots())] == [(False, True), (True, False)]


def test_a_figure_by_the_hour_stays_what_it_was() -> None:
    found = hours([Point(NOON, 1.0), Point(NOON + 2 * 3600 + 600, 5.0), Point(NOON + 2 * 3600 + 900, math.nan)])
    assert [(hour.at - NOON, hour.least, hour.highest, hour.last) for hour in found] == [
        *((7200, 1.0, 5.0, 5.0), (3600, 1.0, 1.0, 1.0), (0, 1.0, 1.0, 1.0)),
    ]


def test_a_job_knows_when_its_newest_polls_were() -> None:
    state = JobState()
    for number in range(30):
        if number % 7 == 0:
            state = state.failed(NOON + number, 0.5, Failure(Reason.SERVER, "busy"))
        else:
            state = state.succeeded(NOON + number, 0.25, CollectResult(), math.inf)
    polls = state.past_polls
    assert [poll.at - NOON for poll in polls] == list(range(10, 30))
    assert [poll.at - NOON for poll in polls if poll.reason is Reason.SERVER] == [14, 21, 28]
    assert {poll.duration for poll in polls} == {0.25, 0.5}
    assert len(state.recent_times) == 160
    odd_clocks = state.confirmed(-1e12, 0.1, 0.0).confirmed(1e12, 0.1, 0.0).past_polls
    assert [poll.at for poll in odd_clocks[-2:]] == [0, 2**32 - 1]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            '{"a": [1, {"b": "x,{y"}], "c": null}',
            ["{", '  "a": [', "    1,", "    {", '      "b": "x,{y"', "    }", "  ],"],
        ),
        ('{"a": ***, "b": "cut he', ["{", '  "a": ***,', '  "b": "cut he']),
        ("{}", ["{}"]),
        ("<html>no {json}</html>", ["<html>no {json}</html>"]),
        ("[" * 5000, ["[", "  ["]),
    ],
)
def test_json_is_indented_also_where_it_is_none_any_more(text: str, lines: list[str]) -> None:
    found = indented(text).split("\n")
    assert found[: len(lines)] == lines


def test_what_does_something_to_a_screen_is_replaced() -> None:
    assert printable("a\x1b[2J\nb\u202ec") == "a\ufffd[2J\nb\ufffdc"


def test_what_was_days_ago_is_not_drawn_as_of_today() -> None:
    """A job that fails has no new figures, and one that rests has no polls."""
    figure, history = Figure(), PollHistory()
    for at in range(0, DAY, SLOT):
        figure.add(NOON + at, at % 7, 600)
        history.add(NOON + at, 0.1, up=True)
    for later in (DAY // 2, 4 * DAY):
        now = NOON + DAY + later
        points, slots = points_within(figure.points(), now), polls_within(history.slots(), now)
        assert all(now - DAY <= point.at <= now for point in points)
        assert all(now - DAY - SLOT < slot.at <= now for slot in slots)
        assert bool(points) is bool(slots) is (later < DAY)
        assert len(hours(points)) <= 25


def test_what_is_as_it_was_before_the_day_stays_so_in_it() -> None:
    points = [Point(NOON - DAY - 7200, 5.0), Point(NOON, 5.0)]
    assert points_within(points, NOON) == [Point(NOON - DAY, 5.0), Point(NOON, 5.0)]


def test_what_a_clock_has_said_that_was_set_back_is_not_of_today() -> None:
    history = PollHistory()
    for at in (NOON + 7200, NOON):
        history.add(at, 0.1, up=True)
    assert [slot.at for slot in polls_within(history.slots(), NOON + 60)] == [NOON]


@pytest.mark.parametrize("value", [1e300, -1e300, math.inf, -math.inf])
def test_a_figure_that_is_huge_is_drawn_all_the_same(value: float) -> None:
    figure = Figure()
    for number, it in enumerate((5.0, value, 7.0)):
        figure.add(NOON + number * STEP, it, 600)
    drawn = line(figure.points(), NOON + 2 * STEP)
    assert drawn
    assert "nan" not in drawn.path
    assert math.isfinite(drawn.highest - drawn.least)
