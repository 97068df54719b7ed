"""A project is asked now, for somebody who waits: the polls of its jobs are brought forward."""

import asyncio
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from frs_exporter.errors import ApiError, Reason
from frs_exporter.model import Job, JobState
from frs_exporter.polling.poller import Key, Poller
from frs_exporter.steps import Told, step, telling


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known of a job after it was to be asked; `asked` is False when it was asked too often of late."""

    job: Job
    state: JobState
    asked: bool = True


async def probe(poller: Poller, keys: Collection[Key], within: float, now: float, told: Told) -> list[Probed]:
    """Ask these jobs at once, and wait so many seconds; jobs that a reload takes away meanwhile are left out.

    A job that has not ended by then goes on, and fails here alone: `now`, in Unix seconds, is when it is asked.
    """
    rounds = {}
    for key in keys:
        with telling(partial(prefixed, key[1], told)):
            under_way = poller.under_way(key)
            rounds[key] = await poller.bring_forward(key)
            if under_way:
                step("a poll was under way already: its steps are not told here")
            elif rounds[key] is None:
                step("asked often of late: this is what is known; poll_interval says how often it may be asked")
    if waited_for := {each for each in rounds.values() if each is not None}:
        await asyncio.wait(waited_for, timeout=within)
    return [
        outcome(job, poller.states[key], under_way, within, now)
        for key, under_way in rounds.items()
        if (job := poller.job(key)) is not None
    ]


def outcome(job: Job, state: JobState, under_way: asyncio.Task[None] | None, within: float, now: float) -> Probed:
    """What came of a job that was to be asked."""
    if under_way is None:
        return Probed(job, state, asked=False)
    if not under_way.done():
        late = ApiError(Reason.TIMEOUT, f"no answer within {within:.1f} s, waiting for a turn included")
        return Probed(job, state.failed(now + within, within, late))
    return Probed(job, state)


def prefixed(collector: str, told: Told, text: str) -> None:
    """Tell of a step of one collector."""
    told(f"{collector}: {text}")


def deadline(header: str | None, otherwise: float, offset: float) -> float:
    """Seconds that a scrape leaves, `offset` before Prometheus gives up; raises ValueError."""
    seconds = float(header) if header is not None else otherwise
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(header)
    return max(seconds - offset, seconds / 2)
