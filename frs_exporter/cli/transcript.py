"""`check --transcript`: every exchange with the cloud, so that it can be attached to a public report.

Of answers the shape is kept, numbers but those of money, what is true or false, dates, codes and the vendor's messages:
other text may be a name of somebody's. A project is called by its number; ids, and the names that the config knows, are
nowhere.
"""

import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

from frs_exporter import __version__
from frs_exporter.cli.raw import MAX_TEXT, RawTrace, printable
from frs_exporter.core.model import Job, Key, Target
from frs_exporter.core.trace import Trace

KEPT = frozenset(
    {
        *("error_code", "error_msg", "error_message", "code", "message", "create_time", "create_date"),
        *("unit", "namespace", "metric_name"),
        *("currency", "service_type_code", "service_type_name", "abbreviation", "usage_type_name"),
        *("effective_time", "expire_time", "valid_time"),
    }
)
"""Members of answers whose text is the vendor's own."""
MONEY = frozenset(
    {
        *("amount", "original_amount", "credit_amount", "designated_amount", "debt_amount", "balance", "face_value"),
    }
)
"""Members of answers whose numbers are what somebody has."""
OF_APIS = {"name": "call_of_api"}
"""What a dimension of Cloud Eye has in it whose value is the vendor's name of an API."""
THEIRS = frozenset({"external_fields"})
"""Members of answers whose own members have names that somebody chose."""
ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32}(?![0-9A-Za-z])")
"""Of a project, an account, a user, a group."""
WHOSE = re.compile(r"\b(iam::|(?:user|group|agency|role|policy)/)[^\s,;\"']+")
"""Whoever a message about permissions is about, as `iam::ACCOUNT:user/NAME`."""
NAMED = re.compile(r"(?<=[?&])(start|marker|name)=[^&\s]*")
"""Parameters of a query that have somebody's names in them."""
WHERE = frozenset({"site", "endpoint", "uri", "token_file", "policy"})
"""Fields of credentials that name nobody."""
NOBODY = frozenset({"", "iam", "oidc", "agency", "user"})
"""Parts of the vendor's URNs."""
HEAD = """frs-exporter {version}, Python {python}, {system}; {time}

What was asked and answered, by project. Ids, tokens, keys, signatures and the names of the config are left out. Review
it before you share it: messages of the vendor's may name somebody. What it may settle stands in docs/unverified.md.
"""


class TranscriptTrace(RawTrace):
    """Keeps the lines of requests and answers as `RawTrace` does, with no text in bodies but the vendor's own."""

    def body(self, data: bytes) -> None:
        """The JSON of an answer without what may be a name; of anything else no more than how long it is."""
        try:
            text = json.dumps(without_names(json.loads(data)), ensure_ascii=False, indent=2)[:MAX_TEXT]
        except (ValueError, RecursionError):
            text = f"({len(data)} bytes that are no JSON)"
        super().body(text.encode())


def without_names(value: Any, name: str = "") -> Any:
    """JSON with stars for text that may be somebody's."""
    if isinstance(value, dict) and value.items() >= OF_APIS.items():
        return {key: inner if key in {"name", "value"} else without_names(inner, key) for key, inner in value.items()}
    if isinstance(value, dict) and name in THEIRS:
        return {f"***{number}": without_names(inner) for number, inner in enumerate(value.values(), 1)}
    if isinstance(value, dict):
        return {key: without_names(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_names(inner, name) for inner in value]
    if name in MONEY and isinstance(value, int | float):
        return 0
    return "***" if isinstance(value, str) and name not in KEPT else value


def as_transcript(jobs: Iterable[Job], traces: Mapping[Key, Trace], now: float) -> str:
    """All that went over the wire; `now` is in Unix seconds."""
    targets = {job.target.project: job.target for job in jobs}
    numbers = {project: number for number, project in enumerate(sorted(targets), 1)}
    names = names_in(targets.values())
    parts = [
        HEAD.format(
            version=__version__,
            python=platform.python_version(),
            system=platform.system(),
            time=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
    ]
    for (project, collector), trace in sorted(traces.items()):
        lines = trace.lines if isinstance(trace, RawTrace) else []
        about = targets[project]
        where = f"account {numbers[project]}" if about.account else f"project {numbers[project]}, {about.region}"
        heading = f"{where}, by {about.credential.kind}, {collector}"
        parts.append("\n".join([heading, *(anonymous(line, about, names) for line in lines), ""]))
    return "\n".join(parts)


def names_in(targets: Iterable[Target]) -> re.Pattern[str]:
    """What finds the names of projects, credentials, users and accounts in a text, each as a whole word."""
    names = set[str]()
    for target in targets:
        names |= {target.project, *words_of(target.credential)}
    forms = {form for name in names - NOBODY for form in forms_of(name)}
    longest_first = sorted(forms, key=lambda name: (-len(name), name))
    alternatives = "|".join(map(re.escape, longest_first)) or "(?!)"
    return re.compile(rf"(?<![A-Za-z0-9])({alternatives})(?![A-Za-z0-9])", re.IGNORECASE)


def words_of(credential: Any) -> Iterator[str]:
    """All names that a credential has, and that in whose name it is had: of URNs each part."""
    for field in fields(credential):
        match getattr(credential, field.name):
            case str(text) if field.name not in WHERE:
                yield from (text, *re.split("[:/]", text))
            case (*members,):
                yield from (word for member in members if is_dataclass(member) for word in words_of(member))
            case member if is_dataclass(member):
                yield from words_of(member)


def forms_of(name: str) -> set[str]:
    """A name as it stands in JSON, in a URL, and on a terminal."""
    escaped = {json.dumps(name, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
    return {form for text in (name, *escaped) for form in (text, printable(text))} | {quote(name), quote_plus(name)}


def anonymous(line: str, target: Target, names: re.Pattern[str]) -> str:
    """A line without ids and names; in what is asked there is none but in parameters."""
    if target.project_id:
        line = re.sub(target.project_id, "PROJECT_ID", line, flags=re.IGNORECASE)
    for pattern, instead in ((NAMED, r"\1=***"), (WHOSE, r"\1***"), (ID, "***")):
        line = pattern.sub(instead, line)
    return line if line.startswith(">") else names.sub("***", line)
