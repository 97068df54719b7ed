"""A counter of what comes in points of time, late, twice or not at all: each point is added once (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Points = Mapping[int, float]
"""Values by the Unix seconds at which their time begins."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What has been counted; points before `since` are settled, what was added of each later one is in `counted`.

    Times in Unix seconds. A point that grows, as one does that was told before all of it was known, adds what it grew
    by; one that shrinks takes nothing back: a counter never decreases.
    """

    since: int
    total: float = 0.0
    counted: Points = field(default_factory=dict)

    def feed(self, points: Points, until: int) -> "Tally":
        """With all points that are not settled and lie before `until`."""
        counted, total = dict(self.counted), self.total
        for time, value in points.items():
            more = value - counted.get(time, 0.0)
            if self.since <= time < until and more > 0:
                counted[time] = value
                total += more
        return Tally(self.since, total, counted)

    def not_after(self, now: int) -> "Tally":
        """As it must be at this time: a clock that was ahead must not keep it from counting until then."""
        return self if self.since <= now else Tally(now, self.total)

    def settled(self, before: int) -> "Tally":
        """With points before this time settled: whatever comes of them later is too late."""
        if before <= self.since:
            return self
        return Tally(before, self.total, {time: value for time, value in self.counted.items() if time >= before})
