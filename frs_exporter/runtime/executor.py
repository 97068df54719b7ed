"""The event loop's executor: threads that keep nobody waiting when the process ends, whatever they are stuck in."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from frs_exporter.runtime.offload import start_thread

MAX_THREADS = 32
"""Threads at once: name lookups need few, as each name is looked up once however many wait for it."""

P = ParamSpec("P")
T = TypeVar("T")

Work = tuple[Future[Any], Callable[[], Any]]
"""What is to be computed, and where the result goes."""


class DaemonExecutor(ThreadPoolExecutor):
    """Runs each function in a daemon thread, so many at once.

    Name lookups wait in threads, for as long as the system's resolver likes. Python's own executor is waited for when
    the loop is closed, and its threads again when the interpreter ends. asyncio takes no other kind of executor.
    """

    def __init__(self, max_threads: int = MAX_THREADS) -> None:
        super().__init__(1)  # starts no thread before it is asked to
        self._lock = threading.Lock()
        self._free = max_threads
        self._waiting: deque[Work] = deque()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The result to come of a function; raises OSError where no thread can be had."""
        future = Future[T]()
        work = future, partial(fn, *args, **kwargs)
        with self._lock:
            if not self._free:
                self._waiting.append(work)
                return future
            self._free -= 1
        try:
            start_thread(partial(self._run, work), "executor")
        except OSError:
            with self._lock:
                self._free += 1
            raise
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nobody."""

    def _run(self, work: Work | None) -> None:
        while work:
            compute(*work)
            with self._lock:
                work = self._waiting.popleft() if self._waiting else None
                self._free += work is None


def compute(future: Future[Any], function: Callable[[], Any]) -> None:
    """Compute a result, unless nobody wants it any more."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
    del future  # it may hold an error that holds this frame


def run(main: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns or raises, as `asyncio.run`; what threads still compute then is not waited for."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonExecutor())
        return runner.run(main)
