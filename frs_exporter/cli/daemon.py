"""The process that serve, demo and simulate share: it listens, runs until it is told to stop, and stops gracefully."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click
import structlog

from frs_exporter import __version__
from frs_exporter.cli.early_signals import EarlyHangups
from frs_exporter.cloud.network_errors import system_reason
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.runtime import executor, systemd
from frs_exporter.runtime.hard_exit import SAY_WITHIN
from frs_exporter.runtime.offload import freeze_objects, in_thread
from frs_exporter.runtime.tasks import cancel_and_wait, unless
from frs_exporter.runtime.watched import Source, WatchOptions
from frs_exporter.web.app import build_app
from frs_exporter.web.bind import Address, bind, format_address, socket_address
from frs_exporter.web.layout import Layout
from frs_exporter.web.listener import Listener
from frs_exporter.web.middleware import Guard
from frs_exporter.web.reload import WEB_CONFIG, watch_web_config
from frs_exporter.web.server import HttpServer
from frs_exporter.web.web_config import WebConfig

log = structlog.get_logger()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; Ctrl-C is a normal end, and no signal that comes after it makes another one of it."""
    with contextlib.suppress(KeyboardInterrupt):
        executor.run(main)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how to serve: at addresses, or with None of them at the sockets that systemd hands over.

    `watch` is how often the web config is looked at, and how long it may take; `lifecycle` whether HTTP may reload.
    """

    addresses: Sequence[Address] | None
    web_config: WebConfig
    source: Source[WebConfig]
    layout: Layout
    watch: WatchOptions = WEB_CONFIG
    lifecycle: bool = True


async def serve_forever(
    exporter: Exporter,
    telemetry: Telemetry,
    options: ServerOptions,
    announce: str = "",
    early: EarlyHangups | None = None,
) -> None:
    """Poll and serve until SIGTERM or SIGINT; with `announce`, say on standard output what to open, and that.

    `early` knows of SIGHUP that came before.
    """
    gc.freeze()  # what is there by now stays: full collections need not look at it
    stop = told_to_stop()
    reload_on_hangup(exporter, stop, early)
    async with contextlib.AsyncExitStack() as stack:
        starting = stack.enter_async_context(running_server(exporter, telemetry, options))
        addresses = await unless(stop, starting)  # to look up a name may take minutes
        if addresses is None:
            log.info("stopping")
            return
        freeze_objects()
        ports = list(dict.fromkeys(filter(str.isdecimal, (address.rpartition(":")[2] for address in addresses))))
        where = {"address": ",".join(addresses), "port": ",".join(ports)}  # IPv4 and IPv6 share one port
        about = {"tls": options.web_config.tls is not None, "users": len(options.web_config.users)}
        log.info("serving", version=__version__, **where, jobs=len(exporter.states), **about)
        if announce:
            host = options.addresses[0][0] if options.addresses else None
            url = f"http://[{host}]:{ports[0]}" if host and ":" in host else f"http://{host or 'localhost'}:{ports[0]}"
            await say(f"\n  open {url}/ and {url}{options.layout.telemetry_path}\n{announce}")
        systemd.notify("READY=1")
        watchdog = asyncio.create_task(watchdog_loop(exporter), name="watchdog")
        await stop.wait()
        log.info("stopping")
        systemd.notify("STOPPING=1")
        exporter.drain()
        watchdog.cancel()


async def say(text: str) -> None:
    """Print on standard output, which may be a pipe that nobody reads: the loop turns meanwhile, and soon goes on."""
    task = asyncio.create_task(in_thread(click.echo, text))
    done, _ = await asyncio.wait({task}, timeout=SAY_WITHIN)
    for said in done:
        if error := said.exception():
            log.warning("standard output cannot be written to", error=str(error))


@asynccontextmanager
async def running_server(exporter: Exporter, telemetry: Telemetry, options: ServerOptions) -> AsyncIterator[list[str]]:
    """Polling and listening; yields the addresses as they are bound, each with its port."""
    guard = Guard(options.web_config)
    for notice in options.web_config.notices:
        log.warning(notice)
    server = HttpServer(build_app(exporter, options.layout, lifecycle_enabled=options.lifecycle), guard)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(exporter.stop)
        stack.push_async_callback(server.stop)
        await server.start()
        sockets = await listening_sockets(options.addresses)
        bound = [socket_address(sock) for sock in sockets]
        listener = Listener(server, sockets, server.slots)
        stack.push_async_callback(listener.close)
        await listener.secure(guard.config.tls)
        watching = watch_web_config(options.source, options.watch, guard, listener, telemetry)
        stack.push_async_callback(cancel_and_wait, [watching])
        await exporter.start()  # who cannot listen asks nothing of the cloud, however often it is restarted
        yield bound


async def listening_sockets(addresses: Sequence[Address] | None) -> list[socket.socket]:
    """The sockets to serve at; raises click.ClickException."""
    if addresses is None:
        try:
            return systemd.sockets()
        except OSError as error:
            raise click.ClickException(str(error)) from None
    sockets: list[socket.socket] = []
    for address in addresses:
        with listening(address):
            sockets += await bind(address, addresses)
    return sockets


async def watchdog_loop(exporter: Exporter) -> None:
    """Tell systemd that all is well, as often as it wants, for as long as it is."""
    interval = systemd.watchdog()
    while interval is not None:
        if not exporter.not_healthy():
            systemd.notify("WATCHDOG=1", status_line(exporter))
        await asyncio.sleep(min(interval / 3, 30.0))


def status_line(exporter: Exporter) -> str:
    """What `systemctl status` shows."""
    states = exporter.states.values()
    jobs = f"STATUS={sum(state.up for state in states)} of {len(states)} jobs up"
    return f"{jobs}; the config cannot be used, the one before is in force" if exporter.config_is_refused else jobs


@contextlib.contextmanager
def listening(address: Address) -> Iterator[None]:
    """Turn an address that cannot be had into one line and exit code 1."""
    try:
        yield
    except UnicodeError:
        raise click.ClickException(f"cannot listen on {format_address(address)}: not a host name") from None
    except OSError as error:
        raise click.ClickException(f"cannot listen on {format_address(address)}: {system_reason(error)}") from None


def reload_on_hangup(exporter: Exporter, stop: asyncio.Event, early: EarlyHangups | None) -> None:
    """Reload on SIGHUP, from now on and until `stop`, and now if one has come `early`.

    The log and the metrics tell what comes of it.
    """
    reloads: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        systemd.notify(*systemd.reloading())
        with contextlib.suppress(ConfigError):
            await exporter.reload()
        if not stop.is_set():  # systemd has heard of the end by then
            systemd.notify("READY=1", status_line(exporter))

    def hangup() -> None:
        task = asyncio.create_task(reload(), name="SIGHUP")
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    on_signal(signal.SIGHUP, hangup)
    if early and early.received:
        hangup()


def told_to_stop() -> asyncio.Event:
    """What is set on SIGTERM or SIGINT, from now on; raises click.ClickException where nobody could stop us so."""
    if not hasattr(signal, "SIGHUP"):  # as on Windows
        raise click.ClickException("this runs on Linux only; here check, explain, config-example, config-schema work")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        on_signal(number, stop.set)
    return stop


def on_signal(number: signal.Signals, call: Callable[[], object]) -> None:
    """Call it in the running loop at each signal that comes.

    A loop gives what was told to its own `add_signal_handler` back to the system as it is closed: a second SIGTERM
    would then kill the process, which would end with another code than 0.
    """
    loop = asyncio.get_running_loop()

    def handle(*_: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call)

    signal.signal(number, handle)
