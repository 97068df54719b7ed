"""Sleep until a time of the event loop's clock: one timer for all who sleep until the same."""

import asyncio

Sleeper = asyncio.Future[None]


class Alarm:
    """Wakes sleepers; made on a running event loop.

    A timer for each of ten thousand jobs costs each poll a tenth of its time, as the loop keeps them in order.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sleepers: dict[float, list[Sleeper]] = {}

    def at(self, time: float) -> Sleeper:
        """What is done at a time; whoever wants to be woken before that wakes it."""
        if time not in self._sleepers:
            self._sleepers[time] = []
            self._loop.call_at(time, self._wake_all, time)
        sleeper = self._loop.create_future()
        self._sleepers[time].append(sleeper)
        return sleeper

    def _wake_all(self, time: float) -> None:
        for sleeper in self._sleepers.pop(time):
            wake(sleeper)


def wake(sleeper: Sleeper) -> None:
    """Let somebody sleep no longer, if that is still to be done."""
    if not sleeper.done():
        sleeper.set_result(None)
