"""When a job is due, and whose it is: arithmetic on numbers and strings (pure; times in seconds)."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

JITTER = 0.05
"""The part of an interval by which a poll may come early or late, so that jobs do not march in step."""
FIRST_RETRY = 1.0
EARLY_RETRY = 60.0
"""The longest pause after a first failure: what is asked once an hour should not stay unknown for one."""
LAST_RETRY = 300.0
"""A job that keeps failing is asked at least this often, or once an interval where that is longer."""
LONGEST_RETRY_AFTER = 3600.0
"""What the cloud may ask for at most: nobody should have to restart an exporter that was told to wait for years."""
TICK = 0.1
"""Jobs that are due within one of these are polled together at its end: waking up is what costs most of a poll. With
bare aiohttp, 167 requests a second, it is 0.59 ms of CPU for each when each has a timer of its own, and 0.14 ms so."""
MAX_DOUBLINGS = 16
"""Beyond this the exponent tells nothing more, and 2.0 ** 1025 is no float."""


def first_delay(key: str, window: float) -> float:
    """The phase of a job within `window`: even over many keys, and the same after every restart."""
    return window * stable_hash(key) / 2**64


def jittered(interval: float, key: str) -> float:
    """An interval, a little longer or shorter for each key, and the same in every process."""
    return interval * (1 - JITTER) + first_delay(key, 2 * JITTER * interval)


def stable_hash(key: str) -> int:
    """64 bits that are the same in every process."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total` exporters that share the projects of a config, counted from 0."""

    index: int = 0
    total: int = 1

    def owns(self, project: str) -> bool:
        """Whether a project is this shard's; each project is exactly one's, and few move when `total` changes."""
        return jump_hash(stable_hash(project), self.total) == self.index


def jump_hash(key: int, buckets: int) -> int:
    """The bucket of a key (Lamping and Veach, A Fast, Minimal Memory, Consistent Hash Algorithm, 2014)."""
    bucket, candidate = -1, 0
    while candidate < buckets:
        bucket = candidate
        key = (key * 2862933555777941757 + 1) % 2**64
        candidate = int((bucket + 1) * (2**31 / ((key >> 33) + 1)))
    return bucket


def next_tick(due: float) -> float:
    """When a job that is due at a time of the event loop's clock is polled."""
    return math.ceil(due / TICK) * TICK


def next_delay(
    interval: float, failures: int, retry_after: float | None, uniform: Callable[[float, float], float]
) -> float:
    """The time from the start of one poll to the next, after `failures` failures in a row.

    `uniform(low, high)` draws a number. After a failure the delay is drawn from zero (full jitter) up to a ceiling that
    begins at an interval, or at a minute if that is shorter, and doubles with each; `retry_after` is the least that the
    cloud asked for, and is heeded up to an hour.
    """
    if failures == 0:
        return uniform(interval * (1 - JITTER), interval * (1 + JITTER))
    early = min(interval, EARLY_RETRY)
    ceiling = min(early * 2.0 ** min(failures - 1, MAX_DOUBLINGS), max(interval, LAST_RETRY))
    return max(FIRST_RETRY, min(retry_after or 0.0, LONGEST_RETRY_AFTER), uniform(0.0, ceiling))
