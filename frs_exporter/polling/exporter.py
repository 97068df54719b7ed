"""The living daemon: config and discovery become jobs, polled until it stops, and the page they leave behind."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from typing import Any

import structlog

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.memory import Memory
from frs_exporter.cloud.transport import Transport
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import Config
from frs_exporter.config.source import Source
from frs_exporter.core.model import Family, Job, JobState, Notice, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.page import Format, Page
from frs_exporter.exposition.render import FAMILIES
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.discovery import Discoverer
from frs_exporter.polling.plan import Names, Plan, plan
from frs_exporter.polling.poller import SPREAD, Key, Poller
from frs_exporter.polling.probe import Probed, Tell, probe
from frs_exporter.polling.reload import LONGEST_REREAD, watched_config
from frs_exporter.polling.runner import JobRunner
from frs_exporter.runtime.offload import run_offloaded, short_turns
from frs_exporter.runtime.state_file import StateFile
from frs_exporter.runtime.tasks import cancel_and_wait
from frs_exporter.status.snapshot import JobSnapshot, Snapshot

PAGE_FAMILIES: tuple[Family, ...] = (
    *FAMILIES,
    *(family for collector in COLLECTORS.values() for family in collector.families),
)

BEAT = 1.0
"""Seconds between two beats of the heart."""
LONGEST_PAUSE = 15.0
"""Seconds without a beat after which the loop is said not to turn."""
LONGEST_SEARCH = 60.0
"""Seconds for which a first look for projects keeps the exporter from being ready."""
MAX_NAMES = 10
"""Names that a log line lists."""
WHOLE = Shard()

log = structlog.get_logger()


class Exporter:
    """Starts, polls, reloads and stops; made on a running event loop.

    `source` is where `config` was loaded from; every `reread_interval` seconds, and when a secret is refused, it is
    looked at again, with 0 only when told to. `now` is the wall clock in Unix seconds, `memory` what a restart leaves.
    """

    def __init__(
        self,
        source: Source[Config],
        config: Config,
        telemetry: Telemetry,
        *,
        shard: Shard = WHOLE,
        reread_interval: float = 0.0,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        spread: float = SPREAD,
        memory: StateFile | None = None,
    ) -> None:
        self._config = config
        self._shard = shard
        self._reread_interval = reread_interval
        self._telemetry = telemetry
        self._now = now
        self._clock = asyncio.get_running_loop().time
        self._page = Page(PAGE_FAMILIES)
        rng = rng or random.Random()
        transport = Transport(config.limits, telemetry, now)
        remembered = Memory(memory or StateFile(None, now), now)
        self._client = Client(transport, telemetry, now, rng, reread=self._reread, memory=remembered)
        self._poller = Poller(self._client, self._page, COLLECTORS, now, rng, spread=spread)
        self._lock = asyncio.Lock()
        self._reloader = watched_config(source, self._put_in_force, telemetry, now)
        self._discoverer = Discoverer(self._client, telemetry, self._discovered, now, rng)
        self._tasks: list[asyncio.Task[None]] = []
        self._logged: frozenset[Notice] = frozenset()
        self._found: dict[str, Names] = {}
        self._lists = self._lists_planned = 0
        self._last_beat = self._clock()
        self._started: float | None = None
        self.page_complete = asyncio.Event()
        """Set when every job of the config is on the page for the first time."""
        self._tried = False
        self._draining = False

    async def start(self) -> None:
        """Start polling; every job of the config is on the page, down, from now on."""
        self._telemetry.shard.labels(self._shard.index, self._shard.total).set(1)
        self._telemetry.shards.set(self._shard.total)
        self._reloader.start(self._reread_interval)
        self._tasks.append(asyncio.create_task(self._beat(), name="heartbeat"))
        async with self._lock:
            await self._apply(self._config)
        self.page_complete.set()
        self._started = self._clock()

    def drain(self) -> None:
        """Be not ready any more, so that nobody new comes."""
        self._draining = True

    async def stop(self) -> None:
        """Stop polling and close every connection."""
        self.drain()
        await cancel_and_wait(self._tasks)
        await self._reloader.stop()
        await self._discoverer.stop()
        await self._poller.stop()
        await self._client.close()

    async def probe(self, keys: Collection[Key], timeout: float, tell: Tell | None = None) -> list[Probed]:
        """Poll these jobs now, as far as they may be asked, and wait so many seconds; `tell` gets each event."""
        runners = [self._poller.runners[key] for key in keys if key in self._poller.runners]
        return await probe(runners, timeout, tell)

    def job(self, key: Key) -> Job | None:
        """The job of a key, None where there is none."""
        runner = self._poller.runners.get(key)
        return runner.job if runner else None

    def token_expiry(self, target: Target) -> float | None:
        """When the token or temporary key held for a project ends, in Unix seconds; None without one."""
        return self._client.token_expiry(target)

    def snapshot(self) -> Snapshot:
        """All that is known at this moment."""
        clock, now, reloader = self._clock(), self._now(), self._reloader
        runners = self._poller.runners.values()
        jobs = [JobSnapshot(runner.job, runner.state, now + runner.due - clock) for runner in runners]
        next_look = None if reloader.next_look is None else now + reloader.next_look - clock
        return Snapshot(now, clock, self._shard, reloader.loaded, reloader.problems, next_look, jobs)

    async def reload(self) -> None:
        """Load the config again and put it in place; raises ConfigError, and all is as it was."""
        await self._reloader.reload()

    def retry(self, credential: str) -> int:
        """Try a credential's secret again, for all of its jobs that are down, and tell how many there are.

        Raises LookupError where no job uses it, ApiError where it would not be safe yet.
        """
        its = [runner for runner in self.runners.values() if runner.job.target.credential.name == credential]
        if not its:
            raise LookupError(credential)
        self._client.retry(credential)
        down = [runner for runner in its if runner.state.failure]
        for runner in down:
            runner.hurry()
        return len(down)

    @property
    def clock(self) -> Callable[[], float]:
        """What the times of samples are measured with: the loop's clock."""
        return self._clock

    @property
    def runners(self) -> Mapping[Key, JobRunner]:
        """What polls each job, and knows of it."""
        return self._poller.runners

    @property
    def states(self) -> Mapping[Key, JobState]:
        """What is known of each job."""
        return self._poller.states

    async def _reread(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_REREAD):
                await self._reloader.look()

    async def _discovered(self) -> None:
        """Poll what the newest lists say; those that come while others are put in place share the next turn."""
        self._lists += 1
        own = self._lists
        async with self._lock:
            if self._lists_planned < own:
                await self._settle()

    async def _put_in_force(self, config: Config) -> Mapping[str, Any]:
        async with self._lock:
            return {"jobs": await self._apply(config)}

    async def _apply(self, config: Config) -> int:
        """Put a config in place, and tell how many jobs there are; the lock is held."""
        self._config = config
        self._discoverer.reconcile(config.discovery)
        await self._settle()
        return len(self._poller.jobs)

    async def _settle(self) -> None:
        """Poll what the config and the newest lists of projects say; the lock is held."""
        lists = self._lists
        found, jobs = dict(self._discoverer.lists), self._poller.jobs
        with short_turns():
            wanted = await run_offloaded(plan, self._config, found, self._shard, jobs)
            await self._poller.reconcile(wanted.jobs)
            await self._client.adjust(wanted.limits, wanted.accesses)
        self._tell(wanted)
        self._lists_planned = lists

    def _tell(self, wanted: Plan) -> None:
        """Log what is new, and set the metrics about it."""
        for notice in wanted.notices:
            if notice not in self._logged:
                (log.error if notice.serious else log.warning)(notice.text)
        self._logged = frozenset(wanted.notices)
        for name, found in wanted.found.items():
            before = self._found.get(name, Names())
            if found.watched != before.watched:
                added, gone = found.watched - before.watched, before.watched - found.watched
                log.info("projects found", discovery=name, projects=len(found.watched), **named(added=added, gone=gone))
            if found.skipped - before.skipped:
                trace = named(projects=found.skipped)
                log.warning("projects found but not watched: their names are taken", discovery=name, **trace)
            self._telemetry.discovery_projects.labels(name).set(found.meant)
            self._telemetry.discovery_skipped.labels(name).set(len(found.skipped))
        self._found = dict(wanted.found)
        self._telemetry.jobs.set(len(wanted.jobs))
        self._telemetry.show_credentials(
            {access.credential.name: access.http.insecure_skip_verify for access in wanted.accesses}
        )

    async def _beat(self) -> None:
        while True:
            due = self._clock() + BEAT
            await asyncio.sleep(BEAT)
            self._last_beat = self._clock()
            self._telemetry.schedule_lag.set(max(self._last_beat - due, self._client.longest_wait()))

    def not_healthy(self) -> str:
        """Why the process should be restarted, empty when it should not: its event loop does not turn."""
        pause = self._clock() - self._last_beat
        return f"the event loop has not turned for {pause:.0f} s" if pause > LONGEST_PAUSE else ""

    def not_ready(self) -> str:
        """Why the exporter is not ready, empty when it is: each job was tried once, or its interval has passed.

        That a project is down is no reason: it would take the page away just when it tells most.
        """
        if self._draining:
            return "stopping"
        if self._started is None:
            return "starting"
        if not self._tried:
            age, runners = self._clock() - self._started, self._poller.runners.values()
            untried = sum(not runner.state.polls and runner.job.target.poll_interval > age for runner in runners)
            if untried:
                return f"{untried} of {len(runners)} jobs not polled yet"
            if self._discoverer.untried and age < LONGEST_SEARCH:
                return f"projects not discovered yet: {', '.join(sorted(self._discoverer.untried))}"
            self._tried = True
        return ""

    def page(self, format: Format, names: Collection[str] = ()) -> Iterator[bytes]:
        """The page in blocks: all of it, or the metrics of these names; what is told of jobs is as of this call."""
        return chain(self._page.blocks(format, self._clock(), names), self._telemetry.blocks(format, names))


def named(**names: frozenset[str]) -> dict[str, str]:
    """Some of the names, and how many there are beside them, for the log."""
    trace = {}
    for what, some in names.items():
        if some:
            more = f" and {len(some) - MAX_NAMES} more" if len(some) > MAX_NAMES else ""
            trace[what] = ", ".join(sorted(some)[:MAX_NAMES]) + more
    return trace
