"""The process that serve, demo and simulate share: it listens, runs until it is told to stop, and stops gracefully."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click
import structlog
from aiohttp import web

from frs_exporter import __version__
from frs_exporter.cloud.unreachable import system_reason
from frs_exporter.errors import ConfigError
from frs_exporter.polling.exporter import Exporter
from frs_exporter.web.app import build_app

STOP_WITHIN = 1.0
"""Seconds that a scrape under way gets when the process is told to stop; aiohttp waits so long twice."""

Address = tuple[str | None, int]
"""Host, None for all of the machine's addresses, and port."""

log = structlog.get_logger()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; Ctrl-C is a normal end."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main)


async def serve_until_told(
    exporter: Exporter, addresses: Sequence[Address], telemetry_path: str, *, announce: str | None = None
) -> None:
    """Poll and serve until SIGTERM or SIGINT; with `announce`, say on standard output what to open, and that."""
    gc.freeze()  # what is there by now stays: full collections need not look at it
    stop = told_to_stop()
    reload_on_hangup(exporter)
    async with served(exporter, addresses, telemetry_path) as ports:
        gc.collect()
        gc.freeze()
        log.info("serving", version=__version__, port=",".join(map(str, ports)), jobs=len(exporter.states))
        if announce is not None:
            host = addresses[0][0] or "localhost"
            url = f"http://[{host}]:{ports[0]}" if ":" in host else f"http://{host}:{ports[0]}"
            click.echo(f"\n  open {url}/ and {url}{telemetry_path}\n{announce}")
        await stop.wait()
        log.info("stopping")
        exporter.drain()


@asynccontextmanager
async def served(exporter: Exporter, addresses: Sequence[Address], telemetry_path: str) -> AsyncIterator[list[int]]:
    """Polling and listening at all addresses; yields the ports."""
    runner = web.AppRunner(build_app(exporter, telemetry_path), access_log=None, shutdown_timeout=STOP_WITHIN)
    try:
        await runner.setup()
        for host, port in addresses:
            with listening((host, port)):
                await web.TCPSite(runner, host, port).start()
        await exporter.start()  # who cannot listen asks nothing of the cloud, however often it is restarted
        yield list(dict.fromkeys(address[1] for address in runner.addresses))  # IPv4 and IPv6 share one
    finally:
        await runner.cleanup()
        await exporter.stop()


@contextlib.contextmanager
def listening(address: Address) -> Iterator[None]:
    """Turn an address that cannot be had into one line and exit code 1."""
    try:
        yield
    except UnicodeError:
        raise click.ClickException(f"cannot listen on {address[0]}:{address[1]}: not a host name") from None
    except OSError as error:
        where = f"{address[0] or ''}:{address[1]}"
        raise click.ClickException(f"cannot listen on {where}: {system_reason(error)}") from None


def reload_on_hangup(exporter: Exporter) -> None:
    """Reload on SIGHUP, from now on; the log and the metrics tell what comes of it."""
    reloads: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        with contextlib.suppress(ConfigError):
            await exporter.reload()

    def hangup() -> None:
        task = asyncio.create_task(reload(), name="SIGHUP")
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup)


def told_to_stop() -> asyncio.Event:
    """What is set on SIGTERM or SIGINT, from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
