"""An exporter as it lives: its config in a file that tests change, on virtual time, with a simulated cloud."""

import asyncio
import gc
import json
import os
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.config.yaml import OnRead
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.coding import IDENTITY
from frs_exporter.exposition.page import TEXT
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.alarm import Ring
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.runner import JobRunner
from frs_exporter.polling.times import Times
from frs_simulator import Account
from frs_simulator.server import credential
from tests.conftest import Cloud, CloudContext, virtual_now
from tests.exposition.coding import coded

UP = 'frs_up{project="%s",collector="subscription"}'
POLLS = 'frs_polls_total{project="%s",collector="subscription"}'
GOOD = "frs_exporter_config_last_reload_successful"
LOADED_AT = "frs_exporter_config_last_reload_success_timestamp_seconds"
SELDOM = Times(beat=60.0, longest_pause=900.0)
"""For days on virtual time: there no beat is late, and one a second would be most of what is done."""

T = TypeVar("T")


def replace_file(file: Path, text: str) -> None:
    """A file is there as a whole or not at all."""
    file.with_suffix(".new").write_text(text)
    os.replace(file.with_suffix(".new"), file)


def config_of(cloud: Cloud) -> dict[str, Any]:
    """A config for all projects of the cloud; as it is YAML, and JSON is, `json.dumps` writes it."""
    return {
        "defaults": {"collectors": ["subscription"]},
        "credentials": {owner.domain_name: credential(owner, cloud.url) for owner in cloud.world.accounts},
        "projects": [
            {
                "name": project.name,
                "project_id": project.id,
                "region": project.region,
                "credential": owner.domain_name,
            }
            for owner, project in cloud.world.projects()
        ],
        "endpoints": dict.fromkeys(("frs", "iam", "ces"), cloud.url),
        "limits": {"frs": {"rate": 1000, "concurrency": 100}, "iam": {"rate": 1000, "concurrency": 100}},
    }


class Given(Source[Config]):
    """A config that the test gives, for each reload another one; none is read before it `answers`."""

    def __init__(self, *loads: Config | ConfigError) -> None:
        super().__init__("given.yaml", self._next)
        self.loads = list(loads)
        self.answers = threading.Event()
        self.answers.set()

    def _next(self, *_: object) -> Config:
        self.answers.wait(10)
        given = self.loads.pop(0)
        if isinstance(given, ConfigError):
            raise given
        return given


class Living:
    """A started exporter and its files."""

    def __init__(self, cloud: Cloud, folder: Path, **options: Any) -> None:
        self.cloud = cloud
        self.world = cloud.world
        self.file = folder / "config.yaml"
        self.config = config_of(cloud)
        self.telemetry = Telemetry(virtual_now)
        self.options = options
        self.read: Callable[[str, OnRead], Config] = load
        self.exporter: Exporter

    async def start(self) -> None:
        """Load and start, as the command does."""
        self.write(self.config)
        source = Source(str(self.file), self._load)
        options = {"rng": random.Random(3), "shard": Shard(), "now": virtual_now, "times": SELDOM, **self.options}
        self.exporter = Exporter(source, source.load(), self.telemetry, **options)
        await self.exporter.start()

    def _load(self, path: str, on_read: OnRead) -> Config:
        return self.read(path, on_read)

    def write(self, config: Any) -> None:
        """Replace the config file."""
        replace_file(self.file, config if isinstance(config, str) else json.dumps(config, indent=1, ensure_ascii=False))

    async def reload(self, config: Any) -> tuple[str, ...]:
        """Replace the config file and reload; the problems."""
        self.write(config)
        try:
            await self.exporter.reload()
        except ConfigError as error:
            return tuple(problem.removeprefix(f"{self.file}:") for problem in error.problems)
        return ()

    def shown(self) -> dict[str, float]:
        """The samples on the page."""
        text = b"".join(coded(self.exporter.page(TEXT), IDENTITY)).decode()
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def runners(self) -> dict[str, JobRunner]:
        """What polls, by the name of the task in which it does; each that is not at it will be woken, once."""
        woken = Counter(sleeper for ring in held_by(self.exporter, Ring) for sleeper in ring.sleepers)
        runners = {f"poll {'/'.join(key)}": runner for key, runner in self.exporter.runners.items()}
        assert all(woken[runner] == (runner.task is None) for runner in runners.values())
        return runners

    def asked(self, api: str = "frs") -> int:
        """How many requests the cloud has had of an API."""
        return sum(count for key, count in self.world.requests.items() if key[0] == api)


def held_by(owner: object, kind: type[T]) -> Iterator[T]:
    """All of a kind that an object of ours holds, by others of ours and containers: far fewer than all there are."""
    found, seen = [owner], {id(owner)}
    while found:
        held = found.pop()
        if isinstance(held, kind):
            yield held
        news = {id(each): each for each in gc.get_referents(held) if id(each) not in seen and is_ours(each)}
        seen |= news.keys()
        found += news.values()


def is_ours(thing: object) -> bool:
    """Whether it is an object of the exporter's, or holds some."""
    return isinstance(thing, dict | list | set | tuple) or type(thing).__module__.startswith("frs_exporter.")


@asynccontextmanager
async def living(folder: Path, *accounts: Account, config: Any = None, **options: Any) -> AsyncIterator[Living]:
    """An exporter that has polled each project once; `config` changes what it starts with."""
    async with CloudContext(*accounts) as cloud:
        alive = Living(cloud, folder, **options)
        if config is not None:
            config(alive.config)
        await alive.start()
        try:
            await asyncio.sleep(20)
            yield alive
        finally:
            await alive.exporter.stop()
