"""`plan`: what a config will ask of the cloud, the machine and whoever scrapes, before it runs."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import click

from frs_exporter.cli.adhoc import build_config
from frs_exporter.cli.common_flags import config_file_flag, say_problems
from frs_exporter.cli.options import duration
from frs_exporter.cli.variables import is_flag_given, setting
from frs_exporter.collectors import OF_PROJECTS
from frs_exporter.config.load import Config, load
from frs_exporter.core.counting import counted
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.schedule import Shard
from frs_exporter.polling.capacity import VENDOR_RATES, Demand
from frs_exporter.polling.forecast import FILL, SCRAPE_INTERVAL, VICTORIA, Forecast, forecast
from frs_exporter.polling.plan import plan as of_shards
from frs_exporter.status.i18n import ENGLISH, Translator

SHOWN, NOTICES = 10, 3
"""Gates, and warnings, that are told of one by one."""
FLEET = ("projects", "credentials", "collectors", "poll_interval")
"""Flags for a plan without a config."""
WORDS = Translator(ENGLISH)
INDENT = " " * 14


def interval(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A duration as in the config, where one is given."""
    return None if value is None else duration(ctx, param, value)


@click.command(
    epilog="""\b
Examples:
  frs-exporter plan --config.file=config.yaml
  frs-exporter plan --projects 10000 --credentials 40 --collector subscription --collector face_sets
"""
)
@config_file_flag("The config, see config-example, or a folder of *.yaml files; repeatable.")
@click.option("--projects", type=click.IntRange(1, 200_000), metavar="N", help="Without a config: so many projects.")
@click.option("--credentials", type=click.IntRange(1, 10_000), metavar="N", help="Without a config: so many keys.")
@click.option(
    "--collector",
    "collectors",
    multiple=True,
    type=click.Choice(OF_PROJECTS),
    help="Without a config: what is asked of each; repeatable.",
)
@click.option("--poll-interval", callback=interval, metavar="DURATION", help="Without a config: how often, say 5m.")
def plan(config_file: tuple[str, ...], **fleet: Any) -> None:
    """Tell what a config will cost: requests, the first round, memory, CPU, the page, and how many shards to use.

    Projects that discovery will find are not known. CPU and memory are those of a machine of today, by what
    `make bench` measures: yours may differ by half.
    """
    given = [name for name in FLEET if fleet[name]]
    if config_file and any(map(is_flag_given, given)) and not is_flag_given("config_file"):
        config_file = ()  # an exporter's environment names its config
    elif is_flag_given("config_file"):
        given = [name for name in given if is_flag_given(name)]  # a simulator's may say how many projects it has
    if config_file and given:
        flag = setting("--collector" if given[0] == "collectors" else f"--{given[0].replace('_', '-')}")
        raise click.UsageError(f"{flag} is for a plan without {setting('--config.file')}")
    if not config_file and not fleet["projects"]:
        raise click.UsageError("--config.file is missing: give a config, or --projects for a plan without one")
    try:
        config = load(config_file) if config_file else build_config(fleet_of(**fleet))
    except ConfigError as error:
        say_problems(error, config_file)
        raise click.exceptions.Exit(2) from None
    for line in as_lines(config, forecast(config)):
        click.echo(line)


def fleet_of(projects: int, credentials: int | None, collectors: tuple[str, ...], poll_interval: str | None) -> Any:
    """A config as it would be written."""
    keys = min(credentials or 1, projects)
    defaults = {"poll_interval": poll_interval, "collectors": [*dict.fromkeys(collectors)]}
    return {
        "defaults": {name: value for name, value in defaults.items() if value},
        "credentials": {
            f"keys-{number + 1}": {"ak_sk": {"access_key": f"AK{number}", "secret_key": "planned"}}
            for number in range(keys)
        },
        "projects": [
            {
                "name": f"project-{number:05}",
                "project_id": f"{number:032x}",
                "region": "cn-north-4",
                "credential": f"keys-{number % keys + 1}",
            }
            for number in range(projects)
        ],
    }


def as_lines(config: Config, known: Forecast) -> Iterator[str]:
    """The lines of the plan."""
    credentials = counted(len({target.credential.name for target in config.targets}), "credential")
    accounts = f", {counted(f'{known.accounts:,}', 'account')}" if known.accounts else ""
    yield f"{counted(f'{known.projects:,}', 'project')}{accounts}, {counted(f'{known.jobs:,}', 'job')}, {credentials}"
    if config.discovery:
        rules = counted(len(config.discovery), "discovery rule")
        yield f"{rules} will find further projects, which are not counted here"
    yield ""
    yield f"{'requests a minute':44}{'wanted':>8}{'limit':>8}{'vendor':>8}"
    busiest = sorted(alike(known.demands), key=lambda demands: -demands[0].wanted / demands[0].allowed)
    yield from map(row, busiest[:SHOWN])
    if others := sum(map(len, busiest[SHOWN:])):
        yield f"and {others:,} more gates, each less busy than these"
    yield ""
    yield f"first round   {WORDS.span(known.first_round)}"
    requests = f"{known.requests:,.0f}" if known.requests >= 1 else "less than 1"
    yield f"steady state  {requests} requests a minute, answers get {WORDS.span(known.age)} old"
    if known.logins:
        yield f"logins        {known.logins:,} a day"
    if known.probes:
        yield f"probes        {known.probes:,} a day, if subscribe is absent everywhere"
    yield f"CPU           {percent(known.cpu)} of a core, with a gzipped scrape each {SCRAPE_INTERVAL:g}s"
    loaded = known.memory_of(1) + known.loading
    yield f"memory        {known.memory_of(1):,.0f} MiB, {loaded:,.0f} once a changed config was loaded"
    yield f"page          {size(known.page)}, {size(known.zipped)} with gzip, {known.series:,} series"
    yield f"shards        {known.shards}{parts_of(known, known.shards)}"
    if known.page >= FILL * VICTORIA:
        shards = known.shards_for_victoria
        shares = parts_of(known, shards)
        yield f"{INDENT}{shards} where VictoriaMetrics or vmagent scrapes{shares}: they refuse pages of"
        yield f"{INDENT}{VICTORIA >> 20} MiB, unpacked, unless -promscrape.maxScrapeSize says otherwise"
    noticed = sorted(of_shards(config, {}, Shard(0, known.shards)).notices, key=lambda notice: not notice.serious)
    if noticed:
        yield ""
    for notice in noticed[:NOTICES]:
        yield f"{'serious ' if notice.serious else ''}warning: {notice.text}"
    if len(noticed) > NOTICES:
        yield f"and {counted(f'{len(noticed) - NOTICES:,}', 'warning')} more"


def parts_of(known: Forecast, shards: int) -> str:
    """What each of some shards takes, if there is more than one."""
    if shards == 1:
        return ""
    share, page = percent(known.cpu / shards), size(known.page / shards)
    return f", each {share} of a core, {known.memory_of(shards):,.0f} MiB, {page}"


def percent(number: float) -> str:
    """A percentage, as exact as it can be known."""
    return f"{number:.0f} %" if number >= 10 else f"{number:.1f} %" if number >= 0.1 else "less than 0.1 %"


def alike(demands: Iterable[Demand]) -> Collection[list[Demand]]:
    """Gates that are asked for the same: many credentials have equal shares of a fleet."""
    found: defaultdict[tuple[object, ...], list[Demand]] = defaultdict(list)
    for demand in demands:
        found[demand.api, demand.allowed, len(demand.jobs), round(60 * demand.wanted)].append(demand)
    return found.values()


def row(demands: list[Demand]) -> str:
    """What gates are asked for that are asked for the same, and what becomes of too much."""
    first = demands[0]
    others, of_each = (f" and {len(demands) - 1:,} more", " each") if len(demands) > 1 else ("", "")
    where = f"{first.credential}{others}, {first.api} ({counted(f'{len(first.jobs):,}', 'job')}{of_each})"
    numbers = (first.wanted, first.allowed, VENDOR_RATES[first.api])
    slower = f"  polled every {math.ceil(first.interval - 1e-9)}s" if first.exceeds else ""
    beyond = "  more than the vendor grants" if first.allowed > VENDOR_RATES[first.api] else ""
    return f"{where:44}" + "".join(f"{60 * number:8,.0f}" for number in numbers) + slower + beyond


def size(bytes: float) -> str:
    """As people say it."""
    return f"{bytes / 1e6:.3g} MB" if bytes >= 1e6 else f"{bytes / 1e3:.3g} kB"
