"""The living daemon: a config becomes jobs that are polled until it stops, and the page they leave behind."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.transport import Transport
from frs_exporter.collectors import COLLECTORS
from frs_exporter.config.load import Config
from frs_exporter.exposition.page import Format, Page
from frs_exporter.exposition.render import FAMILIES
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.model import Family, JobState
from frs_exporter.polling.poller import Key, Poller

PAGE_FAMILIES: tuple[Family, ...] = (
    *FAMILIES,
    *(family for collector in COLLECTORS.values() for family in collector.families),
)

BEAT = 1.0
"""Seconds between two beats of the heart."""
LONGEST_PAUSE = 15.0
"""Seconds without a beat after which the loop is said not to turn."""


class Exporter:
    """Starts, polls and stops; made on a running event loop. `now` is the wall clock in Unix seconds."""

    def __init__(
        self,
        config: Config,
        telemetry: Telemetry,
        *,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._config = config
        self._telemetry = telemetry
        self._now = now
        self._clock = asyncio.get_running_loop().time
        self._page = Page(PAGE_FAMILIES)
        rng = rng or random.Random()
        self._client = Client(Transport(config.limits, config.http, telemetry, now), telemetry, now, rng)
        self._poller = Poller(self._client, self._page, COLLECTORS, now, rng)
        self._heart: asyncio.Task[None] | None = None
        self._last_beat = self._clock()
        self._started: float | None = None
        self._tried = False
        self._draining = False

    def start(self) -> None:
        """Start polling; every job is on the page, down, from now on."""
        self._started = self._clock()
        self._poller.reconcile(self._config.jobs)
        self._telemetry.jobs.set(len(self._config.jobs))
        self._telemetry.config_loaded(self._now())
        self._heart = asyncio.create_task(self._beat(), name="heartbeat")

    def drain(self) -> None:
        """Be not ready any more, so that nobody new comes."""
        self._draining = True

    async def stop(self) -> None:
        """Stop polling and close every connection."""
        self.drain()
        if self._heart:
            self._heart.cancel()
        await self._poller.stop()
        await self._client.close()

    @property
    def states(self) -> dict[Key, JobState]:
        """What is known of each job."""
        return self._poller.states

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
            age, jobs = self._clock() - self._started, self._config.jobs
            untried = sum(not self.states[job.key].polls and job.target.poll_interval > age for job in jobs)
            if untried:
                return f"{untried} of {len(jobs)} jobs not polled yet"
            self._tried = True
        return ""

    def page(self, format: Format) -> Iterator[bytes]:
        """The whole page in blocks."""
        yield from self._page.blocks(format, self._clock())
        yield self._telemetry.block(format)
