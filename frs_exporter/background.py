"""Long work in a thread that leaves the event loop its turns."""

import asyncio
import gc
import sys
from collections.abc import Callable, MutableMapping, MutableSequence
from typing import Any, ParamSpec, TypeVar

SWITCH = 0.0005
"""Seconds that the thread may compute while the loop waits for its turn. With Python's usual 5 ms one turn of the loop
takes 100 ms, as it gives its own turn up with each system call and waits again."""


def release(items: MutableSequence[Any] | MutableMapping[Any, Any]) -> None:
    """Let go of items one by one: a large tree that is let go of at once keeps the loop waiting until it is gone."""
    drop: Callable[[], Any] = items.popitem if isinstance(items, MutableMapping) else items.pop
    while items:
        drop()


P = ParamSpec("P")
T = TypeVar("T")


async def in_background(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What the function returns or raises; one at a time.

    Meanwhile there are no full garbage collections: over millions of new objects they would stop everybody, for none.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    gc.disable()
    try:
        return await asyncio.to_thread(function, *arguments, **options)
    finally:
        gc.enable()
        sys.setswitchinterval(usual)
