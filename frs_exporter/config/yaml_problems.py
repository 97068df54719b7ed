"""What to do about the problems of YAML that people have most: the parser tells what it found, and no more."""

import re

LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML 1.1 (5.4)."""
IN_QUOTES = 'put text that has ": ", a comma, a bracket or a quote in it in quotes, and close what is open'
INDENTED = "keys of one section stand exactly below each other; what comes after a closing quote is no text any more"
REMEDIES = {
    "mapping values are not allowed in this context": 'put text that has ": " in it, or ends in a colon, in quotes; if'
    " it is a key, indent it as its neighbours",
    "found unexpected ':'": "put text that has a colon in it in quotes",
    "did not find expected ',' or '}'": IN_QUOTES,
    "did not find expected ',' or ']'": IN_QUOTES,
    "did not find expected node content": "put text that begins with a bracket, a comma, a dash or # in quotes",
    "did not find expected key": INDENTED,
    "did not find expected '-' indicator": "each entry of a list has a dash, and they stand below each other",
    "did not find expected comment or line break": "put text that begins with | or > in quotes",
    "did not find expected alphabetic or numeric character": "put text that begins with * or & in quotes",
    "block sequence entries are not allowed in this context": "begin a list in a new line; quote text like - x",
    "mapping keys are not allowed in this context": "put text that begins with ? in quotes",
    "found undefined tag handle": "put text that begins with ! in quotes",
    "found unknown escape character": "write a backslash between double quotes twice, or use single quotes",
    "did not find expected hexdecimal number": "write a backslash between double quotes twice, or use single quotes",
    "could not find expected ':'": "a line of a section is a key, a colon and a blank, and then its value",
    "found unexpected end of stream": "the quote that was opened is never closed",
    "found undefined alias": "an anchor (&) must stand before it, and in the same file",
    "but found another document": "one file is one document, so no line may be just ---",
    "found character that cannot start any token": "indent with blanks, not tabs; quote text with %, @ or ` first",
}
"""By the parser's own words."""


def with_remedy(problem: str | None) -> str | None:
    """The parser's words, and what to do where that is known."""
    return f"{problem}; {REMEDIES[problem]}" if problem and problem in REMEDIES else problem


def first_place(text: str, character: str) -> tuple[int, int]:
    """Line and column, counted from 1, at which a character comes first.

    Where the parser met it is no help: libyaml counts bytes, and the parser in Python characters.
    """
    at = text.find(character)
    ends = [found.end() for found in LINE_END.finditer(text, 0, at)]
    return len(ends) + 1, at - (ends[-1] if ends else 0) + 1
