"""What a line of the log says about jobs: of one in full, of many in one line, and neither longer than people read."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from frs_exporter.core.errors import Failure, Reason, canonical
from frs_exporter.core.explanations import Explanation, codes, explain, reasons
from frs_exporter.core.model import Job

Fields = Mapping[str, Any]
MAX_LINE = 240
"""Characters of a line as logfmt, beside what the vendor said."""
HEAD = len("ts=2026-11-27T17:00:00.000000Z level=warning msg=down ")
LATER = len(" still_down=0")
"""Characters of what a line may add when it is written."""
VENDORS = {"code", "status", "request_id", "message", "note"}
"""Fields that have what the vendor said."""
MAX_NAMES = 3
MAX_NAMES_WIDTH = 48
"""Characters of the projects that a line names: the first stands there whatever its length."""
OF_CREDENTIAL = {Reason.AUTH, Reason.TOKEN, Reason.FORBIDDEN, Reason.FROZEN, Reason.THROTTLED}
"""What is about the user whose secret it is, or its account; all else is about the region."""

Cause = tuple[str, ...]
"""The event, and what tells its causes apart: of a failure where it is and its kind, of a note what it begins with."""

OTHERS: Cause = ("down", "", "", "", "others")
"""All causes beyond those that are told apart."""


def names_of(job: Job) -> dict[str, str]:
    """What a line calls a job."""
    return {"project": job.target.project, "collector": job.collector}


def cause_of(job: Job, failure: Failure) -> Cause:
    """What a failure of a job has in common with those of others: the credential or the region, reason and code.

    Gateways that are down mix their statuses: of codes only those with a point count.
    """
    place = ("credential", job.target.credential.name) if failure.reason in OF_CREDENTIAL else region_of(job)
    return ("down", *place, str(failure.reason), failure.code if "." in failure.code else "")


def region_of(job: Job) -> tuple[str, str]:
    """Where a job asks; accounts have no region."""
    return ("region", job.target.region) if job.target.region else ("", "")


def failure_fields(failure: Failure, first: Fields, last: Fields = MappingProxyType({})) -> dict[str, Any]:
    """What a line says of a failure, and what to do; where that would be too long, how to get it: by its name."""
    fields, about = {**first, **failure.log_fields()}, explain(failure)
    advice, name = about.do.en, name_of(about, failure)
    if name and characters_of({**fields, "advice": advice, **last}) > MAX_LINE - LATER:
        advice = f"frs-exporter explain {name}"
    return {**fields, "advice": advice, **last}


def name_of(about: Explanation, failure: Failure) -> str:
    """What `explain` has to be asked for to say the same; empty where it knows it by no name."""
    if about is reasons()[failure.reason]:
        return str(failure.reason)
    return failure.code if codes().get(canonical(failure.code)) is about else ""


def characters_of(fields: Fields) -> int:
    """Characters of a line with these fields as logfmt, beside what the vendor said."""
    own = {name: str(value) for name, value in fields.items() if name not in VENDORS}
    return HEAD + sum(len(name) + len(value) + (4 if " " in value else 2) for name, value in own.items())


def some_projects(names: Collection[str]) -> str:
    """A few of many projects, in the order that they are given in, and how many there are beside them."""
    some: list[str] = []
    for name in list(names)[:MAX_NAMES]:
        if not some or len(", ".join([*some, name])) <= MAX_NAMES_WIDTH:
            some.append(name)
    more = len(names) - len(some)
    return ", ".join(some) + (f" and {more} more" if more else "")


def many(
    cause: Cause, projects: Collection[str], jobs: int, failure: Failure | None, *, down: int, seconds: int
) -> dict[str, Any]:
    """What one line says of so many jobs: where, why, and of a failure what the vendor said of the first of them.

    `down` is how many are down for the cause by now, `seconds` how long one that is up again was so, at most.
    """
    event, kind, place, reason, _ = (*cause, "", "", "", "")[:5]
    fields: dict[str, Any] = {"jobs": jobs, "projects": some_projects(projects)}
    if event == "note":
        return {**fields, "about": kind}
    fields |= {kind: place} if kind else {}
    if failure is None:
        more = {"was": reason, "down_seconds": seconds, "still_down": down}
        return fields | {name: value for name, value in more.items() if value}
    return failure_fields(failure, fields | ({"still_down": down} if down != jobs else {}))
