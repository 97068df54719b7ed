"""frs-exporter(8), the manual page of the Debian package: what --help says, of all commands on one page."""

import datetime
import inspect
import re
from collections.abc import Iterator

import click

from frs_exporter import __version__
from frs_exporter.cli.main import COMMANDS, cli, command

NAME = "frs-exporter"
PRINTED = str.maketrans({"\\": r"\e", "-": r"\-", "~": r"\(ti", "^": r"\(ha", "'": r"\(aq", "`": r"\(ga"})
"""Characters for which roff would print others."""


def escaped(text: str) -> str:
    """A text as roff prints it: what is copied from the page is what was meant, and no line is a request."""
    return re.sub(r"(?m)^\.", r"\\&.", text.translate(PRINTED))


def paragraphs(text: str | None) -> Iterator[str]:
    """The paragraphs of a help text; behind a backspace the lines stay as they are, as click has it."""
    for part in inspect.cleandoc(text or "").split("\n\n"):
        if part.startswith("\b"):
            lines = escaped(part[1:].strip("\n"))
            yield f".PP\n.nf\n{lines}\n.fi"
        elif part:
            yield f".PP\n{escaped(' '.join(part.split()))}"


def options(found: click.Command) -> Iterator[str]:
    """The flags of a command, each with its variable and default."""
    context = click.Context(found, help_option_names=["-h", "--help"])
    for option in found.get_params(context):
        if record := option.get_help_record(context):
            names, text = map(escaped, record)
            yield f".TP\n.B {names}\n{text}"


def about(name: str) -> Iterator[str]:
    """The part on a command."""
    found = command(name)
    usage = " ".join((NAME, name, *found.collect_usage_pieces(click.Context(found))))
    yield from (f".SS {escaped(name)}", escaped(usage))
    yield from (*paragraphs(found.help), *options(found), *paragraphs(found.epilog))


def manual(time: int) -> str:
    """The page, of a time in seconds since 1970."""
    day = datetime.datetime.fromtimestamp(time, datetime.UTC).date()
    name, serve = escaped(NAME), command("serve")
    first, *rest = paragraphs(cli.help)
    lines = (
        f'.TH {name.upper()} 8 {escaped(str(day))} "{NAME} {__version__}" "System Administration"',
        *(".nh", ".ad l"),  # names are in one line, as somebody looks for them
        *(".SH NAME", rf"{name} \- {first.removeprefix('.PP').strip().rstrip('.')}"),
        *(".SH SYNOPSIS", f"{name} [OPTIONS]", ".br", f"{name} COMMAND [ARGS]..."),
        *(".SH DESCRIPTION", *paragraphs(serve.help), *rest),
        *(".SH OPTIONS", *options(serve)),
        *(".SH COMMANDS", *(line for other in COMMANDS if other != "serve" for line in about(other))),
    )
    return "\n".join(lines) + "\n"
