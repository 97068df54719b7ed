"""How the web config is kept in force: taken up when it changes, unless it takes protection away by oversight."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.runtime.watched import Source, Watched, WatchOptions
from frs_exporter.web.listener import Listener
from frs_exporter.web.middleware import Guard
from frs_exporter.web.protection import CLIENTS, lost
from frs_exporter.web.web_config import WebConfig

WEB_CONFIG = WatchOptions("web config", interval=2.0, settle=0.5, timeout=10.0)
"""A certificate and its key are two files: who renews them has half a second for the second one."""

log = structlog.get_logger()


def watch_web_config(
    source: Source[WebConfig], options: WatchOptions, guard: Guard, listener: Listener, telemetry: Telemetry
) -> asyncio.Task[None]:
    """Keep `guard` and `listener` at what the web config says, in a task that never ends; `source` may have no file."""

    async def apply(config: WebConfig) -> Mapping[str, Any]:
        before = guard.config.protections
        if problems := lost(before, config.protections, config.waived):
            raise ConfigError([f"{source.path}: {problem}" for problem in problems])
        if given_up := before - config.protections:
            log.warning("web config gives protection up", file=source.path, protection=", ".join(sorted(given_up)))
        for notice in config.notices:
            if notice not in guard.config.notices:
                log.warning(notice)
        guard.config = config
        await listener.secure(config.tls)
        show_protection(telemetry, config)
        return {"tls": config.tls is not None, "users": len(config.users)}

    show_protection(telemetry, guard.config)
    options = options if source.path else replace(options, interval=0.0)
    watched = Watched(source, options, telemetry.web_config_good, telemetry.web_config_time)
    watched.begin()
    return asyncio.create_task(watched.watch(apply), name=f"watch {options.name}")


def show_protection(telemetry: Telemetry, config: WebConfig) -> None:
    """Show what stands between the exporter and everybody."""
    telemetry.web_tls.set(config.tls is not None)
    telemetry.web_client_certificates.set(CLIENTS in config.protections)
    telemetry.web_users.set(len(config.users))
    telemetry.web_certificate_expiry.seconds = config.tls.validity.end if config.tls and config.tls.validity else None
