"""What of a text from the wire may be told: one short line, without secrets that were sent or look like one."""

import re
from collections.abc import Collection, Iterable
from html.entities import codepoint2name

MAX_MESSAGE = 300
ENOUGH = 8 * MAX_MESSAGE
"""Characters that are looked at: texts from the wire may be megabytes."""

SECRET = re.compile(
    r"""(?i)((?:token|authorization|passw(?:or)?d|pwd|secret|signature)[\w-]{0,30}\\{0,3}["']?\s{0,3}[:=]\s{0,3})"""
    r"""(?:\[[^\]]*\]?|\{[^{}]*\}?|\\{0,3}"(?:\\.|[^"\\])*\\{0,3}"?|'[^']*'?|[^|;"'}]+)"""
)
"""A name that means a secret, and the value that follows it, which may be a list, as servers show headers; each repeat
is bounded, or ends the match, so no text takes long."""
LOGIN = re.compile(r"(:(?:\\{0,3}/){2})(?:[^\s@]{0,1000}@)+")
"""The login in a URL: all up to the last @, as a password may hold any character that is no space."""

PLAIN = re.compile(r"[A-Za-z0-9_.-]*")
"""What is written in the same way everywhere."""
PARTS = re.compile(r"[A-Za-z0-9_.-]+|\\+|.", re.DOTALL)
"""A secret's parts: what is plain, backslashes, and any other character."""
SPELLED = 20
"""Characters that one of a secret may be spelled with."""
BACKSLASH = r"(?:\\|%(?:25){0,2}5[Cc]|&(?:amp;){0,2}#92;)"
MANY = 64
"""Parts of a secret that are enough to know it by: so a text of many beginnings takes no time."""
SHORT = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
"""What JSON writes with a letter."""
WORD_AT_END = re.compile(r"[A-Za-z0-9+=_-]{0,200}\Z")


def brief(text: str) -> str:
    """One short line of a text from the wire, with everything that looks like a secret blanked out.

    The gateway echoes the canonical request, hence headers, in some of its messages.
    """
    line = redacted(one_line(text))
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 3] + "..."


def one_line(text: str) -> str:
    """The beginning of a text as one line: what parts its words, or does not show, is a blank."""
    return " ".join("".join(c if c.isprintable() else " " for c in cut(text.lstrip(), ENOUGH)).split())


def line_without(text: str, secrets: Collection[str]) -> str:
    """The beginning of a text as one line without these secrets: as they stand in the text, and then in the line."""
    return blanked(one_line(blanked(text, secrets)), secrets)


def cut(text: str, limit: int) -> str:
    """The beginning of a text, up to the end of a word: half a secret might not look like one any more."""
    return text if len(text) <= limit else "".join(text[:limit].rsplit(None, 1)[:1])


def redacted(line: str) -> str:
    """A line with everything that looks like a secret blanked out."""
    return re.sub(r"[A-Za-z0-9+=_-]{40,}", "***", SECRET.sub(r"\1***", LOGIN.sub(r"\1***@", line)))


def text_of(data: bytes) -> str:
    """The text of an answer; of one in UTF-16, whose letters are parted by zeros, what can be read of it."""
    return data.decode("utf-8", "replace").replace("\0", "")


def beginning(text: str, secrets: Collection[str], looked_at: int, limit: int) -> str:
    """The beginning of a text without these secrets, nor half of one at its end: of `looked_at` characters no more than
    `limit`."""
    found = blanked(text[:looked_at], secrets)
    if len(text) > looked_at:  # half a secret at the end is not found, so nothing of that length stays
        found = found[: max(0, len(found) - max(map(longest, secrets), default=0))]
    if len(found) > limit:  # half a word at the end might not look like a secret any more
        found = WORD_AT_END.sub("", found[:limit])
    return found


def blanked(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, however they are written in it."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        if PLAIN.fullmatch(secret):
            text = text.replace(secret, "***")
        # What is not there at all need not be looked for in all its spellings.
        elif max(re.findall(r"[A-Za-z0-9_.-]+", secret), key=len, default="") in text:
            parts = PARTS.findall(secret)
            # To make one pattern of a long token takes longer than to look for its parts one by one.
            text = (
                re.sub("".join(map(spelling, parts)), "***", text)
                if len(parts) < MANY
                else starred(text.replace(secret, "***"), parts)
            )
    return text


def starred(text: str, parts: list[str]) -> str:
    """A text without a secret of these parts; what has the first MANY of them is a quote, though it breaks off."""
    kept, done = list[str](), 0
    while begun := spelled(parts[0]).search(text, done):
        if (end := end_of(text, begun.start(), parts)) > 0:
            kept += [text[done : begun.start()], "***"]
            done = end
        else:
            kept.append(text[done : begun.start() + 1])
            done = begun.start() + 1
    return "".join((*kept, text[done:]))


def end_of(text: str, start: int, parts: list[str]) -> int:
    """Where a secret ends that begins here, zero where none does."""
    at = start
    for number, part in enumerate(parts):
        found = spelled(part).match(text, at)
        if not found:
            return at if number >= MANY else 0
        at = found.end()
    return at


def longest(secret: str) -> int:
    """How many characters a secret may be written with."""
    return sum(len(part) if PLAIN.fullmatch(part) else SPELLED * len(part) for part in PARTS.findall(secret))


def spelled(part: str) -> re.Pattern[str]:
    """A compiled `spelling`; what is plain is nobody's to keep, as it may be all of a secret."""
    return re.compile(spelling(part))


def spelling(part: str) -> str:
    """A pattern of a part of a secret as it may be quoted: plain, in JSON, in a URL, in HTML, and one within the other.

    Backslashes are taken all at once and never given back, so that a text of many takes no time.
    """
    if PLAIN.fullmatch(part):
        return re.escape(part)
    if len(part) > 1:
        return f"(?:{''.join(map(spelling, part))}|{backslashes(len(part))})"
    units, code = part.encode("utf-16-be", "surrogatepass"), ord(part)
    in_json = "".join(rf"{BACKSLASH}{{0,8}}+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    in_url = "".join(f"%(?:25){{0,2}}{byte:02x}" for byte in part.encode("utf-8", "surrogatepass"))
    names = {"'": "|apos"}.get(part, "") + (f"|{name}" if (name := codepoint2name.get(code)) else "")
    in_html = f"&(?:amp;){{0,2}}(?:#0{{0,4}}{code}|#x0{{0,4}}{code:x}{names});"
    encoded = f"(?i:{in_url}|{in_html})"
    plain = backslashes(1) if part == "\\" else rf"{BACKSLASH}{{0,8}}+(?:{encoded}|{re.escape(part)})"
    others = [rf"{BACKSLASH}{{0,8}}+{SHORT[part]}"] if part in SHORT else [r"\+"] if part == " " else []
    return f"(?:{'|'.join([f'(?i:{in_json})', plain, encoded, *others])})"


def backslashes(count: int) -> str:
    """A pattern of so many backslashes, or as many as they are in JSON."""
    return rf"{BACKSLASH}{{{count},{8 * count}}}+"
