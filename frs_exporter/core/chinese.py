"""The Chinese of what the code says in English: metrics and settings, in chinese.yaml, read when it is first wanted.

The pages in docs/ are made of it, and `explain` reads it: a wheel has no folder docs/.
"""

from collections.abc import Mapping
from functools import cache

from frs_exporter.core.explanations import Text, parse, text_of


@cache
def own_chinese() -> Mapping[str, str]:
    """Chinese by English: a text that has changed has none until somebody looked at it."""
    return parse(text_of("chinese.yaml"))


def translated(english: str) -> Text:
    """A text with its Chinese; where there is none yet, in English alone."""
    return Text(english, own_chinese().get(english, english))
