"""Work grows as the fleet does: twice as many projects, credentials and rules make twice as many calls, and no more."""

import asyncio
import inspect
import json
import os
import re
import tempfile
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import trustme

from frs_exporter.cli.check_output import as_json, as_prometheus, as_table
from frs_exporter.cli.check_report import report_of
from frs_exporter.config.load import Config, build, load
from frs_exporter.config.source import Source
from frs_exporter.config.yaml import OnRead, read, unwatched
from frs_exporter.core.discovery import Listed, Listing
from frs_exporter.core.model import Notice
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.coding import GZIP, IDENTITY, Block, Coder
from frs_exporter.exposition.page import TEXT
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.capacity import notices
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.forecast import forecast
from frs_exporter.polling.one_shot import Check, Selection
from frs_exporter.polling.plan import plan
from frs_exporter.status.i18n import ENGLISH, Translator
from frs_exporter.web import probe, status_page
from frs_simulator.world import digest
from tests.calls import PACKAGE, Calls, counting, name_of, ours, with_texts
from tests.conftest import CloudContext, account, run_virtual, virtual_now
from tests.exposition.coding import coded
from tests.fleet import PER_CREDENTIAL, fleet, written
from tests.polling.living import config_of
from tests.web.authority import write
from tests.web.serving import fill

SIZES = (500, 1000)
GROWTH = 2.2
FEW = 400
"""Calls of one function by another that tell nothing of how they grow."""
WORDS = Translator(ENGLISH)
EVERYTHING = status_page.StatusQuery(WORDS, "", "", True)

Stages = dict[str, Calls]
Road = Callable[[int, Path], Stages]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that every user of the machine gets into, which is a reason to warn; pytest's own are closed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def odd_fleet(projects: int, folder: Path) -> dict[str, Any]:
    """A fleet of which every notice can be told, of each project where a notice can be about one."""
    (folder / "team.YAML").touch()
    write(folder, "ended", trustme.CA().issue_cert("client", not_after=datetime(2001, 1, 1, tzinfo=UTC)))
    config = fleet(projects)
    config["defaults"] |= {"poll_interval": "1m", "month_budget_cny": 1}
    config["limits"] = {api: {"rate": 0.01, "concurrency": 1} for api in ("frs", "ces")}
    config["endpoints"] = {"iam": "http://iam.example.com/{region}"}
    config["pricing"] = {"detect": [{"up_to": 2000, "cny": 0}, {"cny": 0.0005}], ".*": [{"cny": 0.001}]}
    for number, (name, credential) in enumerate(config["credentials"].items()):
        (folder / name).write_text(f"secret={name} \n")
        (folder / name).chmod(0o644)
        secret = f"!file {name}" if number % 4 else name
        credential["ak_sk"] = {"access_key": f"AK{number // 2}", "secret_key": secret}
        if number % 3 < 2:
            apis = ("ces", "frs") if number % 3 else ("ces",)
            credential["endpoints"] = {api: f"http://{api}.site-{number}.example.com/{{region}}" for api in apis}
        if number % 5 == 0:
            own = {"cert_file": "ended.pem", "key_file": "ended.key"}
            credential["http_client"] = {"tls_config": {"insecure_skip_verify": True, **own}}
    for number, project in enumerate(config["projects"]):
        project |= {"region": f"region-{number}", "require": ["detect", f"service_{number}"], "stale_after": "75s"}
        if number % 2:
            project["collectors"] = ["subscription"]
            project["labels"]["owner"] = f"!file {project['credential']}"
    users = [*config["credentials"]][1::2]  # of two that are the same one
    config["accounts"] = [{"name": f"account-{name}", "credential": name} for name in users]
    config["discovery"] = [
        {
            "credential": name,
            "regions": [f"place-{name}"],
            "max_projects": PER_CREDENTIAL - 1,
            "labels": {"team": "found"},
            "month_budget_cny": 7,
        }
        for name in config["credentials"]
    ]
    return config


def text_of(config: dict[str, Any]) -> str:
    """A config as YAML, with secrets from files."""
    return re.sub(r"'(!file [^']*)'", r"\1", written(config))


def found(config: Config) -> dict[str, Listing]:
    """What each rule may find."""
    numbers = range(PER_CREDENTIAL)
    return {
        rule.name: Listing(
            tuple(Listed(digest(rule.name, str(n)), f"{rule.regions[0]}_{n}", rule.regions[0], True) for n in numbers)
        )
        for rule in config.discovery
    }


def load_with_texts(path: str, on_read: OnRead = unwatched) -> Config:
    """The config of a file, each look at whose texts is a call."""
    config: Config = with_texts(load(path, on_read))
    return config


def loading(projects: int, folder: Path) -> Stages:
    """What is done with a file before anything is asked."""
    stages: Stages = {}
    file = folder / "config.yaml"
    file.write_text(text_of(odd_fleet(projects, folder)))
    file.chmod(0o644)
    searching: dict[str, Any] = {f"found-{number}": {"sdk": {}} for number in range(projects // PER_CREDENTIAL)}
    (folder / "keys.yaml").write_text(written({"credentials": searching}))
    with counting() as calls, pytest.MonkeyPatch().context() as environment:
        environment.setenv("SSL_CERT_DIR", os.devnull)  # a machine that trusts nobody, which is a reason to warn
        for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
            environment.setenv(name, f'"{name}"')  # keys that look odd, where they were found
        config = Source(str(folder), load).load()
        notices(config)
    stages["load"] = calls
    document = read(file.read_text(), str(file))
    document.data = with_texts(document.data)
    with counting() as calls:
        assert build(document)
    stages["cross checks"] = calls
    config, shards = with_texts(config), 5
    lists = found(config)
    with counting() as calls:
        for index in range(shards):
            plan(config, lists, Shard(index, shards))
    stages["plan"] = calls
    with counting() as calls:
        forecast(config)
    stages["forecast"] = calls
    file.write_text(file.read_text().replace("region: ", "region: Not "))
    with counting() as calls, pytest.raises(Exception, match="must be a region"):
        load(str(file))
    return {**stages, "load of mistakes": calls}


def living(projects: int, folder: Path) -> Stages:
    """What a daemon does with all that it knows."""
    return run_virtual(lived(projects, folder))


async def lived(projects: int, folder: Path) -> Stages:
    """The same, on virtual time, as no project is asked meanwhile."""
    file = folder / "config.yaml"
    stages: Stages = {}
    config = odd_fleet(projects, folder)
    file.write_text(text_of(config))
    source = Source(str(file), load_with_texts)
    exporter = Exporter(source, source.load(), Telemetry(), now=virtual_now)
    with counting() as calls:
        await exporter.start()
    stages["start"] = calls
    fill(exporter)
    config["projects"][42]["labels"]["team"] = "another"
    file.write_text(text_of(config))
    with counting() as calls:
        await exporter.reload()
    stages["reload"] = calls
    shown: dict[str, Iterable[bytes] | AsyncIterable[Block]] = {
        "scrape": coded(exporter.page(TEXT), GZIP),
        "status page": status_page.rendered(exporter, EVERYTHING, "metrics"),
        "status as JSON": status_page.as_json(exporter, EVERYTHING),
        "targets": probe.list_targets(exporter, "http", "here", "/probe"),
    }
    for name, pieces in shown.items():
        with counting() as calls:
            assert await read_all(pieces)
        stages[name] = calls
    await exporter.stop()
    return stages


async def read_all(pieces: AsyncIterable[Block] | Iterable[bytes]) -> int:
    """Read to the end, and keep nothing."""
    if isinstance(pieces, AsyncIterable):
        whole = Coder(IDENTITY)
        return sum([len(whole.code(piece)) async for piece in pieces])
    return sum(map(len, pieces))


def checking(projects: int, folder: Path) -> Stages:
    """A one-shot run of projects that are named one by one, and all that is told of it."""
    return run_virtual(checked(projects, folder))


async def checked(projects: int, folder: Path) -> Stages:
    """The same, with a simulated cloud."""
    names = [f"fleet-{number:05}" for number in range(projects)]
    owners = [account("ak_sk", *names[first : first + PER_CREDENTIAL]) for first in range(0, projects, PER_CREDENTIAL)]
    for number, owner in enumerate(owners):
        owner.domain_name, owner.access_key = f"account-{number}", f"AK{number}"
    async with CloudContext(*owners) as cloud:
        settings = config_of(cloud) | {"limits": {"frs": {"rate": 9}}}  # within the quota
        for name, credential in settings["credentials"].items():
            credential["http_client"] = {"tls_config": {"server_name": name}}
        (folder / "check.yaml").write_text(json.dumps(settings))
        config = load_with_texts(str(folder / "check.yaml"))
        check = Check(config, Selection(tuple(names), require=("detect",)), now=virtual_now)
        with counting() as asking:
            await check.run()
        with counting() as telling:
            report = report_of(check, WORDS)
            assert report.well
            # A fifth is enough to see: a row of a table is thousands of calls of rich.
            assert as_table(replace(report, projects=report.projects[::5]), terminal=False)
            assert as_json(report)
            assert as_prometheus(check, asyncio.get_running_loop().time())
    return {"check": asking, "what check tells": telling}


@pytest.mark.parametrize("road", [loading, living, checking])
def test_twice_the_fleet_is_twice_the_work(road: Road, tmp_path: Path) -> None:
    once, twice = (road(projects, tmp_path) for projects in SIZES)
    faster = {
        f"{stage}: {name_of(caller)} calls {name_of(called)}": f"{once[stage][caller, called]}, then {count} times"
        for stage, calls in twice.items()
        for (caller, called), count in ours(calls).items()
        if count > FEW and count > GROWTH * once[stage][caller, called]
    }
    assert not faster
    for stage, calls in twice.items():
        assert calls.total() <= GROWTH * once[stage].total(), stage


def test_every_notice_is_told_of_the_fleet(tmp_path: Path) -> None:
    """Whoever adds one adds to the fleet what it is about."""
    edges = {edge for calls in loading(2 * PER_CREDENTIAL, tmp_path).values() for edge in calls}
    told = {name_of(caller) for caller, called in edges if called == Notice.__init__.__code__}
    assert set(makers_of_notices()) <= told


def makers_of_notices() -> Iterator[str]:
    """The names of all functions in which a Notice is made, but of flags, which are about one project."""
    for file in (file for file in Path(PACKAGE).rglob("*.py") if file.parent.name != "cli"):
        codes = [compile(file.read_text(), str(file), "exec")]
        for code in codes:  # which grows meanwhile
            codes += [each for each in code.co_consts if isinstance(each, CodeType)]
            # Since 3.14 annotations are functions, too.
            if "Notice" in code.co_names and code.co_flags & inspect.CO_NEWLOCALS and code.co_name != "__annotate__":
                yield name_of(code)
