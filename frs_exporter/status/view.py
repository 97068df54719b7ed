"""What a person wants to know of each project, from all that the exporter has seen: trouble first (pure)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from frs_exporter.collectors.billing.balance import DEBT
from frs_exporter.collectors.cloud_eye import LAST_USED, MONTH_CALLS, MONTH_COST
from frs_exporter.collectors.face_sets import CAPACITY, FACE_SETS, FACES
from frs_exporter.collectors.subscription import BY_SUBSCRIBE, CREATED, FROZEN, MAX_FACE_SETS, SOURCE, SUBSCRIBED
from frs_exporter.core.errors import NO_MESSAGE, Failure
from frs_exporter.core.explanations import Text, explain
from frs_exporter.core.model import Family, Sample, Target
from frs_exporter.status.account_view import AccountView, account_view
from frs_exporter.status.snapshot import JobSnapshot, Snapshot


class Severity(IntEnum):
    """How badly a project wants to be looked at, the worst first."""

    DOWN = 0
    """It cannot be asked, says that it is frozen, or is in arrears."""
    MISSING = 1
    """A sub-service that must be on is not known to be."""
    UNKNOWN = 2
    """It was not asked yet."""
    NONE = 3


@dataclass(frozen=True, slots=True)
class SubserviceView:
    """A sub-service; `subscribed` is None where nothing fresh tells, `since` and `last_used` are in Unix seconds.

    `source` is what tells: `subscribe`, `face_sets` or `probe`, None where nothing does. It was `last_used` with
    success, by Cloud Eye: it was on then, which says nothing of now.
    """

    subscribed: bool | None
    required: bool
    since: float | None
    source: str | None = None
    last_used: float | None = None


@dataclass(frozen=True, slots=True)
class UsageView:
    """What is used of a subscription; None where nothing fresh tells, the cost is that of the month so far in CNY.

    `fullest` is the face set that is next to be full, and `fullness` the part of it that is.
    """

    face_sets: int | None
    max_face_sets: int | None
    fullest: str | None
    fullness: float | None
    month_calls: int | None
    month_cost_cny: float | None

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return any(getattr(self, name) is not None for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class FailureView:
    """Why a job is down, in the vendor's words and ours; `do` is advice for a daemon, `once` for a single run."""

    reason: str
    code: str
    status: int | None
    message: str
    request_id: str
    means: Text
    do: Text
    once: Text
    polls: int


@dataclass(frozen=True, slots=True)
class JobView:
    """A job; `up` is None before the first poll, times are Unix seconds.

    `duration` is that of the newest poll in seconds, `recent` has empty text for a good poll, `warnings` say what
    the newest answer left open.
    """

    collector: str
    up: bool | None
    failure: FailureView | None
    last_success: float | None
    last_poll: float | None
    next_poll: float
    poll_interval: float
    duration: float | None
    recent: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project, or an account, with its jobs; `site` is the cloud that its user is of.

    `account` is what is known of an account, None for a project.
    """

    project: str
    project_id: str
    region: str
    site: str
    credential: str
    auth: str
    labels: Mapping[str, str]
    trouble: Severity
    frozen: bool
    subservices: Mapping[str, SubserviceView]
    sources: tuple[str, ...]
    usage: UsageView
    token_expiry: float | None
    jobs: tuple[JobView, ...]
    account: AccountView | None = None


class Projects:
    """The projects that were seen, and how they are, without looking closer than that needs."""

    def __init__(self, seen: Snapshot) -> None:
        self._clock = seen.clock
        self._jobs: defaultdict[str, list[JobSnapshot]] = defaultdict(list)
        self.troubles: dict[str, Severity] = {}
        self.reasons: Counter[str] = Counter()
        self.sites: set[str] = set()

        for job in seen.jobs:
            self._jobs[job.job.target.project].append(job)

    def names(self) -> Iterator[str]:
        """Each project, as it is looked at; `troubles`, `reasons` and `sites` tell of it from then on."""
        for project, jobs in self._jobs.items():
            self.sites.add(jobs[0].job.target.credential.site)
            self.troubles[project] = trouble(jobs, self._samples(jobs))
            self.reasons.update(job.state.failure.reason for job in jobs if job.state.failure)
            yield project

    def in_order(self) -> list[str]:
        """All that were looked at, the worst first, then by name."""
        return sorted(self.troubles, key=lambda project: (self.troubles[project], project))

    def matches(self, project: str, text: str) -> bool:
        """Whether a text in lower case is in what is known of a project."""
        target = self._jobs[project][0].job.target
        words = [project, target.project_id, target.region, target.credential.site, target.credential.name]
        words += [value for _, value in target.display.labels]
        for job in self._jobs[project]:
            if failure := job.state.failure:
                words += [failure.reason, failure.code, failure.message]
        return any(text in word.lower() for word in words)

    def target(self, project: str) -> Target:
        """The project as it is asked."""
        return self._jobs[project][0].job.target

    def subservices(self, project: str) -> list[str]:
        """The sub-services that there is something to show of."""
        return list(subservices(self.target(project).display.require, self._samples(self._jobs[project])))

    def view(self, project: str, token_expiry: float | None) -> ProjectView:
        """Everything about a project."""
        jobs, target = self._jobs[project], self.target(project)
        samples = self._samples(jobs)
        return ProjectView(
            project=project,
            project_id=target.project_id,
            region=target.region,
            site=target.credential.site,
            credential=target.credential.name,
            auth=target.credential.kind,
            labels=dict(target.display.labels),
            trouble=self.troubles[project],
            frozen=is_frozen(samples),
            subservices=subservices(target.display.require, samples),
            sources=sources(samples),
            usage=usage(samples),
            token_expiry=token_expiry,
            jobs=tuple(map(job_view, jobs)),
            account=account_view(samples) if target.account else None,
        )

    def _samples(self, jobs: Sequence[JobSnapshot]) -> list[Sample]:
        """What is fresh of what was told."""
        samples: list[Sample] = []
        for _, state, _ in jobs:
            samples += state.samples if state.fresh_until > self._clock else ()
            samples += state.proven_samples if state.proven_until > self._clock else ()
        return samples


def trouble(jobs: Sequence[JobSnapshot], samples: Sequence[Sample]) -> Severity:
    """How badly a project wants to be looked at."""
    in_debt = any(sample.family is DEBT and sample.value > 0 for sample in samples)
    if any(job.state.failure for job in jobs) or is_frozen(samples) or in_debt:
        return Severity.DOWN
    on = {sample.labels[0] for sample in samples if sample.family is SUBSCRIBED and sample.value}
    if all(job.state.polls for job in jobs):
        return Severity.NONE if set(jobs[0].job.target.display.require) <= on else Severity.MISSING
    return Severity.UNKNOWN


def is_frozen(samples: Sequence[Sample]) -> bool:
    """Whether the service says so."""
    return any(sample.family is FROZEN and sample.value for sample in samples)


def subservices(require: Sequence[str], samples: Sequence[Sample]) -> dict[str, SubserviceView]:
    """The sub-services told of, and those that must be on."""
    subscribed = {sample.labels[0]: bool(sample.value) for sample in samples if sample.family is SUBSCRIBED}
    since = {sample.labels[0]: sample.value for sample in samples if sample.family is CREATED}
    used = {sample.labels[0]: sample.value for sample in samples if sample.family is LAST_USED}
    told_by = sources(samples)

    def source(name: str) -> str | None:
        if name not in subscribed or BY_SUBSCRIBE.labels[0] in told_by:
            return told_by[0] if name in subscribed else None
        return "face_sets" if name == "search" else "probe"

    names = dict.fromkeys((*require, *subscribed, *used))
    return {
        name: SubserviceView(subscribed.get(name), name in require, since.get(name), source(name), used.get(name))
        for name in names
    }


def sources(samples: Sequence[Sample]) -> tuple[str, ...]:
    """What tells of the subscription."""
    return tuple(sample.labels[0] for sample in samples if sample.family is SOURCE)


def unusual(told_by: Sequence[str]) -> str:
    """What tells of the subscription where that is not `subscribe`, which tells all; else empty."""
    return "" if BY_SUBSCRIBE.labels[0] in told_by else ", ".join(told_by)


def usage(samples: Sequence[Sample]) -> UsageView:
    """What the samples tell of use."""
    of: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for sample in samples:
        of[sample.family.name][sample.labels] = sample.value

    def total(family: Family) -> float | None:
        return sum(of[family.name].values()) if of[family.name] else None

    def whole(number: float | None) -> int | None:
        return None if number is None else int(number)

    capacity = of[CAPACITY.name]
    filled = {name: faces / capacity[name] for name, faces in of[FACES.name].items() if capacity.get(name)}
    fullest = max(filled, key=lambda name: filled[name], default=None)
    return UsageView(
        face_sets=whole(total(FACE_SETS)),
        max_face_sets=whole(total(MAX_FACE_SETS)),
        fullest=fullest[0] if fullest else None,
        fullness=None if fullest is None else filled[fullest],
        month_calls=whole(total(MONTH_CALLS)),
        month_cost_cny=total(MONTH_COST),
    )


def failure_view(failure: Failure, polls: int) -> FailureView:
    """Everything about a failure of so many polls in a row."""
    about = explain(failure)
    return FailureView(
        reason=failure.reason,
        code=failure.code,
        status=failure.status,
        message="" if failure.message == NO_MESSAGE else failure.message,
        request_id=failure.request_id,
        means=about.means,
        do=about.do,
        once=about.once or about.do,
        polls=polls,
    )


def job_view(seen: JobSnapshot) -> JobView:
    """Everything about a job."""
    job, state, next_poll = seen
    return JobView(
        collector=job.collector,
        up=state.up if state.polls else None,
        failure=failure_view(state.failure, state.failures_in_a_row) if state.failure else None,
        last_success=state.last_success,
        last_poll=state.last_poll,
        next_poll=next_poll,
        poll_interval=job.target.poll_interval,
        duration=state.duration,
        recent=tuple(reason or "" for reason in state.recent),
        warnings=state.warnings,
    )
