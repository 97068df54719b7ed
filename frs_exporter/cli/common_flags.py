"""Flags that several commands have, written alike."""

from collections.abc import Callable
from typing import Any

import click

FILE = click.Path(readable=False)
"""The name of a file, which shells complete; whether it can be read is told by whoever reads it."""
LEVELS = ("debug", "info", "warning", "error")
QUIET = ("none", "off", "quiet", "silent", "critical", "fatal")

Flag = Callable[[Callable[..., Any]], Callable[..., Any]]


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
