"""Why jobs are down, in the vendor's words and ours, each reason once (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass

from frs_exporter.core.errors import NO_MESSAGE, Failure
from frs_exporter.core.explanations import Text, explain
from frs_exporter.status.snapshot import JobSnapshot


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


def failing(jobs: Iterable[JobSnapshot]) -> list[tuple[list[str], JobSnapshot]]:
    """The jobs that are down, each reason once, with the collectors whom it keeps from knowing."""
    result: dict[tuple[str, str], tuple[list[str], JobSnapshot]] = {}
    for job in jobs:
        if failure := job.state.failure:
            names, _ = result.setdefault((failure.reason, failure.code), ([], job))
            names.append(job.job.collector)
    return list(result.values())
