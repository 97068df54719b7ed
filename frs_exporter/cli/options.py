"""What the value of a flag may be."""

import os
import re
from collections.abc import Collection
from pathlib import Path

import click
from yarl import URL

from frs_exporter.cli.help_texts import locale_of
from frs_exporter.cli.variables import setting
from frs_exporter.config import suggestions
from frs_exporter.config.types import seconds
from frs_exporter.core.schedule import Shard
from frs_exporter.runtime.output_file import output_file
from frs_exporter.status.i18n import LANGUAGES, Translator, language_of

NEAR = 0.7
"""How like another a name is that was probably meant, of 1; a flag's value may well be meant to be new."""


def did_you_mean(value: str, known: Collection[str]) -> str:
    """A question that names the nearest of those that are known, empty without one that is near."""
    return suggestions.did_you_mean(suggestions.nearest(value.lower(), known, cutoff=NEAR))


def service_url(value: str) -> URL | None:
    """The URL of a web service; None where it is none, or has a login, a query or a fragment."""
    try:
        url = URL(value)
        more = url.raw_user is not None or url.raw_password is not None or url.query_string or url.fragment
        return url if url.scheme in ("http", "https") and url.host and not more else None
    except ValueError:
        return None


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
        raise click.UsageError(
            f"no shard {index} of {total}: they count from 0; {setting('--total-shards')} is how many there are"
        )
    return Shard(index or 0, total)


def seconds_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """A duration in seconds, more than none."""
    if value is None:
        return None
    duration_in_seconds = seconds(duration(_ctx, _param, value))
    if not duration_in_seconds:
        raise click.BadParameter("must be more than 0s")
    return duration_in_seconds


def language(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Translator:
    """The language that is named, or that the environment asks for (POSIX: LC_ALL, LC_MESSAGES, LANG), or English."""
    names = [language.name for language in LANGUAGES]
    if value is not None and value not in names:
        raise click.BadParameter(f"must be one of {', '.join(names)}")
    return Translator(language_of("", value or locale_of(os.environ)[:2].lower()))


def names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Names with commas between them."""
    return None if value is None else tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))


def result_file(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Path | None:
    """A file that a result can be written to, None for standard output."""
    try:
        return None if value is None else output_file(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
