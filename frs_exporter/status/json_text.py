"""JSON as people read it, also where it was cut or something of it is starred, which no parser takes (pure)."""

import re

PARTS = re.compile(r'"(?:\\.|[^"\\])*"?|[{}\[\],:]|[^\s{}\[\],:"]+')
"""Strings, also one that is cut; what stands between them; numbers and words."""
BEGINS, ENDS = "{[", "}]"
DEEPEST = 40


def indented(text: str) -> str:
    """A text that begins as JSON does with a line for each member; any other text as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    result, depth, before = list[str](), 0, ""
    for part in PARTS.findall(text):
        if part in ENDS:
            depth -= depth > 0
            result.append("" if before in BEGINS else "\n" + "  " * min(depth, DEEPEST))
        elif before and before in BEGINS + ",":
            result.append("\n" + "  " * min(depth, DEEPEST))
        result.append(part + " " if part == ":" else part)
        depth += part in BEGINS
        before = part
    return "".join(result)


def printable(text: str) -> str:
    """A text without what would do something to whoever shows it, lines as they are."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
