"""Figures and their goals: as a table for people and as JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

NOISE = 15.0
"""Percent by which two runs may differ."""


@dataclass(frozen=True)
class Figure:
    """What was measured, several times where that is quick, and what it is to be at most, or at least.

    `judged` makes the value that counts for the goal: max for "the slowest".

    Two runs are compared by the least of their values, as `timeit` does: what else a machine does can only add to what
    something takes. `common` is for what has no least of its own, as a ratio of two figures.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None
    judged: Callable[[Sequence[float]], float] = median
    common: float | None = None

    @property
    def value(self) -> float:
        """The one that counts for the goal."""
        return self.judged(self.values)

    @property
    def compared(self) -> float | None:
        """The one by which two runs are compared; the slowest of a run has none: it is what happened once."""
        return None if self.judged is max else self.common or min(self.values)

    @property
    def met(self) -> bool:
        """Whether it is within its goal; what has none is."""
        return self.value <= (self.at_most or float("inf")) and self.value >= (self.at_least or 0.0)

    def row(self) -> str:
        """As a line of the table."""
        goal = f"<= {self.at_most:g}" if self.at_most else f">= {self.at_least:g}" if self.at_least else ""
        verdict = "" if not goal else "met" if self.met else "MISSED"
        several = len(self.values) > 1
        spread = f"{min(self.values):9.4g}{max(self.values):9.4g}{len(self.values):9}" if several else ""
        return f"{self.what:66}{self.value:9.4g} {self.unit:4} {goal:8}{verdict:8}{spread}".rstrip()


def table(figures: Iterable[Figure]) -> str:
    """All of them, a line each."""
    head = f"{'figure':66}{'judged':>9} {'':4} {'goal':8}{'':8}{'least':>9}{'most':>9}{'values':>9}"
    return "\n".join((head, *(figure.row() for figure in figures)))


def differences(figures: Iterable[Figure], before: str) -> Iterator[str]:
    """A line for each figure that an earlier run has, too, by its JSON; `!` where the two do not agree.

    The slowest of two runs agree when both are within the goal, or both are not.
    """
    old = {figure["what"]: figure for figure in json.loads(before)}
    yield f"{'two runs, by the least of each':66}{'before':>9}{'now':>9}{'more':>9}"
    for figure in figures:
        if other := old.get(figure.what):
            if figure.compared is None:
                was, now, agree = other["value"], figure.value, other["met"] is figure.met
                more = f"{'met' if figure.met else 'missed':>10}"
            else:
                was, now = other["compared"], figure.compared
                percent = 100 * (now / was - 1)
                agree, more = abs(percent) <= NOISE, f"{percent:+8.1f} %"
            yield f"{figure.what:66}{was:9.4g}{now:9.4g}{more}{'' if agree else '  !'}"


def as_json(figures: Iterable[Figure]) -> str:
    """All of them for programs."""
    names = ("what", "unit", "values", "at_most", "at_least", "value", "compared", "met")
    return json.dumps([{name: getattr(figure, name) for name in names} for figure in figures], indent=1)
