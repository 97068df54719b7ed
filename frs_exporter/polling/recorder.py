"""What is kept of each job for those who look at it later: a day of it, its last good and its last failing exchange."""

from dataclasses import dataclass

from frs_exporter.collectors import COLLECTORS
from frs_exporter.core.model import Job, JobState, Key
from frs_exporter.polling.exchange import Exchange, Following, exchange
from frs_exporter.status.history import JobHistory

LATEST = float(2**32)


@dataclass(slots=True)
class PackedExchange:
    """An exchange as it is kept: what differs each time, and what is mostly the same."""

    head: bytes
    packed: bytes

    @property
    def exchange(self) -> Exchange:
        """The exchange."""
        return exchange(self.head, self.packed)


class JobRecord(JobHistory):
    """A day of a job, the last exchange that went well, and the last that did not; `since` is in Unix seconds."""

    __slots__ = ("failing", "good", "since")

    def __init__(self, since: float) -> None:
        super().__init__()
        self.since = since
        self.good: PackedExchange | None = None
        self.failing: PackedExchange | None = None


class Recorder:
    """The records of all jobs; they are gone when the process ends."""

    def __init__(self) -> None:
        self._records: dict[Key, JobRecord] = {}

    def record(self, job: Job, before: JobState, after: JobState, following: Following) -> None:
        """Remember a poll that has ended."""
        # A clock may be wrong by any number of years.
        at, duration = min(max(0.0, after.last_poll or 0.0), LATEST), after.duration or 0.0
        if (record := self._records.get(job.key)) is None:
            record = self._records[job.key] = JobRecord(at)
        record.since = min(record.since, at)  # a clock may have been set back
        is_first = record.add(at, duration, up=after.up)
        if after.up and (is_first or after.samples is not before.samples):
            record.add_figures(at, after.samples, job.target.poll_interval + job.target.display.stale_after)
        head, succeeded = following.head(at), (following.status or 0) // 100 == 2
        # What an account has is on the page, and is not kept beside it.
        with_answer = not (succeeded and COLLECTORS[job.collector].of_account)
        if not after.up:
            record.failing = PackedExchange(head, following.packed(with_answer=with_answer))
        elif record.good and after.digest and after.digest == before.digest:  # the same answer is packed once
            record.good = PackedExchange(head, record.good.packed)
        elif following.request:
            record.good = PackedExchange(head, following.packed(with_answer=with_answer))

    def of(self, key: Key) -> JobRecord | None:
        """What is kept of a job, None before its first poll has ended."""
        return self._records.get(key)

    def forget(self, key: Key) -> None:
        """A job is gone, or is another one from now on."""
        self._records.pop(key, None)
