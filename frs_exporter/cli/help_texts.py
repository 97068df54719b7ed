"""`--help` in the reader's language: which one that is, and how Chinese, which is twice as wide, is laid out."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from frs_exporter.cli.chinese_help import COMMANDS, EXTRAS, HEADINGS, TEXTS
from frs_exporter.status.i18n import CHINESE, LANGUAGES, Language, language_of

LANGUAGE = "frs_exporter.help_language"
"""Where click's contexts keep the language of a help text."""
HELP_FLAGS = ("-h", "--help")
COLUMN = 30
"""Flags that are wider have their text below them, as click does it."""
WIDE = r"\u2e80-\u9fff\uff00-\uffef"
UNITS = re.compile(
    rf"[\[（]?(?:环境变量|默认)：[!-~]*[，。；：、）]*"
    rf"|[\[（]*(?:[{WIDE}]|[^\s{WIDE}]+)[，。；：、）]*|\s+"
)
"""What a line may end after: a character of Chinese, a word, blanks; a mark stays with what it belongs to."""


def locale_of(environ: Mapping[str, str]) -> str:
    """The locale of messages that an environment names (POSIX: LC_ALL, LC_MESSAGES, LANG), empty for none."""
    return next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")


def without_language(args: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], Language | None]:
    """Arguments without --lang, and the language of the help that they ask for; as they are, and None, if for none.

    A command need not have the flag, as its help is all that has a language then.
    """
    end = args.index("--") if "--" in args else len(args)
    names = [language.name for language in LANGUAGES]
    if not any(flag in args[:end] for flag in HELP_FLAGS):
        return list(args), None
    chosen, rest, words = "", [], iter(args[:end])
    for word in words:
        flag, equals, value = word.partition("=")
        value = value if flag == "--lang" and equals else next(words, "") if word == "--lang" else ""
        if value in names:
            chosen = value
        else:
            rest += [word] if equals or word != "--lang" else [word, value]
    return [*rest, *args[end:]], language_of(
        "", chosen or environ.get("FRS_LANG", "") or locale_of(environ)[:2].lower()
    )


class HelpContext(click.Context):
    """A command under way, whose help is in the language that the first of all contexts was told."""

    def make_formatter(self) -> click.HelpFormatter:
        """How its help is laid out."""
        if self.meta.get(LANGUAGE) is not CHINESE:
            return super().make_formatter()
        return ChineseFormatter(width=self.terminal_width, max_width=self.max_content_width)


class ChineseFormatter(click.HelpFormatter):
    """Lays out click's help with Chinese texts in place of the English ones; names of flags stay."""

    heading = ""
    """The heading, in English, of the list that comes next."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """How a command is called."""
        super().write_usage(prog, args, "用法: ")

    def write_heading(self, heading: str) -> None:
        """The heading of a list."""
        self.heading = heading
        super().write_heading(HEADINGS.get(heading, heading))

    def write_text(self, text: str) -> None:
        """Paragraphs, of which those that begin with \\b keep their lines."""
        paragraphs = []
        for paragraph in text.split("\n\n"):
            if paragraph.startswith("\b\n"):
                lines = [in_columns(line) for line in paragraph.splitlines()[1:]]
            else:
                lines = list(wrapped(chinese(" ".join(paragraph.split())), self.width - self.current_indent))
            paragraphs.append("".join(f"{' ' * self.current_indent}{line}".rstrip() + "\n" for line in lines))
        self.write("\n".join(paragraphs))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = COLUMN, col_spacing: int = 2) -> None:
        """A list of flags, or of commands, with their texts beside them."""
        rows = list(rows)
        column = min(max((len(name) for name, _ in rows), default=0), col_max) + col_spacing
        for name, text in rows:
            said = COMMANDS.get(name, text) if self.heading == "Commands" else of_flag(text)
            lines = list(wrapped(said, max(self.width - self.current_indent - column, 10)))
            begin = f"{' ' * self.current_indent}{name}"
            if len(name) > column - col_spacing:
                self.write(f"{begin}\n")
                begin = ""
            for line in lines:
                self.write(f"{begin:{self.current_indent + column}}{line}\n")
                begin = ""


def chinese(text: str) -> str:
    """A text in Chinese, or as it is if it has none."""
    return TEXTS.get(text, text)


def of_flag(text: str) -> str:
    """The text of a flag, and what click puts in brackets after it: its variable, its default, its range."""
    said, brackets, extra = text.partition("  [")
    for english, translated in EXTRAS.items():
        extra = extra.replace(english, translated)
    return f"{chinese(said)}{' ' * bool(brackets)}{brackets.strip()}{extra}"


def in_columns(line: str) -> str:
    """A line that is not to be wrapped, each part in its column."""
    done = ""
    for part in re.finditer(r"(?<=\s\s)\S.*?(?=\s\s|$)|^\S.*?(?=\s\s|$)", line):
        done += " " * max(part.start() - width_of(done), int(bool(done))) + chinese(part[0])
    return done


def wrapped(text: str, columns: int) -> Iterator[str]:
    """The lines of a text, none wider than so many columns if its words are not."""
    line = ""
    for unit in UNITS.findall(text):
        if line and width_of(line) + width_of(unit.rstrip()) > columns:
            yield line.rstrip()
            line = ""
        line += unit if line else unit.lstrip()
    yield line.rstrip()


def width_of(text: Iterable[str]) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
