"""What a person wants to know of each project, from all that the exporter has seen: trouble first (pure)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from frs_exporter.core.console import consoles
from frs_exporter.core.credentials import names_of
from frs_exporter.core.model import Sample, Target
from frs_exporter.core.notes import Note
from frs_exporter.status.account_view import AccountView, account_view
from frs_exporter.status.failure_view import FailureView, failure_view
from frs_exporter.status.samples import Fresh
from frs_exporter.status.snapshot import JobSnapshot, Snapshot
from frs_exporter.status.subscription_view import (
    SubserviceView,
    UsageView,
    is_frozen,
    sources,
    subservices,
    usage,
)
from frs_exporter.status.trouble_words import Level
from frs_exporter.status.verdict import Facts, TroubleView, level, troubles

Expiry = Callable[[Target], float | None]
"""When the token or temporary key that is held for a project ends, in Unix seconds; None without one."""


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
    warnings: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project, or an account, with its jobs; `site` is the cloud that its user is of.

    `account` is what is known of an account, None for a project; `consoles` are links to the vendor's console.
    """

    project: str
    project_id: str
    region: str
    site: str
    credential: str
    auth: str
    labels: Mapping[str, str]
    level: Level
    troubles: tuple[TroubleView, ...]
    frozen: bool
    subservices: Mapping[str, SubserviceView]
    sources: tuple[str, ...]
    usage: UsageView
    token_expiry: float | None
    jobs: tuple[JobView, ...]
    account: AccountView | None = None
    consoles: Mapping[str, str] = field(default_factory=dict)


class Projects:
    """The projects that were seen, and how they are, without looking closer than that needs."""

    def __init__(self, seen: Snapshot, token_expiry: Expiry = lambda _: None) -> None:
        self._seen = seen
        self._token_expiry = token_expiry
        self._jobs: defaultdict[str, list[JobSnapshot]] = defaultdict(list)
        self.levels: dict[str, Level] = {}
        self.reasons: Counter[str] = Counter()
        self.sites: set[str] = set()

        for job in seen.jobs:
            self._jobs[job.job.target.project].append(job)

    def names(self) -> Iterator[str]:
        """Each project, as it is looked at; `levels`, `reasons` and `sites` tell of it from then on."""
        for project, jobs in self._jobs.items():
            self.sites.add(jobs[0].job.target.credential.site)
            self.levels[project] = level(self._facts(project))
            self.reasons.update(job.state.failure.reason for job in jobs if job.state.failure)
            yield project

    def in_order(self) -> list[str]:
        """All that were looked at, the worst first, then by name."""
        return sorted(self.levels, key=lambda project: (self.levels[project], project))

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

    def view(self, project: str) -> ProjectView:
        """Everything about a project."""
        jobs, target, facts = self._jobs[project], self.target(project), self._facts(project)
        samples = self._samples(jobs)
        return ProjectView(
            project=project,
            project_id=target.project_id,
            region=target.region,
            site=target.credential.site,
            credential=target.credential.name,
            auth=target.credential.kind,
            labels=dict(target.display.labels),
            level=self.levels[project],
            troubles=troubles(facts),
            frozen=is_frozen(samples),
            subservices=subservices(target.display.require, samples),
            sources=sources(samples),
            usage=usage(samples),
            token_expiry=facts.token_expiry,
            jobs=tuple(map(job_view, jobs)),
            account=account_view(samples) if target.account else None,
            consoles=consoles(target),
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """How many projects, and how many accounts, are of each level."""
        result = {kind: {"all": 0, **{it.name.lower(): 0 for it in Level}} for kind in ("projects", "accounts")}
        for project, its in self.levels.items():
            of_kind = result["accounts" if self.target(project).account else "projects"]
            of_kind["all"] += 1
            of_kind[its.name.lower()] += 1
        return result

    def refused(self) -> Mapping[str, Mapping[str, int]]:
        """How many projects and accounts each secret that is refused is used for, by the names of credentials."""
        numbers = {name: {"projects": 0, "accounts": 0} for name in self._seen.refused}
        for project in self._jobs if numbers else ():
            target = self.target(project)
            for name in numbers.keys() & set(names_of(target.credential)):
                numbers[name]["accounts" if target.account else "projects"] += 1
        return numbers

    def _facts(self, project: str) -> Facts:
        """What a verdict on a project is made of."""
        seen, jobs, expiry = self._seen, self._jobs[project], self._token_expiry(self.target(project))
        return Facts(jobs, Fresh(self._samples(jobs)), seen.now, seen.clock, expiry, seen.refused)

    def _samples(self, jobs: Sequence[JobSnapshot]) -> list[Sample]:
        """What is fresh of what was told."""
        samples: list[Sample] = []
        for _, state, _ in jobs:
            samples += state.samples if state.fresh_until > self._seen.clock else ()
            samples += state.proven_samples if state.proven_until > self._seen.clock else ()
        return samples


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
