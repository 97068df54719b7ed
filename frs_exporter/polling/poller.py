"""A task per job: poll, keep the state, render it, wait; `reconcile` makes the tasks those of the wanted jobs."""

import asyncio
import functools
import random
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog

from frs_exporter.advice import advice
from frs_exporter.cloud.client import Client
from frs_exporter.collectors import Collector
from frs_exporter.errors import ApiError, Reason
from frs_exporter.exposition.page import Page
from frs_exporter.exposition.render import lines, render_job, render_target
from frs_exporter.model import Job, JobState
from frs_exporter.polling.schedule import LAST_RETRY, first_delay, next_delay

Key = tuple[str, str]

SPREAD = 0.2
"""Seconds of the first round per job: few jobs are asked at once, many spread over their interval."""

SLICE = 0.005
"""Seconds of work after which the loop turns: a scrape under way must not wait for a reload."""

log = structlog.get_logger()


class Turn:
    """Awaited between small pieces of work, lets the loop turn now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + SLICE

    async def __call__(self) -> None:
        if self._clock() >= self._end:
            await asyncio.sleep(0)
            self._end = self._clock() + SLICE


class Poller:
    """Polls each wanted job for ever, and keeps the page true; made on a running event loop."""

    def __init__(
        self,
        client: Client,
        page: Page,
        collectors: Mapping[str, Collector],
        now: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.states: dict[Key, JobState] = {}
        self._client = client
        self._page = page
        self._collectors = collectors
        self._now = now
        self._clock = asyncio.get_running_loop().time
        self._rng = rng
        self._jobs: dict[Key, Job] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._projects: set[str] = set()

    @property
    def jobs(self) -> Collection[Job]:
        """The jobs that are polled."""
        return self._jobs.values()

    async def reconcile(self, wanted: Iterable[Job]) -> None:
        """Make the jobs the wanted ones, and let the loop turn meanwhile.

        An equal job keeps everything; one that is only shown differently is shown so; one that is asked differently
        starts anew, with what it knows unless that is of another project or user.
        """
        turn, jobs, projects = Turn(self._clock), dict[Key, Job](), set[str]()
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
                starting += before is None or not before.target.asks_like(job.target)
            await turn()
        self._projects = projects
        for job in changed:
            self._take(job, SPREAD * starting)
            await turn()

    def _forget(self, key: Key) -> None:
        del self._jobs[key], self.states[key]
        self._tasks.pop(key).cancel()
        for owner in (key, (*key, "samples"), (*key, "told")):
            self._page.drop(owner)

    def _take(self, job: Job, spread: float) -> None:
        key, before = job.key, self._jobs.get(job.key)
        self._jobs[key] = job
        if before is None or not before.target.tells_like(job.target):
            self.states[key] = JobState()
        self._show(job, self.states[key])
        if before is None or not before.target.asks_like(job.target):
            if before is not None:
                self._tasks[key].cancel()
            window = min(job.target.poll_interval, spread)
            self._tasks[key] = asyncio.create_task(self._run(key, window), name=f"poll {'/'.join(key)}")

    async def stop(self) -> None:
        """Stop every task; returns when all have ended."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, key: Key, window: float) -> None:
        await asyncio.sleep(first_delay("/".join(key), window))
        while self._tasks.get(key) is asyncio.current_task():
            try:
                wait = await self._turn(key)
            except Exception:
                project, collector = key
                log.exception("unexpected error around a poll", project=project, collector=collector)
                wait = self._jobs[key].target.poll_interval
            await asyncio.sleep(wait)

    async def _turn(self, key: Key) -> float:
        """Poll and report; the seconds until the next turn."""
        started, before = self._clock(), self.states[key]
        state = await self.poll(key)
        job = self._jobs[key]
        retry_after = state.error.retry_after if state.error else None
        delay = next_delay(job.target.poll_interval, state.failures_in_a_row, retry_after, self._rng.uniform)
        report(job, before, state, delay)
        wait_from = self._clock() if state.error else started
        return max(0.0, wait_from + delay - self._clock())

    async def poll(self, key: Key) -> JobState:
        """Ask once, keep and show what came of it; no failure gets out, whatever it is."""
        started, before = self._clock(), self.states[key]
        try:
            state = await self._asked(self._jobs[key], before, started)
            self._show(self._jobs[key], state)  # it may be shown differently by now
        except Exception as error:
            project, collector = key
            log.exception("unexpected error in a poll", project=project, collector=collector)
            internal = ApiError(Reason.INTERNAL, f"unexpected {type(error).__name__}; the log has the traceback")
            state = before.failed(self._now(), self._clock() - started, internal)
            # No more than this is shown: what is there may be what went wrong.
            self._page.put(key, render_job(self._jobs[key], state))
        self.states[key] = state
        return state

    async def _asked(self, job: Job, before: JobState, started: float) -> JobState:
        """The state after asking: an answer, or a failure and what it tells."""
        collector, target = self._collectors[job.collector], job.target
        try:
            findings = await collector.collect(functools.partial(self._client.get, target), target, before.samples)
        except ApiError as error:
            # A failing job may be asked again that late: until then, and as long as any answer, what it told holds.
            told_until = self._clock() + max(target.poll_interval, LAST_RETRY) + target.stale_after
            told = collector.told(target, error)
            about = error.but(api=error.api or collector.api)
            return before.failed(self._now(), self._clock() - started, about, told, told_until)
        clock = self._clock()
        return before.succeeded(self._now(), clock - started, findings, clock + target.stale_after)

    def _show(self, job: Job, state: JobState) -> None:
        target = job.target
        self._page.put(target.project, render_target(target, self._client.token_expiry(target)))
        self._page.put(job.key, render_job(job, state))
        self._page.put((*job.key, "samples"), lines(state.samples), state.fresh_until)
        self._page.put((*job.key, "told"), lines(state.told), state.told_until)


def report(job: Job, before: JobState, after: JobState, delay: float) -> None:
    """Log what changed: up, down, why it is down, or what the answer left open; a job that stays as it was is silent.

    `delay` is in seconds, until the next poll.
    """
    names = {"project": job.target.project, "collector": job.collector}
    known = {note.partition(":")[0] for note in before.notes}  # what changes about it is not told again
    for note in after.notes:
        if note.partition(":")[0] not in known:
            log.warning("note", **names, note=note)
    error = after.error
    if error is None:
        if not before.up:
            log.info("up", **names, failed_polls=before.failures_in_a_row)
    elif before.error is None or kind(before.error) != kind(error):
        details = {
            "api": error.api,
            "code": error.code,
            "status": error.status,
            "request_id": error.request_id,
            "failed_polls": before.failures_in_a_row,
        }
        told = {key: value for key, value in details.items() if value}
        text = {"message": error.message, "advice": advice(error)}
        log.warning("down", **names, reason=str(error.reason), **told, **text, next_poll_seconds=round(delay, 1))


def kind(error: ApiError) -> tuple[str, str]:
    """What makes a failure another one: the reason or the vendor's code; gateways that are down mix their statuses."""
    return error.reason, error.code if "." in error.code else ""
