"""What the value of a flag may be."""

import re
from collections.abc import Sequence

import click

from frs_exporter.config.values import seconds
from frs_exporter.daemon import Address
from frs_exporter.polling.schedule import Shard


def address(value: str) -> Address:
    """The address `host:port`, `:port` or `[::1]:port`."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^:\[\]\s]*)):(\d{1,5})", value)
    if match is None or int(match[3]) > 65535:
        raise click.BadParameter(f"{value!r} is not host:port; use :10377, 127.0.0.1:10377 or [::1]:10377")
    return match[1] or match[2] or None, int(match[3])


def addresses(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> list[Address]:
    """All addresses of an option that may be given several times."""
    return [address(value) for value in values]


def route(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A path that routes nothing else."""
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", value) or value.startswith("/-/"):
        raise click.BadParameter("must be a path like /metrics, and none below /-/")
    return value


def duration(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A duration as in the config."""
    try:
        seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def shard_index(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """A number, or the name of a StatefulSet's pod, which ends in one."""
    if value is None:
        return None
    match = re.fullmatch(r"(?:[a-z0-9][a-z0-9.-]*-)?(\d{1,5})", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no number from 0 on, and no pod name like frs-exporter-3")
    return int(match[1])


def auto_reload(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """A duration in seconds, 0 for never."""
    interval = seconds(duration(_ctx, _param, value)) if value != "0" else 0.0
    if interval and not 1 <= interval <= 86400:
        raise click.BadParameter("must be between 1s and 1d, or 0 for never")
    return interval


def shard_of(index: int | None, total: int) -> Shard:
    """The shard that `--shard` and `--total-shards` name; raises click.UsageError."""
    if index is None and total > 1:
        raise click.UsageError(f"which of the {total} shards is this one? Set --shard, from 0 to {total - 1}")
    if (index or 0) >= total:
        raise click.UsageError(f"no shard {index} of {total}: they count from 0; --total-shards is how many there are")
    return Shard(index or 0, total)
