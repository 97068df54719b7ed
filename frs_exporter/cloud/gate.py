"""Who may send, and when: gates keep to the vendor's quota, holds keep a refused secret from being locked."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import structlog
from aiolimiter import AsyncLimiter

from frs_exporter.advice import advice
from frs_exporter.errors import ApiError, Reason
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.model import Limit
from frs_exporter.polling.schedule import LONGEST_RETRY_AFTER

KEY_HOLD = 360.0
"""Seconds without a signature after a refused one: more than the 300 for which the gateway locks a key after five
refused in a row (devg-apisign, api-sign-0001)."""
PASSWORD_HOLD = 1860.0
"""Seconds without a login after a refused one. An account locks a user after 3 to 10 wrong passwords within 15 to 60
minutes, as it is set (IAM API, iam_17_0005); two within any hour never lock, whatever is set."""
LAST_HOLD = 3600.0
"""Each hold is twice as long as the one before, up to this."""
CLOCK_JUMP = 60.0
"""A wall clock set by more seconds than this may be the end of signatures that were good until now."""

log = structlog.get_logger()


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

    def lift(self) -> None:
        """Let nothing stand."""
        self._error, self._until = None, -math.inf

    def check(self) -> None:
        """Raise the error again, if it stands."""
        if self._error is not None and self.left > 0:
            message = f"{self._error.message}; not asked for another {math.ceil(self.left)} s"
            raise self._error.but(message=message, retry_after=self.left)


class Gate:
    """A token bucket and a number of slots; whoever enters waits for both.

    The bucket holds one token: a larger one would let a burst through on top of the rate, and over the vendor's quota.
    A throttled answer that says when to come back closes the gate until then, as the quota is everybody's.
    """

    def __init__(self, limit: Limit) -> None:
        self._slots = asyncio.Semaphore(limit.concurrency)
        self._bucket = AsyncLimiter(1, 1 / limit.rate)
        self._arrivals: dict[object, float] = {}
        self._closed = Standing()

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Hold a slot; it comes first, or a token taken while waiting for it would be spent late, in a burst."""
        arrival = object()
        self._arrivals[arrival] = asyncio.get_running_loop().time()
        async with AsyncExitStack() as inside:
            try:
                for part in (self._slots, self._bucket):
                    self._closed.check()
                    await inside.enter_async_context(part)
                self._closed.check()
            finally:
                del self._arrivals[arrival]
            try:
                yield
            except ApiError as error:
                if error.reason is Reason.THROTTLED and error.retry_after:
                    self._closed.stand(error, min(error.retry_after, LONGEST_RETRY_AFTER))
                raise

    def longest_wait(self) -> float:
        """Seconds for which the first in the line has been waiting, zero when there is none."""
        now = asyncio.get_running_loop().time()
        return now - next(iter(self._arrivals.values()), now)


class Hold:
    """Guards a secret: refused once, it is not used for longer than the vendor's lock lasts, and then by one alone.

    Until it has worked it is tried by one at a time, as those already under way could lock it together. After that
    anybody uses it if `trusting`, until it is refused or the wall clock jumps.
    """

    def __init__(self, credential: str, first: float, telemetry: Telemetry, *, trusting: bool) -> None:
        self._credential = credential
        self._first = self._length = first
        self._rejected = telemetry.credential_rejected.labels(credential)
        self._trusting = trusting
        self._trusted = False
        self._offset = 0.0
        self._refusals = 0
        self._standing = Standing()
        self._turn = asyncio.Lock()

    def check(self) -> None:
        """Raise the refusal again, while the secret is held."""
        self._standing.check()

    @asynccontextmanager
    async def attempt(self, patience: float = math.inf, clock_offset: float = 0.0) -> AsyncIterator[None]:
        """Use the secret inside; raises ApiError.

        `patience` are the seconds after which others need not wait any longer for the outcome, if the secret was never
        refused; `clock_offset` is in seconds, the wall clock against the loop's.
        """
        if abs(clock_offset - self._offset) > CLOCK_JUMP:
            self._trusted, self._offset = False, clock_offset
        async with self._in_turn(patience):
            self.check()
            refusals = self._refusals
            try:
                yield
            except ApiError as error:
                if error.reason is Reason.AUTH:
                    self._reject(error)
                elif error.code.startswith("FRS."):  # the gateway lets nobody through to FRS who is not proven
                    self._accept(refusals)
                raise
            self._accept(refusals)

    @asynccontextmanager
    async def _in_turn(self, patience: float) -> AsyncIterator[None]:
        """Be alone, as long as the secret is not trusted."""
        with ExitStack() as stack:
            if not self._proven():
                await self._turn.acquire()
                stack.callback(self._turn.release)
                if self._proven():  # by the one before
                    stack.close()
                elif not self._refusals and patience < math.inf:
                    timer = asyncio.get_running_loop().call_later(patience, stack.close)
                    stack.callback(timer.cancel)
            yield

    def _proven(self) -> bool:
        return self._trusted

    def _reject(self, error: ApiError) -> None:
        """Hold the secret; the error is told when it will be tried again."""
        if self._standing.left <= 0:  # else it was under way already when another was refused
            self._standing.stand(error, self._length)
            if not self._refusals:
                names = {"credential": self._credential, "api": error.api, "code": error.code}
                details = {"request_id": error.request_id, "message": error.message, "advice": advice(error)}
                log.error("credential rejected", **names, held_seconds=self._length, **details)
            self._length = min(2 * self._length, LAST_HOLD)
        self._trusted = False
        self._refusals += 1
        self._rejected.set(1)
        error.retry_after = self._standing.left

    def _accept(self, refusals: int) -> None:
        """Lift the hold, unless the secret was refused since the attempt began."""
        if refusals != self._refusals:
            return
        if refusals:
            log.info("credential accepted again", credential=self._credential, refusals=refusals)
        self._standing.lift()
        self._length, self._refusals, self._trusted = self._first, 0, self._trusting
        self._rejected.set(0)
