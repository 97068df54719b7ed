"""Who reads which rendering, and how much of them there is at once, however many read and however slowly."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from frs_exporter.exposition.coding import Coder, Encoding
from frs_exporter.runtime.seldom import SeldomLog
from frs_exporter.web.rendering import PIECE, Blocks, Reader, Rendering

LOOK_AGAIN = 0.05

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RenderingLimits:
    """`size` is what all renderings may have, in bytes, before another one begins; the others are seconds.

    `stalled`: without progress for so long a rendering has to go where another one wants room. `room`: who wants it
    gets it after so long, even if all get on. `turn`: who has waited so long for others of its kind is told to come
    again.
    """

    size: int = 32 << 20
    stalled: float = 1.0
    room: float = 2.0
    turn: float = 10.0


class Busy(Exception):
    """Others of this kind are still to be made before it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is rendered: of each kind one at a time; `variant` is all that makes a difference within a kind."""

    kind: str
    variant: Hashable = None


class Renderings:
    """Renderings of one subject and encoding are shared by all who come while it is made.

    Who comes later gets a new one, which tells of its own moment.
    """

    def __init__(self, limits: RenderingLimits | None = None) -> None:
        self._limits = limits or RenderingLimits()
        self._open: dict[tuple[Subject, Encoding], Rendering] = {}
        """Those that may still be joined."""
        self._alive: set[Rendering] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._log = SeldomLog()
        self.begun = 0
        """How many there have been."""

    @property
    def size(self) -> int:
        """The bytes of all that are alive; the smallest take a piece, too."""
        return sum(max(PIECE, rendering.size) for rendering in self._alive)

    @asynccontextmanager
    async def reading(
        self, subject: Subject, encoding: Encoding, blocks: Callable[[], Blocks], end: Callable[[], object]
    ) -> AsyncIterator[Reader]:
        """A reader of the subject, which `blocks` renders; `end` ends its connection. Raises Busy."""
        rendering = self._open.get((subject, encoding)) or self._start(subject, encoding, blocks)
        reader = Reader(rendering, end)
        try:
            await self._turn_of(rendering)
            yield reader
        finally:
            rendering.remove(reader)
            if not rendering.readers:
                self._alive.discard(rendering)
                self._close(subject, encoding, rendering)

    async def _turn_of(self, rendering: Rendering) -> None:
        """Wait until a rendering has begun to be made; raises Busy."""
        if rendering.begun.is_set():
            return
        try:
            async with asyncio.timeout(self._limits.turn):
                await rendering.begun.wait()
        except TimeoutError:
            raise Busy from None

    def _start(self, subject: Subject, encoding: Encoding, blocks: Callable[[], Blocks]) -> Rendering:
        rendering = self._open[subject, encoding] = Rendering()

        async def make() -> None:
            try:
                async with self._turns[subject.kind]:
                    await self._make_room()
                    self._alive.add(rendering)
                    self.begun += 1
                    await rendering.make(blocks, Coder(encoding))
            finally:
                self._close(subject, encoding, rendering)

        rendering.task = asyncio.create_task(make(), name=f"render {subject.kind}")
        return rendering

    def _close(self, subject: Subject, encoding: Encoding, rendering: Rendering) -> None:
        """Let nobody join it any more."""
        if self._open.get((subject, encoding)) is rendering:
            del self._open[subject, encoding]

    async def _make_room(self) -> None:
        """Wait until there is room, or take it from who gets on least."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.room
        while self.size >= self._limits.size:
            now = loop.time()
            slowest = slowest_of(self._alive)
            if slowest and (now >= end or now >= slowest.last_progress + self._limits.stalled):
                self._alive.discard(slowest)
                readers, problem = len(slowest.readers), "they read too slowly, and others want to read"
                self._log.write(log.warning, "slow readers dropped", readers=readers, problem=problem)
                slowest.drop()
            elif now >= end:
                return
            else:
                await asyncio.sleep(LOOK_AGAIN)


def slowest_of(renderings: Collection[Rendering]) -> Rendering | None:
    """The one that has made no progress for the longest time; those that are still made do not count."""
    complete = [rendering for rendering in renderings if rendering.is_complete]
    return min(complete, key=lambda rendering: rendering.last_progress, default=None)
