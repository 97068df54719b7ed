"""What somebody means who types or pastes something: a code, a reason, an alert, an exit code, a config's mistake.

A name that stands alone counts as it is. In a line of a log, of a terminal or of an answer it is looked for, the most
telling first: who pastes a whole line wants the one thing that it is about.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus

from frs_exporter.core.alerts import Alert, alerts, lower_case
from frs_exporter.core.errors import canonical
from frs_exporter.core.explanations import Named, Text, codes, named, reasons, similar
from frs_exporter.core.hints import ExitCode, Hint, events_in, exit_codes, hints, hints_for, hints_with

Entry = Named | Alert | ExitCode | Hint
"""Whatever there is an explanation of."""

VENDOR_CODE = re.compile(r"(?<![\w.])([A-Za-z]{2,8}\.[0-9]{4})(?![\w.])")
ALERT = re.compile(r"(?<!\w)Frs[A-Za-z]+(?!\w)", re.IGNORECASE)
EXIT = re.compile(
    r'(?:\bexit(?:ed|s)?(?:[ -]?with)?(?:[ -]?(?:code|status))?["\s:=-]*\(?|退出码[\s:：]*|\bstatus=(?=\d+/[A-Z]))'
    r"(\d{1,3})\b",
    re.IGNORECASE,
)
"""As people, shells, systemd, Docker and Kubernetes write an exit code."""
REASON = re.compile(r'\breason["\s]*[=:]["\s]*([a-z_]+)')
STATUS = re.compile(
    r'(?:\bHTTP(?:/[0-9.]+)?|\b(?:http_)?status(?:_code)?)["\s]*[=:]?["\s]*([1-5]\d\d)\b', re.IGNORECASE
)
AFTER_CODE = re.compile(r"^\s*[A-Za-z]{2,8}\.[0-9]{4}[\s,]+([1-5]\d\d)\s*$")
"""A status that somebody types after a code."""
PHRASES = {status.value: status.phrase.lower() for status in HTTPStatus}
MANUALS = {
    "FRS": Text(
        "https://support.huaweicloud.com/intl/en-us/api-face/face_02_0045.html",
        "https://support.huaweicloud.com/api-face/face_02_0045.html",
    ),
    "APIG": Text(
        "https://support.huaweicloud.com/intl/en-us/usermanual-apig/apig_03_0048.html",
        "https://support.huaweicloud.com/usermanual-apig/apig_03_0048.html",
    ),
    "IAM": Text(
        "https://support.huaweicloud.com/intl/en-us/api-iam/iam_02_0006.html",
        "https://support.huaweicloud.com/api-iam/iam_02_0006.html",
    ),
    "CES": Text(
        "https://support.huaweicloud.com/intl/en-us/ces/index.html", "https://support.huaweicloud.com/ces/index.html"
    ),
}
"""Where the vendor lists the codes with a prefix."""


def entries_of(text: str) -> list[Entry]:
    """All that a text is about, as far as it is known; each line of several counts for itself."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [entry for line in lines for entry in entries_of_line(line)] if len(lines) > 1 else []
    found = found or entries_of_line(" ".join(text.split()))
    return list(dict.fromkeys(found))


def entries_of_line(line: str) -> list[Entry]:
    """All that one line is about: what it is if it is a name, or else what is found in it."""
    if alone := named_alone(line.strip()):
        return [alone]
    kinds: tuple[Callable[[str], Iterable[Entry]], ...]
    kinds = alerts_in, codes_in, exit_codes_in, hints_for, reasons_in, statuses_in, events_in
    for kind in kinds:
        found: list[Entry] = list(kind(line))
        if found:
            return found
    parts: list[Entry] = list(hints_with(line))
    return parts if len(parts) == 1 else []


def named_alone(name: str) -> Entry | None:
    """What a name or a number is that stands alone; an exit code where no status of HTTP is called so."""
    if name.isdecimal() and name.isascii() and (code := exit_codes().get(int(name))):
        return code
    return lower_case().get(name.lower()) or hints().get(name.lower()) or named(name)


def alerts_in(line: str) -> Iterator[Alert]:
    """The alerts that a line names."""
    yield from (alert for word in ALERT.findall(line) if (alert := lower_case().get(word.lower())))


def codes_in(line: str) -> Iterator[Named]:
    """The vendor's codes in a line that are known."""
    yield from (found for code in VENDOR_CODE.findall(line) if (found := named(code)))


def exit_codes_in(line: str) -> Iterator[ExitCode]:
    """The exit codes that a line tells."""
    yield from (exit_codes()[int(number)] for number in EXIT.findall(line) if int(number) in exit_codes())


def reasons_in(line: str) -> Iterator[Named]:
    """The reasons in a line of our log, or in the labels of a metric."""
    yield from (found for word in REASON.findall(line) if (found := named(word)))


def statuses_in(line: str) -> Iterator[Named]:
    """The HTTP statuses that a line tells: called so, or with what HTTP says beside the number."""
    numbers = (
        STATUS.findall(line)
        + AFTER_CODE.findall(line)
        + [number for number in re.findall(r"(?<![\w.])[1-5]\d\d(?![\w.])", line) if says_phrase(line, int(number))]
    )
    yield from (found for number in numbers if (found := named(f"HTTP {number}")))


def says_phrase(line: str, status: int) -> bool:
    """Whether HTTP's own words for a status stand in a line."""
    return status in PHRASES and PHRASES[status] in line.lower()


def unknown_codes(text: str) -> list[str]:
    """What looks like a code of the vendor's in a text and is not known here, as it is written."""
    return [code for code in VENDOR_CODE.findall(text) if canonical(code) not in codes()]


def manual_for(text: str) -> Text | None:
    """Where the vendor lists codes with the prefix of the first unknown one; None where nothing looks like a code."""
    codes = unknown_codes(text)
    return MANUALS.get(canonical(codes[0]).split(".", maxsplit=1)[0]) if codes else None


def names() -> list[str]:
    """All names that stand for something, as a shell completes them."""
    return [*codes(), *reasons(), *alerts(), *(f"exit-{number}" for number in exit_codes()), *hints()]


def nearest_names(text: str) -> list[str]:
    """Names that look like one that is not known, or kinds of mistakes that a part of a message could be of."""
    word = text.strip()
    if ALERT.fullmatch(word):
        return nearest_alerts(word)
    if near := similar(word):
        return near
    others = {name.lower(): name for name in (*alerts(), *hints())}
    near = [others[name] for name in difflib.get_close_matches(word.lower(), others, n=3, cutoff=0.75)]
    return near or [hint.name for hint in hints_with(word)]


def nearest_alerts(word: str) -> list[str]:
    """Alerts that a word could mean that begins as all of them do."""
    known = {name.lower(): name for name in alerts()}
    close = (difflib.get_close_matches(word.lower(), known, n=3, cutoff=cutoff) for cutoff in (0.75, 0.5))
    return [known[name] for name in next(filter(None, close), [])]
