"""What polls and pages leave behind: nothing that waits for the collector of garbage."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.cloud.lease import Grant, Lease
from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exchange import Following
from frs_exporter.polling.exporter import Exporter
from frs_simulator import Simulator, World, demo_world
from frs_simulator.faults import HANG, Fault
from frs_simulator.server import config_text
from tests.attacks.test_endurance import FAULTS, PATHS
from tests.attacks.test_requests import request, statuses
from tests.conftest import account
from tests.garbage import only_by_hand
from tests.web.serving import Served, fill, serving

OURS = ("frs_exporter.", "jinja2.", "aiohttp.")
NOT_OURS = ("aiohttp.web",)
"""In tests of polls that is the simulator's part in this process."""
ROUTES = {"aiohttp.web_urldispatcher.SystemRoute", "aiohttp.web_exceptions.HTTPNotFound"}
"""aiohttp's, of a path at which there is nothing."""
READER = {
    "aiohttp.client_exceptions.ServerDisconnectedError",
    "aiohttp.client_proto.ResponseHandler",
    "aiohttp.streams.StreamReader",
    "aiohttp.helpers.TimerContext",
    "aiohttp._http_parser.RawResponseMessage",
}
"""aiohttp's, of a connection that is given up while an answer comes: no request, and nothing of who has sent it."""
REFUSED = Fault(status=401, code="IAM.0003")
BROKEN = (Fault(status=503, code="APIGW.0613", truncate=True), Fault(headers={"Content-Encoding": "gzip"}))


def ours(names: set[str], *but: str) -> set[str]:
    """Those of ours, and of those that hold ours: asyncio's transports are circles by themselves."""
    return {name for name in names if name.startswith(OURS) and not name.startswith(but)}


@asynccontextmanager
async def cloud_and_exporter(**settings: Any) -> AsyncIterator[tuple[World, Served]]:
    """Several projects of one password, and of one key, each polled once."""
    world = World([account("token", *(f"t{number}" for number in range(6))), account("ak_sk", "k1", "k2")])
    async with Simulator(world) as simulator, serving(simulator, poll_interval=600.0, **settings) as served:
        await served.ready()
        yield world, served


async def poll(served: Served) -> None:
    """Poll all jobs once, as somebody would who asks for that; all have ended."""
    await served.exporter.probe(list(served.exporter.states), 5.0)
    assert not any(runner.task for runner in served.exporter.runners.values())
    await asyncio.sleep(0.05)  # the loop has let go of its newest calls, too


@pytest.mark.parametrize("api", ["frs", "iam"])
@pytest.mark.parametrize("fault", [*FAULTS, *BROKEN, REFUSED], ids=repr)
async def test_a_poll_is_let_go_of_when_it_ends(fault: Fault, api: Any) -> None:
    """A request has its trace, which knows by the request what is secret; a broken answer is held by its own error."""
    async with cloud_and_exporter(poll_timeout=0.3) as (world, served):
        world.faults.set("frs", Fault(status=401, code="APIGW.0301"))  # what was granted is asked for anew
        world.faults.set(api, fault)
        with only_by_hand() as found:
            await poll(served)
            assert ours(found(), *NOT_OURS) == set()
        assert all(state.polls == 2 for state in served.exporter.states.values())


async def test_a_poll_that_goes_well_is_let_go_of() -> None:
    async with cloud_and_exporter() as (_, served):
        with only_by_hand() as found:
            await poll(served)
            assert ours(found(), *NOT_OURS) == set()


async def test_a_poll_of_nobody_is_let_go_of() -> None:
    async with Simulator(World([account("token", "t1", "t2")])) as simulator, serving(simulator) as served:
        await served.ready()
        await simulator.stop()
        with only_by_hand() as found:
            await poll(served)
            assert ours(found(), *NOT_OURS) == set()
        assert all(state.failure for state in served.exporter.states.values())


@pytest.mark.parametrize("fault", [HANG, Fault(delay=0.3)], ids=["given up", "finished"])
@pytest.mark.parametrize("api", ["frs", "iam"])
async def test_a_poll_is_let_go_of_when_its_project_goes(api: Any, fault: Fault) -> None:
    """A request that a secret is counted by is answered first."""
    async with cloud_and_exporter(poll_timeout=0.5) as (world, served):
        world.faults.set("frs", Fault(status=401, code="APIGW.0301"))
        world.faults.set(api, fault)
        polling = asyncio.create_task(served.exporter.probe(list(served.exporter.states), 0.2))
        await asyncio.sleep(0.1)
        with only_by_hand() as found:
            await served.becomes(served.config.targets[0])
            await polling
            await asyncio.sleep(0.8)
            assert not any(task.get_name().startswith(("poll", "token")) for task in asyncio.all_tasks())
            assert ours(found(), *NOT_OURS) <= READER


async def test_a_renewal_that_is_given_up_before_it_begins_is_let_go_of() -> None:
    async def never() -> Grant[str]:
        raise AssertionError

    lease = Lease[str]("token", {})
    with only_by_hand() as found:
        waiting = asyncio.create_task(lease.renewed(never))
        await asyncio.sleep(0)
        waiting.cancel()
        lease.close()
        await asyncio.wait([waiting])
        del waiting, lease
        await asyncio.sleep(0.01)
        assert ours(found()) == set()


def test_an_answer_that_comes_when_the_poll_has_ended_is_not_held() -> None:
    """That of a login in the background, say: what is secret is known by the request, which has the trace."""
    following, secrets = Following(), set[str]().copy
    following.let_go()
    following.headers({}, secrets, "< %s", 200)
    assert secrets not in gc.get_referents(following, *gc.get_referents(following))


@pytest.mark.parametrize(
    "path", [*PATHS, "/probe?project=t1", "/project/t1", "/project/t9", "/runbook", "/runbook/FrsConfigReloadFailed"]
)
async def test_a_page_is_let_go_of_when_it_is_read(path: str) -> None:
    """Nothing that a template makes for a page holds what the page was made of: that is of all projects."""
    async with cloud_and_exporter() as (_, served):
        with only_by_hand() as found:
            status, *_ = await served.get(path)
            await served.get("/-/healthy")  # the connection is kept, and knows its newest request
            await asyncio.sleep(0.05)
            assert ours(found()) <= ROUTES
    assert status == (404 if path in ("/nowhere", "/project/t9") else 200)


@pytest.mark.parametrize("path", ["/metrics", "/?all=1", "/api/v1/status"])
async def test_a_page_is_let_go_of_when_its_reader_hangs_up(path: str) -> None:
    async with Simulator(demo_world(300)) as simulator, serving(simulator, poll_interval=6000.0) as served:
        await served.ready()
        fill(served.exporter)
        with only_by_hand() as found:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(request(target=path.encode()))
            await reader.read(1000)
            writer.transport.abort()
            await asyncio.sleep(0.3)
            assert ours(found()) == set()


@pytest.mark.parametrize("sent", [b"no\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", request(b"A: " + bytes(99999))])
async def test_what_is_no_request_is_let_go_of(sent: bytes) -> None:
    """But for aiohttp's own errors, which hold each other and nothing that was sent."""
    async with cloud_and_exporter() as (_, served):
        with only_by_hand() as found:
            assert await statuses(served.port, sent)
            await asyncio.sleep(0.05)
            assert {name for name in ours(found()) if not name.startswith("aiohttp.")} == set()


@pytest.mark.parametrize("text", ["", "credentials: [\n", "projects: [{name: a}]\n", "!!python/x\n", None], ids=repr)
async def test_a_config_that_is_refused_is_let_go_of(text: str | None, tmp_path: Path) -> None:
    """The error came through frames that hold all of the config."""
    file = tmp_path / "config.yaml"
    async with Simulator(demo_world(1)) as simulator:
        file.write_text(config_text(simulator.world, simulator.url))
        source = Source(str(file), load)
        exporter = Exporter(source, source.load(), Telemetry(), spread=0.0)
        await exporter.start()
        with only_by_hand() as found:
            file.unlink() if text is None else file.write_text(text)
            with contextlib.suppress(ConfigError):
                await exporter.reload()
            await asyncio.sleep(0.05)  # the supervisor and the loop have let go of it, too
            left = found()
        assert exporter.snapshot().problems
        await exporter.stop()
    assert ours(left) == set()
