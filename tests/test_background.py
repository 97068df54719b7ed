"""Threads that compute and threads that hang: the loop turns, and nobody waits for ever."""

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.times import Times
from frs_exporter.runtime.executor import DaemonExecutor
from frs_exporter.runtime.offload import Freezer, drain, in_thread, run_offloaded
from frs_exporter.runtime.tasks import unless
from tests.conftest import LIMITS
from tests.fleet import fleet, written
from tests.garbage import only_by_hand


async def test_what_is_returned_or_raised_comes_back_and_all_is_set_as_before() -> None:
    usual = sys.getswitchinterval()
    assert await run_offloaded(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await run_offloaded(divmod, 7, 0)
    assert (gc.isenabled(), sys.getswitchinterval()) == (True, usual)


def fails() -> None:
    raise ValueError("as it must")


async def fails_soon() -> None:
    await asyncio.sleep(0)
    fails()


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda: in_thread(fails), id="thread"),
        pytest.param(lambda: run_offloaded(fails, timeout=5.0), id="offloaded"),
        pytest.param(lambda: asyncio.get_running_loop().run_in_executor(DaemonExecutor(), fails), id="executor"),
        pytest.param(lambda: unless(asyncio.Event(), fails_soon()), id="unless"),
    ],
)
async def test_an_error_is_let_go_of_with_all_that_it_came_through(work: Callable[[], Awaitable[None]]) -> None:
    """Its frames hold what was worked on: all of a config, say."""
    with only_by_hand() as found:
        with contextlib.suppress(ValueError):
            await work()
        await asyncio.sleep(0.05)  # the thread has ended, and the loop has let go of what told of that
        assert "builtins.ValueError" not in found()


def test_a_config_is_loaded_without_collections(tmp_path: Path) -> None:
    """Each would look at all that was read so far: half of the time of a load went there."""
    file, collections = tmp_path / "config.yaml", list[str]()

    def count(phase: str, _: object) -> None:
        if phase == "start":
            collections.append(phase)

    for text, good in ((written(fleet(300)), True), ("projects: [1]", False)):
        file.write_text(text)
        gc.callbacks.append(count)
        try:
            with contextlib.nullcontext() if good else pytest.raises(ConfigError):
                load(str(file))
        finally:
            gc.callbacks.remove(count)
        assert len(collections) <= 1, "none but the one that comes due afterwards"
        collections.clear()
        assert gc.isenabled()


async def test_two_at_once_leave_all_as_it_was_whoever_ends_first() -> None:
    usual = sys.getswitchinterval()
    ends = [threading.Event(), threading.Event()]
    both = [asyncio.create_task(run_offloaded(end.wait, 10)) for end in ends]
    await asyncio.sleep(0.05)
    assert sys.getswitchinterval() < usual
    for end, task in zip(ends, both, strict=True):
        assert not gc.isenabled()
        end.set()
        await task
    assert (gc.isenabled(), sys.getswitchinterval()) == (True, usual)


@pytest.mark.uncounted
async def test_the_loop_turns_while_a_thread_computes() -> None:
    def compute() -> int:
        return sum(number % 7 for number in range(3_000_000))

    turns, computing = 0, asyncio.create_task(run_offloaded(compute))
    while not computing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20


async def test_what_hangs_is_given_up_and_not_begun_again_before_it_has_ended() -> None:
    end = threading.Event()

    def hang() -> bool:
        return end.wait(10)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            await run_offloaded(hang, timeout=0.05)
    hanging = [thread for thread in threading.enumerate() if thread.name == "hang"]
    assert [thread.daemon for thread in hanging] == [True]
    assert gc.isenabled()
    end.set()
    hanging[0].join()
    assert await run_offloaded(hang, timeout=5.0) is True


def test_items_are_let_go_of() -> None:
    items, names = [1, 2, 3], {"a": 1}
    drain(items)
    drain(names)
    assert (items, names) == ([], {})


class Hanging(Source[Config]):
    """A config on a file system that does not answer."""

    def __init__(self, config: Config) -> None:
        super().__init__("c.yaml", self._hang)
        self.config, self.answers = config, threading.Event()

    def _hang(self, *_: object) -> Config:
        self.answers.wait(10)
        return self.config


async def test_a_reload_whose_files_hang_is_refused_and_a_later_one_works() -> None:
    config = Config((), LIMITS)
    source, telemetry = Hanging(config), Telemetry()
    exporter = Exporter(source, config, telemetry, times=Times(longest_load=0.1))
    await exporter.start()
    for _ in range(2):
        with pytest.raises(ConfigError, match="it, or a file it names, cannot be read to its end"):
            await exporter.reload()
    assert telemetry.registry.get_sample_value("frs_exporter_config_last_reload_successful") == 0
    source.answers.set()
    started = time.monotonic()
    while time.monotonic() < started + 5:
        try:
            await exporter.reload()
            break
        except ConfigError:
            await asyncio.sleep(0.01)
    assert telemetry.registry.get_sample_value("frs_exporter_config_last_reload_successful") == 1
    await exporter.stop()


LEAVING = """
import atexit, sys, threading, time
from frs_exporter.runtime.hard_exit import hard_exit
atexit.register(print, "the interpreter ended")
threading.Thread(target=time.sleep, args=({seconds},), daemon=True).start()
time.sleep(0.1)
hard_exit(3)
sys.exit(4)
"""


@pytest.mark.parametrize(("seconds", "ends"), [(60, (3, "")), (0, (4, "the interpreter ended\n"))])
def test_the_interpreter_does_not_end_under_a_thread(seconds: int, ends: tuple[int, str]) -> None:
    """A thread that comes back from foreign code, say bcrypt's, into an interpreter that ends aborts the process."""
    command = [sys.executable, "-c", LEAVING.format(seconds=seconds)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, result.stdout) == ends


@pytest.mark.uncounted
@pytest.mark.parametrize(("longest", "generation", "freezes"), [(0.0, 2, True), (3600.0, 2, False), (0.0, 1, False)])
def test_what_a_long_full_collection_has_seen_is_looked_at_no_more(
    longest: float, generation: int, freezes: bool
) -> None:
    others, gc.callbacks[:] = gc.callbacks[:], [Freezer(longest)]  # a daemon that was tested here has one, too
    try:
        kept, before = list[list[str]](), gc.get_freeze_count()
        gc.collect(generation)
        assert any(found is kept for found in gc.get_objects()) is not freezes
        assert (gc.get_freeze_count() > before) is freezes
    finally:
        gc.callbacks[:] = others
        gc.unfreeze()
