"""Writes a state file in a thread, many changes at once, so that the event loop waits for no disk."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_file import Entries, StateFile

LONGEST_WAIT = 5.0
"""Seconds for the disk: then the process goes on without it."""

Change = Callable[[Entries], None]


class StateWriter:
    """Changes a state file; there are `pause` seconds from one write to the next."""

    def __init__(self, file: StateFile, *, pause: float = 0.0) -> None:
        self._file = file
        self._pause = pause
        self._changes: list[tuple[Change, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._flushing = asyncio.Event()

    def put(self, change: Change) -> asyncio.Future[None]:
        """Change the file; done when that is on the disk, as far as it can be."""
        saved = asyncio.get_running_loop().create_future()
        self._changes.append((change, saved))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="state file")
        return saved

    async def flush(self) -> None:
        """Return when all is on the disk that is to be, as far as it can be."""
        self._flushing.set()
        if self._writing:
            await asyncio.wait({self._writing}, timeout=LONGEST_WAIT)
        if self._writing is None and self._file.unsaved:  # the disk was full, say, and may have room by now
            await self.put(lambda entries: None)
        self._flushing.clear()

    async def _write(self) -> None:
        """Write until nothing is left: who comes meanwhile shares the next write. Whatever happens, nobody hangs."""
        while self._changes:
            changes, self._changes = self._changes, []
            try:
                await run_offloaded(self._file.update, partial(make, changes), timeout=LONGEST_WAIT)
            except Exception as error:
                self._file.report("state is not kept", error=reason_of(error))
            for _, saved in changes:
                if not saved.done():
                    saved.set_result(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._flushing.wait()
        self._writing = None


def make(changes: list[tuple[Change, asyncio.Future[None]]], entries: Entries) -> None:
    """All these changes."""
    for change, _ in changes:
        change(entries)
