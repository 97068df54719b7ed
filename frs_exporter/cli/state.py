"""The flag --state.directory: where what must survive a restart is kept."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from frs_exporter.runtime.private_folder import USABLE
from frs_exporter.runtime.state_file import StateFile

NOWHERE = "none"
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
    help="Where refused secrets are remembered, as digests, so that no restart locks an account; none for nowhere"
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


def state_file(option: str | None) -> StateFile:
    """The state that the flag and the environment name; where they name none, a warning tells what to set."""
    state = StateFile(state_directory(option, os.environ))
    if state.directory is None and option != NOWHERE and USABLE:
        state.report("state is kept in memory only: set --state.directory", error="no home directory")
    return state
