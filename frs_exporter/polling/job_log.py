"""The log of jobs: what changes, the first of a cause in full, and all others of it in one line a minute later."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from frs_exporter.core.errors import Failure
from frs_exporter.core.explanations import advice
from frs_exporter.core.model import Job, JobState, Key
from frs_exporter.polling.report import named

IN_FULL = 3
"""Lines of a cause that are written at once: few jobs are told one by one, a fleet in an outage is not."""
TOGETHER = 60.0
"""Seconds in which further jobs of a cause are counted for one line."""
MAX_CAUSES = 30
"""Causes that are told apart at once, of all jobs and of each: whoever answers in the cloud's place may make up as many
codes as it likes."""

Cause = tuple[str, ...]
"""The event, and what tells its causes apart: of a failure its kind, of a note what it begins with."""

log = structlog.get_logger()


@dataclass(slots=True)
class Group:
    """The lines of a cause within a minute: how many were written, and the jobs of all others."""

    level: str
    facts: Mapping[str, Any]
    in_full: int = 0
    jobs: set[Key] = field(default_factory=set)


class JobLog:
    """Logs what changes about jobs; made on a running event loop."""

    def __init__(self) -> None:
        self._groups: dict[Cause, Group] = {}
        self._causes: defaultdict[Key, set[Cause]] = defaultdict(set)
        self._of_regions: defaultdict[str, set[Key]] = defaultdict(set)
        """The jobs of which a note about a region is true."""
        self._call_later = asyncio.get_running_loop().call_later

    def report(self, job: Job, before: JobState, after: JobState, delay: float) -> None:
        """Log up, down, why it is down, or what the answer left open; a job that stays as it was is silent.

        `delay` is in seconds, until the next poll. Reasons that come in turn are one trouble: each is told once.
        """
        if after.up and before.up and not (after.warnings or before.warnings):
            return  # as nearly always
        self._report_notes(job, before.warnings, after.warnings)
        failure = after.failure
        if failure is None:
            self._causes.pop(job.key, None)
            if not before.up:
                self._tell(job, ("up",), "info", {}, failed_polls=before.failures_in_a_row)
        elif self._is_new(job.key, cause := ("down", *kind(failure))):
            failed = {"failed_polls": before.failures_in_a_row} if before.failures_in_a_row else {}
            facts = {"reason": str(failure.reason), **({"code": cause[2]} if cause[2] else {})}
            facts["advice"] = advice(failure)
            details = {**failure.log_fields(), **failed, "advice": facts["advice"]}
            self._tell(job, cause, "warning", facts, **details, next_poll_seconds=round(delay, 1))

    def _report_notes(self, job: Job, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        """Log notes about something new; one about a region, which begins with its name, once for all its jobs."""
        prefix = f"{job.target.region}: "
        known = {about(note, prefix) for note in before}  # what changes about it is not told again
        for note in before:
            if note not in after:
                self._end_note(note, job.key)
        for note in after:
            jobs = self._of_regions[note] if note.startswith(prefix) else set()
            if (what := about(note, prefix)) not in known and not jobs:
                self._tell(job, ("note", what), "warning", {"about": what}, note=note)
            jobs.add(job.key)

    def _end_note(self, note: str, key: Key) -> None:
        """A note about a region is not true of a job any more."""
        if jobs := self._of_regions.get(note):
            jobs.discard(key)
            if not jobs:
                del self._of_regions[note]

    def forget(self, key: Key) -> None:
        """The job is not polled any more, or another one by now: what is so of it next is new."""
        self._causes.pop(key, None)
        for note in list(self._of_regions):
            self._end_note(note, key)

    def flush(self) -> None:
        """Tell what is still to be told."""
        for cause in list(self._groups):
            self._end(cause)

    def _is_new(self, key: Key, cause: Cause) -> bool:
        """Whether a job has not been down for this cause since it was up; after MAX_CAUSES there are no new ones."""
        known = self._causes[key]
        if cause in known or len(known) >= MAX_CAUSES:
            return False
        known.add(cause)
        return True

    def _tell(self, job: Job, cause: Cause, level: str, facts: Mapping[str, Any], **details: Any) -> None:
        """Log a line now, or count its job; `facts` are true of all jobs of the cause."""
        if cause not in self._groups and len(self._groups) >= MAX_CAUSES:
            cause, facts = (cause[0], "", "others"), {}
        group = self._groups.get(cause)
        if group is None:
            group = self._groups[cause] = Group(level, facts)
            self._call_later(TOGETHER, self._end, cause)
        names = {"project": job.target.project, "collector": job.collector}
        if group.in_full < IN_FULL:
            group.in_full += 1
            getattr(log, level)(cause[0], **names, **details)
        else:
            group.jobs.add(job.key)
            log.debug(cause[0], **names, **details)

    def _end(self, cause: Cause) -> None:
        """A minute is over."""
        group = self._groups.pop(cause, None)
        if group and group.jobs:
            projects = named(projects=frozenset(project for project, _ in group.jobs))
            getattr(log, group.level)(cause[0], jobs=len(group.jobs), **projects, **group.facts)


def about(note: str, prefix: str) -> str:
    """What a note is about: what it begins with, but for the region's name."""
    return note.removeprefix(prefix).partition(":")[0]


def kind(failure: Failure) -> tuple[str, str]:
    """What makes a failure another one: the reason or the vendor's code; gateways that are down mix their statuses."""
    return str(failure.reason), failure.code if "." in failure.code else ""
