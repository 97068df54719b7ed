"""A one-shot run: every job asked once, as politely as the daemon asks, and what came of it."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import filter as matching

import structlog

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.memory import Memory
from frs_exporter.cloud.projects import list_projects
from frs_exporter.cloud.transport import Transport
from frs_exporter.collectors import COLLECTORS, Collector, EndpointStates
from frs_exporter.config.load import Config
from frs_exporter.core.counting import counted
from frs_exporter.core.discovery import Discovery, Listing
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Job, JobState, Key, Target
from frs_exporter.core.schedule import Shard
from frs_exporter.core.trace import Trace
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.plan import Names, over_limits, plan
from frs_exporter.polling.poll import Asking, poll
from frs_exporter.polling.probe_memory import ProbesOnDisk
from frs_exporter.polling.rejections import refused_secrets
from frs_exporter.polling.report import some_of
from frs_exporter.runtime.state_file import StateFile
from frs_exporter.status.snapshot import JobSnapshot, RefusedSecret, RuleSnapshot, Snapshot

log = structlog.get_logger()

Advance = Callable[[int, int], None]
"""Told how many jobs have been asked, of how many."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a config is asked: projects by name or pattern, and instead of what it says collectors and requirements.

    Empty means all, or what the config says.
    """

    projects: tuple[str, ...] = ()
    collectors: tuple[str, ...] = ()
    require: tuple[str, ...] | None = None

    def jobs(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that are meant; raises LookupError for a name or pattern that no project has."""
        targets = {job.target.project: job.target for job in jobs}
        named: set[str] = set() if self.projects else {*targets}
        for pattern in self.projects:
            meant = targets.keys() & {pattern}
            if not meant and PATTERN & set(pattern):
                meant = {*matching(targets, pattern.replace("[", "[[]"))}
            if not meant:
                raise LookupError(pattern, sorted(targets))
            named.update(meant)
        asked = [self._asked(target) for name, target in targets.items() if name in named]
        return [Job(target, collector) for target in asked for collector in target.display.collectors]

    def _asked(self, target: Target) -> Target:
        require = target.display.require if self.require is None else self.require
        # Of those that are wanted for all an account has its own, and a project the others.
        fit = (name for name in self.collectors if COLLECTORS[name].of_account is (target.account is not None))
        collectors = tuple(fit) if self.collectors else target.display.collectors
        # Who has chosen other collectors does not ask about the subscription; a config without it does require.
        unasked = self.collectors and "subscription" not in collectors and self.require is None
        required = () if unasked or target.account else require
        return replace(
            target, display=replace(target.display, collectors=collectors, require=required, stale_after=WEEKS)
        )


PATTERN = frozenset("*?")
"""What makes a pattern of what is no name; fnmatch's `[` is itself here, as names have brackets."""
NOT_IN_TIME = Failure(Reason.TIMEOUT, "the list of projects did not come in time", api=Api.IAM)
"""What is said of a rule when the time for all is over."""
WEEKS = 4 * 7 * 86400.0
"""Seconds for which answers stay fresh here: however long the others take, none of them goes stale."""


def names_taken(found: Mapping[str, Names]) -> Iterator[str]:
    """A line for each rule with projects that are not checked, as something else has their names."""
    for rule, names in found.items():
        if names.skipped:
            taken = counted(len(names.skipped), "project")
            yield f"discovery {rule}: {taken} found but not checked, names are taken: {some_of(sorted(names.skipped))}"


@dataclass
class Check:
    """One look at a config's projects: `snapshot` tells at any time what is known by then.

    `undiscovered` are the rules whose projects could not be listed, `jobs` those that are asked; by project there are
    `expiries`, when tokens end in Unix seconds, and `latencies`, what the slowest request took in seconds. `trace`
    makes what learns of a job's requests, `traces` has those made by project and collector. `memory` outlives the run.
    `notices` tell what was `found` but is not checked; `unfit` says that nothing chosen has the collectors chosen.
    """

    config: Config
    selection: Selection = field(default_factory=Selection)
    shard: Shard = field(default_factory=Shard)
    now: Callable[[], float] = time.time
    jobs: list[Job] = field(default_factory=list)
    states: dict[Job, JobState] = field(default_factory=dict)
    expiries: dict[str, float] = field(default_factory=dict)
    latencies: dict[str, float] = field(default_factory=dict)
    undiscovered: dict[str, Failure] = field(default_factory=dict)
    refused: dict[str, RefusedSecret] = field(default_factory=dict)
    trace: Callable[[], Trace] = Trace
    traces: dict[Key, Trace] = field(default_factory=dict)
    memory: StateFile = field(default_factory=lambda: StateFile(None))
    problems: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    found: Mapping[str, Names] = field(default_factory=dict)
    unfit: bool = False

    async def run(
        self, advance: Advance = lambda done, all: None, collectors: Mapping[str, Collector] = COLLECTORS
    ) -> None:
        """Ask, and tell of each job that was asked; raises LookupError for a project that is not there.

        May be cancelled at any time.
        """
        telemetry = Telemetry()
        transport = Transport(self.config.limits, telemetry, self.now)
        probe_memory = ProbesOnDisk(self.memory.folder.path, self.now)
        rng = random.Random()  # noqa: S311  # it spreads what is asked again
        client = Client(transport, telemetry, self.now, rng, memory=Memory(self.memory, self.now))
        try:
            await self._plan(client)
            advance(0, len(self.jobs))
            states = EndpointStates(asyncio.get_running_loop().time)
            asking = Asking(client, collectors, self.now, states, probe_memory)
            async with asyncio.TaskGroup() as group:
                for job in self.jobs:
                    group.create_task(self._poll(asking, job, advance))
        finally:
            await probe_memory.flush()
            self.refused = refused_secrets(client, self.now() - asyncio.get_running_loop().time())
            await client.close()
            self.problems = {**self.memory.folder.problems, **probe_memory.problems}

    async def _plan(self, client: Client) -> None:
        lists: dict[str, Listing] = {}

        async def look(rule: Discovery) -> None:
            try:
                lists[rule.name] = await list_projects(client, rule)
            except ApiError as error:
                self.undiscovered[rule.name] = error.failure

        try:
            await asyncio.gather(*map(look, self.config.discovery))
        except asyncio.CancelledError:  # time is over: what was not found is not well
            for name in {rule.name for rule in self.config.discovery} - lists.keys():
                self.undiscovered.setdefault(name, NOT_IN_TIME)
            raise
        wanted = plan(self.config, lists, self.shard)
        self.jobs = self.selection.jobs(wanted.jobs)
        self.unfit = bool(wanted.jobs) and not self.jobs
        over = (notice.text for notice in over_limits(self.config.discovery, wanted.found))
        self.notices, self.found = (*over, *names_taken(wanted.found)), wanted.found
        await client.adjust(wanted.limits, wanted.accesses)

    async def _poll(self, asking: Asking, job: Job, advance: Advance) -> None:
        project = job.target.project
        trace = self.traces[job.key] = self.trace()
        state = await poll(asking, job, JobState(), trace=trace)
        self.latencies[project] = max(trace.slowest, self.latencies.get(project, 0.0))
        self.states[job] = state
        if (expiry := asking.client.token_expiry(job.target)) is not None:
            self.expiries[project] = expiry
        advance(len(self.states), len(self.jobs))

    @property
    def unasked(self) -> int:
        """Jobs of which nothing is known, as they were not asked in time."""
        return len(self.jobs) - len(self.states)

    def snapshot(self) -> Snapshot:
        """What is known, as the daemon shows it."""
        now, clock = self.now(), asyncio.get_running_loop().time()
        jobs = [JobSnapshot(job, self.states.get(job, JobState()), now) for job in self.jobs]
        rules = [
            RuleSnapshot(
                rule.name,
                failure=self.undiscovered.get(rule.name),
                unwatched=self.found.get(rule.name, Names()).unwatched,
            )
            for rule in self.config.discovery
        ]
        return Snapshot(now, clock, self.shard, now, (), None, jobs, rules, self.refused)

    def asked(self) -> Iterator[tuple[Job, JobState]]:
        """The jobs of which something is known."""
        return ((job, self.states[job]) for job in self.jobs if job in self.states)
