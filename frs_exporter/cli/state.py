"""The flag --state.directory: where what must survive a restart is kept."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from frs_exporter.runtime.files import is_open_to_all, may_be_changed_by_all
from frs_exporter.runtime.private_folder import USABLE
from frs_exporter.runtime.state_file import NAME, StateFile

NOWHERE = "none"
OPEN_STATE = "every user of this machine can read the state file, and guess secrets with it"
FREE_FOLDER = "every user of this machine can delete files of the state directory, so that refusals are forgotten"
FOLDER = "frs-exporter"


def directory_or_none(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """The name of a folder, or `none`."""
    if value == "":
        raise click.BadParameter("must be a folder, or none")
    return value


state_directory_option = click.option(
    "--state.directory",
    "state_directory",
    metavar="FOLDER",
    shell_complete=lambda _ctx, _param, incomplete: [CompletionItem(incomplete, type="dir")],
    callback=directory_or_none,
    help="Where refused secrets, as digests, and probes are remembered, so that no restart locks an account, or sends a"
    " probe too soon; none for nowhere"
    " (default: $STATE_DIRECTORY, or frs-exporter in $XDG_STATE_HOME or ~/.local/state).",
)


def state_directory(option: str | None, environ: Mapping[str, str]) -> Path | None:
    """Where state is kept: as the flag says, as systemd, or in the user's folder for state; None for nowhere.

    $STATE_DIRECTORY may be several, as systemd.exec(5) has it; relative paths count for nothing, as the XDG Base
    Directory Specification has it.
    """
    if option is not None:
        return None if option == NOWHERE else Path(option)
    if not USABLE:
        return None
    given = Path(environ.get("STATE_DIRECTORY", "").split(":")[0])
    if given.is_absolute():
        return given
    folders = Path(environ.get("XDG_STATE_HOME", "")), Path(environ.get("HOME", "")) / ".local/state"
    return next((folder / FOLDER for folder in folders if folder.is_absolute()), None)


def report_exposed(state: StateFile) -> None:
    """Warn where others may read what is remembered of secrets, or make it be forgotten."""
    if state.folder.path is None:
        return
    if is_open_to_all(state.folder.path / NAME):
        state.folder.report(OPEN_STATE, error=f"chmod o-r {state.folder.path / NAME}")
    if may_be_changed_by_all(state.folder.path):
        state.folder.report(FREE_FOLDER, error=f"chmod o-w {state.folder.path}")


def state_file(option: str | None) -> StateFile:
    """The state that the flag and the environment name; where they name none, a warning tells what to set."""
    state = StateFile(state_directory(option, os.environ))
    if state.folder.path is None and option != NOWHERE and USABLE:
        state.folder.report("state is kept in memory only: set --state.directory", error="no home directory")
    report_exposed(state)
    return state
