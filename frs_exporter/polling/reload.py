"""How the config is kept in force: its files settle for a second, and may take a minute to be read."""

from collections.abc import Callable

from frs_exporter.config.load import Config
from frs_exporter.config.source import Source
from frs_exporter.config.watched import Apply, Watched, WatchOptions
from frs_exporter.exposition.telemetry import Telemetry

LONGEST_LOAD = 60.0
"""Seconds for reading the config: more means that a file system does not answer."""
LONGEST_REREAD = 30.0
"""Seconds for which a refused secret waits for what its files may have become."""
SETTLE = 1.0
"""Seconds between seeing that a file has changed and reading it."""


def watched_config(
    source: Source[Config], apply: Apply[Config], telemetry: Telemetry, now: Callable[[], float]
) -> Watched[Config]:
    """The config of an exporter; `now` is the wall clock in Unix seconds."""
    options = WatchOptions("config", SETTLE, LONGEST_LOAD)
    return Watched(source, apply, options, telemetry.config_good, telemetry.config_time, now=now)
