"""What is known of FRS at each endpoint, whoever has found it out: whether `subscribe` is there, what probes prove."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from frs_exporter.core.model import Api, Target

ABSENT_FOR = (600.0, 3600.0, 6 * 3600.0)
"""Seconds for which `subscribe` is taken for absent, by how often it was found to be, with no answer in between."""
MISSES = 3
"""In a row, until what has answered is taken for gone: a gateway that is being changed may say so for a moment."""
MISS_EVERY = 30.0
"""Seconds in which no more than one counts, however many projects are asked about."""
GAP = 1.1
"""Seconds from a user's probe to the next one: the vendor grants one call of live detect a second (face_01_0016)."""


@dataclass(slots=True)
class EndpointState:
    """One region at one endpoint; times are in seconds of the event loop's clock."""

    answered: bool = False
    """Whether `subscribe` is there, as far as is known."""
    misses: int = 0
    """How often in a row it was not, of those that count."""
    missed_at: float = -math.inf
    times_absent: int = 0
    absent_until: float = -math.inf
    useless: dict[str, str] = field(default_factory=dict)
    """Why probes are not believed here, and not sent, by sub-service."""
    refused: dict[str, float] = field(default_factory=dict)
    """Sub-services of which a probe was told here that they are off: so that is looked at before the rest.

    Until when that counts, in Unix seconds."""

    def absent(self, now: float) -> bool:
        """Whether `subscribe` need not be asked."""
        return now < self.absent_until

    def present(self) -> None:
        """It has answered."""
        self.answered, self.misses, self.missed_at, self.times_absent = True, 0, -math.inf, 0
        self.absent_until = -math.inf

    def missed(self, now: float) -> bool:
        """The gateway knows no such API: whether it is absent from now on, or has been since this was asked."""
        if self.absent(now):
            return True
        if self.answered:
            if now - self.missed_at >= MISS_EVERY:
                self.misses, self.missed_at = self.misses + 1, now
            if self.misses < MISSES:
                return False
        self.absent_until = now + ABSENT_FOR[min(self.times_absent, len(ABSENT_FOR) - 1)]
        self.answered, self.misses, self.missed_at = False, 0, -math.inf
        self.times_absent += 1
        return True

    def learn(self, useless: Mapping[str, str], refused: Mapping[str, float]) -> None:
        """Take over what is known by now, whoever has found it out."""
        self.useless = dict(useless)
        for subservice, until in refused.items():
            self.refused[subservice] = max(until, self.refused.get(subservice, until))


@dataclass(frozen=True, slots=True)
class EndpointStates:
    """All of them, by region and endpoint; `clock` is the event loop's."""

    clock: Callable[[], float]
    known: dict[tuple[str, str], EndpointState] = field(default_factory=dict)

    def of(self, target: Target) -> EndpointState:
        """Where a project is asked about."""
        return self.known.setdefault((target.region, target.endpoints[Api.FRS]), EndpointState())
