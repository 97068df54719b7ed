"""What people are told of a new plan: what is new of it in the log, and how much there is in the metrics."""

from collections.abc import Mapping, Sequence

import structlog

from frs_exporter.core.model import Notice
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.plan import Names, Plan

MAX_NAMES = 10
"""Names that one line lists."""

log = structlog.get_logger()


class Reporter:
    """Tells of each plan what the one before did not have."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._logged: frozenset[Notice] = frozenset()
        self.found: Mapping[str, Names] = {}
        """What each rule has found, by the newest plan."""

    def report(self, wanted: Plan) -> None:
        """Log what is new, and set the metrics."""
        for notice in wanted.notices:
            if notice not in self._logged:
                (log.error if notice.serious else log.warning)(notice.text)
        self._logged = frozenset(wanted.notices)
        for name, found in wanted.found.items():
            log_found(name, self.found.get(name, Names()), found)
            self._telemetry.discovery_projects.labels(name).set(found.meant)
            self._telemetry.discovery_skipped.labels(name).set(len(found.skipped))
            self._telemetry.discovery_over_limit.labels(name).set(found.over_limit)
        self.found = dict(wanted.found)
        self._telemetry.jobs.set(len(wanted.jobs))
        self._telemetry.show_credentials(
            {access.credential.name: access.http.insecure_skip_verify for access in wanted.accesses}
        )


def log_found(rule: str, before: Names, found: Names) -> None:
    """Log which projects a rule has found that it had not, and the other way round."""
    if found.watched != before.watched:
        added, gone = found.watched - before.watched, before.watched - found.watched
        log.info("projects found", discovery=rule, projects=len(found.watched), **named(added=added, gone=gone))
    if found.skipped - before.skipped:
        skipped = named(projects=found.skipped)
        log.warning("projects found but not watched: their names are taken", discovery=rule, **skipped)


def named(**names: frozenset[str]) -> dict[str, str]:
    """Some of the names, and how many there are beside them, for the log."""
    return {what: some_of(sorted(them)) for what, them in names.items() if them}


def some_of(names: Sequence[str]) -> str:
    """The first of some names, and how many there are beside them."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
