"""Whether the event loop turns, and how far requests lag behind."""

import asyncio
from collections.abc import Callable

from prometheus_client import Gauge

from frs_exporter.polling.times import Times
from frs_exporter.runtime.tasks import cancel_and_wait


class Heartbeat:
    """Beats as long as the loop turns, and shows at each beat the lag: of the beat, or of what `longest_wait` says."""

    def __init__(self, lag: Gauge, longest_wait: Callable[[], float], times: Times) -> None:
        self._lag = lag
        self._longest_wait = longest_wait
        self._times = times
        self._clock = asyncio.get_running_loop().time
        self._last = self._clock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Beat from now on."""
        self._task = asyncio.create_task(self._run(), name="heartbeat")

    async def stop(self) -> None:
        """Beat no more."""
        await cancel_and_wait([self._task] if self._task else [])

    def not_healthy(self) -> str:
        """Why the process should be restarted, empty when it should not: its event loop does not turn."""
        pause = self._clock() - self._last
        return f"the event loop has not turned for {pause:.0f} s" if pause > self._times.longest_pause else ""

    async def _run(self) -> None:
        while True:
            due = self._clock() + self._times.beat
            await asyncio.sleep(self._times.beat)
            self._last = self._clock()
            self._lag.set(max(self._last - due, self._longest_wait()))
