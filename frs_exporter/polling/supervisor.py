"""The only one who changes what is wanted: loads, plans, puts in place and tells, for whoever asks it to.

All of it is one task's, which takes its events from one inbox, so that nothing here happens beside anything else. What
asks for a change does so from below: a refused secret from within a poll, discovery from within a task of its own. They
post an event and await its answer, and what is put in place may well end them meanwhile:

    SIGHUP, POST /-/reload ──▶ RELOAD ┐          ┌─ load the config, where asked to, or where its files changed
    a refused secret ────────▶ LOOK   ├─▶ inbox ─┼─ plan: the config and the newest lists become jobs
    discovery ───────────────▶ LISTS  ┘     ▲    └─ put in place: discovery, jobs, credentials and limits
    the time for the next look ─────────────┘       answer

A round first sees to the files and then to the lists, so a list waits for a config that is loaded, and shares its plan
where that is good; where it is not, the list is planned with the config in force.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frs_exporter.cloud.client import Client
from frs_exporter.config.load import Config
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.schedule import Shard
from frs_exporter.polling.discovery import Discoverer
from frs_exporter.polling.inbox import Event, Inbox
from frs_exporter.polling.plan import plan
from frs_exporter.polling.poller import Poller
from frs_exporter.polling.report import Reporter
from frs_exporter.runtime.offload import run_offloaded, short_turns
from frs_exporter.runtime.tasks import cancel_and_wait
from frs_exporter.runtime.watched import Watched


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does what is wanted."""

    discoverer: Discoverer
    poller: Poller
    client: Client


class Supervisor:
    """Keeps its workers at what `config`, and what becomes of it, says of a shard."""

    def __init__(
        self,
        inbox: Inbox,
        watched: Watched[Config],
        workers: Workers,
        reporter: Reporter,
        *,
        config: Config,
        shard: Shard,
    ) -> None:
        self._inbox = inbox
        self._config = config
        self.watched = watched
        """The config's files, and what is wrong with them."""
        self.shard = shard
        """The part of all jobs that is this exporter's."""
        self._workers = workers
        self._reporter = reporter
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Put the config in place, and take events from then on."""
        self.watched.begin()
        await self._put_in_place(self._config)
        self._task = asyncio.create_task(self._run(), name="supervisor")

    async def stop(self) -> None:
        """Give up what is under way, and begin nothing any more; whoever waits is told so."""
        self._inbox.close()
        await cancel_and_wait([self._task] if self._task else [])

    async def reload(self) -> None:
        """Load the config again and put it in place; raises ConfigError, and all is as it was."""
        await self._inbox.post(Event.RELOAD)

    async def _run(self) -> None:
        while True:
            await self._inbox.arrival(self.watched.next_look)
            with contextlib.suppress(ConfigError):  # the log tells of it, and so does the answer
                await self._see_to_files()
            if self._inbox.has(Event.LISTS):
                with contextlib.suppress(Exception):  # discovery gets it for an answer, logs it, and comes again
                    await self._put_in_place(self._config)

    async def _see_to_files(self) -> None:
        """Load the config, if anybody wants that or its files have changed; who comes while they settle shares it."""
        look = self.watched.due or self._inbox.has(Event.LOOK)
        with self._inbox.answering(Event.LOOK):
            load = self._inbox.has(Event.RELOAD) or (look and await self.watched.changed())
            if load or self._inbox.has(Event.RELOAD):
                with self._inbox.answering(Event.RELOAD, Event.LOOK):
                    await self.watched.reload(self._apply)

    async def _apply(self, config: Config) -> Mapping[str, Any]:
        await self._put_in_place(config)
        return {"jobs": len(self._workers.poller.runners)}

    async def _put_in_place(self, config: Config) -> None:
        """Poll what a config and the newest lists of projects say; a plan that fails changes nothing."""
        discoverer, poller, client = self._workers.discoverer, self._workers.poller, self._workers.client
        with self._inbox.answering(Event.LISTS), short_turns():
            lists = discoverer.kept_lists(config.discovery)
            wanted = await run_offloaded(plan, config, lists, self.shard, poller.jobs)
            self._config = config
            discoverer.reconcile(config.discovery)
            await poller.reconcile(wanted.jobs)
            await client.adjust(wanted.limits, wanted.accesses)
            self._reporter.report(wanted)
