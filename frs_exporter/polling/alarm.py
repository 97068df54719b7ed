"""Sleep until a time of the event loop's clock: one timer for all who sleep until the same."""

import asyncio
from dataclasses import dataclass, field

Sleeper = asyncio.Future[None]


@dataclass(slots=True)
class Ring:
    """One time of the clock: the loop's timer, and who sleeps until then."""

    timer: asyncio.TimerHandle
    sleepers: set[Sleeper] = field(default_factory=set)


class Alarm:
    """Wakes sleepers; made on a running event loop.

    A timer for each of ten thousand jobs costs each poll some hundredths of its time, as the loop keeps them in order.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rings: dict[float, Ring] = {}

    async def sleep(self, until: float, sleeper: Sleeper) -> None:
        """Sleep until a time, or until somebody wakes the sleeper."""
        ring = self._rings.get(until)
        if ring is None:
            ring = self._rings[until] = Ring(self._loop.call_at(until, self._wake_all, until))
        ring.sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            ring.sleepers.discard(sleeper)
            if not ring.sleepers and self._rings.get(until) is ring:
                ring.timer.cancel()
                del self._rings[until]

    def _wake_all(self, time: float) -> None:
        for sleeper in self._rings.pop(time).sleepers:
            wake(sleeper)


def wake(sleeper: Sleeper) -> None:
    """Let somebody sleep no longer, if that is still to be done."""
    if not sleeper.done():
        sleeper.set_result(None)
