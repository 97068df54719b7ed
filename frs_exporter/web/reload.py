"""How the web config is kept in force: taken up when it changes, unless it takes protection away by oversight."""

from collections.abc import Mapping
from typing import Any

import structlog

from frs_exporter.config.source import Source
from frs_exporter.config.watched import Watched, WatchOptions
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.web.listener import Listener
from frs_exporter.web.middleware import Guard
from frs_exporter.web.protection import CLIENTS, lost
from frs_exporter.web.web_config import WebConfig

LOOK_EVERY = 2.0
"""Seconds between two looks whether the web config, or a file it names, has changed."""
SETTLE = 0.5
"""Seconds between seeing that and reading: a certificate and its key are two files."""
LONGEST_READ = 10.0

log = structlog.get_logger()


def watched_web_config(
    source: Source[WebConfig], guard: Guard, listener: Listener, telemetry: Telemetry, settle: float = SETTLE
) -> Watched[WebConfig]:
    """The web config that `guard` and `listener` go by; files settle for so many seconds."""

    async def apply(config: WebConfig) -> Mapping[str, Any]:
        before = guard.config.protections
        if problems := lost(before, config.protections, config.waived):
            raise ConfigError([f"{source.path}: {problem}" for problem in problems])
        if given_up := before - config.protections:
            log.warning("web config gives protection up", file=source.path, protection=", ".join(sorted(given_up)))
        guard.config = config
        await listener.secure(config.tls)
        show_protection(telemetry, config)
        return {"tls": config.tls is not None, "users": len(config.users)}

    show_protection(telemetry, guard.config)
    options = WatchOptions("web config", settle, LONGEST_READ)
    return Watched(source, apply, options, telemetry.web_config_good, telemetry.web_config_time)


def show_protection(telemetry: Telemetry, config: WebConfig) -> None:
    """Show what stands between the exporter and everybody."""
    telemetry.web_tls.set(config.tls is not None)
    telemetry.web_client_certificates.set(CLIENTS in config.protections)
    telemetry.web_users.set(len(config.users))
