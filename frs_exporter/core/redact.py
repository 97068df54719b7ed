"""What of a text from the wire may be told: one short line, without secrets that were sent or look like one."""

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MAX_MESSAGE = 300
ENOUGH = 8 * MAX_MESSAGE
"""Characters that are looked at: texts from the wire may be megabytes."""

SECRET = re.compile(
    r"""(?i)((?:token|authorization|passw(?:or)?d|pwd|secret|signature)[\w-]{0,30}\\{0,3}["']?\s{0,3}[:=]\s{0,3})"""
    r"""(?:\\{0,3}"(?:\\.|[^"\\])*\\{0,3}"?|'[^']*'?|[^|;"'}]+)"""
)
"""A name that means a secret, and the value that follows it; each repeat is bounded, so no text takes long."""
LOGIN = re.compile(r"(:(?:\\{0,3}/){2})(?:[^\s@]{0,1000}@)+")
"""The login in a URL: all up to the last @, as a password may hold any character that is no space."""

PLAIN = re.compile(r"[A-Za-z0-9_.-]*")
"""What is written in the same way everywhere."""


def brief(text: str) -> str:
    """One short line of a text from the wire, with everything that looks like a secret blanked out.

    The gateway echoes the canonical request, hence headers, in some of its messages.
    """
    words = "".join(c if c.isprintable() else " " for c in cut(text.lstrip(), ENOUGH)).split()
    line = redacted(" ".join(words))
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 3] + "..."


def cut(text: str, limit: int) -> str:
    """The beginning of a text, up to the end of a word: half a secret might not look like one any more."""
    return text if len(text) <= limit else "".join(text[:limit].rsplit(None, 1)[:1])


def redacted(line: str) -> str:
    """A line with everything that looks like a secret blanked out."""
    return re.sub(r"[A-Za-z0-9+=_-]{40,}", "***", SECRET.sub(r"\1***", LOGIN.sub(r"\1***@", line)))


def blanked(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, however they are written in it."""
    for form in sorted({form for secret in secrets if secret for form in forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def forms(secret: str) -> Iterable[str]:
    """A secret as it may be quoted: plain, in JSON, in JSON within JSON, in a URL, in HTML."""
    if PLAIN.fullmatch(secret):
        yield secret
        return
    escaped = html.escape(secret)
    yield from (secret, quote(secret), quote(secret, safe=""), escaped, escaped.replace("&#x27;", "&#39;"))
    for ascii in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii)[1:-1]
        careful = "".join(f"\\u{ord(c):04x}" if c in "&<>='" else c for c in once)  # as for use within HTML
        for form in (once, careful):
            yield from (form, json.dumps(form, ensure_ascii=ascii)[1:-1])
