"""Composition root: the commands, and what becomes of their ends."""

import signal
import sys
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from frs_exporter import __version__
from frs_exporter.runtime.hard_exit import hard_exit
from frs_exporter.runtime.log import crash_report, log_written_out

COMMANDS = {
    "check": "check",
    "completion": "completion",
    "config-example": "config_example",
    "config-schema": "config_schema",
    "demo": "simulate",
    "explain": "explain",
    "health": "health",
    "serve": "serve",
    "simulate": "simulate",
}
"""The commands, each with the module that it is in."""


def command(name: str) -> click.Command:
    """A command by its name; only then is its module imported."""
    module = import_module(f"frs_exporter.cli.{COMMANDS[name]}")
    found: click.Command = getattr(module, name.replace("-", "_"))
    return found


class ServeByDefault(click.Group):
    """A group whose command is `serve` when none is named, and which imports a command only when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None where there is none."""
        return command(cmd_name) if cmd_name in COMMANDS else super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in `serve` before flags that are not the group's own."""
        named = args[:1] and not args[0].startswith("-")
        if not (named or ctx.resilient_parsing or args[:1] in (["--help"], ["-h"], ["--version"])):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

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
            click.echo(f"Error: {error.format_message()}{next_step(error)}", err=True)
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            code = 130
        sys.exit(code if isinstance(code, int) else 0)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands, and the flags of `serve` as well: they are what most come for."""
        super().format_options(ctx, formatter)
        records = [record for option in command("serve").params if (record := option.get_help_record(ctx))]
        with formatter.section("Options of serve, the default command"):
            formatter.write_dl(records)


def next_step(error: click.UsageError) -> str:
    """Where to read on."""
    if "No such command" in error.message:
        return f" Commands are {', '.join(COMMANDS)}."
    return f" (see {error.ctx.command_path if error.ctx else 'frs-exporter'} --help)"


@click.group(cls=ServeByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


def main() -> None:
    """The console script; before there is a loop to stop, SIGTERM just ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        cli(prog_name="frs-exporter")
    except SystemExit as end:
        hard_exit(end.code)
        raise
    except Exception:
        hard_exit(1, crash_report())
        sys.exit(1)
