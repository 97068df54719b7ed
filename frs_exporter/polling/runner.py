"""One job at work: polled when it is due or wanted now; what came of it is kept and shown, the next poll planned."""

import asyncio
import random
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial

import structlog
from aiolimiter import AsyncLimiter

from frs_exporter.core.model import Job, JobState, Key
from frs_exporter.core.schedule import next_delay, next_tick
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.exposition.page import Page
from frs_exporter.exposition.render import lines, render_job, render_target
from frs_exporter.polling.alarm import Alarm
from frs_exporter.polling.exchange import Following
from frs_exporter.polling.job_log import JobLog
from frs_exporter.polling.poll import Asking, broken, poll
from frs_exporter.polling.recorder import Recorder
from frs_exporter.runtime.tasks import interrupt

PROBES_AT_ONCE = 3
"""Polls of a job that may be brought forward at once; each comes back in an interval, so that all who ask together
make a project cost twice as much as its polls alone, at most."""

log = structlog.get_logger()

Polled = asyncio.Future[None]
"""Done when a poll has ended, cancelled when its job is polled no more."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all jobs are polled with."""

    asking: Asking
    page: Page
    rng: random.Random
    alarm: Alarm
    log: JobLog
    recorder: Recorder


class JobRunner:
    """Polls a job again and again, from when it is `due` by the loop's clock on: in a task for each poll.

    Between polls there is nothing of it but this, and its place in the alarm.
    """

    __slots__ = ("_limiter", "_next_trace", "_retired", "_tools", "_waiting", "_wakes", "due", "job", "state", "task")

    def __init__(self, job: Job, state: JobState, due: float, tools: Tools) -> None:
        self.job = job
        self.state = state
        self.due = due
        self.task: asyncio.Task[None] | None = None
        """The poll that is under way."""
        self._tools = tools
        self._wakes = due
        """When the alarm wakes it, while no poll is under way."""
        self._retired = False
        self._next_trace: Trace | None = None
        """Of a poll that was begun, until it asks: until then somebody may still want to follow it."""
        self._waiting: tuple[Polled, ...] = ()
        self._limiter: AsyncLimiter | None = None
        self._sleep()

    def become(self, job: Job) -> None:
        """Be a job that asks alike, and show it as it says."""
        self.job = job
        self.state = self.state._replace(digest=b"")  # the same answer may have to be read differently
        self.show()

    def retire(self) -> None:
        """Poll no more; what must be known of a secret that is in use is waited for."""
        self._retired = True
        self._tools.alarm.unset(self._wakes, self)
        if self.task:
            interrupt(self.task)
        for waiting in self._waiting:
            waiting.cancel()

    def hurry(self) -> None:
        """Be due now."""
        self.due = asyncio.get_running_loop().time()
        self._begin()

    def wake(self) -> None:
        """Poll, as it is time."""
        self._begin()

    @property
    def under_way(self) -> bool:
        """Whether it is asked at this moment, and nobody can follow that any more."""
        return self.task is not None and self._next_trace is None

    async def poll_now(self, trace: Trace = UNTRACED) -> Polled | None:
        """The end of the poll under way, or of the next one, begun now and traced.

        None when the job is polled no more, was asked for too often of late, or the cloud has said when to come back.
        """
        if self._retired:
            return None
        if not self.task and not await self._may_be_brought_forward():
            return None
        self._begin(trace)
        polled = asyncio.get_running_loop().create_future()
        self._waiting = (*self._waiting, polled)
        return polled

    async def _may_be_brought_forward(self) -> bool:
        failure = self.state.failure
        if failure and failure.retry_after and self.due > asyncio.get_running_loop().time():
            return False
        if self._limiter is None:
            self._limiter = AsyncLimiter(PROBES_AT_ONCE, PROBES_AT_ONCE * self.job.target.poll_interval)
        if not self._limiter.has_capacity():
            return False
        await self._limiter.acquire()  # which waits for nothing, as there is one
        return True

    def _sleep(self) -> None:
        """Be woken when the job is due, as long as anybody wants it."""
        if self._retired:
            return
        self._wakes = self._tools.alarm.set(next_tick(self.due), self)

    def _begin(self, trace: Trace = UNTRACED) -> None:
        """Poll now, unless that is begun already; if it has not asked yet, it can still be followed."""
        if self._retired or self.task:
            if self._next_trace is UNTRACED:
                self._next_trace = trace
            return
        self._tools.alarm.unset(self._wakes, self)
        self._next_trace = trace
        self.task = asyncio.create_task(self._poll_and_sleep(), name=f"poll {'/'.join(self.job.key)}")

    async def _poll_and_sleep(self) -> None:
        trace, self._next_trace = self._next_trace, None
        try:
            await self._poll_and_plan(trace or UNTRACED)
        finally:
            self.task = None  # one that is cancelled holds an error that holds this frame
        waiting, self._waiting = self._waiting, ()
        for polled in waiting:
            if not polled.done():
                polled.set_result(None)
        self._sleep()

    async def _poll_and_plan(self, trace: Trace) -> None:
        """Poll, report, and say when the job is due again; no failure gets out, whatever it is."""
        clock = asyncio.get_running_loop().time
        started, before = clock(), self.state
        try:
            await self.poll(trace)
            retry_after = self.state.failure.retry_after if self.state.failure else None
            interval, rng = self.job.target.poll_interval, self._tools.rng
            delay = next_delay(interval, self.state.failures_in_a_row, retry_after, rng.uniform)
            self._tools.log.report(self.job, before, self.state, delay)
            self.due = delay + (clock() if self.state.failure else started)
        except Exception:
            project, collector = self.job.key
            log.exception("unexpected error around a poll", project=project, collector=collector)
            self.due = clock() + self.job.target.poll_interval

    async def poll(self, trace: Trace = UNTRACED) -> None:
        """Ask once, keep and show what came of it."""
        clock, tools, before, job = asyncio.get_running_loop().time, self._tools, self.state, self.job
        started, following = clock(), Following(trace)
        try:
            self.state = await poll(tools.asking, job, before, trace=following)
            tools.recorder.record(job, before, self.state, following)
            if self.job is not job:  # while it was asked: the same answer may have to be read differently
                self.state = self.state._replace(digest=b"")
            self.show()
        except Exception as error:
            project, collector = self.job.key
            log.exception("unexpected error in a poll", project=project, collector=collector)
            self.state = broken(before, error, tools.asking.now(), clock() - started)
            # No more than this is shown: what is there may be what went wrong.
            tools.page.put(self.job.key, render_job(self.job, self.state))
        finally:
            following.let_go()

    def show(self) -> None:
        """Put all that is known of the job, and of its project, on the page."""
        show(self._tools.page, self.job, self.state, self._tools.asking.client.token_expiry(self.job.target))


def show(page: Page, job: Job, state: JobState, token_expiry: float | None) -> None:
    """Put all that is known of a job, and of its project, on a page."""
    page.refresh(job.target.project, (job.target, token_expiry), lambda facts: render_target(*facts))
    own, samples, proven_samples = owners(job.key)
    page.put(own, render_job(job, state))
    of_project = partial(lines, job.target.project)
    page.refresh(samples, state.samples, of_project, state.fresh_until)
    page.refresh(proven_samples, state.proven_samples, of_project, state.proven_until)


def owners(key: Key) -> tuple[Hashable, Hashable, Hashable]:
    """What a job has on the page, beside what it shares with the project's others."""
    return key, (key, "samples"), (key, "proven_samples")
