"""Composition root: commands, flags, exit codes."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from frs_exporter import __version__
from frs_exporter.config.load import Config, load
from frs_exporter.config.schema import File
from frs_exporter.config.source import Source
from frs_exporter.daemon import Serving, leave, listening, run, serve_until_told, told_to_stop
from frs_exporter.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.flags import (
    address,
    addresses,
    auto_reload,
    duration,
    external_url,
    layout_of,
    prefix,
    route,
    shard_index,
    shard_of,
)
from frs_exporter.log import log_to_stderr
from frs_exporter.polling.demand import notices
from frs_exporter.polling.exporter import Exporter
from frs_exporter.simulator import Simulator, demo_world
from frs_exporter.simulator.control import PATH as FAULTS_PATH
from frs_exporter.simulator.server import config_text
from frs_exporter.web.config import WebConfig, load_web_config
from frs_exporter.web.layout import Layout
from frs_exporter.web.listen import Address

DEFAULT_ADDRESS = ":10377"


class ServeByDefault(click.Group):
    """A group whose command is `serve` when none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in `serve` before flags that are not the group's own."""
        if not args or (args[0].startswith("-") and args[0] not in {"--help", "-h", "--version"}):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the commands, and the flags of `serve` as well: they are what most come for."""
        super().format_options(ctx, formatter)
        records = [record for option in serve.params if (record := option.get_help_record(ctx))]
        with formatter.section("Options of serve, the default command"):
            formatter.write_dl(records)


listen_address = click.option(
    "--web.listen-address",
    "addresses",
    metavar="HOST:PORT",
    callback=addresses,
    multiple=True,
    default=[DEFAULT_ADDRESS],
    show_default=True,
    help="Where to serve; may be given several times.",
)


@click.group(cls=ServeByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="frs_exporter")
def cli() -> None:
    """Prometheus exporter for Huawei Cloud's Face Recognition Service (FRS).

    \b
    Try it without an account:   frs-exporter demo
    Run it:                      frs-exporter --config.file=config.yaml
    """


@cli.command()
@click.option(
    "--config.file", "config_file", required=True, metavar="FILE", help="The config, see config.example.yaml."
)
@click.option("--config.check", "config_check", is_flag=True, help="Check the config and exit: 0 good, 2 bad.")
@click.option(
    "--config.auto-reload-interval",
    "reread_interval",
    default="30s",
    show_default=True,
    callback=auto_reload,
    help="How often to look whether the config, or a file it names, has changed; 0 for never.",
)
@listen_address
@click.option(
    "--web.systemd-socket", "systemd_socket", is_flag=True, help="Serve at the sockets that systemd hands over instead."
)
@click.option(
    "--web.config.file",
    "web_config_file",
    default="",
    metavar="FILE",
    help="TLS, logins, headers and rate limit, as for any Prometheus exporter.",
)
@click.option(
    "--web.telemetry-path",
    "telemetry_path",
    default="/metrics",
    show_default=True,
    callback=route,
    help="Path of the metrics.",
)
@click.option(
    "--web.external-url",
    "external_url",
    metavar="URL",
    callback=external_url,
    help="Where others reach this, say through a proxy; its path comes before all others.",
)
@click.option(
    "--web.route-prefix",
    "route_prefix",
    metavar="PATH",
    callback=prefix,
    help="What all paths begin with, where that is not the path of the external URL.",
)
@click.option(
    "--log.level",
    "level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Write log lines from this level on.",
)
@click.option(
    "--log.format",
    "format",
    type=click.Choice(["logfmt", "json"]),
    default="logfmt",
    show_default=True,
    help="How log lines are written.",
)
@click.option(
    "--shard",
    envvar="FRS_SHARD",
    callback=shard_index,
    help="Which part of the projects is this one's, from 0: a number, or a pod name like frs-exporter-3.",
)
@click.option(
    "--total-shards",
    "total_shards",
    envvar="FRS_TOTAL_SHARDS",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many exporters share the projects.",
)
def serve(config_file: str, config_check: bool, **options: Any) -> None:
    """Poll the projects of a config and serve what is learned."""
    shard = shard_of(options["shard"], options["total_shards"])
    layout = layout_of(options["telemetry_path"], options["route_prefix"], options["external_url"])
    source, web_source = Source(config_file, load), Source(options["web_config_file"], load_web_config)
    config, web_config = load_or_exit(source, web_source)
    if config_check:
        told_good(config_file, config, web_source.path, web_config)
        return
    telemetry = Telemetry()
    log_to_stderr(options["level"], options["format"], telemetry.count_log_line)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload

    async def run_serve() -> None:
        interval = options["reread_interval"]
        exporter = Exporter(source, config, telemetry, shard=shard, reread_interval=interval)
        addresses = None if options["systemd_socket"] else options["addresses"]
        await serve_until_told(exporter, telemetry, Serving(addresses, web_config, web_source, layout))

    run(run_serve())


@cli.command(short_help="Run the exporter against a simulated cloud.")
@listen_address
@click.option("--projects", type=click.IntRange(1, 20000), help="How many projects to simulate (default 6).")
def demo(addresses: Sequence[Address], projects: int | None) -> None:
    """Run the exporter against a simulated cloud: nothing to set up, no account needed."""
    telemetry = Telemetry()
    log_to_stderr("info", "logfmt", telemetry.count_log_line)

    async def run_demo() -> None:
        async with Simulator(demo_world(projects)) as simulator:
            order = """{"project": "vision-prod", "fault": {"status": 503}}"""
            announce = f"  let something go wrong: curl -d '{order}' {simulator.url}{FAULTS_PATH}\n"
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "config.yaml"
                file.write_text(config_text(simulator.world, simulator.url), "utf-8")
                source = Source(str(file), load)
                exporter = Exporter(source, await asyncio.to_thread(source.load), telemetry)
                how = Serving(addresses, WebConfig(), Source("", load_web_config), Layout())
                await serve_until_told(exporter, telemetry, how, announce)

    run(run_demo())


@cli.command(short_help="Run the simulated cloud alone and print a config for it.")
@click.option(
    "--listen-address", "listen", metavar="HOST:PORT", default="127.0.0.1:0", show_default=True, help="Where to listen."
)
@click.option("--projects", type=click.IntRange(1, 20000), help="How many projects to simulate (default 6).")
@click.option(
    "--poll-interval",
    default="10s",
    show_default=True,
    callback=duration,
    help="The poll_interval of the printed config.",
)
def simulate(listen: str, projects: int | None, poll_interval: str) -> None:
    """Run a simulated Huawei Cloud alone; a config that works against it is printed on standard output."""

    host, port = address(listen)

    async def run_simulator() -> None:
        simulator = Simulator(demo_world(projects))
        with listening((host, port)):
            await simulator.start(host or "127.0.0.1", port)
        try:
            click.echo(config_text(simulator.world, simulator.url, poll_interval), nl=False)
            end_standard_output()
            click.echo(f"simulating Huawei Cloud at {simulator.url}; stop with Ctrl-C", err=True)
            await told_to_stop().wait()
        finally:
            await simulator.stop()

    run(run_simulator())


@cli.command()
def config_schema() -> None:
    """Print the JSON Schema of the config file, for editors."""
    click.echo(
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **File.model_json_schema()}, indent=2)
    )


def end_standard_output() -> None:
    """Let whoever reads standard output see its end, while the process goes on."""
    sys.stdout.flush()
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def load_or_exit(config: Source[Config], web_config: Source[WebConfig]) -> tuple[Config, WebConfig]:
    """Both configs, or all problems of both on standard error and exit code 2."""
    loaded: list[Any] = []
    for source in (config, web_config):
        try:
            loaded.append(source.load())
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
    if len(loaded) < 2:
        raise click.exceptions.Exit(2)
    return loaded[0], loaded[1]


def told_good(config_file: str, config: Config, web_config_file: str, web_config: WebConfig) -> None:
    """Say what is in a good config, and on standard error what is probably not meant."""
    for notice in notices(config):
        click.echo(f"{config_file}: {'serious ' if notice.serious else ''}warning: {notice.text}", err=True)
    asking = (*config.targets, *(rule.like for rule in config.discovery))
    counts = {
        "projects": len(config.targets),
        "jobs": len(config.jobs),
        "discovery rules": len(config.discovery),
        "credentials in use": len({target.credential.name for target in asking}),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count or what == "projects")
    click.echo(f"{config_file}: good: {told}")
    for text in web_config.notices:
        click.echo(f"{web_config_file}: warning: {text}", err=True)
    if web_config_file:
        how = "TLS" if web_config.tls else "plain HTTP"
        click.echo(f"{web_config_file}: good: {how}, {len(web_config.users)} logins")


def main() -> None:
    """The console script; before there is a loop to stop, SIGTERM just ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        cli(prog_name="frs-exporter")
    except SystemExit as end:
        leave(end.code)
        raise
