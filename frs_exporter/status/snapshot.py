"""What the exporter knows at one moment, for whoever shows it to a person (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from frs_exporter.core.errors import Failure
from frs_exporter.core.model import Job, JobState
from frs_exporter.core.schedule import Shard


class JobSnapshot(NamedTuple):
    """A job, what is known of it, and when it is polled next, in Unix seconds."""

    job: Job
    state: JobState
    next_poll: float


@dataclass(frozen=True, slots=True)
class Unwatched:
    """What a rule has found and does not watch: projects whose names are `taken`, and so many `over_limit`.

    Where the list is `cut`, all that was not read counts as one of the latter.
    """

    taken: frozenset[str] = frozenset()
    over_limit: int = 0
    cut: bool = False

    @property
    def number(self) -> int:
        """How many they are; where the list is cut, at least so many."""
        return len(self.taken) + self.over_limit


NONE = Unwatched()


@dataclass(frozen=True, slots=True)
class RuleSnapshot:
    """A discovery rule: whether it was tried, why it fails, since when in Unix seconds, and what it does not watch."""

    name: str
    tried: bool = True
    failure: Failure | None = None
    since: float | None = None
    unwatched: Unwatched = NONE

    @property
    def has_come(self) -> bool:
        """Whether its newest list has come."""
        return self.tried and self.failure is None

    @property
    def is_well(self) -> bool:
        """Whether its newest list has come, and all of it is watched."""
        return self.has_come and not self.unwatched.number


@dataclass(frozen=True, slots=True)
class RefusedSecret:
    """A secret that the cloud refuses: why, since when, and until when it is held, in Unix seconds."""

    failure: Failure
    since: float | None
    until: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`now`, `loaded` and `next_look` are Unix seconds, `clock` is the loop's; `problems` are the newest config's.

    `rules` are those of discovery, `refused` are the secrets that are held, by the names of their credentials.
    """

    now: float
    clock: float
    shard: Shard
    loaded: float
    problems: Sequence[str]
    next_look: float | None
    jobs: Sequence[JobSnapshot]
    rules: Sequence[RuleSnapshot] = ()
    refused: Mapping[str, RefusedSecret] = field(default_factory=dict)
