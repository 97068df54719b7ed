"""`demo` and `simulate`: a cloud on this machine, with and without the exporter in front of it."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from frs_exporter.cli.daemon import ServerOptions, listening, run, serve_forever, told_to_stop
from frs_exporter.cli.early_signals import end_on_sigterm
from frs_exporter.cli.options import duration
from frs_exporter.cli.serve import listen_address
from frs_exporter.cli.web_options import one_address
from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.runtime.log import log_to_stderr
from frs_exporter.runtime.offload import in_thread
from frs_exporter.web.bind import Address, bind
from frs_exporter.web.layout import Layout
from frs_exporter.web.web_config import WebConfig, load_web_config
from frs_simulator import Simulator, demo_world
from frs_simulator.cce import PATH as POD_PATH
from frs_simulator.control import PATH as FAULTS_PATH
from frs_simulator.server import config_text

projects_flag = click.option(
    "--projects", type=click.IntRange(1, 20000), help="How many projects to simulate (default 6)."
)


@click.command(short_help="Run the exporter against a simulated cloud.")
@listen_address
@projects_flag
def demo(addresses: Sequence[Address], projects: int | None) -> None:
    """Run the exporter against a simulated cloud: nothing to set up, no account needed."""
    end_on_sigterm(0)
    telemetry = Telemetry()
    log_to_stderr("info", "logfmt", telemetry.count_log_line, telemetry.count_dropped_log_lines)

    async def run_demo() -> None:
        async with Simulator(demo_world(projects)) as simulator:
            announce = f"  {fault_order(simulator.url)}\n"
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "config.yaml"
                file.write_text(config_text(simulator.world, simulator.url), "utf-8")
                source = Source(str(file), load)
                exporter = Exporter(source, await asyncio.to_thread(source.load), telemetry)
                options = ServerOptions(addresses, WebConfig(), Source("", load_web_config), Layout())
                await serve_forever(exporter, telemetry, options, announce)

    run(run_demo())


@click.command(short_help="Run the simulated cloud alone and print a config for it.")
@click.option(
    "--listen-address",
    "listen",
    metavar="HOST:PORT",
    callback=one_address,
    default="127.0.0.1:0",
    show_default=True,
    help="Where to listen.",
)
@projects_flag
@click.option(
    "--poll-interval",
    default="10s",
    show_default=True,
    callback=duration,
    help="The poll_interval of the printed config.",
)
def simulate(listen: Address, projects: int | None, poll_interval: str) -> None:
    """Run a simulated Huawei Cloud alone; a config that works against it is printed on standard output."""
    end_on_sigterm(0)
    given, port = listen
    host = given or "127.0.0.1"

    async def run_simulator() -> None:
        simulator = Simulator(demo_world(projects))
        with listening((host, port)):
            await simulator.serve(host, await bind((host, port)))
        try:
            await in_thread(say, config_text(simulator.world, simulator.url, poll_interval), simulator.url)
            await told_to_stop().wait()
        finally:
            await simulator.stop()

    run(run_simulator())


def fault_order(url: str) -> str:
    """How to let something go wrong in the cloud at a URL."""
    order = """{"project": "vision-prod", "fault": {"status": 503}}"""
    return f"let something go wrong: curl -d '{order}' {url}{FAULTS_PATH}"


def key_services(url: str) -> tuple[str, ...]:
    """Where the cloud at a URL gives temporary keys, as a config has it."""
    return (
        f"metadata of a machine, with keys of the last account: ecs_agency: {{endpoint: {url}}}",
        f"agent of a pod, which refuses all tokens: pod_identity: {{uri: {url}{POD_PATH}}}",
        f"STS, which refuses all tokens: oidc: {{endpoint: {url}}}",
    )


def say(config: str, url: str) -> None:
    """Print the config, to its end, and what it is for."""
    click.echo(config.encode(), nl=False)
    end_standard_output()
    click.echo(f"simulating Huawei Cloud at {url}; stop with Ctrl-C", err=True)
    for line in (*key_services(url), fault_order(url)):
        click.echo(f"  {line}", err=True)


def end_standard_output() -> None:
    """Let whoever reads standard output see its end, while the process goes on."""
    sys.stdout.flush()
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
