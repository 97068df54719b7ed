"""The jobs that are polled: `reconcile` makes them the wanted ones, as a difference between equal values."""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping

from frs_exporter.cloud.client import Client
from frs_exporter.collectors import Collector, EndpointStates, ProbeMemory
from frs_exporter.core.model import Job, JobState, Key
from frs_exporter.core.schedule import first_delay
from frs_exporter.exposition.page import Page
from frs_exporter.polling.alarm import Alarm
from frs_exporter.polling.job_log import JobLog
from frs_exporter.polling.poll import Asking
from frs_exporter.polling.probe_memory import ProbesOnDisk
from frs_exporter.polling.recorder import Recorder
from frs_exporter.polling.runner import JobRunner, Tools, owners
from frs_exporter.runtime.offload import Yielder
from frs_exporter.runtime.tasks import cancel_and_wait

SPREAD = 0.2
"""Seconds of the first round per job: few jobs are asked at once, many spread over their interval."""


class Poller:
    """Has a runner for each wanted job; made on a running event loop."""

    def __init__(
        self,
        client: Client,
        page: Page,
        collectors: Mapping[str, Collector],
        now: Callable[[], float],
        rng: random.Random,
        *,
        spread: float = SPREAD,
        probe_memory: ProbeMemory | None = None,
    ) -> None:
        self.runners: dict[Key, JobRunner] = {}
        self._clock = asyncio.get_running_loop().time
        probe_memory = probe_memory or ProbesOnDisk(None, now)
        self.recorder = Recorder()
        asking = Asking(client, collectors, now, EndpointStates(self._clock), probe_memory)
        self._tools = Tools(asking, page, rng, Alarm(), JobLog(), self.recorder)
        self._spread = spread
        self._projects: set[str] = set()

    @property
    def jobs(self) -> Collection[Job]:
        """The jobs that are polled."""
        return [runner.job for runner in self.runners.values()]

    @property
    def states(self) -> Mapping[Key, JobState]:
        """What is known of each job."""
        return {key: runner.state for key, runner in self.runners.items()}

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
        for key in self.runners.keys() - jobs.keys():
            self._forget(key)
            await turn()
        for project in self._projects - projects:
            self._tools.page.drop(project)
            await turn()
        changed, starting = [], 0
        for key, job in jobs.items():
            runner = self.runners.get(key)
            if runner is None or (runner.job is not job and runner.job != job):
                changed.append(job)
                starting += runner is None or not runner.job.target.same_request(job.target)
            await turn()
        self._projects = projects
        for job in changed:
            self._take(job, self._spread * starting)
            await turn()

    def _forget(self, key: Key) -> None:
        self.runners.pop(key).retire()
        self._tools.log.forget(key)
        self.recorder.forget(key)
        for owner in owners(key):
            self._tools.page.drop(owner)

    def _take(self, job: Job, spread: float) -> None:
        before = self.runners.get(job.key)
        if before is None or not before.job.target.same_request(job.target):
            if before is not None:
                before.retire()
            known = before is not None and before.job.target.same_subject(job.target)
            state = before.state if before is not None and known else JobState()
            if not known:
                self._tools.log.forget(job.key)
                self.recorder.forget(job.key)
            due = self._clock() + first_delay("/".join(job.key), min(job.target.poll_interval, spread))
            self.runners[job.key] = JobRunner(job, state, due, self._tools)
        self.runners[job.key].become(job)

    async def stop(self) -> None:
        """Poll no more; returns when all that was under way has ended."""
        under_way = [runner.task for runner in self.runners.values() if runner.task]
        for runner in self.runners.values():
            runner.retire()
        await cancel_and_wait(under_way)
        self._tools.log.flush()
