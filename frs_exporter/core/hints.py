"""What exit codes, mistakes in a config and lines of the log mean: known by what they have in common, in hints.yaml."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from frs_exporter.core.explanations import Text, parse, text_of

ANY = "..."
"""Stands for any words in what a message says."""
MIN_PART = 6
"""Characters from which on a part of a message is looked for in what messages say."""


@dataclass(frozen=True, slots=True)
class ExitCode:
    """What a program of ours says by its exit code, why, the likeliest first, and what a person can do."""

    number: int
    means: Text
    causes: tuple[Text, ...]
    do: Text


@dataclass(frozen=True, slots=True)
class Hint:
    """A kind of problem or warning of a config; `write` is YAML that is right, of the web config where `web` says so.

    `says` is what its messages have in common, with ANY for any words. A `general` one counts where none else fits. One
    of the `log` is about what happens to the exporter while it runs.
    """

    name: str
    says: tuple[str, ...]
    means: Text
    why: Text
    write: str
    web: bool
    general: bool
    log: bool = False

    def fits(self, message: str) -> bool:
        """Whether a message is of this kind."""
        return any(pattern(fragment).search(message) for fragment in self.says)

    def has_part(self, part: str) -> bool:
        """Whether a part of a message could be of this kind: what somebody remembers, or has cut off."""
        wanted = plain(part)
        return any(wanted in plain(fragment) for fragment in self.says)


@cache
def pattern(fragment: str) -> re.Pattern[str]:
    """What finds a fragment in a message, however lines were broken; it begins where a word does."""
    pieces = [r"\s+".join(map(re.escape, piece.split())) for piece in fragment.split(ANY)]
    text = ".*?".join(piece if not piece else rf"\s*{piece}\s*" for piece in pieces)
    return re.compile(rf"(?<!\w){text.removeprefix('.*?')}", re.DOTALL)


def plain(text: str) -> str:
    """A text without what stands for any words, in small letters."""
    return " ".join(text.replace(ANY, " ").lower().split())


@cache
def raw() -> Mapping[str, Any]:
    """The file, which only `explain` needs."""
    return parse(text_of("hints.yaml"))


@cache
def exit_codes() -> Mapping[int, ExitCode]:
    """All exit codes that are explained, by their numbers."""
    return {
        number: ExitCode(number, Text(**about["means"]), texts(about["causes"]), Text(**about["do"]))
        for number, about in raw()["exit_codes"].items()
    }


def texts(entries: list[dict[str, str]]) -> tuple[Text, ...]:
    """Lines in each language."""
    return tuple(Text(**entry) for entry in entries)


@cache
def hints() -> Mapping[str, Hint]:
    """All kinds of problems and warnings of a config, and of what the log tells, by their names."""
    return {
        name: Hint(
            name=name,
            says=tuple(about["says"]),
            means=Text(**about["means"]),
            why=Text(**about["why"]),
            write=about.get("write", ""),
            web=about.get("file") == "web",
            general=about.get("general", False),
            log=section == "log",
        )
        for section in ("config", "log")
        for name, about in raw()[section].items()
    }


def hints_for(message: str) -> list[Hint]:
    """The kinds that a message about a config is of: one, for all that the package says; none for something else."""
    found = [hint for hint in hints().values() if not hint.log and hint.fits(message)]
    return [hint for hint in found if not hint.general] or found


def events_in(line: str) -> Iterator[Hint]:
    """What a line of the log tells, beside what is wrong with a config."""
    yield from (hint for hint in hints().values() if hint.log and hint.fits(line))


def hints_with(part: str) -> Iterator[Hint]:
    """The kinds that a part of a message could be of."""
    if len(plain(part)) >= MIN_PART:
        yield from (hint for hint in hints().values() if hint.has_part(part))
