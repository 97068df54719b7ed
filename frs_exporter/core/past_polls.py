"""The newest polls of a job, kept small: when each has ended, how long it took, and why it failed (pure)."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from frs_exporter.core.errors import Reason

MAX_RECENT = 20
"""Polls of a job that are remembered."""
TIME = struct.Struct("<If")
"""When a poll has ended and how long it took: eight bytes, as thousands of jobs remember twenty of them."""


class PastPoll(NamedTuple):
    """A poll that has ended: `at` in whole Unix seconds, its `duration` in seconds, and why it failed, None if not."""

    at: int
    duration: float
    reason: Reason | None


def with_time(times: bytes, at: float, duration: float) -> bytes:
    """Times with one more, without the oldest where there are enough; a clock may be wrong by any number of years."""
    second = min(max(0, int(at)), 2**32 - 1)
    return (times + TIME.pack(second, duration))[-MAX_RECENT * TIME.size :]


def past_polls(times: bytes, reasons: Sequence[Reason | None]) -> tuple[PastPoll, ...]:
    """The polls whose times were packed, with how each has ended."""
    return tuple(
        PastPoll(at, seconds, why) for (at, seconds), why in zip(TIME.iter_unpack(times), reasons, strict=True)
    )
