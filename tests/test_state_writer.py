"""What is to be written is written once, however long the disk hangs, and nobody waits for it longer than agreed."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

import pytest

from frs_exporter.runtime.state_folder import StateFolder
from frs_exporter.runtime.state_writer import StateWriter

Entries = list[int]


class Disk:
    """A state file on a disk that hangs while `free` is not set, before anything is changed or after it."""

    def __init__(self, *, after: bool = False) -> None:
        self.free = threading.Event()
        self.entries: Entries = []
        self.unsaved = False
        self.folder = StateFolder(None, "no.lock")
        self._after = after

    def update(self, change: Callable[[Entries], None]) -> None:
        """Wait for the disk."""
        if self._after:
            change(self.entries)
        self.free.wait()
        if not self._after:
            change(self.entries)


class Counter:
    """Puts numbers into a file."""

    def __init__(self, disk: Disk, timeout: float) -> None:
        self._wanted: deque[int] = deque()
        self.writer: StateWriter[Entries] = StateWriter(disk, self._make, timeout=timeout)

    def put(self, number: int) -> asyncio.Future[None]:
        """Want a number in the file."""
        self._wanted.append(number)
        return self.writer.write()

    def _make(self, entries: Entries) -> None:
        while self._wanted:
            entries.append(self._wanted.popleft())


@pytest.mark.parametrize("after", [False, True], ids=["before the change", "after it"])
def test_what_is_wanted_while_the_disk_hangs_is_written_once_when_it_does_not(after: bool) -> None:
    async def main() -> None:
        disk = Disk(after=after)
        counter = Counter(disk, 0.05)
        for number in range(3):
            await counter.put(number)  # each returns, though nothing is written
        assert disk.folder.problems
        disk.free.set()
        await asyncio.sleep(0.2)  # by itself, a moment later
        assert disk.entries == [0, 1, 2]
        await counter.put(3)
        assert disk.entries == [0, 1, 2, 3]

    asyncio.run(main())


def test_nobody_waits_anew_for_a_disk_that_hangs() -> None:
    async def main() -> None:
        disk = Disk()
        counter = Counter(disk, 0.2)
        await counter.put(0)
        async with asyncio.timeout(10.0):
            for number in range(100):
                await counter.put(number)
        disk.free.set()

    asyncio.run(main())


def test_at_the_end_it_is_tried_once_more_and_not_for_ever() -> None:
    async def main() -> None:
        disk = Disk()
        counter = Counter(disk, 0.05)
        await counter.put(0)
        await counter.writer.flush()
        assert disk.entries == []
        disk.free.set()
        counter.put(1)
        await counter.writer.flush()
        assert disk.entries == [0, 1]

    asyncio.run(main())


def test_a_change_that_raises_is_told_and_hinders_no_other() -> None:
    class Strict(Disk):
        def update(self, change: Callable[[Entries], None]) -> None:
            changed: Entries = []
            change(changed)
            if 1 in changed:
                raise ValueError("no JSON")
            self.entries += changed

    async def main() -> None:
        disk = Strict()
        counter = Counter(disk, 0.05)
        for number in range(3):
            await counter.put(number)
        assert disk.entries == [0, 2]
        assert disk.folder.problems

    asyncio.run(main())


def test_at_the_end_what_could_not_be_written_is_tried_once_more() -> None:
    """As a file does that keeps in memory what the disk has no room for."""

    class Full(Disk):
        def update(self, change: Callable[[Entries], None]) -> None:
            self.unsaved = not self.free.is_set()
            change(self.entries)
            self.free.set()

    async def main() -> None:
        disk = Full()
        counter = Counter(disk, 5.0)
        counter.put(1)
        await counter.writer.flush()
        assert not disk.unsaved

    asyncio.run(main())
