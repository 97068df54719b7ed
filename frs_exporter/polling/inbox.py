"""What the supervisor is asked for, and who waits for it: all who ask for the same before it begins get one answer."""

import asyncio
import contextlib
from collections.abc import Iterator
from enum import Enum, auto

from frs_exporter.core.errors import ConfigError


class Event(Enum):
    """What may happen to what is wanted."""

    RELOAD = auto()
    """Somebody wants the config to be loaded."""
    LOOK = auto()
    """Somebody wants the files of the config to be looked at, as a secret was refused."""
    LISTS = auto()
    """Discovery has another list."""


class Inbox:
    """Events that wait; what is done for one is done for all of its kind that came before."""

    def __init__(self) -> None:
        self._waiting: dict[Event, list[asyncio.Future[Exception | None]]] = {event: [] for event in Event}
        self._arrived = asyncio.Event()
        self._closed = False

    async def post(self, event: Event) -> None:
        """Return when it is done; raises what came of it, ConfigError when nothing is done any more.

        Who is cancelled meanwhile waits no more, and that is all.
        """
        if self._closed:
            raise stopping()
        answer: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._waiting[event].append(answer)
        self._arrived.set()
        error: Exception | None = None
        try:
            if error := await answer:
                raise error
        finally:
            del answer, error  # the error holds this frame

    async def look(self, timeout: float) -> None:
        """Return when the files were looked at, and what they have become is in place; or after so many seconds."""
        with contextlib.suppress(TimeoutError, ConfigError):  # what is wrong with them is no matter of who asks
            async with asyncio.timeout(timeout):
                await self.post(Event.LOOK)

    def has(self, event: Event) -> bool:
        """Whether there is such an event."""
        return bool(self._waiting[event])

    async def arrival(self, deadline: float | None) -> None:
        """Return when there is any event, or at a time of the loop's clock."""
        if any(self._waiting.values()):
            return
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._arrived.wait()

    @contextlib.contextmanager
    def answering(self, *events: Event) -> Iterator[None]:
        """Take what there is of these events: its answer is what comes of the block."""
        answers = [answer for event in events for answer in self._waiting[event]]
        for event in events:
            self._waiting[event] = []
        error: Exception | None = stopping()
        try:
            yield
            error = None
        except Exception as caught:
            error = caught
            raise
        finally:
            settle(answers, error)

    def close(self) -> None:
        """Nothing is done any more, and whoever waits is told so."""
        self._closed = True
        for answers in self._waiting.values():
            settle(answers, stopping())


def settle(answers: list[asyncio.Future[Exception | None]], error: Exception | None) -> None:
    """Give those who still wait their answer."""
    for answer in answers:
        if not answer.done():
            answer.set_result(error)


def stopping() -> ConfigError:
    """The answer of an exporter that stops."""
    return ConfigError(["the exporter is stopping"])
