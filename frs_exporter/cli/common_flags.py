"""Flags that several commands have, written alike."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from frs_exporter.cli.options import language
from frs_exporter.cli.variables import is_variable, setting
from frs_exporter.core.errors import ConfigError


class FileName(click.Path):
    """The name of a file, which shells complete; whether it can be read is told by whoever reads it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name; an empty one, which would be the folder that one is in, only where that stands for no file."""
        if not value and param and param.default != "":
            several = f"; a {os.pathsep} stands between two names, and nowhere else" * (param.multiple is True)
            self.fail(
                "the name of a file is empty" + several * (ctx is not None and is_variable(ctx, param)), param, ctx
            )
        return super().convert(value, param, ctx)


FILE = FileName(readable=False)
LEVELS = ("debug", "info", "warning", "error")
QUIET = ("none", "off", "quiet", "silent", "critical", "fatal")

Flag = Callable[[Callable[..., Any]], Callable[..., Any]]

language_flag: Flag = click.option("--lang", "words", callback=language, help="en or zh (default: as LANG says).")


class Level(click.Choice[str]):
    """A level of the log; `warn` is warning, as other exporters have it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The level, however it is written."""
        name = str(value).lower()
        if name in QUIET:
            message = f"{value!r} is no level: error writes the fewest lines, and 2>/dev/null keeps none of them"
            self.fail(message, param, ctx)
        return super().convert("warning" if name == "warn" else name, param, ctx)


def config_file_flag(help: str) -> Flag:
    """The flag for the config, under all names that people give it."""
    return click.option(
        *("--config.file", "-c", "--config-file", "config_file"),
        type=FILE,
        metavar="FILE",
        multiple=True,
        help=help,
    )


def say_problems(error: ConfigError, files: Sequence[str] = ()) -> None:
    """Say what is wrong with a config that these files were to make."""
    for problem in error.problems:
        click.echo(problem + how_named(problem, files), err=True)


def how_named(problem: str, files: Sequence[str]) -> str:
    """How a file was named that cannot be read, and how several are, where it looks like several; empty if it is plain.

    Who has not typed the name does not know where it comes from.
    """
    file = next((file for file in files if problem.startswith(f"{file}: cannot read the config file: ")), "")
    several = bool(re.search(r"[,;\s]", file))
    if not file or (flag := setting("--config.file")) == "--config.file":
        return "; write --config.file before each of several files" * several
    return f"; {flag} names it" + f", in which a {os.pathsep} stands between several files" * several


def log_level_flag(default: str | None, help: str = "Write log lines from this level on.") -> Flag:
    """The flag for the level from which on log lines are written."""
    return click.option(
        "--log.level",
        "level",
        type=Level(LEVELS),
        default=default,
        show_default=True,
        help=help,
    )
