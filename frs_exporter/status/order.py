"""Which projects a reader wants, by a text or by one of their facts as `region:x`, and in which order (pure)."""

import math
from collections import defaultdict
from collections.abc import Callable

from frs_exporter.core.model import Target
from frs_exporter.status.snapshot import JobSnapshot, Snapshot
from frs_exporter.status.view import Projects

SORTS = ("project", "state", "age", "next", "token")
"""Columns that can be sorted by; the worst state first is the order without a choice."""
REVERSE = "-"
"""What a choice begins with that is the other way round."""


def sort_of(text: str) -> str:
    """A choice as a link has it, empty for one that there is not."""
    return text if text.removeprefix(REVERSE) in SORTS else ""


def wanted(projects: Projects, name: str, text: str) -> bool:
    """Whether a project is wanted by a text in lower case, which is in it, or is one of its facts."""
    fact, colon, value = text.partition(":")
    if colon and value and any(value == known.lower() for known in facts(projects, name).get(fact, ())):
        return True
    return projects.matches(name, text)


def facts(projects: Projects, name: str) -> dict[str, list[str]]:
    """What a project may be chosen by, by names in lower case: a label may be called as a fact is."""
    target, result = projects.target(name), defaultdict[str, list[str]](list)
    credential = target.credential
    for fact, value in (
        ("project", name),
        ("region", target.region),
        ("site", credential.site),
        ("credential", credential.name),
        ("state", projects.levels[name].name),
        ("kind", "account" if target.account else "project"),
        *target.display.labels,
    ):
        result[fact.lower()].append(value)
    return result


class Order:
    """The order that was chosen; what is not known yet is last, either way."""

    def __init__(self, choice: str, snapshot: Snapshot, token_expiry: Callable[[Target], float | None]) -> None:
        self.column = choice.removeprefix(REVERSE)
        self._reverse = choice.startswith(REVERSE)
        self._now = snapshot.now
        self._token_expiry = token_expiry
        self._jobs: defaultdict[str, list[JobSnapshot]] = defaultdict(list)
        if self.column in ("age", "next", "token"):
            for job in snapshot.jobs:
                self._jobs[job.job.target.project].append(job)

    def place(self, name: str) -> tuple[float, str]:
        """Where a project belongs, for columns of figures."""
        number = self._number(self._jobs[name])
        return (math.inf if number is None else -number if self._reverse else number), name

    def _number(self, jobs: list[JobSnapshot]) -> float | None:
        if self.column == "next":
            return min(job.next_poll for job in jobs)
        if self.column == "token":
            return self._token_expiry(jobs[0].job.target)
        oldest = [job.state.last_success for job in jobs if job.state.last_success is not None]
        return self._now - min(oldest) if oldest else None

    def sorted(self, names: list[str]) -> list[str]:
        """The names, which come the worst first, in the order that was chosen."""
        if self._jobs:
            return sorted(names, key=self.place)
        if self.column == "project":
            return sorted(names, reverse=self._reverse)
        return names[::-1] if self._reverse else names
