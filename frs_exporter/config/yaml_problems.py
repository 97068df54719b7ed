"""What to do about the problems of YAML that people have most: the parser tells what it found, and no more."""

REMEDIES = {
    "found undefined alias": "an anchor (&) must stand before it, and in the same file",
    "but found another document": "one file is one document, so no line may be just ---",
    "found character that cannot start any token": "indent with blanks, not tabs; quote text that begins with @ or `",
}
"""By the parser's own words."""


def with_remedy(problem: str | None) -> str | None:
    """The parser's words, and what to do where that is known."""
    return f"{problem}; {REMEDIES[problem]}" if problem and problem in REMEDIES else problem
