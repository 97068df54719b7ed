"""Composition root: the commands, and what becomes of their ends."""

import difflib
import os
import signal
import sys
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from frs_exporter import __version__
from frs_exporter.cli.early_signals import ENDED_BY, EarlyHangups, serves
from frs_exporter.cli.exit_codes import TOOL_FAILED
from frs_exporter.cli.help_texts import LANGUAGE, HelpContext, without_language
from frs_exporter.cli.variables import message_of, misspelled, name_variables, variables
from frs_exporter.runtime.hard_exit import hard_exit
from frs_exporter.runtime.log import crash_report, log_written_out
from frs_exporter.runtime.offload import without_collections
from frs_exporter.runtime.process_safety import forbid_core_dumps
from frs_exporter.runtime.standard_streams import OutputError, open_standard_streams

COMMANDS = {
    "check": "check",
    "completion": "completion",
    "config-example": "config_example",
    "config-schema": "config_schema",
    "demo": "simulate",
    "explain": "explain",
    "health": "health",
    "plan": "plan",
    "serve": "serve",
    "simulate": "simulate",
}
"""The commands, each with the module that it is in."""
GROUPS_OWN = (["serve"], ["--help"], ["-h"], ["--version"])
"""First words that stand before any command."""
ALONE = ("demo", "simulate")
"""Those that nobody runs beside an exporter."""


def command(name: str) -> click.Command:
    """A command by its name; only then is its module imported."""
    with without_collections():  # nothing of it is ever let go of
        module = import_module(f"frs_exporter.cli.{COMMANDS[name]}")
    found: click.Command = getattr(module, name.replace("-", "_"))
    name_variables(name, found)
    found.context_class = HelpContext
    return found


def other_variables() -> set[str]:
    """The variables of all commands that may run in the environment of an exporter."""
    return set().union(*(variables(command(name)) for name in COMMANDS if name not in ALONE))


class ServeByDefault(click.Group):
    """A group whose command is `serve` when none is named, and which imports a command only when it is wanted."""

    context_class = HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None where there is none."""
        return command(cmd_name) if cmd_name in COMMANDS else super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in `serve` before flags that are not the group's own; `help` is --help."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        args, language = without_language(language_behind(args), os.environ)
        ctx.meta[LANGUAGE] = language
        if (args or not ctx.resilient_parsing) and serves(args) and args[:1] not in GROUPS_OWN:
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; raises click.UsageError with what was probably meant."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {args[0]!r}{meant_instead(args[0])}", ctx)
        name, found, rest = super().resolve_command(ctx, args)
        if found and not ctx.resilient_parsing and (flag := dash_missing(rest, found)):
            raise click.UsageError(f"No such option '-{flag}'; did you mean '--{flag}'?", ctx)
        if found and not ctx.resilient_parsing:
            for notice in misspelled(variables(found), os.environ, other_variables):
                click.echo(f"warning: {notice}", err=True)
        return name, found, rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, and where a flag is begun those of `serve` as well."""
        flags = command("serve").shell_complete(ctx, incomplete) if incomplete.startswith("-") else []
        return [*super().shell_complete(ctx, incomplete), *flags]

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run, and tell of what is wrong in one line, with the next step."""
        extra["standalone_mode"] = False
        try:
            with log_written_out():
                code = super().main(*args, **extra)
        except click.UsageError as error:
            message = " ".join(message_of(error).split())
            click.echo(f"Error: {message}{next_step(error)}", err=True)
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except OutputError as error:
            click.echo(f"Error: cannot write to standard output: {error.strerror}", err=True)
            code = TOOL_FAILED
        except click.Abort:
            code = ENDED_BY[signal.SIGINT]
        sys.exit(code if isinstance(code, int) else 0)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands, and the flags of `serve` as well: they are what most come for."""
        super().format_options(ctx, formatter)
        records = [record for option in command("serve").params if (record := option.get_help_record(ctx))]
        with formatter.section("Options of serve, the default command"):
            formatter.write_dl(records)


def language_behind(args: list[str]) -> list[str]:
    """Arguments of which a --lang before the command is behind it, where commands have theirs."""
    count = 2 if args[:1] == ["--lang"] else int(bool(args) and args[0].startswith("--lang="))
    if count and args[count : count + 1] and args[count] in COMMANDS:
        return [args[count], *args[:count], *args[count + 1 :]]
    return args


def meant_instead(word: str) -> str:
    """What was probably meant by a word that is no command."""
    if word.endswith((".yaml", ".yml")) or os.path.isfile(word):
        return f"; to run with a config: frs-exporter --config.file={word}"
    near = difflib.get_close_matches(word.lower().replace("_", "-"), COMMANDS, n=1)
    return f"; did you mean {near[0]}?" if near else f"; commands are {', '.join(COMMANDS)}"


def dash_missing(args: list[str], found: click.Command) -> str:
    """The first flag with one dash, as Go's programs take it, that is one of the command with two; empty without."""
    known = {flag for option in found.params for flag in option.opts}
    before = args[: args.index("--")] if "--" in args else args
    flags = (word[1:].partition("=")[0] for word in before if word.startswith("-"))
    return next((flag for flag in flags if len(flag) > 1 and f"--{flag}" in known), "")


def next_step(error: click.UsageError) -> str:
    """Where to read on."""
    return f" (see {error.ctx.command_path if error.ctx else 'frs-exporter'} --help)"


@click.group(cls=ServeByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--lang", expose_value=False, metavar="TEXT", help="Language of this help: en or zh (default: as LANG says)."
)
@click.version_option(__version__, prog_name="frs_exporter")
def cli() -> None:
    """Prometheus exporter for Huawei Cloud's Face Recognition Service (FRS).

    \b
    Try it without an account:   frs-exporter demo
    Take a first look:           frs-exporter check --project-id ID --region cn-north-4
    Begin a config:              frs-exporter config-example > config.yaml
    Check a config:              frs-exporter --config.check --config.file=config.yaml
    Ask every project once:      frs-exporter check --config.file=config.yaml
    Run it:                      frs-exporter --config.file=config.yaml
    Understand an error:         frs-exporter explain FRS.0019
    """


def main(early: EarlyHangups) -> None:
    """Run the command that the arguments name, and end the process; `early` knows of SIGHUP that has come."""
    open_standard_streams()
    forbid_core_dumps()
    try:
        cli(prog_name="frs-exporter", obj=early)
    except SystemExit as end:
        hard_exit(end.code)
        raise
    except Exception:
        hard_exit(TOOL_FAILED, crash_report())
        sys.exit(TOOL_FAILED)
