"""Figures and their goals: as a table for people and as JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from statistics import median

NOISE = 15.0
"""Percent by which two runs may differ."""


@dataclass(frozen=True)
class Figure:
    """What was measured, several times where that is quick, and what it is to be at most, or at least."""

    what: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def value(self) -> float:
        """The one that counts for the goal."""
        return median(self.values)

    @property
    def least(self) -> float:
        """The one that two runs have in common: what else a machine does can only add to what something takes."""
        return min(self.values)

    @property
    def met(self) -> bool:
        """Whether it is within its goal; what has none is."""
        return self.value <= (self.at_most or float("inf")) and self.value >= (self.at_least or 0.0)

    def row(self) -> str:
        """As a line of the table."""
        goal = f"<= {self.at_most:g}" if self.at_most else f">= {self.at_least:g}" if self.at_least else ""
        verdict = "" if not goal else "met" if self.met else "MISSED"
        spread = " ".join(f"{value:.4g}" for value in self.values) if len(self.values) > 1 else ""
        return f"{self.what:66}{self.value:9.4g}{self.least:9.4g} {self.unit:4} {goal:8}{verdict:8}{spread}".rstrip()


def table(figures: Iterable[Figure]) -> str:
    """All of them, a line each."""
    head = f"{'figure':66}{'median':>9}{'least':>9} {'':4} {'goal':8}{'':8}all of them"
    return "\n".join((head, *(figure.row() for figure in figures)))


def differences(figures: Iterable[Figure], before: str) -> Iterator[str]:
    """A line for each figure that an earlier run has, too, by its JSON: the least of each, and how it differs."""
    old = {figure["what"]: figure["least"] for figure in json.loads(before)}
    yield f"{'figure':66}{'before':>9}{'now':>9}{'more':>9}"
    for figure in figures:
        if value := old.get(figure.what):
            more = 100 * (figure.least / value - 1)
            yield f"{figure.what:66}{value:9.4g}{figure.least:9.4g}{more:+8.1f} %{'' if abs(more) <= NOISE else '  !'}"


def as_json(figures: Iterable[Figure]) -> str:
    """All of them for programs."""
    return json.dumps(
        [{**asdict(figure), "value": figure.value, "least": figure.least, "met": figure.met} for figure in figures],
        indent=1,
    )
