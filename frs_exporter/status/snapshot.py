"""What the exporter knows at one moment, for whoever shows it to a person (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from frs_exporter.core.model import Job, JobState
from frs_exporter.core.schedule import Shard


class JobSnapshot(NamedTuple):
    """A job, what is known of it, and when it is polled next, in Unix seconds."""

    job: Job
    state: JobState
    next_poll: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`now`, `loaded` and `next_look` are Unix seconds, `clock` is the loop's; `problems` are the newest config's."""

    now: float
    clock: float
    shard: Shard
    loaded: float
    problems: Sequence[str]
    next_look: float | None
    jobs: Sequence[JobSnapshot]
