"""What polls and pages leave behind: nothing that waits for the collector of garbage."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from frs_exporter.config.load import load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_simulator import Simulator, demo_world
from frs_simulator.faults import HANG, Fault
from frs_simulator.server import config_text
from tests.attacks.test_endurance import FAULTS, PATHS
from tests.garbage import only_by_hand
from tests.web.serving import Served, serving

OURS = ("frs_exporter.", "jinja2.", "aiohttp.")
"""asyncio's transports are circles; the simulator's part in this process is nobody's daemon."""


async def left_by(act: Callable[[Served, Simulator], Awaitable[None]]) -> set[str]:
    """The types of ours, and of those that hold ours, of what is left behind when something has been done."""
    async with Simulator(demo_world(1)) as simulator, serving(simulator, poll_interval=600.0) as served:
        await served.ready()
        with only_by_hand() as found:
            await act(served, simulator)
            await asyncio.sleep(0.05)  # the loop has let go of its newest calls, too
            return {name for name in found() if name.startswith(OURS)}


async def poll(served: Served, seconds: float = 5.0) -> None:
    """Poll each job once, as somebody would who asks for it."""
    for key in served.exporter.states:
        await served.exporter.probe([key], seconds)


@pytest.mark.parametrize("api", ["frs", "iam"])
@pytest.mark.parametrize("fault", [*FAULTS, Fault(status=503, code="APIGW.0613", truncate=True)], ids=repr)
async def test_a_poll_is_let_go_of_when_it_ends(fault: Fault, api: str) -> None:
    """A request has its trace, which knows by the request what is secret; a broken answer is held by its own error."""

    async def poll_in_trouble(served: Served, simulator: Simulator) -> None:
        simulator.world.faults.set("frs", Fault(status=401, code="APIGW.0301"))  # what was granted is asked for anew
        simulator.world.faults.set(api, fault)
        await poll(served, 0.3 if fault == HANG else 5.0)

    assert await left_by(poll_in_trouble) == set()


async def test_a_poll_of_nobody_is_let_go_of() -> None:
    async def poll_in_vain(served: Served, simulator: Simulator) -> None:
        await simulator.__aexit__()
        await poll(served)
        assert all(state.failure for state in served.exporter.states.values())

    assert await left_by(poll_in_vain) == set()


async def test_a_poll_that_goes_well_is_let_go_of() -> None:
    async def poll_well(served: Served, _: Simulator) -> None:
        await poll(served)

    assert await left_by(poll_well) == set()


@pytest.mark.parametrize("path", [*PATHS, "/project/door-access", "/runbook", "/runbook/FrsConfigReloadFailed"])
async def test_a_page_is_let_go_of_when_it_is_read(path: str) -> None:
    """Nothing that a template makes for a page holds what the page was made of: that is of all projects."""

    async def read(served: Served, _: Simulator) -> None:
        await served.get(path)

    assert await left_by(read) == set()


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
    assert left == set()
