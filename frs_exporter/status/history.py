"""A day of a job in little memory: how its polls went, and how a few figures of it have moved (pure)."""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from frs_exporter.collectors.billing.balance import BALANCE
from frs_exporter.collectors.billing.packages import QUOTA, REMAINING
from frs_exporter.collectors.cloud_eye import MONTH_CALLS, MONTH_COST
from frs_exporter.collectors.face_sets import CAPACITY, FACE_SETS, FACES
from frs_exporter.core.model import Sample

SLOT = 300
"""Seconds of polls that are one bar."""
SLOTS = 86400 // SLOT
"""Bars of a day."""
STEP = 900
"""Seconds that are one point of a figure: these move slowly, and each point takes eight bytes."""
MAX_POINTS = 100
HIGHEST = 3e38
"""What a point can hold, up and down: answers may have any number."""
MAX_SERIES = 8
"""Figures of a job: an account may have money in any number of currencies."""
FULLNESS, SETS, CALLS, COST, PACKAGE = "fullness", "face_sets", "month_calls", "month_cost", "package_left"
MONEY = "balance "
"""What the name of a figure begins with that is money, the currency after it."""

WELL, FAILED = 64, 128
STEPS, SHORTEST, FACTOR = 63, 0.001, 1.2
"""A duration is told by how many times it is FACTOR times as long as SHORTEST, in seconds: to a tenth, up to 98 s."""


class PolledSlot(NamedTuple):
    """The polls of five minutes: `at` their beginning in Unix seconds, `longest` in seconds, to a tenth."""

    at: int
    well: bool
    failed: bool
    longest: float


class Point(NamedTuple):
    """A figure at a time in Unix seconds; NaN where it was not known."""

    at: int
    value: float


class PollHistory:
    """How the polls of a day went, a byte for each five minutes: whether some were well or failed, and the longest."""

    __slots__ = ("_codes", "_first")

    def __init__(self) -> None:
        self._first = 0
        self._codes = array("B")

    def add(self, at: float, duration: float, *, up: bool) -> bool:
        """Remember a poll; tells whether it is the first of its five minutes."""
        slot = int(at) // SLOT
        offset = slot - self._first
        if not self._codes or not -1 < offset < len(self._codes) + SLOTS:  # the clock was set, or it is long ago
            self._first, self._codes, offset = slot, array("B"), 0
        is_first = offset >= len(self._codes)
        self._codes.extend(0 for _ in range(offset + 1 - len(self._codes)))
        code = self._codes[offset]
        longest = max(code % WELL, step_of(duration))
        self._codes[offset] = (code & (WELL | FAILED)) | (WELL if up else FAILED) | longest
        if (surplus := len(self._codes) - SLOTS) > 0:
            del self._codes[:surplus]
            self._first += surplus
        return is_first

    def slots(self) -> list[PolledSlot]:
        """Those of the day in which there was a poll, the oldest first."""
        return [
            PolledSlot((self._first + number) * SLOT, bool(code & WELL), bool(code & FAILED), seconds_of(code % WELL))
            for number, code in enumerate(self._codes)
            if code
        ]


def step_of(duration: float) -> int:
    """A duration in seconds as a whole number from 0 to STEPS."""
    return min(STEPS, max(0, round(math.log(max(duration, SHORTEST) / SHORTEST, FACTOR))))


def seconds_of(step: int) -> float:
    """The seconds that a step stands for."""
    return SHORTEST * float(FACTOR**step)


class Figure:
    """One figure over a day: a point where it has changed, so that what stays as it is takes two."""

    __slots__ = ("_slots", "_values")

    def __init__(self) -> None:
        self._slots = array("I")
        self._values = array("f")

    def add(self, at: float, value: float, gap: float) -> None:
        """Remember a value; after more than `gap` seconds without one, it was not known in between."""
        slot, slots, values = int(at) // STEP, self._slots, self._values
        if slots and slot < slots[-1]:  # the clock was set back
            del slots[:], values[:]
        if slots and (slot - slots[-1]) * STEP > max(gap, 2 * STEP):
            self._put(slots[-1] + 1, math.nan)
        exact = array("f", [min(max(value, -HIGHEST), HIGHEST)])[0]
        if slots and slots[-1] == slot:
            values[-1] = exact
        elif len(values) > 1 and values[-1] == values[-2] == exact:
            slots[-1] = slot
        else:
            self._put(slot, exact)
        self._forget(slot - 86400 // STEP)

    def _put(self, slot: int, value: float) -> None:
        self._slots.append(slot)
        self._values.append(value)

    def _forget(self, oldest: int) -> None:
        """Have nothing that is older, but what was so then and is still."""
        old = sum(slot < oldest for slot in self._slots)
        if old and old < len(self._values) and self._values[old - 1] == self._values[old]:
            old -= 1
            self._slots[old] = oldest
        surplus = max(old, len(self._slots) - MAX_POINTS)
        del self._slots[:surplus], self._values[:surplus]

    def points(self) -> list[Point]:
        """The points, the oldest first."""
        return [Point(slot * STEP, value) for slot, value in zip(self._slots, self._values, strict=True)]


class JobHistory:
    """A day of a job: its polls, and its figures by name."""

    __slots__ = ("figures", "polls")

    def __init__(self) -> None:
        self.polls = PollHistory()
        self.figures: dict[str, Figure] | None = None
        """None as long as there are none, as for most jobs."""

    def add(self, at: float, duration: float, *, up: bool) -> bool:
        """Remember a poll; tells whether it is the first of its five minutes."""
        return self.polls.add(at, duration, up=up)

    def add_figures(self, at: float, samples: Sequence[Sample], gap: float) -> None:
        """Remember what an answer has told."""
        for name, value in figures_in(samples):
            self.figures = {} if self.figures is None else self.figures
            if name in self.figures or len(self.figures) < MAX_SERIES:
                self.figures.setdefault(name, Figure()).add(at, value, gap)


def figures_in(samples: Iterable[Sample]) -> list[tuple[str, float]]:
    """The figures of an answer by name; shares are from 0 to 1, money in units of its currency."""
    of: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for sample in samples:
        of[sample.family.name][sample.labels] = sample.value
    result = [(SETS, value) for value in of[FACE_SETS.name].values()]
    fills = shares(of[FACES.name], of[CAPACITY.name])
    result += [(FULLNESS, max(fills))] if fills else []
    for name, family in ((CALLS, MONTH_CALLS), (COST, MONTH_COST)):
        result += [(name, sum(of[family.name].values()))] if of[family.name] else []
    result += [(MONEY + labels[1], value) for labels, value in of[BALANCE.name].items() if labels[0] == "balance"]
    parts = shares(of[REMAINING.name], of[QUOTA.name])
    return result + ([(PACKAGE, min(parts))] if parts else [])


def shares(parts: dict[tuple[str, ...], float], wholes: dict[tuple[str, ...], float]) -> list[float]:
    """The part of each whole that there is."""
    return [parts.get(labels, 0.0) / whole for labels, whole in wholes.items() if whole]
