"""Writes a state file in a thread, many changes at once, so that the event loop waits for no disk."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from frs_exporter.runtime.files import reason_of
from frs_exporter.runtime.offload import run_offloaded
from frs_exporter.runtime.state_folder import StateFolder

LONGEST_WAIT = 5.0
"""Seconds for the disk: then the process goes on without it, and as many later it is tried again."""
SOON = 0.02
"""Seconds until it is tried again when the process is about to end."""

Entries_co = TypeVar("Entries_co", covariant=True)


class Changeable(Protocol[Entries_co]):
    """A state file: `update` waits for the disk, `unsaved` says whether something known is not there."""

    folder: StateFolder

    @property
    def unsaved(self) -> bool:
        """Whether something is known that could not be written."""
        ...

    def update(self, change: Callable[[Entries_co], None], /) -> None:
        """Let `change` change the entries, and nobody else meanwhile."""
        ...


class StateWriter(Generic[Entries_co]):
    """Writes a file whenever something is to be changed: `make` makes all changes that are wanted when it is called.

    It is called in a thread, one at a time. Where the disk hangs that is late: what is wanted must stay until then.
    """

    def __init__(
        self, file: Changeable[Entries_co], make: Callable[[Entries_co], None], *, timeout: float = LONGEST_WAIT
    ) -> None:
        self._file = file
        self._timeout = timeout
        self._make = make
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self.failed = False
        """Whether the disk has not answered, or gave an error, at the newest try: it is tried again and again."""
        self._flushing = False
        self._wake = asyncio.Event()

    def write(self) -> asyncio.Future[None]:
        """Make changes that are wanted since a moment ago; done when they are on the disk, as far as they can be."""
        saved = asyncio.get_running_loop().create_future()
        self._waiting.append(saved)
        self._wake.set()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="state file")
        return saved

    async def flush(self) -> None:
        """Return when all is on the disk that is to be, as far as it can be."""
        self._flushing = True
        self._wake.set()
        if self._writing:
            await asyncio.wait({self._writing}, timeout=self._timeout)
        if self._writing is None and self._file.unsaved:  # the disk was full, say, and may have room by now
            await self.write()
        self._flushing = False

    async def _write(self) -> None:
        """Write until nothing is left: who comes meanwhile shares the next write. Whatever happens, nobody hangs."""
        while self._waiting or self.failed:
            waiting, self._waiting = self._waiting, []
            self._wake.clear()
            await self._try()
            for saved in waiting:
                if not saved.done():
                    saved.set_result(None)
            if self.failed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SOON if self._flushing else self._timeout):
                        await self._wake.wait()
        self._writing = None

    async def _try(self) -> None:
        try:
            await run_offloaded(self._file.update, self._make, timeout=self._timeout)
        except Exception as error:
            self.failed = True
            self._file.folder.report("state is not kept", error=reason_of(error))
        else:
            self.failed = self._file.unsaved  # the disk was full for a moment, say
