"""One answer, rendered once for all who read it: a task makes it, and each reader goes through it at its own pace."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from frs_exporter.exposition.coding import Block, Coder

PIECE = 1 << 16
"""Bytes that are written at once, at most: each client that does not read has a copy of so much."""

Piece = bytes | memoryview

Blocks = AsyncGenerator[Block, None]
"""The parts of an answer as they are made, with turns of the loop in between."""


@dataclass(slots=True, eq=False)
class Link:
    """A piece, and what comes after it: what all readers have passed is nobody's any more."""

    piece: Piece = b""
    after: "Link | None" = None


class Rendering:
    """An answer in pieces, which are there as soon as they are made, whoever reads them or does not.

    So it holds nothing but the bytes that are still to be read: not the state that they tell of.
    """

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        """What makes it."""
        self.begun = asyncio.Event()
        self.readers: set[Reader] = set()
        self.size = 0
        self.last_progress = asyncio.get_running_loop().time()
        """When the fastest of its readers has got a piece, or the newest piece was made."""
        self.first: Link | None = Link()
        """Where readers begin, as long as they may."""
        self._last = self.first
        self._news = asyncio.Event()
        self._error: Exception | None = None

    @property
    def is_complete(self) -> bool:
        """Whether there will be no more pieces."""
        return self.first is None

    async def make(self, blocks: Callable[[], Blocks], coder: Coder) -> None:
        """Make all of it; what is raised meanwhile is raised to its readers."""
        small = bytearray()
        self.begun.set()
        try:
            async with aclosing(blocks()) as source:
                async for block in source:
                    self._add(coder.code(block), small)
            self._add(coder.end(), small)
            self._append(bytes(small))
        except Exception as error:
            self._error = error if self.readers else None
        finally:
            self.first = None
            self._news.set()

    def _add(self, data: bytes, small: bytearray) -> None:
        """Take up what was made: what is small is put together, and what is large is not copied."""
        if len(small) + len(data) < PIECE:
            small += data
            return
        self._append(bytes(small))
        small.clear()
        self._append(data)

    def _append(self, data: bytes) -> None:
        if not data:
            return
        view = memoryview(data)
        for start in range(0, len(data), PIECE):
            link = Link(view[start : start + PIECE] if len(data) > PIECE else data)
            self._last.after = self._last = link
        self.size += len(data)
        self.last_progress = asyncio.get_running_loop().time()
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def grows(self) -> bool:
        """Whether there is more, as soon as that is known; raises what its making has raised."""
        if self.is_complete:
            if self._error:
                raise self._error
            return False
        await self._news.wait()
        return True

    def drop(self) -> None:
        """End the connections of all readers."""
        for reader in self.readers:
            reader.end()

    def remove(self, reader: "Reader") -> None:
        """Have a reader less; without any it is not made to its end."""
        self.readers.discard(reader)
        if self.readers:
            return
        # How it ends nobody wants to know: an error that it ends with holds frames that hold this.
        task, self.task, self._error = self.task, None, None
        if task:
            task.cancel()


class Reader:
    """Somebody who reads a rendering from its beginning on; `end` ends the connection."""

    def __init__(self, rendering: Rendering, end: Callable[[], object]) -> None:
        assert rendering.first
        self.end = end
        self._rendering = rendering
        self._link = rendering.first
        rendering.readers.add(self)

    def __aiter__(self) -> "Reader":
        return self

    async def __anext__(self) -> Piece:
        """The next piece, as soon as there is one."""
        while self._link.after is None:
            if not await self._rendering.grows():
                raise StopAsyncIteration
        self._link = self._link.after
        return self._link.piece

    def progress(self) -> None:
        """Remember that a piece was read."""
        self._rendering.last_progress = asyncio.get_running_loop().time()
