"""Wake at a time of the event loop's clock: one timer for all who want to be woken at the same."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol


class Sleeper(Protocol):
    """Who may be woken."""

    def wake(self) -> None:
        """Told when it is time."""


@dataclass(slots=True)
class Ring:
    """One time of the clock: the loop's timer, and who is woken then."""

    time: float
    timer: asyncio.TimerHandle
    sleepers: set[Sleeper] = field(default_factory=set)


class Alarm:
    """Wakes sleepers; made on a running event loop.

    A timer for each of ten thousand jobs costs each poll some hundredths of its time, as the loop keeps them in order.
    A task for each, which sleeps between polls, costs as much memory as a page has text.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rings: dict[float, Ring] = {}

    def set(self, time: float, sleeper: Sleeper) -> float:
        """Have somebody woken at a time, which is returned as one object for all."""
        ring = self._rings.get(time)
        if ring is None:
            ring = self._rings[time] = Ring(time, self._loop.call_at(time, self._wake_all, time))
        ring.sleepers.add(sleeper)
        return ring.time

    def unset(self, time: float, sleeper: Sleeper) -> None:
        """Do not wake somebody at that time any more."""
        ring = self._rings.get(time)
        if ring is None:
            return
        ring.sleepers.discard(sleeper)
        if not ring.sleepers:
            ring.timer.cancel()
            del self._rings[time]

    def _wake_all(self, time: float) -> None:
        for sleeper in self._rings.pop(time).sleepers:
            sleeper.wake()
