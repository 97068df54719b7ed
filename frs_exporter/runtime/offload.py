"""Long work that leaves the event loop its turns: in a thread that does not keep the process, or in slices."""

import asyncio
import contextlib
import errno
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from functools import partial
from typing import Any, TypeVar

SWITCH = 0.0001
"""Seconds that the thread may compute while the loop waits for its turn. With Python's usual 5 ms one turn of the loop
takes 100 ms, as it gives its own turn up with each system call and waits again."""

YOUNG_OBJECTS = 2_000
"""New objects before a collection: Python has 700, some fifty are a poll's. With 10,000, reloads pause longer."""
FULL_COLLECTIONS = 25
"""Collections of middle age before one of everything: Python has one after 10. Few objects here are in a cycle, and
those are small: asyncio's, 1 or 2 kB for a connection that has ended. With 100 they were some MB in `make soak`."""
LONG_COLLECTION = 0.05
"""Seconds of a full collection after which what it has seen is looked at no more: with thousands of projects the first
one is as long as all later ones would be. The few connections that are there then are in cycles that stay."""
OLDEST = 2
"""The generation of which a full collection is."""

SLICE = 0.005
"""Seconds of work after which the loop turns: a scrape under way must not wait for a reload."""

T = TypeVar("T")

under_way: set[Callable[..., Any]] = set()
"""What is computed with a limit, until it has really ended."""
usual: list[float] = []
"""Switch intervals as they were found: the first is the one to go back to."""


def drain(items: MutableSequence[Any] | MutableMapping[Any, Any]) -> None:
    """Let go of items one by one: a large tree that is let go of at once keeps the loop waiting until it is gone."""
    drop: Callable[[], Any] = items.popitem if isinstance(items, MutableMapping) else items.pop
    while items:
        drop()


async def run_offloaded(function: Callable[..., T], *arguments: Any, timeout: float | None = None) -> T:
    """What the function returns or raises; TimeoutError after so many seconds, or while it has not ended since.

    Meanwhile there are no full garbage collections: over millions of new objects they would stop everybody, for none.
    """
    if timeout is not None and function in under_way:
        raise TimeoutError
    with short_turns():
        async with asyncio.timeout(timeout):
            return await in_thread(function, *arguments)


@contextlib.contextmanager
def short_turns() -> Iterator[None]:
    """Threads give way quickly, and nothing is collected, until the last who wants that has ended."""
    usual.append(sys.getswitchinterval())
    sys.setswitchinterval(SWITCH)
    gc.disable()
    try:
        yield
    finally:
        first, _ = usual[0], usual.pop()
        if not usual:
            gc.enable()
            sys.setswitchinterval(first)


def freeze_objects() -> None:
    """Let garbage collections look at what is new from now on, and seldom at all of that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, gc.get_threshold()[1], FULL_COLLECTIONS)
    if FREEZER not in gc.callbacks:
        gc.callbacks.append(FREEZER)


class Freezer:
    """Told of each garbage collection, has the next ones not look at what a long one has seen: it will stay."""

    def __init__(self, longest: float = LONG_COLLECTION) -> None:
        self._longest = longest
        self._begun = 0.0

    def __call__(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._begun = time.perf_counter()
        elif about["generation"] == OLDEST and time.perf_counter() - self._begun > self._longest:
            gc.freeze()


FREEZER = Freezer()


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """No garbage collections meanwhile: over millions of new objects they take longer than the work, for none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """As `asyncio.to_thread`, for what may wait for a file for ever: the thread does not outlive the process.

    Raises what the function raises, and OSError where no thread can be had.
    """
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    under_way.add(function)
    try:
        start_thread(partial(compute_for, done, function, arguments), getattr(function, "__name__", "background"))
    except OSError:
        under_way.discard(function)
        raise
    try:
        return await done
    finally:
        del done  # it may hold an error that holds this frame


def compute_for(done: asyncio.Future[T], function: Callable[..., T], arguments: tuple[Any, ...]) -> None:
    """In a thread: compute what somebody waits for in the loop."""
    result, error = None, None
    try:
        result = function(*arguments)
    except BaseException as caught:
        error = caught
    under_way.discard(function)
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        done.get_loop().call_soon_threadsafe(settle, done, result, error)
    del done, result, error  # where there is an error it holds this frame


def settle(done: asyncio.Future[T], result: T | None, error: BaseException | None) -> None:
    """Tell what came of a computation whoever still waits for it."""
    if not done.done():
        done.set_exception(error) if error else done.set_result(result)  # type: ignore[arg-type]


def start_thread(work: Callable[[], object], name: str) -> None:
    """Begin work in a thread that does not outlive the process; raises OSError where no thread can be had."""
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as error:  # the machine has no more of them at this moment
        raise OSError(errno.EAGAIN, str(error)) from None


def threads_remain() -> bool:
    """Whether threads compute on, though nobody waits for them."""
    return any(thread.daemon and thread.is_alive() for thread in threading.enumerate())


class Yielder:
    """Awaited between small pieces of work, lets the loop turn now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + SLICE

    async def __call__(self) -> None:
        if self._clock() >= self._end:
            await asyncio.sleep(0)
            self._end = self._clock() + SLICE
