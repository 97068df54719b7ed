"""The frozen values that every package shares: targets, jobs, samples, and a job's state."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from frs_exporter.core.credentials import Credential, identity_of
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.http_options import DIRECT, HttpOptions
from frs_exporter.core.notes import Note
from frs_exporter.core.past_polls import MAX_RECENT, PastPoll, past_polls, with_time
from frs_exporter.core.pricing import Price
from frs_exporter.core.sharing import shared

SUBSERVICE_NAME = r"[a-z][a-z0-9_]{0,39}"
"""What a sub-service may be called: names from the wire become label values."""
FIELD_ENDING = "_service"
"""Of the vendor's own names for sub-services, the fields of its answer (face_02_0025)."""


def subservice_name(text: str) -> str:
    """The name of a sub-service, as it is or as the vendor's field, `detect_service`; raises ValueError."""
    name = text.removesuffix(FIELD_ENDING)
    if not re.fullmatch(SUBSERVICE_NAME, name):
        raise ValueError("must be a sub-service like detect, compare, search or live_detect")
    return name


class Api(StrEnum):
    """The vendor's services that are called: the values of the label `api` of the exporter's own metrics."""

    FRS = "frs"
    IAM = "iam"
    CES = "ces"
    ECS = "ecs"
    """The metadata service of the machine that the exporter runs on."""
    CCE = "cce"
    """The agent of the cluster that the exporter runs in, which gives pods their keys."""
    STS = "sts"
    """What gives keys for id tokens (OIDC)."""
    BSS = "bss"
    """The billing service, which is one for all regions of a site, and is asked about accounts."""


KEY_SERVICES = frozenset({Api.ECS, Api.CCE, Api.STS})
"""Those that give temporary keys: asked now and then, at an endpoint of the credential's own."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests per second and requests at once that one credential may make of one API at one endpoint."""

    rate: float = 5.0
    concurrency: int = 5

    def divided(self, by: int) -> "Limit":
        """What each of so many exporters may make of it."""
        return Limit(self.rate / by, max(1, self.concurrency // by))


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is asked about itself: `domain_id` is its id, empty where that is to be found first.

    `service_types` are the billing service's codes of what its packages are for, empty where they are to be found, too;
    packages that are bound to `enterprise_projects`, by their ids, are asked for beside the others.
    """

    site: str = "china"
    domain_id: str = ""
    service_types: tuple[str, ...] = ()
    enterprise_projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestScope:
    """In whose name and how the cloud is asked: about a project, about an `account`, or about neither.

    `project` is what logs call it; `poll_interval`, how often it is asked, and `poll_timeout` are in seconds, endpoints
    are base URLs without a trailing slash.
    """

    project: str
    project_id: str
    credential: Credential
    endpoints: Mapping[Api, str] = field(hash=False)
    poll_interval: float = 60.0
    poll_timeout: float = 10.0
    http: HttpOptions = DIRECT
    account: Account | None = None

    @property
    def subject(self) -> str:
        """What it is about, for those who tell one use of a secret from another: a project's id, or the account."""
        return "account" if self.account else self.project_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How a project is shown, whatever it is asked: a change of it starts nothing anew; `stale_after` is in seconds."""

    collectors: tuple[str, ...] = ("subscription",)
    require: tuple[str, ...] = ()
    month_budget_cny: Decimal | None = None
    labels: tuple[tuple[str, str], ...] = ()
    stale_after: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(RequestScope):
    """A project, or an account: what it is asked, how its answers are read, and in `display` how they are shown."""

    region: str = ""
    create_time_zone: str = "UTC"
    max_face_sets: int = 100
    pricing: tuple[Price, ...] = ()
    probes: tuple[str, ...] = ()
    probe_interval: float = 21600.0
    display: Display = Display()

    def same_request(self, other: "Target") -> bool:
        """Whether the same is asked, as often, in the same way: what differs is how an answer is shown."""
        return replace(self, display=other.display) == other

    def same_subject(self, other: "Target") -> bool:
        """Whether what was found out about one holds for the other: they are one project, seen by one user."""
        return self._subject == other._subject

    @property
    def _subject(self) -> tuple[object, ...]:
        return self.project_id, self.account, self.region, self.endpoints, identity_of(self.credential)


Key = tuple[str, str]
"""What stays the same of a job while its settings change: the name of what is asked, and the collector's."""


@dataclass(frozen=True, slots=True)
class Job:
    """One collector asked about one target: the unit of scheduling, state and reload."""

    target: Target
    collector: str
    key: Key = field(init=False, repr=False, compare=False)
    """Which job it is."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.target.project, self.collector))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something in a config that is allowed but probably not meant; `serious` where samples will be missing."""

    text: str
    serious: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name as on the page, `gauge` or `counter`, its HELP, and the names of its labels in order."""

    name: str
    type: str
    help: str
    labels: tuple[str, ...]


class Sample(NamedTuple):
    """A value of a family, with the values in order of the family's labels that come after whose it is.

    Whose it is, is said when it is shown: so what many projects have alike is one object for all of them.
    """

    family: Family
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class CollectResult:
    """What an answer told: samples, notes on what of it no sample can show, and what is to be remembered.

    `memory` is handed to the collector when it asks again; nobody else knows what it is.
    """

    samples: tuple[Sample, ...] = ()
    warnings: tuple[Note, ...] = ()
    memory: Any = None


class JobState(NamedTuple):
    """What is known of a job: counters since the start, the newest answer, and until when its samples are fresh.

    `warnings` and `memory` are those of the newest answer, `digest` is its own, empty if it has to be read even if it
    comes again. `proven_samples` are what a failure itself proved. `last_poll` and `last_success` are Unix seconds,
    `fresh_until` and `proven_until` are in seconds of the event loop's clock. `recent` holds how the newest polls
    ended, the newest last: None is well; `recent_times` when, packed, as `past_polls` has them.
    """

    polls: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    errors: Mapping[Reason, int] = MappingProxyType({})
    failure: Failure | None = None
    samples: tuple[Sample, ...] = ()
    warnings: tuple[Note, ...] = ()
    memory: Any = None
    digest: bytes = b""
    proven_samples: tuple[Sample, ...] = ()
    fresh_until: float = -math.inf
    proven_until: float = -math.inf
    last_poll: float | None = None
    last_success: float | None = None
    duration: float | None = None
    recent: tuple[Reason | None, ...] = ()
    recent_times: bytes = b""

    @property
    def past_polls(self) -> tuple[PastPoll, ...]:
        """The newest polls, the newest last."""
        return past_polls(self.recent_times, self.recent)

    @property
    def up(self) -> bool:
        """Whether the newest poll told what was asked."""
        return self.polls > 0 and self.failure is None

    def confirmed(self, at: float, duration: float, fresh_until: float) -> "JobState":
        """The state after an answer that is the one of before."""
        return self._replace(
            polls=self.polls + 1,
            fresh_until=fresh_until,
            last_poll=at,
            last_success=at,
            duration=duration,
            recent=shared((*self.recent, None)[-MAX_RECENT:]),
            recent_times=with_time(self.recent_times, at, duration),
        )

    def succeeded(
        self, at: float, duration: float, result: CollectResult, fresh_until: float, digest: bytes = b""
    ) -> "JobState":
        """The state after an answer: new samples replace all old ones, unless they are the same."""
        return self.confirmed(at, duration, fresh_until)._replace(
            failures_in_a_row=0,
            failure=None,
            samples=self.samples if self.samples == result.samples else result.samples,
            warnings=shared(result.warnings),
            memory=result.memory,
            digest=digest,
            proven_samples=(),
        )

    def failed(
        self,
        at: float,
        duration: float,
        failure: Failure,
        proven_samples: tuple[Sample, ...] = (),
        proven_until: float = -math.inf,
    ) -> "JobState":
        """The state after a failure: older samples of what it tells are superseded; if it tells nothing, none are."""
        superseded = {sample.family for sample in proven_samples}
        return self._replace(
            polls=self.polls + 1,
            failures=self.failures + 1,
            failures_in_a_row=self.failures_in_a_row + 1,
            errors={**self.errors, failure.reason: self.errors.get(failure.reason, 0) + 1},
            failure=failure,
            digest=b"",
            samples=tuple(sample for sample in self.samples if sample.family not in superseded),
            proven_samples=proven_samples or self.proven_samples,
            proven_until=proven_until if proven_samples else self.proven_until,
            last_poll=at,
            duration=duration,
            recent=shared((*self.recent, failure.reason)[-MAX_RECENT:]),
            recent_times=with_time(self.recent_times, at, duration),
        )
