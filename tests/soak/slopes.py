"""What grows: the slope of each figure over time, and whether it is flat."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

HOUR = 3600.0
WARM = 1 / 3
"""Of the time, which is for growing to the size that it takes."""


@dataclass(frozen=True, slots=True)
class Look:
    """The process at a quiet moment: seconds since the start, MiB, and how many of each there are."""

    second: float
    mib: float
    descriptors: int
    threads: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Slope:
    """How much a figure grows in an hour, and how much it may."""

    what: str
    first: float
    last: float
    an_hour: float
    at_most: float

    @property
    def flat(self) -> bool:
        """Whether it grows no more than it may; what shrinks is no leak."""
        return self.an_hour <= self.at_most

    def text(self) -> str:
        """As a line of the table."""
        mark = "" if self.flat else "  grows"
        return f"{self.what:14}{self.first:10.1f}{self.last:10.1f}{self.an_hour:+12.2f}{self.at_most:10.2f}{mark}"


HEADS = f"{'':14}{'warm':>10}{'end':>10}{'an hour':>12}{'at most':>10}"
LIMITS = {"mib": 2.0, "descriptors": 2.0, "threads": 1.0, "tasks": 2.0}
"""What each may grow in an hour. Where each poll leaves 60 bytes behind 500 projects grow by 7 MiB."""


def least(looks: Sequence[Look]) -> Look:
    """The last look, but with the least of each figure that any of them has."""
    return Look(looks[-1].second, *(min(getattr(look, what) for look in looks) for what in LIMITS))


def slopes(looks: Sequence[Look]) -> list[Slope]:
    """Of each figure, over what follows the warm-up: the line of least squares.

    Raises ValueError where fewer than three looks follow it.
    """
    steady = [look for look in looks if look.second >= WARM * looks[-1].second]
    if len(steady) < 3:
        raise ValueError("three looks after the warm-up are the least that a slope takes")
    seconds = [look.second for look in steady]
    found = []
    for what, at_most in LIMITS.items():
        figures = [float(getattr(look, what)) for look in steady]
        slope, _ = linear_regression(seconds, figures)
        found.append(Slope(what, figures[0], figures[-1], slope * HOUR, at_most))
    return found
