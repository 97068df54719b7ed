"""How many requests may be sent, and when: gates keep to the vendor's quota, and heed what a throttled answer says."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from frs_exporter.errors import ApiError, Reason
from frs_exporter.model import Limit
from frs_exporter.polling.schedule import LONGEST_RETRY_AFTER


class Standing:
    """An error that stands for a while: whoever comes meanwhile gets it at once, and nothing is sent."""

    def __init__(self) -> None:
        self._error: ApiError | None = None
        self._until = -math.inf

    @property
    def left(self) -> float:
        """Seconds for which the error still stands, zero or less when it does not."""
        return self._until - asyncio.get_running_loop().time()

    def stand(self, error: ApiError, seconds: float) -> None:
        """Let the error stand for at least so long."""
        self._error = error.but()
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    def restart(self, seconds: float) -> None:
        """Let what stands, or stood, stand for so long from now on."""
        self._until = asyncio.get_running_loop().time() + seconds

    def lift(self) -> None:
        """Let nothing stand."""
        self._error, self._until = None, -math.inf

    def check(self, longer: float = 0.0) -> None:
        """Raise the error again, if it stands, or did so many seconds ago."""
        left = self.left + longer
        if self._error is not None and left > 0:
            message = f"as told to another request: {self._error.message}; not asked for another {math.ceil(left)} s"
            raise self._error.but(message=message, retry_after=left)


class Gate:
    """A token bucket and a number of slots; whoever enters waits for both.

    The bucket holds one token: a larger one would let a burst through on top of the rate, and over the vendor's quota.
    A throttled answer that says when to come back closes the gate until then, as the quota is everybody's.
    """

    def __init__(self, limit: Limit) -> None:
        self._concurrency = limit.concurrency
        self._slots = asyncio.Semaphore(limit.concurrency)
        self._surplus = 0
        self._bucket = AsyncLimiter(1, 1 / limit.rate)
        self._closed = Standing()

    def change(self, limit: Limit) -> None:
        """Keep to another limit from now on; whoever is inside, or next, may go on."""
        self._bucket = AsyncLimiter(1, 1 / limit.rate)
        self._surplus += self._concurrency - limit.concurrency
        self._concurrency = limit.concurrency
        while self._surplus < 0:
            self._surplus += 1
            self._slots.release()

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Hold a slot; it comes first, or a token taken while waiting for it would be spent late, in a burst."""
        self._closed.check()
        async with self._slot():
            self._closed.check()
            await self._bucket.acquire()
            self._closed.check()
            try:
                yield
            except ApiError as error:
                if error.reason is Reason.THROTTLED and error.retry_after:
                    self._closed.stand(error, min(error.retry_after, LONGEST_RETRY_AFTER))
                raise

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        await self._slots.acquire()
        try:
            yield
        finally:
            if self._surplus > 0:
                self._surplus -= 1
            else:
                self._slots.release()
