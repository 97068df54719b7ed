"""Figures and their goals: as a table for people and as JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

NOISE = 15.0
"""Percent by which two runs may differ."""


def lower_quartile(values: Sequence[float]) -> float:
    """A quarter of them are less."""
    return quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


@dataclass(frozen=True)
class Figure:
    """What was measured, several times where that is quick, and what it is to be at most, or at least.

    `judged` makes the one that counts for the goal: of the slowest of each round that is max.

    Two runs are compared by `compared`: by the lower quartile, as what else a machine does can only add to what
    something takes; of a ratio by the median. What was measured in rounds is divided by its `yardstick`, what bare GETs
    took in the same round: so it matters less how fast the machine is today.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None
    judged: Callable[[Sequence[float]], float] = median
    compared: Callable[[Sequence[float]], float] = lower_quartile
    yardstick: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The one that counts for the goal."""
        return self.judged(self.values)

    @property
    def common(self) -> float:
        """The one by which two runs are compared."""
        if not self.yardstick:
            return self.compared(self.values)
        return self.compared([value / unit for value, unit in zip(self.values, self.yardstick, strict=True)])

    @property
    def met(self) -> bool:
        """Whether it is within its goal; what has none is."""
        return self.value <= (self.at_most or float("inf")) and self.value >= (self.at_least or 0.0)

    def row(self) -> str:
        """As a line of the table."""
        goal = f"<= {self.at_most:g}" if self.at_most else f">= {self.at_least:g}" if self.at_least else ""
        verdict = "" if not goal else "met" if self.met else "MISSED"
        spread = " ".join(f"{value:.4g}" for value in self.values) if len(self.values) > 1 else ""
        return f"{self.what:66}{self.value:9.4g} {self.unit:4} {goal:8}{verdict:8}{spread}".rstrip()


def table(figures: Iterable[Figure]) -> str:
    """All of them, a line each."""
    head = f"{'figure':66}{'judged':>9} {'':4} {'goal':8}{'':8}all of them"
    return "\n".join((head, *(figure.row() for figure in figures)))


def differences(figures: Iterable[Figure], before: str) -> Iterator[str]:
    """A line for each figure that an earlier run has, too, by its JSON: that by which the two are compared."""
    old = {figure["what"]: figure["common"] for figure in json.loads(before)}
    yield "two runs; what was measured in rounds is in bare GETs of the same round"
    yield f"{'figure':66}{'before':>9}{'now':>9}{'more':>9}"
    for figure in figures:
        if value := old.get(figure.what):
            more = 100 * (figure.common / value - 1)
            yield f"{figure.what:66}{value:9.4g}{figure.common:9.4g}{more:+8.1f} %{'' if abs(more) <= NOISE else '  !'}"


def as_json(figures: Iterable[Figure]) -> str:
    """All of them for programs."""
    names = ("what", "unit", "values", "at_most", "at_least", "value", "common", "met")
    return json.dumps([{name: getattr(figure, name) for name in names} for figure in figures], indent=1)
