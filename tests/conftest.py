"""Fixtures: a loop on virtual time, a started simulator, and the smallest targets that tests need."""

import asyncio
import gc
import itertools
import logging
import os
import random
import selectors
import signal
import socket
import ssl
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import hypothesis
import pytest
import structlog
from pydantic import SecretStr

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.transport import Transport
from frs_exporter.config.types import proxy
from frs_exporter.core.credentials import Credential, KeyCredential, TokenCredential
from frs_exporter.core.http_options import HttpOptions
from frs_exporter.core.model import Api, Display, Limit, Target
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.runtime.files import fingerprint
from frs_simulator import Account, Project, Simulator, World
from frs_simulator.demo import subscribed
from tests.cloud.proxies import ForwardProxy, Serve
from tests.counting import count_but_uncounted, count_no_processes

structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())  # tests capture what they look at

hypothesis.settings.register_profile("untimed", deadline=None)  # how fast a machine is says nothing of the code
hypothesis.settings.load_profile("untimed")

# In the background of a shell SIGINT is ignored, and by all programs that are started from there, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

count_no_processes()

pytest_runtest_protocol = count_but_uncounted

EPOCH = 1_800_000_000.0
WITH_PROGRAMS = ("deploy", "e2e")
"""Folders in which tests are of the whole, and may need programs of others."""
IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where state may be written at once: on a disk that others keep busy it would take seconds, and be told of."""
NUMBERS = itertools.count()
T = TypeVar("T")
StartProxy = Callable[[Serve | None], Awaitable[ForwardProxy]]

LIMITS = {api: Limit(rate=1000.0, concurrency=100) for api in Api}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(Path(__file__).parent).parts[0] in WITH_PROGRAMS:
            item.add_marker("programs")


def pytest_collection_finish() -> None:
    """The tests stay until the end: no garbage collection need look at their 270,000 objects."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def first_property() -> None:
    """The first looks for the owner of hypothesis' random, and finds none once objects are frozen, as daemons do."""
    hypothesis.given(hypothesis.strategies.none())(lambda _: None)()


@pytest.fixture(scope="session")
def few_authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where authorities are that are read when they are wanted: one, which nobody wants."""
    folder = tmp_path_factory.mktemp("authorities")
    (folder / "00000000.0").touch()
    return folder


@pytest.fixture(autouse=True)
def no_authorities(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, few_authorities: Path) -> None:
    """Without programs of others nobody needs the authorities of this machine: reading them takes 20 ms each time."""
    if "programs" not in request.keywords:
        monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
        monkeypatch.setenv("SSL_CERT_DIR", str(few_authorities))


@pytest.fixture(scope="session", autouse=True)
def state_of_tests() -> Iterator[Path]:
    """Nothing is kept in the developer's home, neither by a test nor by a process that lives for several of them.

    Whoever starts a process in an environment of its own tells it where to keep its state: at the end this looks.
    """
    home = Path.home() / ".local/state/frs-exporter"
    before = [fingerprint(path) for path in (home, home / "state.json")]
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(dir=IN_MEMORY, ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("XDG_STATE_HOME", folder)
        patch.delenv("STATE_DIRECTORY", raising=False)
        yield Path(folder)
    assert [fingerprint(path) for path in (home, home / "state.json")] == before, f"a test has written to {home}"


@pytest.fixture(autouse=True)
def state_of_a_test(state_of_tests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test remembers what another one was refused."""
    monkeypatch.setenv("XDG_STATE_HOME", str(state_of_tests / str(next(NUMBERS))))


class Jumper(selectors.DefaultSelector):
    """Waits for nothing: when no file is ready, the virtual time is that of the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.now += max(timeout, 1e-9)  # as with real clocks, no two looks show quite the same time
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock moves only when it is idle; not to be used with threads. It resolves the names in `hosts`.

    A name may have several addresses, parted by spaces; for one that has none there the name servers hang.
    """

    def __init__(self) -> None:
        self.jumper = Jumper()
        self.hosts: dict[str, str | None] = {}
        super().__init__(self.jumper)

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        if host not in self.hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if (addresses := self.hosts[host]) is None:
            await asyncio.Event().wait()
            raise AssertionError
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (address, port)) for address in addresses.split()]

    def time(self) -> float:
        return self.jumper.now


def loop_time() -> float:
    """The time of the running loop."""
    return asyncio.get_running_loop().time()


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on virtual time, which connections and name lookups keep to, too."""
    clock = mock.patch("aiohttp.connector.monotonic", loop_time)
    threads = mock.patch("frs_exporter.runtime.offload.in_thread", at_once)
    with clock, threads, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_now() -> float:
    """The wall clock of virtual time."""
    return EPOCH + loop_time()


def account(kind: str, *names: str) -> Account:
    """An account with fully subscribed projects."""
    return Account(
        f"{kind}-account", kind, [Project(name, "cn-north-4", subscribed("2024-01-01 00:00:00")) for name in names]
    )


def credential_of(owner: Account) -> Credential:
    """The credential of a simulated account's kind."""
    if owner.kind == "token":
        return TokenCredential(owner.domain_name, owner.domain_name, owner.user_name, SecretStr(owner.password))
    return KeyCredential(owner.domain_name, owner.access_key, SecretStr(owner.secret_key))


def target_of(owner: Account, project: Project, url: str, **settings: Any) -> Target:
    """A simulated project as a target; settings of how it is shown are among the others."""
    display = {field.name: settings.pop(field.name) for field in fields(Display) if field.name in settings}
    return Target(
        project=project.name,
        project_id=project.id,
        region=project.region,
        credential=settings.pop("credential", credential_of(owner)),
        endpoints=dict.fromkeys(Api, url),
        display=Display(**display),
        **settings,
    )


def proxied(url: str) -> HttpOptions:
    """Everything goes through one proxy."""
    return HttpOptions(proxies=tuple((scheme, proxy(url)) for scheme in ("http", "https")))


def believing(ca_file: str) -> HttpOptions:
    """Only certificates of one authority are good."""
    return HttpOptions(files=ca_file, context=ssl.create_default_context(cafile=ca_file))


async def at_once(function: Callable[..., T], *arguments: Any) -> T:
    """On virtual time nothing is done in threads, whose time is not virtual."""
    return function(*arguments)


class Cloud:
    """A started simulator, with a client that talks to it."""

    def __init__(
        self, simulator: Simulator, limits: dict[Api, Limit], now: Callable[[], float], options: HttpOptions
    ) -> None:
        self.options = options
        self.simulator = simulator
        self.limits = limits
        self.world = simulator.world
        self.url = simulator.url
        self.telemetry = Telemetry()
        self.transport = Transport(limits, self.telemetry, now)
        self.client = Client(self.transport, self.telemetry, now, random.Random(1))

    def through(self, proxy: str) -> None:
        """Let targets talk to the cloud through a proxy from now on."""
        self.options = proxied(proxy)

    def targets(self, **settings: Any) -> list[Target]:
        """All simulated projects as targets."""
        settings.setdefault("http", self.options)
        return [target_of(owner, project, self.url, **settings) for owner, project in self.world.projects()]

    def counted(self, metric: str, **labels: str) -> float:
        """The value of one of the exporter's own metrics."""
        return self.telemetry.registry.get_sample_value(metric, labels) or 0.0


def secrets_of(world: World) -> set[str]:
    """All that must never be seen outside: passwords, keys and tokens."""
    owners = [owner.__dict__.get("first", (owner.password, owner.secret_key)) for owner in world.accounts]
    keys = {owner.access_key for owner in world.accounts}
    return {*(secret for pair in owners for secret in pair), *keys, *world.tokens}


class CloudContext:
    """`async with` a Cloud; on virtual time if the running loop is."""

    def __init__(
        self,
        *accounts: Account,
        limits: dict[Api, Limit] | None = None,
        token_life: float = 86400.0,
        options: HttpOptions | None = None,
    ) -> None:
        self.options = options or HttpOptions()
        self.world = World(list(accounts), token_life=token_life)
        self.limits = limits or LIMITS

    async def __aenter__(self) -> Cloud:
        self.world.clock = virtual_now
        self.simulator = Simulator(self.world)
        await self.simulator.start()
        self.cloud = Cloud(self.simulator, self.limits, virtual_now, self.options)
        return self.cloud

    async def __aexit__(self, *_: object) -> None:
        await self.cloud.client.close()
        await self.simulator.stop()


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    """One account of each kind, with three projects each."""
    async with CloudContext(account("token", "t1", "t2", "t3"), account("ak_sk", "k1", "k2", "k3")) as started:
        yield started


@pytest.fixture
async def start_proxy() -> AsyncIterator[StartProxy]:
    """Start a proxy that passes on, or does something else instead."""
    started: list[ForwardProxy] = []

    async def begin(instead: Serve | None) -> ForwardProxy:
        started.append(ForwardProxy(instead))
        await started[-1].start()
        return started[-1]

    yield begin
    for each in started:
        await each.stop()


@pytest.fixture
def counted() -> Iterator[Counter[str]]:
    """The levels of the lines written; afterwards the log is as the other tests want it."""
    config, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield Counter()
    logging.root.handlers[0].close()
    logging.captureWarnings(False)
    structlog.configure(**config)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def target() -> Target:
    """A target that nobody asks about."""
    owner = account("ak_sk", "gate-1")
    return target_of(owner, owner.projects[0], "http://127.0.0.1:9")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine gets into; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)
