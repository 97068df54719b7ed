"""What a name that nobody knows was probably meant to be."""

import difflib
from collections.abc import Callable, Collection
from itertools import islice

MAX_NAMES = 20
"""Known names that are listed where none is near."""
MAX_SUGGESTIONS = 20
"""Names that one is looked for, of all that are wrong in one way: each is compared with all that are known."""


class UnknownName(ValueError):
    """What is none of the names that there are; `near` finds the one that was probably meant, which may cost time."""

    def __init__(self, message: str, near: Callable[[], str]) -> None:
        super().__init__(message)
        self.near = near


def suggestion(name: str, known: Collection[str]) -> str:
    """The nearest known name, or all of them if they are few; that there is none, where none is known."""
    if near := nearest(name, known):
        return did_you_mean(near)
    if not known:
        return "; none is known here"
    more = f" and {len(known) - MAX_NAMES} more" if len(known) > MAX_NAMES else ""
    return f"; known here: {', '.join(islice(sorted(known), MAX_NAMES))}{more}"


def did_you_mean(name: str) -> str:
    """The question, empty without a name."""
    return f"; did you mean {name}?" if name else ""


def nearest(name: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """The nearest known name, empty where none is so like it (difflib's ratio)."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), "")


class Suggestions:
    """Suggestions for the first names that are wrong, and none for all others."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, name: str, known: Collection[str]) -> str:
        """As `suggestion`, as long as it is not the business of too many."""
        self._number += 1
        return suggestion(name, known) if self._number <= MAX_SUGGESTIONS else ""

    def near(self, error: Exception) -> str:
        """What was probably meant by a name that is unknown, within the same bound; empty for any other error."""
        if not isinstance(error, UnknownName):
            return ""
        self._number += 1
        return did_you_mean(error.near()) if self._number <= MAX_SUGGESTIONS else ""
