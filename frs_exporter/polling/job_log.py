"""The log of jobs: what changes, few jobs one by one, many in one line for each cause, and of that ever more seldom."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import structlog

from frs_exporter.core.errors import Failure
from frs_exporter.core.model import Job, JobState, Key
from frs_exporter.core.notes import Note
from frs_exporter.polling.job_lines import OTHERS, Cause, Fields, cause_of, failure_fields, many, names_of, region_of

SETTLE = 3.0
"""Seconds until the first line of a cause: a fleet shows by then that it is one."""
FEW = 3
"""Jobs of a cause that are told one by one, if there are no more by then; a fleet in an outage is not."""
TOGETHER = 60.0
"""Seconds from the first job of a cause to the line about many: as long as a poll interval is by default."""
SELDOM = 3600.0
"""Seconds that further lines of the same cause are apart at most; each time they are twice as far apart."""
MAX_CAUSES = 30
"""Causes that are told apart at once: whoever answers in the cloud's place may make up as many codes as it likes."""

log = structlog.get_logger()


@dataclass(slots=True)
class Group:
    """The jobs of a cause that no line was about yet; of the first few of them all that is to be said is kept.

    `down_seconds` is how long one of those was down that are up again, at most.
    """

    level: str
    jobs: dict[Key, None] = field(default_factory=dict)
    """In their order."""
    lines: dict[Key, Fields] = field(default_factory=dict)
    """The newest of each of the first few."""
    failure: Failure | None = None
    down_seconds: int = 0


class JobLog:
    """Logs what changes about jobs; made on a running event loop."""

    def __init__(self) -> None:
        self._groups: dict[Cause, Group] = {}
        self._down: dict[Cause, dict[Key, float]] = {}
        """The jobs that are down for a cause, and since when by the loop's clock."""
        self._of_regions: defaultdict[Note, set[Key]] = defaultdict(set)
        """The jobs of which a note about a region is true."""
        loop = asyncio.get_running_loop()
        self._clock, self._call_later = loop.time, loop.call_later

    def report(self, job: Job, before: JobState, after: JobState, delay: float) -> None:
        """Log up, down, why it is down, or what the answer left open; a job that stays as it was is silent.

        `delay` is in seconds, until the next poll. Reasons that come in turn are one trouble: each is told once.
        """
        if after.up and before.up and not (after.warnings or before.warnings):
            return  # as nearly always
        self._report_notes(job, before.warnings, after.warnings)
        failed = {"failed_polls": before.failures_in_a_row}
        if after.failure is None:
            was, seconds = self._well(job.key)
            if not before.up:
                down = {"down_seconds": round(seconds)} if was else {}
                fields = {**names_of(job), **failed, **down}
                self._tell(job, ("up", *(was[1:] or region_of(job))), "info", fields)
        elif cause := self._new_cause(job, after.failure):
            planned = {**(failed if before.failures_in_a_row else {}), "next_poll_seconds": round(delay, 1)}
            fields = failure_fields(after.failure, names_of(job), planned)
            self._tell(job, cause, "warning", fields, after.failure)

    def _report_notes(self, job: Job, before: tuple[Note, ...], after: tuple[Note, ...]) -> None:
        """Log notes about something new; one about a region once for all its jobs."""
        known = {note.about for note in before}  # what changes about it is not told again
        for note in before:
            if note not in after:
                self._end_note(note, job.key)
        for note in after:
            jobs = self._of_regions[note] if note.region else set()
            if note.about not in known and not jobs:
                self._tell(job, ("note", note.about), "warning", {**names_of(job), "note": note.text.en})
            jobs.add(job.key)

    def _end_note(self, note: Note, key: Key) -> None:
        """A note about a region is not true of a job any more."""
        if jobs := self._of_regions.get(note):
            jobs.discard(key)
            if not jobs:
                del self._of_regions[note]

    def forget(self, key: Key) -> None:
        """The job is not polled any more, or another one by now: what is so of it next is new."""
        self._well(key)
        for note in list(self._of_regions):
            self._end_note(note, key)

    def flush(self) -> None:
        """Tell what is still to be told."""
        for cause in list(self._groups):
            self._write(cause, self._groups.pop(cause))

    def _well(self, key: Key) -> tuple[Cause, float]:
        """A job is not down any more: what it was down for first, empty if for nothing, and for how many seconds."""
        now = self._clock()
        was = [(jobs.pop(key), cause) for cause, jobs in self._down.items() if key in jobs]
        for _, cause in was:
            if not self._down[cause]:
                del self._down[cause]
        since, cause = min(was, default=(now, ()))
        return cause, now - since

    def _new_cause(self, job: Job, failure: Failure) -> Cause:
        """The cause that a job is down for, if it has not been since it was up; beyond MAX_CAUSES all are one."""
        cause = cause_of(job, failure)
        if cause not in self._down and len(self._down) >= MAX_CAUSES:
            cause = OTHERS
        jobs = self._down.setdefault(cause, {})
        if job.key in jobs:
            return ()
        jobs[job.key] = self._clock()
        return cause

    def _tell(self, job: Job, cause: Cause, level: str, fields: Fields, failure: Failure | None = None) -> None:
        """Log a line soon: of this job alone, or of all for which it is the same."""
        if cause not in self._groups and len(self._groups) >= 2 * MAX_CAUSES:
            cause = (cause[0], *OTHERS[1:])
        group = self._groups.get(cause)
        if group is None:
            group = self._groups[cause] = Group(level)
            self._call_later(SETTLE, self._settled, cause, group)
        group.failure = group.failure or failure
        group.jobs.setdefault(job.key)
        group.down_seconds = max(group.down_seconds, fields.get("down_seconds", 0))
        if job.key not in group.lines and len(group.lines) == FEW:
            log.debug(cause[0], **fields)
            return
        if before := group.lines.get(job.key):
            log.debug(cause[0], **before)
        group.lines[job.key] = fields

    def _settled(self, cause: Cause, group: Group) -> None:
        """Tell few jobs one by one, and gather all others."""
        if len(group.jobs) <= FEW:
            self._write(cause, group, one_by_one=FEW)
        self._call_later(TOGETHER - SETTLE, self._gathered, cause, group, TOGETHER)

    def _gathered(self, cause: Cause, group: Group, gap: float) -> None:
        """Tell what has come since the last line, and wait twice as long for what comes next, if any has."""
        if self._groups.get(cause) is not group:
            return  # told at the end
        if not group.jobs:
            del self._groups[cause]
            return
        self._write(cause, group)
        self._call_later(gap, self._gathered, cause, group, min(2 * gap, SELDOM))

    def _by_now(self, event: str, key: Key) -> Fields:
        """What a line about a job adds where that is not so any more: of its end another line may have told already."""
        is_down = any(key in jobs for jobs in self._down.values())
        return {"still_down": int(is_down)} if event in ("up", "down") and is_down != (event == "down") else {}

    def _write(self, cause: Cause, group: Group, one_by_one: int = 1) -> None:
        """Log the jobs of a group, and begin to gather anew."""
        write, event = getattr(log, group.level), cause[0]
        if len(group.jobs) <= one_by_one:
            for key, line in group.lines.items():
                write(event, **line, **self._by_now(event, key))
        else:
            for line in group.lines.values():
                log.debug(event, **line)
            down, projects = (
                len(self._down.get(("down", *cause[1:]), ())),
                dict.fromkeys(name for name, _ in group.jobs),
            )
            fields = many(cause, projects, len(group.jobs), group.failure, down=down, seconds=group.down_seconds)
            write(event, **fields)
        group.jobs, group.lines, group.failure, group.down_seconds = {}, {}, None, 0
