"""Counts calls, by who calls and what is called: it shows what grows faster than its input, on any machine."""

import _weakrefset
import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from cProfile import Profile
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import frs_exporter

PACKAGE = str(Path(frs_exporter.__file__).parent)
WEAK = _weakrefset.__file__

ENDS = 1.0
"""Seconds in which a thread that has done its work has ended."""

Calls = Counter[tuple[CodeType | str, CodeType | str]]
"""How often a function has called another, or one in C; a generator is called for each of its values."""


@contextmanager
def counting() -> Iterator[Calls]:
    """Count calls of Python and of C functions, in this thread and those started meanwhile; all is known at the end.

    Garbage is not collected meanwhile: what that calls would count for whoever happens to run. cProfile costs a third
    of what a hook in Python does, but from 3.12 on there is one for all threads, which mixes up their callers.
    """
    calls = Calls()
    others = {*threading.enumerate()}
    gc.collect()
    gc.disable()
    try:
        with hooked(calls) if sys.version_info >= (3, 12) else profiled(calls):
            yield calls
            for thread in {*threading.enumerate()} - others:
                thread.join(ENDS)  # what it calls is known when it has ended
    finally:
        gc.enable()


@contextmanager
def profiled(calls: Calls) -> Iterator[None]:
    """Count with a profiler for each thread."""
    profilers = [Profile()]

    def begin(*_: object) -> None:
        """Count in a new thread from its first call on."""
        profilers.append(Profile())
        profilers[-1].enable()

    threading.setprofile(begin)
    profilers[0].enable()
    try:
        yield
    finally:
        profilers[0].disable()
        threading.setprofile(None)
        for profiler in profilers:
            for caller in profiler.getstats():
                for callee in caller.calls or ():
                    calls[caller.code, callee.code] += callee.callcount


@contextmanager
def hooked(calls: Calls) -> Iterator[None]:
    """Count with a function that the interpreter calls at each call."""

    def count(frame: FrameType, event: str, called: Any) -> None:
        if event == "call" and frame.f_back:
            calls[frame.f_back.f_code, frame.f_code] += 1
        elif event == "c_call":
            calls[frame.f_code, called.__name__] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def name_of(function: CodeType | str) -> str:
    """`file:line:name` of a Python function, the name of one in C."""
    place = f"{function.co_filename}:{function.co_firstlineno}" if isinstance(function, CodeType) else ""
    return f"{place}:{function.co_qualname}" if isinstance(function, CodeType) else str(function)


def ours(calls: Calls) -> Calls:
    """The calls that the exporter itself makes, or that are made of its functions.

    Without those that the interpreter makes when an object goes: that is when the last thread lets go of it.
    """
    return Calls({edge: count for edge, count in calls.items() if {"exporter"} == {*map(home, edge)} - {"library"}})


def home(function: CodeType | str) -> str:
    """Whose function it is: the exporter's, a library's (the simulator's, too), or one that the interpreter calls."""
    file = function.co_filename if isinstance(function, CodeType) else ""
    return "interpreter" if file == WEAK else "exporter" if file.startswith(PACKAGE + os.sep) else "library"


class Text(str):
    """A text each look at which is a call: what is looked for in a list, rather than in a set, shows."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


def with_texts(value: Any) -> Any:
    """A value with all texts in it as Text."""
    match value:
        case Enum():
            return value
        case str():
            return Text(value)
        case tuple() if type(value) is not tuple:  # a NamedTuple
            return type(value)(*map(with_texts, value))
        case list() | tuple():
            return type(value)(map(with_texts, value))
        case dict():
            return {with_texts(key): with_texts(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: with_texts(getattr(value, field.name)) for field in fields(value)})
    return value
