"""The loop's executor runs what it is given, so many at once, and keeps nobody waiting."""

import asyncio
import socket
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from frs_exporter.runtime.executor import DaemonExecutor, run

PACKAGE = Path(__file__).parents[1] / "frs_exporter"


def test_results_and_errors_come_back() -> None:
    executor = DaemonExecutor()
    assert executor.submit(int, "ff", base=16).result(5) == 255
    with pytest.raises(ValueError, match="invalid literal"):
        executor.submit(int, "x").result(5)


def test_so_many_run_at_once_and_the_others_in_their_order() -> None:
    executor, free, began = DaemonExecutor(2), threading.Event(), list[int]()

    def work(number: int) -> int:
        began.append(number)
        assert free.wait(10)
        return number

    futures = [executor.submit(work, number) for number in range(6)]
    time.sleep(0.1)
    assert sorted(began) == [0, 1]
    assert futures[3].cancel()
    free.set()
    assert [future.result(5) for future in futures if not future.cancelled()] == [0, 1, 2, 4, 5]
    with pytest.raises(CancelledError):
        futures[3].result(5)
    assert sorted(began) == [0, 1, 2, 4, 5]
    assert executor.submit(int, "7").result(5) == 7, "a thread that has ended makes room for another"


def test_a_loop_ends_while_a_thread_does_not() -> None:
    stuck = threading.Event()

    async def main() -> str:
        loop = asyncio.get_running_loop()
        waiting = loop.run_in_executor(None, stuck.wait, 60)
        (info, *_) = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        waiting.cancel()
        return str(info[4][0])

    started = time.monotonic()
    assert run(main()) == "127.0.0.1"
    assert time.monotonic() - started < 5
    stuck.set()


def test_every_loop_of_the_package_has_it() -> None:
    """A loop of Python's own would wait for its threads."""
    own = PACKAGE / "runtime/executor.py"
    starts = ("asyncio.run(", "asyncio.Runner(", "new_event_loop(", "ThreadPoolExecutor(")
    found = [file for file in PACKAGE.rglob("*.py") if any(text in file.read_text() for text in starts)]
    assert found == [own]
