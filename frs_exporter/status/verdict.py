"""How a project or an account is: every trouble it has, the worst first, by the limits of the alerting rules (pure).

One verdict for the status page, its JSON and `check`; tests/test_verdict.py compares it with what the rules say of the
same metrics. For the level alone no text is made: of thousands of projects only those shown are looked at closely.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from frs_exporter.collectors.cloud_eye import MONTH_COST
from frs_exporter.collectors.face_sets import CAPACITY, FACE_SETS, FACES
from frs_exporter.collectors.subscription import (
    BY_SUBSCRIBE,
    DOCUMENTED,
    FROZEN,
    MAX_FACE_SETS,
    SOURCE,
    SUBSCRIBED,
)
from frs_exporter.core.credentials import names_of
from frs_exporter.core.errors import Reason
from frs_exporter.core.explanations import Text, both
from frs_exporter.core.model import Family, Target
from frs_exporter.status.account_troubles import of_account
from frs_exporter.status.failure_view import FailureView, failing, failure_view
from frs_exporter.status.i18n import span
from frs_exporter.status.samples import Fresh
from frs_exporter.status.snapshot import JobSnapshot, RefusedSecret
from frs_exporter.status.trouble_words import KINDS, SUBSCRIBE, SUBSCRIPTION, Level, alert_of, some_of

NEARLY, FULL = 0.8, 0.95
"""Parts of a face set, or of a quota, from which on it is filling, and full as good as."""
SILENT = 10
"""Poll intervals without an answer, and nothing new is known: FrsDataStale, FrsCollectorFailing."""
RENEWED = 1800.0
"""Seconds before its end at which a token should have been renewed, less two poll intervals."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict is made of: a project's jobs, and what of their samples is fresh; `now` is in Unix seconds."""

    jobs: Sequence[JobSnapshot]
    fresh: Fresh
    now: float
    clock: float
    token_expiry: float | None
    refused: Mapping[str, RefusedSecret]

    @property
    def target(self) -> Target:
        """What is asked."""
        return self.jobs[0].job.target


class Finding(NamedTuple):
    """A trouble by its kind, with what its text needs; `since` is in Unix seconds, None where that is not known."""

    kind: str
    values: Mapping[str, object]
    since: float | None = None


@dataclass(frozen=True, slots=True)
class TroubleView:
    """A trouble as people are told of it: `do` is advice for a daemon, `once` for a single run.

    `alert` is the alert that tells the same, empty where none does; `command` says more. `since` is in Unix seconds: of
    a job that fails, when it was last answered. `failure` says why a job is down, of `collectors`.
    """

    level: Level
    text: Text
    do: Text
    once: Text
    alert: str
    command: str
    since: float | None = None
    collectors: str = ""
    failure: FailureView | None = None


def level(facts: Facts) -> Level:
    """The level of a project's worst trouble."""
    if any(job.state.failure for job in facts.jobs):
        return Level.DOWN
    return min((KINDS[finding.kind].level for finding in findings(facts)), default=Level.WELL)


def troubles(facts: Facts) -> tuple[TroubleView, ...]:
    """All troubles of a project, the worst first."""
    found = [failed(facts, collectors, job) for collectors, job in failing(facts.jobs)]
    found += map(trouble_view, findings(facts))
    return tuple(sorted(found, key=lambda trouble: trouble.level))


def findings(facts: Facts) -> Iterator[Finding]:
    """All troubles but of jobs that are down."""
    if facts.refused:
        yield from of_credential(facts)
    yield from of_silence(facts)
    if facts.target.account:
        for kind, values in of_account(facts.fresh, facts.now):
            yield Finding(kind, values)
    else:
        yield from of_subscription(facts)
        yield from of_face_sets(facts)
        yield from of_budget(facts)
    yield from of_token(facts)


def of_credential(facts: Facts) -> Iterator[Finding]:
    """The secrets that are refused, of those that it is asked with."""
    for name in names_of(facts.target.credential):
        if known := facts.refused.get(name):
            yield Finding("refused", {"credential": name}, known.since)


def of_silence(facts: Facts) -> Iterator[Finding]:
    """The jobs that do not fail, and of which nothing is known all the same."""
    waiting, stale = list[str](), list[str]()
    for job, state, _ in facts.jobs:
        if state.failure:
            continue
        if not state.polls:
            waiting.append(job.collector)
        elif (age := facts.now - (state.last_success or facts.now)) > SILENT * job.target.poll_interval:
            kind = "silent" if job.collector == SUBSCRIPTION else "silent_beside"
            yield Finding(kind, {"collectors": job.collector, "span": span(age)}, state.last_success)
        elif state.fresh_until <= facts.clock:
            stale.append(job.collector)
    if waiting:
        yield Finding("waiting", {"collectors": ", ".join(waiting)})
    if stale:
        kind = "stale" if SUBSCRIPTION in stale else "stale_beside"
        yield Finding(kind, {"collectors": ", ".join(stale)})


def of_subscription(facts: Facts) -> Iterator[Finding]:
    """Whether it is frozen, and what must be on and is not, or is not known to be."""
    if any(facts.fresh.of(FROZEN).values()) and not is_told_frozen(facts):
        yield Finding("frozen", {})
    require = facts.target.display.require
    if not require:
        return
    on = {labels[0]: bool(value) for labels, value in facts.fresh.of(SUBSCRIBED).items()}
    kinds: dict[str, list[str]] = {}
    for name in require:
        if not on.get(name) and (kind := kind_of(facts, on, name)):
            kinds.setdefault(kind, []).append(name)
    for kind, names in kinds.items():
        values: dict[str, object] = {"names": ", ".join(names)}
        if kind == "unnamed":
            values |= {"near": tuple(names), "known": tuple(on), "subscribe": SUBSCRIBE}
        yield Finding(kind, values)


def kind_of(facts: Facts, on: Mapping[str, bool], name: str) -> str:
    """What it is that a required sub-service is not known to be on; empty where why there is no answer says it all."""
    if name in on:
        return "off"
    others = facts.fresh.of(SOURCE).keys() - {BY_SUBSCRIBE.labels}
    if others:
        return "unproven"
    if on:  # what subscribe does not name is not there
        return "unnamed"
    of_it = [state for job, state, _ in facts.jobs if job.collector == "subscription"]
    if not of_it:
        return "not_asked"
    return "unproven" if of_it[0].up and of_it[0].fresh_until > facts.clock else ""


def is_told_frozen(facts: Facts) -> bool:
    """Whether a job is down for it, which tells more."""
    return any(job.state.failure and job.state.failure.reason is Reason.FROZEN for job in facts.jobs)


def of_face_sets(facts: Facts) -> Iterator[Finding]:
    """Face sets that are nearly full, and whether there may be many more of them."""
    capacity, full, filling = facts.fresh.of(CAPACITY), dict[str, float](), dict[str, float]()
    for labels, faces in facts.fresh.of(FACES).items():
        if (limit := capacity.get(labels, 0.0)) > 0 and (part := faces / limit) >= NEARLY:
            (full if part >= FULL else filling)[labels[0]] = part
    for kind, parts in (("full", full), ("filling", filling)):
        if parts:
            worst = sorted(parts, key=lambda name: (-parts[name], name))
            yield Finding(kind, {"names": some_of([f"{name} {parts[name]:.0%}" for name in worst])})
    used, allowed = total(facts.fresh, FACE_SETS), total(facts.fresh, MAX_FACE_SETS)
    if used is not None and allowed and used >= NEARLY * allowed:
        yield Finding("quota_used" if used >= FULL * allowed else "quota", {"used": int(used), "limit": int(allowed)})


def of_budget(facts: Facts) -> Iterator[Finding]:
    """Whether the month has cost more than it may."""
    budget, cost = facts.target.display.month_budget_cny, total(facts.fresh, MONTH_COST)
    if budget is not None and cost is not None and cost > float(budget):
        yield Finding("budget", {"cost": f"{cost:,.2f}", "budget": f"{float(budget):,.2f}"})


def of_token(facts: Facts) -> Iterator[Finding]:
    """Whether the token ends, and should have been renewed."""
    if facts.token_expiry is None:
        return
    rest, interval = facts.token_expiry - facts.now, max(job.job.target.poll_interval for job in facts.jobs)
    if rest < RENEWED - 2 * interval:
        yield Finding("token", {"span": span(rest)})


def total(fresh: Fresh, family: Family) -> float | None:
    """The sum of a family's samples, None without any."""
    values = fresh.of(family).values()
    return sum(values) if values else None


def trouble_view(finding: Finding) -> TroubleView:
    """A trouble with its texts."""
    kind, values = KINDS[finding.kind], dict(finding.values)
    if finding.kind == "unnamed":
        values["near"] = suggestions(values.pop("near"), values.pop("known"))
    do, once = both(kind.do, **values), both(kind.once or kind.do, **values)
    command = f"frs-exporter explain {kind.alert}" if kind.alert else ""
    return TroubleView(kind.level, both(kind.text, **values), do, once, kind.alert, command, finding.since)


def suggestions(names: object, known: object) -> str:
    """What may be meant by names that the vendor does not know, in parentheses."""
    assert isinstance(names, tuple)
    assert isinstance(known, tuple)
    near = [match for name in names if name not in DOCUMENTED for match in difflib.get_close_matches(name, known, n=1)]
    return f" ({', '.join(near)}?)" if near else ""


def failed(facts: Facts, collectors: list[str], job: JobSnapshot) -> TroubleView:
    """Why jobs are down."""
    failure, names = job.state.failure, ", ".join(collectors)
    assert failure
    view = failure_view(failure, job.state.failures_in_a_row)
    title = f"{names}: {failure.reason}" + (f" {failure.code}" if failure.code else "")
    return TroubleView(
        level=Level.DOWN,
        text=Text(f"{title} – {view.means.en}", f"{title} – {view.means.zh}"),
        do=view.do,
        once=view.once,
        alert=alert_of(failure.reason, collectors),
        command=f"frs-exporter explain {explained(view)}",
        since=job.state.last_success,
        collectors=names,
        failure=view,
    )


def explained(failure: FailureView) -> str:
    """What `explain` is to be asked: a code that is a plain word, else the reason."""
    code = failure.code
    return code if code and code.replace(".", "").replace("_", "").isalnum() and code.isascii() else failure.reason
