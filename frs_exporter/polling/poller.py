"""A task per job: poll, keep the state, render it, wait; `reconcile` makes the tasks those of the wanted jobs."""

import asyncio
import functools
import random
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog
from aiolimiter import AsyncLimiter

from frs_exporter.cloud.client import Client
from frs_exporter.collectors import Collector
from frs_exporter.core.errors import Failure
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import Job, JobState
from frs_exporter.core.schedule import first_delay, next_delay, next_tick
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.exposition.page import Page
from frs_exporter.exposition.render import lines, render_job, render_target
from frs_exporter.polling.poll import broken, poll
from frs_exporter.runtime.offload import Yielder
from frs_exporter.runtime.tasks import cancel_and_wait

Key = tuple[str, str]

PROBES_AT_ONCE = 3
"""Polls of a job that may be brought forward at once; each comes back in an interval, so that all who ask together
make a project cost twice as much as its polls alone, at most."""

SPREAD = 0.2
"""Seconds of the first round per job: few jobs are asked at once, many spread over their interval."""

log = structlog.get_logger()


class Poller:
    """Polls each wanted job for ever, and keeps the page true; made on a running event loop."""

    def __init__(
        self,
        client: Client,
        page: Page,
        collectors: Mapping[str, Collector],
        now: Callable[[], float],
        rng: random.Random,
        *,
        spread: float = SPREAD,
    ) -> None:
        self.states: dict[Key, JobState] = {}
        self._client = client
        self._page = page
        self._collectors = collectors
        self._now = now
        self._clock = asyncio.get_running_loop().time
        self._rng = rng
        self._spread = spread
        self._jobs: dict[Key, Job] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._rounds: dict[Key, asyncio.Task[None]] = {}
        self._asleep: dict[Key, asyncio.Future[None]] = {}
        self._probe_limiters: dict[Key, AsyncLimiter] = {}
        self._projects: set[str] = set()
        self.due: dict[Key, float] = {}
        """When each job is polled next, by the loop's clock."""

    @property
    def jobs(self) -> Collection[Job]:
        """The jobs that are polled."""
        return self._jobs.values()

    def job(self, key: Key) -> Job | None:
        """The job of a key, None where there is none."""
        return self._jobs.get(key)

    def under_way(self, key: Key) -> bool:
        """Whether a job is being polled."""
        return key in self._rounds

    async def reconcile(self, wanted: Iterable[Job]) -> None:
        """Make the jobs the wanted ones, and let the loop turn meanwhile.

        An equal job keeps everything; one that is only shown differently is shown so; one that is asked differently
        starts anew, with what it knows unless that is of another project or user.
        """
        turn, jobs, projects = Yielder(self._clock), dict[Key, Job](), set[str]()
        for job in wanted:
            jobs[job.key] = job
            projects.add(job.target.project)
            await turn()
        for key in self._jobs.keys() - jobs.keys():
            self._forget(key)
            await turn()
        for project in self._projects - projects:
            self._page.drop(project)
            await turn()
        changed, starting = [], 0
        for key, job in jobs.items():
            before = self._jobs.get(key)
            if before is not job and before != job:
                changed.append(job)
                starting += before is None or not before.target.same_request(job.target)
            await turn()
        self._projects = projects
        for job in changed:
            self._take(job, self._spread * starting)
            await turn()

    def _forget(self, key: Key) -> None:
        del self._jobs[key], self.states[key]
        self._cancel(key)
        for kept in (self.due, self._asleep, self._probe_limiters):
            kept.pop(key, None)
        for owner in (key, (*key, "samples"), (*key, "told")):
            self._page.drop(owner)

    def _take(self, job: Job, spread: float) -> None:
        key, before = job.key, self._jobs.get(job.key)
        self._jobs[key] = job
        if before is None or not before.target.same_subject(job.target):
            self.states[key] = JobState()
        self._show(job, self.states[key])
        if before is None or not before.target.same_request(job.target):
            if before is not None:
                self._cancel(key)
                self._probe_limiters.pop(key, None)
            window = min(job.target.poll_interval, spread)
            self.due[key] = self._clock() + first_delay("/".join(key), window)
            self._tasks[key] = asyncio.create_task(self._run(key), name=f"poll {'/'.join(key)}")

    def _cancel(self, key: Key) -> None:
        for task in (self._tasks.pop(key), self._rounds.pop(key, None)):
            if task is not None:
                task.cancel()

    async def stop(self) -> None:
        """Stop every task; returns when all have ended."""
        await cancel_and_wait([*self._tasks.values(), *self._rounds.values()])

    async def poll_now(self, key: Key, trace: Trace = UNTRACED) -> asyncio.Task[None] | None:
        """The poll under way, or the next one, begun now and traced.

        None when the job was asked for too often of late, or the cloud has said when to come back.
        """
        if key not in self._rounds:
            failure = self.states[key].failure
            if failure and failure.retry_after and self.due[key] > self._clock():
                return None
            interval = self._jobs[key].target.poll_interval
            limiter = self._probe_limiters.setdefault(key, AsyncLimiter(PROBES_AT_ONCE, PROBES_AT_ONCE * interval))
            if not limiter.has_capacity():
                return None
            await limiter.acquire()  # which waits for nothing, as there is one
        return self._round(key, trace)

    async def _run(self, key: Key) -> None:
        while self._tasks.get(key) is asyncio.current_task():
            if self.due[key] > self._clock():
                await self._until_due(key)
            else:
                await asyncio.wait({self._round(key, UNTRACED)})

    async def _until_due(self, key: Key) -> None:
        """Sleep until the job is due, or somebody has brought its poll forward and it is due anew."""
        loop = asyncio.get_running_loop()
        woken = self._asleep[key] = loop.create_future()
        timer = loop.call_at(next_tick(self.due[key]), wake, woken)
        try:
            await woken
        finally:
            timer.cancel()

    def _round(self, key: Key, trace: Trace) -> asyncio.Task[None]:
        """The round under way, or a new one: a job is never asked twice at once."""
        if key not in self._rounds:
            self._rounds[key] = asyncio.create_task(self._poll_and_plan(key, trace), name=f"round {'/'.join(key)}")
            self._rounds[key].add_done_callback(functools.partial(self._round_ended, key))
        return self._rounds[key]

    def _round_ended(self, key: Key, task: asyncio.Task[None]) -> None:
        if self._rounds.get(key) is task:
            del self._rounds[key]

    async def _poll_and_plan(self, key: Key, trace: Trace) -> None:
        """Poll, report, and say when the job is due again."""
        try:
            started, before = self._clock(), self.states[key]
            state = await self.poll(key, trace)
            job = self._jobs[key]
            retry_after = state.failure.retry_after if state.failure else None
            delay = next_delay(job.target.poll_interval, state.failures_in_a_row, retry_after, self._rng.uniform)
            report(job, before, state, delay)
            self._plan(key, delay + (self._clock() if state.failure else started))
        except Exception:
            project, collector = key
            log.exception("unexpected error around a poll", project=project, collector=collector)
            self._plan(key, self._clock() + self._jobs[key].target.poll_interval)

    def _plan(self, key: Key, due: float) -> None:
        self.due[key] = due
        if key in self._asleep:
            wake(self._asleep[key])

    async def poll(self, key: Key, trace: Trace = UNTRACED) -> JobState:
        """Ask once, keep and show what came of it; no failure gets out, whatever it is."""
        started, before = self._clock(), self.states[key]
        try:
            state = await poll(self._client, self._collectors, self._jobs[key], before, self._now, trace=trace)
            self._show(self._jobs[key], state)  # it may be shown differently by now
        except Exception as error:
            project, collector = key
            log.exception("unexpected error in a poll", project=project, collector=collector)
            state = broken(before, error, self._now(), self._clock() - started)
            # No more than this is shown: what is there may be what went wrong.
            self._page.put(key, render_job(self._jobs[key], state))
        self.states[key] = state
        return state

    def _show(self, job: Job, state: JobState) -> None:
        show(self._page, job, state, self._client.token_expiry(job.target))


def wake(sleeper: asyncio.Future[None]) -> None:
    """Let somebody sleep no longer, if that is still to be done."""
    if not sleeper.done():
        sleeper.set_result(None)


def show(page: Page, job: Job, state: JobState, token_expiry: float | None) -> None:
    """Put all that is known of a job, and of its project, on a page."""
    page.put(job.target.project, render_target(job.target, token_expiry))
    page.put(job.key, render_job(job, state))
    page.put((*job.key, "samples"), lines(state.samples), state.fresh_until)
    page.put((*job.key, "told"), lines(state.proven_samples), state.proven_until)


def report(job: Job, before: JobState, after: JobState, delay: float) -> None:
    """Log what changed: up, down, why it is down, or what the answer left open; a job that stays as it was is silent.

    `delay` is in seconds, until the next poll.
    """
    names = {"project": job.target.project, "collector": job.collector}
    known = {note.partition(":")[0] for note in before.warnings}  # what changes about it is not told again
    for note in after.warnings:
        if note.partition(":")[0] not in known:
            log.warning("note", **names, note=note)
    failure = after.failure
    if failure is None:
        if not before.up:
            log.info("up", **names, failed_polls=before.failures_in_a_row)
    elif before.failure is None or kind(before.failure) != kind(failure):
        failed = {"failed_polls": before.failures_in_a_row} if before.failures_in_a_row else {}
        details = {**failure.log_fields(), **failed, "advice": advice(failure)}
        log.warning("down", **names, **details, next_poll_seconds=round(delay, 1))


def kind(failure: Failure) -> tuple[str, str]:
    """What makes a failure another one: the reason or the vendor's code; gateways that are down mix their statuses."""
    return failure.reason, failure.code if "." in failure.code else ""
