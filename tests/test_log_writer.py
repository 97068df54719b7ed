"""The thread that writes the log, and a pipe at whose other end somebody reads, or does not."""

import fcntl
import os
import re
import threading
from collections.abc import Iterator

import pytest

from frs_exporter.runtime.log_writer import MAX_WAITING, LogWriter

LINE = b"x" * 199 + b"\n"


class Pipe:
    """A writer's pipe, the lines that were dropped so far, and an event for when the last notice was made."""

    def __init__(self) -> None:
        self.reader, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096)
        self.dropped: list[int] = []
        self.writer = LogWriter(self.writing, self.dropped.append, lambda lines: b"missing %d\n" % lines)

    def read(self, text: bytes) -> bytes:
        """What comes, up to the end of a text."""
        read = b""
        while not read.endswith(text):
            read += os.read(self.reader, 1 << 20)
        return read

    def close(self) -> None:
        os.close(self.reader)  # which ends a write under way
        self.writer.close()
        os.close(self.writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_lines_come_whole_and_in_order(pipe: Pipe) -> None:
    lines = [b"%d" % number * (number % 50 * 40 + 1) + b"\n" for number in range(1000)]
    lines.append(b"end\n")

    def put_all() -> None:
        for line in lines:
            pipe.writer.put(line)

    writer = threading.Thread(target=put_all)
    writer.start()
    assert pipe.read(b"end\n") == b"".join(lines)
    writer.join()
    pipe.writer.close()
    assert pipe.dropped == []


@pytest.mark.uncounted
def test_what_finds_no_room_is_dropped_and_counted_and_told_when_lines_flow_again(pipe: Pipe) -> None:
    room = MAX_WAITING // len(LINE)
    for _ in range(3 * room):
        pipe.writer.put(LINE)  # never waits, though nobody reads
    dropped = sum(pipe.dropped)
    assert room // 2 < dropped <= 2 * room
    written, told = b"", list[int]()
    while sum(told) < dropped:
        written += pipe.read(b"\n")
        told = [int(number) for number in re.findall(rb"missing (\d+)\n", written)]
    assert sum(told) == dropped
    assert len(told) <= 2, "at one place, and at another if the writer has begun meanwhile"
    assert written.count(LINE) == 3 * room - dropped
    pipe.writer.put(b"after\n")
    assert pipe.read(b"after\n") == b"after\n"
    pipe.writer.close()
    assert sum(pipe.dropped) == dropped


def test_the_end_comes_though_nobody_reads(pipe: Pipe) -> None:
    for _ in range(100):
        pipe.writer.put(LINE)
    pipe.writer.close()
    pipe.read(LINE)


def test_what_is_left_is_written_at_the_end_and_what_comes_later_at_once(pipe: Pipe) -> None:
    for _ in range(20):
        pipe.writer.put(LINE)
    pipe.writer.close()
    pipe.writer.put(b"later\n")
    assert pipe.read(b"later\n") == 20 * LINE + b"later\n"


def test_a_pipe_that_does_not_wait_is_waited_for(pipe: Pipe) -> None:
    """Whoever made it may have told it not to."""
    os.set_blocking(pipe.writing, False)
    for _ in range(1000):
        pipe.writer.put(LINE)
    pipe.writer.put(b"end\n")
    assert pipe.read(b"end\n") == 1000 * LINE + b"end\n"
    pipe.writer.close()


def test_lines_that_cannot_be_written_are_counted() -> None:
    """To a disk that is full, or with nobody at the other end; their number is known."""
    dropped: list[int] = []
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(descriptor, dropped.append, lambda lines: b"missing %d\n" % lines)
    for _ in range(100):
        writer.put(LINE)
    writer.close()
    os.close(descriptor)
    assert sum(dropped) == 100


def test_a_disk_that_has_room_again_gets_the_number_of_missing_lines() -> None:
    dropped: list[int] = []
    told = threading.Event()
    reader, writing = os.pipe()
    full = os.open("/dev/full", os.O_WRONLY)
    descriptor = os.dup(full)

    def count(lines: int) -> None:
        dropped.append(lines)
        told.set()

    writer = LogWriter(descriptor, count, lambda lines: b"missing %d\n" % lines)
    writer.put(LINE)
    assert told.wait(10)
    os.dup2(writing, descriptor)
    writer.put(b"after\n")
    writer.close()
    assert os.read(reader, 100) == b"after\nmissing 1\n"
    for number in (reader, writing, full, descriptor):
        os.close(number)
