"""A project is asked now, for somebody who waits: the polls of its jobs are brought forward."""

import asyncio
import math
from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple

from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import Job, JobState
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.polling.runner import JobRunner, Polled

Tell = Callable[[str], None]
"""Gets what happens, a text at a time."""


class Probed(NamedTuple):
    """A job, and what is known of it after it was asked, or was to be."""

    job: Job
    state: JobState


async def probe(runners: Collection[JobRunner], timeout: float, tell: Tell | None) -> list[Probed]:
    """Ask these jobs at once, and wait so many seconds; `tell` gets each event.

    A job that is late goes on, and is down here alone. Left out is one that a reload has taken away meanwhile, or has
    begun anew.
    """
    polls = {runner: await begun(runner, tell) for runner in runners}
    if waited_for := {poll for poll in polls.values() if poll is not None}:
        await asyncio.wait(waited_for, timeout=timeout)
    return [
        Probed(runner.job, runner.state if poll is None or poll.done() else late(runner.state, timeout))
        for runner, poll in polls.items()
        if not (poll and poll.cancelled())
    ]


async def begun(runner: JobRunner, tell: Tell | None) -> Polled | None:
    """The end of the job's poll that was brought forward, None where that may not be."""
    trace = Trace(partial(prefixed, runner.job.collector, tell)) if tell else UNTRACED
    if runner.under_way:
        trace.event("a poll was under way already: its steps are not told here")
    polled = await runner.poll_now(trace)
    if polled is None:
        trace.event("not asked: it was asked often of late, or told when to come back; this is what is known")
    return polled


def late(state: JobState, timeout: float) -> JobState:
    """The state for whoever cannot wait any longer: down, though no poll has ended, so nothing is counted."""
    failure = Failure(Reason.TIMEOUT, f"no answer within {timeout:.1f} s, waiting for a turn included")
    return state._replace(failure=failure)


def prefixed(collector: str, tell: Tell, text: str) -> None:
    """Tell of an event, and of which collector it is."""
    tell(f"{collector}: {text}")


def deadline(header: str | None, default: float, offset: float) -> float:
    """Seconds that a scrape leaves, `offset` before Prometheus gives up; raises ValueError."""
    seconds = float(header) if header is not None else default
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(header)
    return max(seconds - offset, seconds / 2)
