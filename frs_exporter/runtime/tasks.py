"""The end of tasks that nobody wants any more: at once, or once what they are about has ended."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_uninterrupted: dict[asyncio.Task[Any], bool] = {}
"""The tasks that are to finish something first, and whether somebody has interrupted them meanwhile."""


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them; returns when all have ended, however they did."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def unless(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work returns or raises; None where the event comes first, which ends the work."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait([working, waiting])
    try:
        return None if working.cancelled() else working.result()
    finally:
        del working  # it may hold an error that holds this frame


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What the current task does in here it finishes, though it may end right after, by CancelledError."""
    task = asyncio.current_task()
    assert task is not None
    if task in _uninterrupted:  # inside of another one
        del task
        yield
        return
    _uninterrupted[task] = False
    try:
        yield
    finally:
        interrupted = _uninterrupted.pop(task)
        del task  # it may end with an error that holds this frame
        if interrupted:
            raise asyncio.CancelledError


def interrupt(task: asyncio.Task[Any]) -> None:
    """Cancel a task, once it has finished what it must."""
    if task in _uninterrupted:
        _uninterrupted[task] = True
    else:
        task.cancel()
