"""What the cloud grants for a while: had once however many want it, kept, and renewed ahead."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import structlog

from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.explanations import advice
from frs_exporter.runtime.tasks import interrupt

REFRESH_RETRY = 60.0
"""Seconds between attempts to renew what is still valid."""

AHEAD = 2.0
"""Seconds before its end from which nothing is used any more, however short it lives. Keystone cuts its times to whole
seconds, so that a grant may end a second before it seems to, and a request has a way to go."""

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Grant(Generic[T]):
    """What was granted; it ends at `expires_at` by the cloud's clock, the other two are in seconds of the loop's."""

    value: T = field(repr=False)
    expires_at: float
    refresh_at: float
    dies_at: float


Obtain = Callable[[], Awaitable[Grant[T]]]
"""Asks the cloud; raises ApiError."""


class Lease(Generic[T]):
    """Holds what was granted last. `what` and `names` are for the log."""

    def __init__(self, what: str, names: Mapping[str, str]) -> None:
        self._what = what
        self._names = names
        self._term: Grant[T] | None = None
        self._renewal: asyncio.Task[Grant[T]] | None = None
        self._overdue = False

    @property
    def expires_at(self) -> float | None:
        """When what is held ends, in Unix seconds."""
        return self._term.expires_at if self._term else None

    @property
    def value(self) -> T | None:
        """What is held, however old it is."""
        return self._term.value if self._term else None

    @property
    def remaining(self) -> float:
        """Seconds for which what is held may still be used, zero or less where it may not."""
        return self._term.dies_at - AHEAD - asyncio.get_running_loop().time() if self._term else 0.0

    async def held(self, obtain: Obtain[T]) -> T:
        """What is held; near its end it is renewed in the background while it is still used. Raises ApiError."""
        if self._term is None or self.remaining <= 0:
            return await self.renewed(obtain)
        if asyncio.get_running_loop().time() >= self._term.refresh_at:
            self._renew(obtain)
        return self._term.value

    async def renewed(self, obtain: Obtain[T]) -> T:
        """What is granted now, by one request however many wait; raises ApiError."""
        # Shielded: whoever gives up must not take it from the others, nor break off a login that was sent.
        renewal, waiter = self._renew(obtain), asyncio.current_task()
        try:
            return (await asyncio.shield(renewal)).value
        except asyncio.CancelledError:
            if renewal.cancelled() and waiter and not waiter.cancelling():  # nobody has cancelled who waits for it
                raise ApiError(Failure(Reason.TIMEOUT, f"the {self._what} was given up before it was there")) from None
            raise
        finally:
            del renewal, waiter  # both may hold an error that holds this frame

    def holds(self, value: object) -> bool:
        """Whether it is this value that is held."""
        return self._term is not None and self._term.value == value

    def drop(self) -> None:
        """Hold nothing."""
        self._term = None

    def hurry(self) -> None:
        """Renew at its next use what could not be renewed."""
        if self._term is not None and self._overdue:
            self._term = replace(self._term, refresh_at=-math.inf)

    def close(self) -> None:
        """Give up a renewal that is under way, once it has finished what it must."""
        if self._renewal:
            interrupt(self._renewal)

    def _renew(self, obtain: Obtain[T]) -> asyncio.Task[Grant[T]]:
        if self._renewal is None:
            name = " ".join((self._what, *self._names.values()))
            self._renewal = asyncio.create_task(self._obtained(obtain), name=name)
            self._renewal.add_done_callback(self._look_at)
        return self._renewal

    async def _obtained(self, obtain: Obtain[T]) -> Grant[T]:
        try:
            term = self._term = await obtain()
        except ApiError as error:
            # It is None where it was dropped as refused meanwhile: a renewal that fails must not bring it back.
            if self._term is not None:
                self._postpone(self._term, error.failure)
            raise
        finally:
            self._renewal = None
        if self._overdue:
            self._overdue = False
            log.info(f"{self._what} renewed", **self._names)
        return term

    def _postpone(self, held: Grant[T], failure: Failure) -> None:
        """Try again later; nobody but the log tells of it while what is held serves."""
        clock = asyncio.get_running_loop().time()
        self._term = replace(held, refresh_at=clock + REFRESH_RETRY)
        if not self._overdue and clock < held.dies_at:
            self._overdue = True
            details = {**failure.log_fields(), "advice": advice(failure), "valid_seconds": round(held.dies_at - clock)}
            log.warning(f"{self._what} not renewed", **self._names, **details)

    def _look_at(self, task: asyncio.Task[Grant[T]]) -> None:
        """See how a renewal ended, as nobody else may be waiting for it: a failure is told already, a bug is not."""
        if self._renewal is task:  # it was cancelled before it began
            self._renewal = None
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ApiError):
            log.error(f"unexpected error in the renewal of a {self._what}", exc_info=error)
