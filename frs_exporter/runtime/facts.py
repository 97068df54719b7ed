"""What is known under names, for any thread: of two facts of one name that with the greater order holds.

So it does not matter in which order, how often or how late they are learned.
"""

import json
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

SPARE = 1000
"""Facts that may have ended before it is looked which have."""
FAR = 1e11
"""No number in an order, and no time in Unix seconds, is as large: that is the year 5138."""
MAX_BRACKETS = 32
"""In a line: what is nested deeper can be read, and not be written."""


class Fact(NamedTuple):
    """What is known under a name, until a time in Unix seconds."""

    order: float
    until: float
    value: Any


class Facts:
    """All that are known, and the names of those that are not saved; `now` is the wall clock in Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.mutex = threading.RLock()
        """Held while facts change, never while the disk is waited for."""
        self._now = now
        self._known: dict[str, Fact] = {}
        self._unsaved: set[str] = set()
        self._limit = SPARE

    def __len__(self) -> int:
        """How many are known."""
        return len(self._known)

    def get(self, name: str) -> Any:
        """What is known under a name, None where nothing is."""
        fact = self._known.get(name)
        return fact.value if fact and self._now() < fact.until else None

    def order(self, name: str) -> float:
        """The order of what is known under a name, 0 where nothing is."""
        fact = self._known.get(name)
        return fact.order if fact and self._now() < fact.until else 0.0

    def is_saved(self, name: str) -> bool:
        """Whether what is known under a name is saved."""
        return name not in self._unsaved

    @property
    def has_unsaved(self) -> bool:
        """Whether any is not saved; at once, however many are."""
        return bool(self._unsaved)

    def put(self, name: str, fact: Fact) -> bool:
        """Know a fact that is not saved yet, unless what is known is as new; whether it is known."""
        with self.mutex:
            newer = self._take(name, fact)
            if newer:
                self._unsaved.add(name)
            return newer

    def learn(self, facts: Iterable[tuple[str, Fact]]) -> None:
        """Know facts that are saved."""
        for name, fact in facts:
            with self.mutex:
                self._take(name, fact)
                if self._known.get(name) == fact:
                    self._unsaved.discard(name)

    def forget_saved(self) -> None:
        """That anything is saved is not known."""
        with self.mutex:
            self._unsaved = set(self.current())

    def _take(self, name: str, fact: Fact) -> bool:
        """Know a fact if it has not ended, and is newer than what is known."""
        now, known = self._now(), self._known.get(name)
        if fact.until <= now or (known and now < known.until and fact.order <= known.order):
            return False
        self._known[name] = fact
        if len(self._known) > self._limit:
            self._known = self.current()
            self._unsaved &= self._known.keys()
            self._limit = 2 * len(self._known) + SPARE
        return True

    def current(self) -> dict[str, Fact]:
        """Those that have not ended."""
        with self.mutex:
            now = self._now()
            return {name: fact for name, fact in self._known.items() if now < fact.until}

    def unsaved(self) -> dict[str, Fact]:
        """Those that are not saved."""
        with self.mutex:
            return {name: self._known[name] for name in self._unsaved}


def encoded(facts: Mapping[str, Fact]) -> bytes:
    """A line of JSON for each fact."""
    lines = (json.dumps({"name": name, **fact._asdict()}, allow_nan=False) for name, fact in facts.items())
    return "".join(f"{line}\n" for line in lines).encode()


def parsed(line: bytes) -> tuple[str, Fact] | None:
    """The fact that a line tells, None where it tells none."""
    try:
        if line.count(b"[") + line.count(b"{") > MAX_BRACKETS:
            return None
        entry = json.loads(line, parse_constant=no_number, parse_float=finite)
    except ValueError:
        return None
    match entry:
        case {"name": str(name), "order": order, "until": until, "value": value} if is_near(order) and is_near(until):
            return name, Fact(order, until, value)
    return None


def no_number(name: str) -> None:
    """Raise ValueError: NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(name)


def finite(number: str) -> float:
    """A number, which could be written again; raises ValueError for one too large."""
    if math.isfinite(value := float(number)):
        return value
    raise ValueError(number)


def is_near(number: Any) -> bool:
    """Whether something is a number that may be in an order, or a time."""
    return isinstance(number, int | float) and -FAR < number < FAR
