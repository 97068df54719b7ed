"""What a one-shot run found of each project, and whether that is well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frs_exporter.core.errors import Failure
from frs_exporter.core.explanations import explain
from frs_exporter.polling.one_shot import NOT_IN_TIME, Check
from frs_exporter.status.i18n import Translator
from frs_exporter.status.snapshot import Snapshot
from frs_exporter.status.trouble_words import Level
from frs_exporter.status.view import Projects, ProjectView


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of each project, the worst first, and what could not be found out at all.

    `latencies` are those of each project's slowest request, in seconds; `counts` are of projects and accounts by level,
    `refused` of those that each refused secret is used for; `seen` is what all is made of. `interrupted_by` is
    the signal that has ended the run, if one has; `unfit` says that there is something, but not for these collectors.
    """

    projects: tuple[ProjectView, ...]
    undiscovered: tuple[tuple[str, str], ...]
    jobs: int
    unasked: int
    latencies: Mapping[str, float]
    words: Translator
    seen: Snapshot
    counts: Mapping[str, Any]
    refused: Mapping[str, Mapping[str, int]]
    interrupted_by: str = ""
    unfit: bool = False

    @property
    def sites(self) -> frozenset[str]:
        """The clouds that projects are in; where there are several, people are to be told in which."""
        return frozenset(view.site for view in self.projects)

    @property
    def now(self) -> float:
        """When it was made, in Unix seconds."""
        return self.seen.now

    @property
    def well(self) -> bool:
        """Whether all was asked, there are jobs, each is up, all is on that must be, and nothing is to be done soon."""
        return self.passed and all(view.level is Level.WELL for view in self.projects) and not self.unwatched

    @property
    def unwatched(self) -> int:
        """Projects that rules have found, which nobody asks."""
        return sum(rule.unwatched.number for rule in self.seen.rules)

    @property
    def passed(self) -> bool:
        """The same for a pipeline, which neither what has to be done soon stops nor what a rule leaves out."""
        wrong = any(is_wrong(view) for view in self.projects)
        return bool(self.jobs) and not (wrong or self.undiscovered or self.unasked)


def report_of(check: Check, words: Translator, interrupted_by: str = "") -> Report:
    """The report of a run, ended or not, maybe by a signal."""
    seen = check.snapshot()
    projects = Projects(seen, lambda target: check.expiries.get(target.project))
    for _ in projects.names():
        pass
    views = [projects.view(name) for name in projects.in_order()]
    undiscovered = tuple(
        (name, why_undiscovered(error, words, interrupted_by)) for name, error in sorted(check.undiscovered.items())
    )
    return Report(
        tuple(views),
        undiscovered,
        len(check.jobs),
        check.unasked,
        check.latencies,
        words,
        seen,
        projects.counts(),
        projects.refused(),
        interrupted_by,
        check.unfit,
    )


def is_wrong(view: ProjectView) -> bool:
    """Whether a pipeline stops for it: it is not well, and not only soon so."""
    return view.level not in (Level.SOON, Level.WELL)


def why_undiscovered(error: Failure, words: Translator, interrupted_by: str) -> str:
    """Why the projects of a rule are not known, and what to do: nothing about the cloud where the run was ended."""
    if error is NOT_IN_TIME:
        return words("list_interrupted") if interrupted_by else words("list_late")
    explanation = explain(error)
    advice = words(explanation.once or explanation.do)
    return f"{error} – {words(explanation.means)}{words('stop')}{words('do')}{advice}"
