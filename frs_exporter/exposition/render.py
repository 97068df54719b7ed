"""The exposition lines of a family, of a job and of a project: rendered once per poll, joined per scrape (pure).

A sample line is the same in Prometheus' text format 0.0.4 and in OpenMetrics 1.0.0 as long as values are floats; only
the header of a counter differs.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from frs_exporter.core.model import Family, Job, JobState, Sample, Target

Chunk = Mapping[str, bytes]
"""The lines of one owner, by family."""


JOB = ("project", "collector")
UP = Family("frs_up", "gauge", "Whether the newest poll told what was asked: 1 yes, 0 no or not asked yet.", JOB)
PROJECT_INFO = Family(
    "frs_project_info",
    "gauge",
    "What the config says of a project, labels of its own included; always 1.",
    ("project", "project_id", "region", "credential", "auth"),
)
SUBSERVICE_REQUIRED = Family(
    "frs_subservice_required",
    "gauge",
    "Sub-services that must be subscribed, as the config's require says; always 1.",
    ("project", "subservice"),
)
MONTH_BUDGET = Family(
    "frs_month_budget_cny",
    "gauge",
    "What the month's calls of a project may cost, as the config's month_budget_cny says.",
    ("project",),
)
ACCOUNT_INFO = Family(
    "frs_account_info",
    "gauge",
    "What the config says of an account, labels of its own included; always 1.",
    ("account", "credential", "auth", "site"),
)
TOKEN_EXPIRY = Family(
    "frs_token_expiry_timestamp_seconds",
    "gauge",
    "When the token, or the agency's temporary key, in use ends (expires_at); it is renewed well before.",
    ("project",),
)
POLLS = Family("frs_polls_total", "counter", "Polls that ended, well or not.", JOB)
FAILURES = Family("frs_poll_failures_total", "counter", "Polls that did not tell what was asked.", JOB)
ERRORS = Family(
    "frs_poll_errors_total",
    "counter",
    "Failed polls by reason; a reason appears when it first occurs.",
    (*JOB, "reason"),
)
ERROR_INFO = Family(
    "frs_poll_error_info",
    "gauge",
    "Why the job is down, with the vendor's error code; present and 1 only while it is.",
    (*JOB, "reason", "code"),
)
LAST_SUCCESS = Family(
    "frs_last_success_timestamp_seconds",
    "gauge",
    "When the values shown were told; absent before the first answer.",
    JOB,
)
LAST_POLL = Family("frs_last_poll_timestamp_seconds", "gauge", "When the newest poll ended, well or not.", JOB)
DURATION = Family(
    "frs_poll_duration_seconds", "gauge", "How long the newest poll took, waiting for its turn included.", JOB
)
INTERVAL = Family("frs_poll_interval_seconds", "gauge", "How often the job polls, as the config says.", JOB)

FAMILIES = (
    *(
        PROJECT_INFO,
        ACCOUNT_INFO,
        UP,
        ERROR_INFO,
        SUBSERVICE_REQUIRED,
        MONTH_BUDGET,
        TOKEN_EXPIRY,
        LAST_SUCCESS,
        LAST_POLL,
    ),
    *(DURATION, INTERVAL, POLLS, FAILURES, ERRORS),
)


def header(family: Family, *, openmetrics: bool) -> bytes:
    """The HELP and TYPE lines; OpenMetrics names a counter without its `_total`."""
    name = family.name.removesuffix("_total") if openmetrics and family.type == "counter" else family.name
    return f"# HELP {name} {family.help}\n# TYPE {name} {family.type}\n".encode()


def render_job(job: Job, state: JobState) -> Chunk:
    """What stays on the page whatever happens: up, counters, timestamps."""
    return lines(job.target.project, job_samples(job, state))


def job_samples(job: Job, state: JobState) -> Iterator[Sample]:
    """The samples of the job's own families."""
    key = (job.collector,)
    yield Sample(UP, key, state.up)
    yield Sample(INTERVAL, key, job.target.poll_interval)
    yield Sample(POLLS, key, state.polls)
    yield Sample(FAILURES, key, state.failures)
    for reason, count in state.errors.items():
        yield Sample(ERRORS, (*key, reason), count)
    if state.failure:
        yield Sample(ERROR_INFO, (*key, state.failure.reason, state.failure.code), 1)
    for family, value in ((LAST_SUCCESS, state.last_success), (LAST_POLL, state.last_poll), (DURATION, state.duration)):
        if value is not None:
            yield Sample(family, key, value)


def render_target(target: Target, token_expiry: float | None) -> Chunk:
    """What belongs to a project, or an account, as a whole."""
    name, auth, account = target.project, (target.credential.name, target.credential.kind), target.account
    info = ACCOUNT_INFO if account else PROJECT_INFO
    facts = (name, *auth, account.site) if account else (name, target.project_id, target.region, *auth)
    labels = pairs((*zip(info.labels, facts, strict=True), *target.display.labels))
    samples = [Sample(SUBSERVICE_REQUIRED, (subservice,), 1) for subservice in target.display.require]
    if target.display.month_budget_cny is not None:
        samples.append(Sample(MONTH_BUDGET, (), float(target.display.month_budget_cny)))
    if token_expiry is not None:
        samples.append(Sample(TOKEN_EXPIRY, (), token_expiry))
    return {info.name: line(info.name, labels, 1).encode(), **lines(target.project, samples)}


def lines(owner: str, samples: Iterable[Sample]) -> Chunk:
    """The lines of samples of a project or an account, by family; its first label says which of them it is."""
    texts: dict[str, list[str]] = {}
    whose, of_owner = "", ""
    known_names, known_values, labels = None, None, ""
    for family, values, value in samples:
        name, names = family.name, family.labels
        if values is not known_values or names is not known_names:  # most samples in a row have the same labels
            if names[0] != whose:
                whose, of_owner = names[0], pairs([(names[0], owner)])
            labels, known_names, known_values = of_owner + others(names, values), names, values
        texts.setdefault(name, []).append(line(name, labels, value))
    return {name: "".join(text).encode() for name, text in texts.items()}


@lru_cache(1 << 10)
def others(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """The labels after the first, each with a comma before it: the same few again and again."""
    return "".join([f",{pairs([pair])}" for pair in zip(names[1:], values, strict=True)])


def pairs(labels: Iterable[tuple[str, str]]) -> str:
    """Names and values of labels as they stand between the braces."""
    return ",".join([f'{label}="{escape(text)}"' for label, text in labels])


def line(name: str, labels: str, value: float) -> str:
    """One sample line."""
    return f"{name}{{{labels}}} {float(value)!r}\n"


def escape(value: str) -> str:
    """A label value as both formats want it."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
