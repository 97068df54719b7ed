"""A day of a job as it is drawn and told: lines and bars of an SVG, and the same by the hour in figures (pure)."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from frs_exporter.status.history import SLOT, Point, PolledSlot

WIDTH, HEIGHT = 480, 60
"""Of a chart, in units of its own; the newest five minutes are at its right end."""
ALONE = 4
"""How broad a point is that nothing is beside."""
DAY, HOUR = 86400, 3600


class Hour(NamedTuple):
    """What a figure was in an hour that began at `at`, in Unix seconds."""

    at: int
    least: float
    highest: float
    last: float


class PolledHour(NamedTuple):
    """The polls of an hour that began at `at`, in Unix seconds; `longest` is in seconds."""

    at: int
    well: bool
    failed: bool
    longest: float


@dataclass(frozen=True, slots=True)
class Line:
    """A figure as it is drawn: `path` and what is at its bottom and its top, and what it was last."""

    path: str
    least: float
    highest: float
    last: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Polls as they are drawn: the bars of those that went well, those that failed, and the longest in seconds."""

    well: str
    failed: str
    longest: float


def polls_within(slots: Sequence[PolledSlot], now: float) -> list[PolledSlot]:
    """The polls of the day until now: there may have been none since, and a clock may have been set back."""
    return [slot for slot in slots if now - DAY < slot.at + SLOT and slot.at <= now]


def points_within(points: Sequence[Point], now: float) -> list[Point]:
    """The points of the day until now, which begins with what was so before and still was then."""
    start = int(now) - DAY
    old, found = [it for it in points if it.at < start], [it for it in points if start <= it.at <= now]
    return [Point(start, old[-1].value), *found] if old and found else found


def across(at: float, now: float) -> float:
    """Where a time is."""
    return round(WIDTH * min(1.0, max(0.0, 1 - (now - at) / DAY)), 1)


def line(points: Sequence[Point], now: float) -> Line | None:
    """The line of a figure, None without any; what stays the same is in the middle."""
    values = [value for _, value in points if not math.isnan(value)]
    if not values:
        return None
    least, highest = min(values), max(values)
    path, drawing = list[str](), False
    for at, value in points:
        if math.isnan(value):
            drawing = False
            continue
        part = (value - least) / (highest - least) if highest > least else 0.5
        x, y = across(at, now), round((HEIGHT - 4) * (1 - part) + 2, 1)
        # A point alone is seen, too, also at the right end.
        path.append(f"L{x} {y}" if drawing else f"M{max(0.0, round(x - ALONE, 1))} {y}h{ALONE}")
        drawing = True
    return Line("".join(path), least, highest, values[-1])


def bars(slots: Sequence[PolledSlot], now: float) -> Bars | None:
    """A bar for each five minutes with polls, None without any: as high as the longest of them took."""
    if not slots:
        return None
    longest, broad = max(slot.longest for slot in slots), WIDTH * SLOT / DAY
    paths: defaultdict[bool, list[str]] = defaultdict(list)
    for slot in slots:
        height = round(max(3.0, (HEIGHT - 2) * slot.longest / longest), 1)
        x = round(min(across(slot.at, now), WIDTH - broad), 1)
        paths[slot.failed].append(f"M{x} {HEIGHT}v-{height}h{broad:.1f}v{height}z")
    return Bars("".join(paths[False]), "".join(paths[True]), longest)


def hours(points: Sequence[Point]) -> list[Hour]:
    """A figure by the hour, the newest first; it stays what it was until the next point."""
    values: defaultdict[int, list[float]] = defaultdict(list)
    for point, after in zip_longest(points, points[1:]):
        if not math.isnan(point.value):
            end = after.at - 1 if after and not math.isnan(after.value) else point.at
            for hour in range(point.at // HOUR, max(point.at, end) // HOUR + 1):
                values[hour].append(point.value)
    return [Hour(hour * HOUR, min(its), max(its), its[-1]) for hour, its in sorted(values.items(), reverse=True)]


def polled_hours(slots: Sequence[PolledSlot]) -> list[PolledHour]:
    """Polls by the hour, the newest first."""
    by_hour: defaultdict[int, list[PolledSlot]] = defaultdict(list)
    for slot in slots:
        by_hour[slot.at // HOUR].append(slot)
    return [
        PolledHour(
            hour * HOUR,
            any(slot.well for slot in its),
            any(slot.failed for slot in its),
            max(slot.longest for slot in its),
        )
        for hour, its in sorted(by_hour.items(), reverse=True)
    ]
