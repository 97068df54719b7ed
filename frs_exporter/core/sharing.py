"""One object for equal values: what thousands of projects have in common is kept once."""

import functools
from typing import TypeVar, cast

T = TypeVar("T")

KINDS = 1 << 12
"""Values that are remembered: what is more different than that is not what projects have in common."""


@functools.lru_cache(KINDS)
def _first(value: object) -> object:
    return value


def shared(value: T) -> T:
    """The first of all values that are equal to this one: a text, or a tuple or frozenset of texts."""
    return cast(T, _first(value))
