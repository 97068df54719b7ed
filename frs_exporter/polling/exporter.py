"""The living daemon: config and discovery become jobs, polled until it stops, and the page they leave behind."""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import chain

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.memory import Memory
from frs_exporter.cloud.transport import Transport
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import Config
from frs_exporter.core.credentials import names_of
from frs_exporter.core.model import Family, Job, JobState, Key, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.coding import Block
from frs_exporter.exposition.page import Format, Page
from frs_exporter.exposition.render import FAMILIES
from frs_exporter.exposition.telemetry import TIME, Telemetry
from frs_exporter.polling.discovery import Discoverer
from frs_exporter.polling.heartbeat import Heartbeat
from frs_exporter.polling.inbox import Event, Inbox
from frs_exporter.polling.poller import SPREAD, Poller
from frs_exporter.polling.probe import Probed, Tell, probe
from frs_exporter.polling.probe_memory import ProbesOnDisk
from frs_exporter.polling.readiness import Readiness
from frs_exporter.polling.recorder import JobRecord
from frs_exporter.polling.rejections import refused_secrets
from frs_exporter.polling.report import Reporter
from frs_exporter.polling.runner import JobRunner
from frs_exporter.polling.supervisor import Supervisor, Workers
from frs_exporter.polling.times import USUAL, Times
from frs_exporter.runtime.state_file import StateFile
from frs_exporter.runtime.watched import Source, Watched, WatchOptions
from frs_exporter.status.snapshot import JobSnapshot, Snapshot

PAGE_FAMILIES: tuple[Family, ...] = (
    *FAMILIES,
    *(family for collector in COLLECTORS.values() for family in collector.families),
)

WHOLE = Shard()


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
        times: Times = USUAL,
    ) -> None:
        rng, inbox = rng or random.Random(), Inbox()  # noqa: S311  # it spreads polls
        memory = memory or StateFile(None, now)
        transport, reread = Transport(config.limits, telemetry, now), partial(inbox.look, times.longest_reread)
        client = Client(transport, telemetry, now, rng, reread=reread, memory=Memory(memory, now))
        self._page = Page(PAGE_FAMILIES)
        self._probe_memory = ProbesOnDisk(memory.folder.path, now)
        poller = Poller(client, self._page, COLLECTORS, now, rng, spread=spread, probe_memory=self._probe_memory)
        discoverer = Discoverer(client, telemetry, partial(inbox.post, Event.LISTS), now, rng)
        options = WatchOptions("config", reread_interval, times.settle, times.longest_load)
        watched = Watched(source, options, telemetry.config_good, telemetry.config_time, now=now)
        self._workers = Workers(discoverer, poller, client)
        self._reporter = Reporter(telemetry)
        self._supervisor = Supervisor(inbox, watched, self._workers, self._reporter, config=config, shard=shard)
        self._heartbeat = Heartbeat(telemetry.schedule_lag, client.longest_wait, times)
        self._readiness = Readiness(poller.runners, discoverer.untried, times.longest_search)
        self._telemetry = telemetry
        self._now = now
        self.page_complete = asyncio.Event()
        """Set when every job of the config is on the page for the first time."""

    async def start(self) -> None:
        """Start polling; every job of the config is on the page, down, from now on."""
        shard = self._supervisor.shard
        self._telemetry.shard.labels(shard.index, shard.total).set(1)
        self._telemetry.shards.set(shard.total)
        self._heartbeat.start()
        await self._supervisor.start()
        self.page_complete.set()
        self._readiness.start()

    def drain(self) -> None:
        """Be not ready any more, so that nobody new comes."""
        self._readiness.drain()

    async def stop(self) -> None:
        """Stop polling and close every connection."""
        self.drain()
        await self._heartbeat.stop()
        await self._supervisor.stop()
        await self._workers.discoverer.stop()
        await self._workers.poller.stop()
        await self._probe_memory.flush()
        await self._workers.client.close()

    async def probe(self, keys: Collection[Key], timeout: float, tell: Tell | None = None) -> list[Probed]:
        """Poll these jobs now, as far as they may be asked, and wait so many seconds; `tell` gets each event."""
        runners = [self.runners[key] for key in keys if key in self.runners]
        return await probe(runners, timeout, tell)

    def job(self, key: Key) -> Job | None:
        """The job of a key, None where there is none."""
        runner = self.runners.get(key)
        return runner.job if runner else None

    def token_expiry(self, target: Target) -> float | None:
        """When the token or temporary key held for a project ends, in Unix seconds; None without one."""
        return self._workers.client.token_expiry(target)

    def snapshot(self) -> Snapshot:
        """All that is known at this moment."""
        clock, now, watched = self.clock(), self._now(), self._supervisor.watched
        jobs = [JobSnapshot(runner.job, runner.state, now + runner.due - clock) for runner in self.runners.values()]
        next_look = None if watched.next_look is None else now + watched.next_look - clock
        rules = self._workers.discoverer.rules(self._reporter.found)
        refused = refused_secrets(self._workers.client, now - clock)
        about = (self._supervisor.shard, watched.loaded, watched.problems, next_look)
        return Snapshot(now, clock, *about, jobs, rules, refused)

    async def reload(self) -> None:
        """Load the config again and put it in place; raises ConfigError, and all is as it was."""
        await self._supervisor.reload()

    def retry(self, credential: str) -> int:
        """Try a credential's secret again, for all of its jobs that are down, and tell how many there are.

        Raises LookupError where no job uses it, ApiError where it would not be safe yet.
        """
        its = [runner for runner in self.runners.values() if credential in names_of(runner.job.target.credential)]
        if not its:
            raise LookupError(credential)
        self._workers.client.retry(credential)
        down = [runner for runner in its if runner.state.failure]
        for runner in down:
            runner.hurry()
        return len(down)

    @property
    def clock(self) -> Callable[[], float]:
        """What the times of samples are measured with: the loop's clock."""
        return asyncio.get_running_loop().time

    @property
    def runners(self) -> Mapping[Key, JobRunner]:
        """What polls each job, and knows of it."""
        return self._workers.poller.runners

    @property
    def states(self) -> Mapping[Key, JobState]:
        """What is known of each job."""
        return self._workers.poller.states

    @property
    def config_is_refused(self) -> bool:
        """Whether the config of now cannot be used, so that the one before is in force."""
        return bool(self._supervisor.watched.problems)

    def record(self, key: Key) -> JobRecord | None:
        """What is kept of a job for those who look at it later, None before its first poll has ended."""
        return self._workers.poller.recorder.of(key)

    def not_healthy(self) -> str:
        """Why the process should be restarted, empty when it should not: its event loop does not turn."""
        return self._heartbeat.not_healthy()

    def not_ready(self) -> str:
        """Why the exporter is not ready, empty when it is: each job was tried once, or its interval has passed."""
        return self._readiness.not_ready()

    def page(self, format: Format, names: Collection[str] = ()) -> Iterator[Block]:
        """The page in blocks: all of it, or the metrics of these names; what is told of jobs is as of this call."""
        return chain(self._page.parts(format, self.clock(), names), self._telemetry.blocks(format, names))

    def time(self, format: Format) -> Iterator[bytes]:
        """What ends a page of one project: the time by the exporter's clock, which the times on it are told in."""
        return self._telemetry.blocks(format, (TIME,))
