"""One object for equal values: what thousands of projects have in common is kept once (pure)."""

import functools
from typing import TypeVar, cast

T = TypeVar("T")

KINDS = 1 << 12
"""Values that are remembered, whoever still has them: so they have to be small, and few."""


@functools.lru_cache(KINDS)
def first_equal(value: object) -> object:
    """A value, as it was when one that is equal to it came first."""
    return value


def shared(value: T) -> T:
    """An equal value that came before, if it is still remembered; it can be hashed, and never changes."""
    return cast(T, first_equal(value))
