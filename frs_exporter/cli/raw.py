"""`check --raw`: each request as it went over the wire, and the vendor's JSON, without secrets."""

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from frs_exporter.core.model import Key
from frs_exporter.core.redact import beginning, redacted, text_of
from frs_exporter.core.trace import Trace

MAX_TEXT = 1 << 16
"""Characters that are shown of an answer."""
STATUS_LINE = re.compile(r"^< (\d+)$", re.MULTILINE)
SHOWN = (">", "<", "classified")
"""What the events begin with that are shown: requests, answers, and what failures are taken for."""


class RawTrace(Trace):
    """Keeps `lines` of requests, answers, times and bodies; what is secret is starred."""

    def __init__(self) -> None:
        super().__init__(self._keep)
        self.lines: list[str] = []
        self._secrets: set[str] = set()

    def _keep(self, text: str) -> None:
        if text.startswith(SHOWN):
            self.lines += map(printable, STATUS_LINE.sub(with_phrase, text, count=1).splitlines())

    def headers(
        self, headers: Mapping[str, str], secrets: Callable[[], Iterable[str]], text: str, *values: object
    ) -> None:
        """As any trace; what was sent that is secret must not be shown of the body, either."""
        self._secrets.update(secrets())
        super().headers(headers, secrets, text, *values)

    def body(self, data: bytes) -> None:
        """The JSON of an answer, or whatever it is."""
        text = text_of(data)
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        # Before it is parted, as a list has lines of its own, and after it, without what may stand in a word.
        starred = redacted(beginning(text, self._secrets, 2 * MAX_TEXT, MAX_TEXT))
        self.lines += [redacted(printable(line)) for line in starred.splitlines()]
        if len(text) > MAX_TEXT:
            self.lines.append("...")

    def request_took(self, seconds: float) -> None:
        """A request has ended."""
        super().request_took(seconds)
        self.lines.append(f"took {seconds:.3f} s")


def with_phrase(status: re.Match[str]) -> str:
    """The status of an answer with what HTTP calls it, as other clients show it."""
    number = int(status[1])
    return f"{status[0]} {HTTPStatus(number).phrase}" if number in set(HTTPStatus) else status[0]


def printable(line: str) -> str:
    """A line that does nothing to a terminal."""
    return "".join(character if character.isprintable() else "?" for character in line)


def as_raw(traces: Mapping[Key, Trace]) -> str:
    """All that went over the wire, by project and collector."""
    parts = []
    for (project, collector), trace in sorted(traces.items()):
        lines = trace.lines if isinstance(trace, RawTrace) else []
        parts.append("\n".join([f"{project} {collector}", *lines, "", ""]))
    return "".join(parts)
