"""`check`: every project asked once, a table, and an exit code for pipelines."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from frs_exporter.cli.adhoc import FirstLook, first_look
from frs_exporter.cli.check_output import as_json, as_prometheus, as_table
from frs_exporter.cli.check_report import Report, report_of
from frs_exporter.cli.common_flags import FILE, config_file_flag, language_flag, log_level_flag, say_problems
from frs_exporter.cli.early_signals import ENDED_BY, end_on_sigterm
from frs_exporter.cli.exit_codes import NOT_WELL, ToolFailed
from frs_exporter.cli.options import did_you_mean, names, result_file, seconds_of, shard_index, shard_of
from frs_exporter.cli.raw import RawTrace, as_raw
from frs_exporter.cli.state import state_directory_option, state_file
from frs_exporter.cli.transcript import TranscriptTrace, as_transcript
from frs_exporter.cli.variables import is_flag_given, setting
from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.subscription import DOCUMENTED
from frs_exporter.config import suggestions
from frs_exporter.config.known_names import KNOWN_SUBSERVICES
from frs_exporter.config.load import Config, load
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.model import FIELD_ENDING, subservice_name
from frs_exporter.core.trace import Trace
from frs_exporter.polling.one_shot import Advance, Check, Selection
from frs_exporter.polling.report import some_of
from frs_exporter.runtime import executor
from frs_exporter.runtime.log import log_to_stderr
from frs_exporter.runtime.output_file import write
from frs_exporter.runtime.process_safety import process_notices
from frs_exporter.status.i18n import Translator

REQUIRED_AT_FIRST_LOOK = ("detect", "compare", "search")
MISTYPED = 0.8
"""How like a known sub-service an unknown one is that is taken for a slip of the hand, of 1: a letter or two."""
"""Where no config says what must be on: what the vendor's own task looks for."""
SINGLE = ("project_id", "region", "token_file", "endpoint", "ca_file", "proxy_from_environment")
"""Flags for a first look."""


@click.command(
    epilog="""\b
Exit codes: 0 all well, or in trouble only soon; 1 something is down, or what is required off or unknown;
2 usage or config;
3 check itself failed, say as the output cannot be written; 130 Ctrl-C; 143 SIGTERM.

\b
Examples:
  frs-exporter check --config.file=config.yaml
  frs-exporter check --config.file=config.yaml --project 'door-*' --require detect,compare,search
  frs-exporter check --config.file=config.yaml --output json | jq '.projects[].trouble'
  frs-exporter check --config.file=config.yaml --output prometheus --output-file frs.prom
  export HUAWEICLOUD_SDK_AK=... HUAWEICLOUD_SDK_SK=...
  frs-exporter check --project-id ID --region cn-north-4
"""
)
@config_file_flag("The config, see config-example, or a folder of *.yaml files; repeatable.")
@click.option("--project", "projects", multiple=True, metavar="NAME", help="Only these; may hold * and ?; repeatable.")
@click.option(
    "--collector",
    "collectors",
    multiple=True,
    type=click.Choice(list(COLLECTORS)),
    help="Ask these instead of the config's; repeatable.",
)
@click.option(
    "--require",
    callback=names,
    metavar="NAMES",
    help="Sub-services that must be on, with commas, instead of the config's require.",
)
@click.option(
    "--output", type=click.Choice(["table", "json", "prometheus"]), default="table", show_default=True, help="As what."
)
@click.option(
    "--output-file",
    type=click.Path(readable=False),
    callback=result_file,
    metavar="FILE",
    help="Where to; the file is replaced as a whole; - is standard output.",
)
@click.option("--timeout", callback=seconds_of, metavar="DURATION", help="Give up after so long, say 2m.")
@language_flag
@click.option("--shard", callback=shard_index, help="Only this shard's projects.")
@click.option("--total-shards", type=click.IntRange(1, 1000), default=1, help="Of so many.")
@click.option(
    "--project-id",
    metavar="ID",
    help="Without a config: the project's id (default: HUAWEICLOUD_SDK_PROJECT_ID, or the region's own).",
)
@click.option("--region", metavar="REGION", help="Without a config: its region (default: HW_REGION_NAME).")
@click.option(
    "--token-file",
    type=FILE,
    metavar="FILE",
    help="Without a config: a token, - reads it; instead of keys as HUAWEICLOUD_SDK_AK, _SK.",
)
@click.option("--proxy-from-environment", is_flag=True, help="Without a config: heed HTTPS_PROXY, ALL_PROXY, NO_PROXY.")
@click.option("--ca-file", type=FILE, metavar="FILE", help="Without a config: certificates to trust, as of a proxy.")
@click.option("--endpoint", metavar="URL", help="Without a config: where FRS is, if not at the region's address.")
@click.option("--raw", is_flag=True, help="Show requests and the vendor's answers, too, without secrets.")
@click.option(
    "--transcript",
    type=click.Path(readable=False),
    callback=result_file,
    metavar="FILE",
    help="Write requests and answers to it, without secrets, ids and names of the config, to attach to a report.",
)
@log_level_flag(None, "Write log lines from this level on (default: none but of bugs).")
@state_directory_option
def check(output: str, output_file: Path | None, timeout: float | None, words: Translator, **options: Any) -> None:
    """Ask every project once and tell what is on, what is not, and why it is not known.

    Requests are limited as the exporter limits them: with many projects it takes its time.
    """
    if options["raw"] and output != "table":
        raise click.UsageError(f"{setting('--raw')} is for people: it goes with --output table only")
    shard = shard_of(options["shard"], options["total_shards"])
    options["config_file"] = files_or_first_look(options)
    selection = selection_of(options)
    config = config_of(options)
    warn((*(notice.text for notice in config.notices), *process_notices()))
    log_to_stderr(options["level"] or "error", "logfmt")
    if options["level"] is None:
        only_bugs()
    memory = state_file(options["state_directory"])
    kind = TranscriptTrace if options["transcript"] else RawTrace if options["raw"] else Trace
    run = Check(config, selection, shard, memory=memory, trace=kind)
    code, clock, report = executor.run(checked(run, timeout, words))
    end_on_sigterm()  # again: the loop has taken its own handler away
    warn((*run.notices, *(run.problems or memory.folder.problems).values()))
    match output:
        case "json":
            text = as_json(report)
        case "prometheus":
            text = as_prometheus(run, clock)
        case _:
            terminal = sys.stdout.isatty() and output_file is None
            text = as_raw(run.traces) if options["raw"] else ""
            text += as_table(report, terminal=terminal, color="NO_COLOR" not in os.environ)
    put(text, output_file, machine=output != "table")
    if options["transcript"]:
        put(as_transcript(run.jobs, run.traces, run.now()), options["transcript"], machine=False)
    if code or not report.passed:
        raise click.exceptions.Exit(code or NOT_WELL)


async def checked(run: Check, timeout: float | None, words: Translator) -> tuple[int, float, Report]:
    """Run to the end, for so many seconds or until a signal; the exit code of that signal, the clock, the report."""
    loop, ended = asyncio.get_running_loop(), list[int]()
    with progress() as advance:
        task = asyncio.create_task(run.run(advance))

        def end(code: int) -> None:
            ended.append(code)
            task.cancel()

        with contextlib.suppress(NotImplementedError):  # as on Windows, where Ctrl-C ends it without a table
            for number, code in ENDED_BY.items():
                loop.add_signal_handler(number, end, code)
        done, _ = await asyncio.wait({task}, timeout=timeout)
        if not done:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await task
            except LookupError as error:
                pattern, known = error.args
                meant = did_you_mean(pattern, known) or f"; there are {some_of(known) or 'none'}"
                raise click.UsageError(f"{setting('--project')}: none is called {pattern!r}{meant}") from None
    signal_name = next((number.name for number, code in ENDED_BY.items() if ended[:1] == [code]), "")
    return ended[0] if ended else 0, loop.time(), report_of(run, words, interrupted_by=signal_name)


@contextlib.contextmanager
def progress() -> Iterator[Advance]:
    """A bar on a terminal; nothing elsewhere, say in a pipe that nobody reads, whatever FORCE_COLOR says."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.file.isatty()) as bar:
        task = bar.add_task("asking", total=None)
        yield lambda done, all: bar.update(task, completed=done, total=all)


def selection_of(options: dict[str, Any]) -> Selection:
    """What is to be asked; raises click.UsageError."""
    require, collectors = subservices(options["require"]), tuple(dict.fromkeys(options["collectors"]))
    if require and collectors and "subscription" not in collectors:
        raise click.UsageError(f"{setting('--require')} needs the collector subscription: add --collector subscription")
    if require is None and not options["config_file"]:
        require = REQUIRED_AT_FIRST_LOOK
    return Selection(options["projects"], collectors, require)


def subservices(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Sub-services by our name or by the vendor's field, `detect_service`; raises click.UsageError."""
    if names is None:
        return None
    short = []
    for name in names:
        try:
            short.append(subservice_name(name))
        except ValueError:
            meant = did_you_mean(name, DOCUMENTED) or " like detect, compare, search or live_detect"
            raise click.UsageError(f"{setting('--require')}: {name!r} is no sub-service{meant}") from None
        if meant := mistyped(name):
            new = "if the vendor calls a new one so, put it into a config's require"
            raise click.UsageError(f"{setting('--require')}: no sub-service {name!r} is known{meant} ({new})")
    return tuple(dict.fromkeys(short))


def mistyped(name: str) -> str:
    """The question what was meant, where a sub-service is unknown and very like a known one; else empty."""
    spellings = [*KNOWN_SUBSERVICES, *(known + FIELD_ENDING for known in KNOWN_SUBSERVICES)]
    return "" if name in spellings else suggestions.did_you_mean(suggestions.nearest(name, spellings, MISTYPED))


def files_or_first_look(options: dict[str, Any]) -> tuple[str, ...]:
    """The files of the config, none for a first look; raises click.UsageError where both are meant.

    What stands on the command line wins over the environment, as an exporter's has the name of its config.
    """
    files: tuple[str, ...] = options["config_file"]
    flags = [name for name in SINGLE if options[name]]
    if not files or not flags:
        return files
    if is_flag_given("config_file") is not any(map(is_flag_given, flags)):
        return files if is_flag_given("config_file") else ()
    first = setting(f"--{flags[0].replace('_', '-')}")
    raise click.UsageError(f"{first} is for a first look without {setting('--config.file')}")


def config_of(options: dict[str, Any]) -> Config:
    """The config in a file, or that of a first look; raises click.UsageError, or exits with 2 and all problems."""
    if not options["config_file"]:
        return first_look(FirstLook(**{name: options[name] for name in SINGLE}))
    try:
        return load(options["config_file"])
    except ConfigError as error:
        say_problems(error, options["config_file"])
        raise click.exceptions.Exit(2) from None


def warn(problems: Iterable[str]) -> None:
    """Say what is probably not meant, and what is not remembered for the next run: the log leaves it out."""
    for problem in problems:
        click.echo(f"warning: {problem}", err=True)


def only_bugs() -> None:
    """Log nothing but tracebacks: of all else the table tells."""

    def is_bug(record: logging.LogRecord) -> bool:
        return bool(record.exc_info or (isinstance(record.msg, dict) and record.msg.get("exc_info")))

    for handler in logging.root.handlers:
        handler.addFilter(is_bug)


def put(text: str, file: Path | None, *, machine: bool) -> None:
    """Write to a file, or to standard output where there is none; raises ToolFailed.

    For machines it is UTF-8, whatever the locale.
    """
    if file is None:
        click.echo(text.encode("utf-8", "replace") if machine else text, nl=False)
        return
    try:
        write(text, file)
    except OSError as error:
        raise ToolFailed(f"cannot write {file}: {error.strerror}") from None
