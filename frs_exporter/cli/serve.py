"""`serve`: poll the projects of a config and serve what is learned."""

from collections.abc import Sequence
from typing import Any

import click
import structlog

from frs_exporter.cli.common_flags import FILE, config_file_flag, log_level_flag, say_problems
from frs_exporter.cli.daemon import ServerOptions, run, serve_forever
from frs_exporter.cli.early_signals import EarlyHangups, end_on_sigterm
from frs_exporter.cli.options import auto_reload, shard_index, shard_of
from frs_exporter.cli.state import state_directory_option, state_file
from frs_exporter.cli.web_options import addresses, external_url, layout_of, prefix, route
from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.counting import counted
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.capacity import notices
from frs_exporter.polling.exporter import Exporter
from frs_exporter.runtime.log import log_to_stderr
from frs_exporter.runtime.process_safety import process_notices
from frs_exporter.web.web_config import WebConfig, load_web_config

DEFAULT_ADDRESS = ":10377"

log = structlog.get_logger()

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


@click.command()
@config_file_flag("The config, see config-example, or a folder of *.yaml files; may be given several times; required.")
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
    type=FILE,
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
    "--web.enable-lifecycle/--no-web.enable-lifecycle",
    "lifecycle",
    default=True,
    show_default="on",
    help="Whether POST /-/reload and /-/retry do anything.",
)
@state_directory_option
@log_level_flag("info")
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
    callback=shard_index,
    help="Which part of the projects is this one's, from 0: a number, or a pod name like frs-exporter-3.",
)
@click.option(
    "--total-shards",
    "total_shards",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many exporters share the projects.",
)
@click.pass_obj
def serve(early: EarlyHangups | None, /, config_file: tuple[str, ...], config_check: bool, **options: Any) -> None:
    """Poll the projects of a config and serve what is learned."""
    if not config_file:
        raise click.UsageError(
            "--config.file=FILE is missing, and FRS_CONFIG_FILE is not set; frs-exporter demo needs none, "
            "frs-exporter config-example prints one"
        )
    if not config_check:
        end_on_sigterm(0)  # who is stopped before it serves was stopped all the same
    shard = shard_of(options["shard"], options["total_shards"])
    layout = layout_of(options["telemetry_path"], options["route_prefix"], options["external_url"])
    source, web_source = Source(config_file, load), Source(options["web_config_file"], load_web_config)
    config, web_config = load_or_exit(source, web_source, config_file)
    if config_check:
        told_good(source.path, config, web_source.path, web_config)
        for text in process_notices():
            click.echo(f"warning: {text}", err=True)
        return
    telemetry = Telemetry()
    log_to_stderr(options["level"], options["format"], telemetry.count_log_line, telemetry.count_dropped_log_lines)
    for text in process_notices():
        log.warning(text)
    memory = state_file(options["state_directory"])
    memory.flush()

    async def run_serve() -> None:
        interval = options["reread_interval"]
        exporter = Exporter(source, config, telemetry, shard=shard, reread_interval=interval, memory=memory)
        addresses = None if options["systemd_socket"] else options["addresses"]
        server = ServerOptions(addresses, web_config, web_source, layout, lifecycle=options["lifecycle"])
        await serve_forever(exporter, telemetry, server, early=early)

    run(run_serve())


def load_or_exit(
    config: Source[Config], web_config: Source[WebConfig], files: Sequence[str]
) -> tuple[Config, WebConfig]:
    """Both configs, or all problems of both on standard error and exit code 2."""
    loaded: list[Any] = []
    for source in (config, web_config):
        try:
            loaded.append(source.load())
        except ConfigError as error:
            say_problems(error, files if source is config else ())
    if len(loaded) < 2:
        raise click.exceptions.Exit(2)
    return loaded[0], loaded[1]


def told_good(config_file: str, config: Config, web_config_file: str, web_config: WebConfig) -> None:
    """Say what is in a good config, and on standard error what is probably not meant."""
    for notice in notices(config):
        click.echo(f"{config_file}: {'serious ' if notice.serious else ''}warning: {notice.text}", err=True)
    for source in config.sources:
        click.echo(f"{config_file}: {source}")
    asking = (*config.targets, *(rule.template for rule in config.discovery))
    accounts = sum(target.account is not None for target in config.targets)
    counts = {
        "project": len(config.targets) - accounts,
        "account": accounts,
        "job": len(config.jobs),
        "discovery rule": len(config.discovery),
        "credential": len({target.credential.name for target in asking}),
    }
    summary = ", ".join(counted(count, what) for what, count in counts.items() if count or what == "project")
    click.echo(f"{config_file}: good: {summary} in use")
    for text in web_config.notices:
        click.echo(f"{web_config_file}: warning: {text}", err=True)
    if web_config_file:
        options = "TLS" if web_config.tls else "plain HTTP"
        click.echo(f"{web_config_file}: good: {options}, {counted(len(web_config.users), 'login')}")
