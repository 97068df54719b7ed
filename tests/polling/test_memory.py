"""What a collector remembers outlives reloads and failures, and does not get into another project."""

import asyncio
import copy
from pathlib import Path
from typing import Any

import pytest

from frs_simulator import Account, Project
from frs_simulator.demo import subscribed
from frs_simulator.faults import Fault
from frs_simulator.traffic import Traffic
from tests.conftest import run_virtual
from tests.polling.living import living

CALLS = 'frs_api_calls_total{project="gate-1",api="detect"}'
MONTH = 'frs_month_api_calls{project="gate-1",api="detect"}'


def used(*names: str) -> Account:
    """Projects with traffic."""
    traffic = Traffic({"detect": 60}, delay=20)
    projects = [Project(name, "cn-north-4", subscribed("2024-01-01 00:00:00"), traffic=traffic) for name in names]
    return Account("acme", "ak_sk", projects)


def asked(config: dict[str, Any]) -> None:
    """All that Cloud Eye tells of one project."""
    config["defaults"] = {"collectors": ["cloud_eye"], "poll_interval": "1m"}
    config["limits"]["ces"] = {"rate": 1000, "concurrency": 100}
    config["projects"] = config["projects"][:1]


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "change",
    [
        lambda config: config["projects"][0].update(labels={"team": "doors"}),
        lambda config: config["projects"][0].update(poll_interval="2m"),
        lambda config: config["projects"][0].update(collectors=["cloud_eye", "subscription"]),
        lambda config: config.update(pricing={}),
    ],
    ids=["label", "interval", "collectors", "pricing"],
)
def test_a_reload_takes_nothing_from_a_counter(tmp_path: Path, change: Any) -> None:
    async def run() -> tuple[float, float, float]:
        async with living(tmp_path, used("gate-1"), config=asked) as alive:
            await asyncio.sleep(600)
            before = alive.shown()[CALLS]
            config = copy.deepcopy(alive.config)
            change(config)
            assert await alive.reload(config) == ()
            at_once = alive.shown()[CALLS]
            await asyncio.sleep(600)
            return before, at_once, alive.shown()[CALLS]

    before, at_once, later = run_virtual(run())
    assert 0 < before == at_once < later
    assert later / before == pytest.approx(2, rel=0.35), "the minutes of the reload are neither lost nor twice there"


def test_a_name_that_becomes_another_projects_starts_from_zero(tmp_path: Path) -> None:
    async def run() -> tuple[float, float]:
        async with living(tmp_path, used("gate-1", "gate-2"), config=asked) as alive:
            await asyncio.sleep(600)
            before = alive.shown()[CALLS]
            config = copy.deepcopy(alive.config)
            (_, other) = alive.world.accounts[0].projects
            config["projects"][0]["project_id"] = other.id
            assert await alive.reload(config) == ()
            await asyncio.sleep(5)
            return before, alive.shown()[CALLS]

    assert run_virtual(run())[0] > 0
    assert run_virtual(run())[1] == 0


def test_an_hour_without_cloud_eye_is_made_up_for(tmp_path: Path) -> None:
    """Samples leave the page when they are stale, and come back with all that happened meanwhile."""

    async def run() -> list[float | None]:
        async with living(tmp_path, used("gate-1"), config=asked) as alive:
            await asyncio.sleep(600)
            seen: list[float | None] = [alive.shown().get(CALLS)]
            alive.world.faults.set("ces", Fault(status=503))
            await asyncio.sleep(3600)
            seen.append(alive.shown().get(CALLS))
            alive.world.faults.set("ces", None)
            await asyncio.sleep(600)
            return [*seen, alive.shown().get(CALLS)]

    before, meanwhile, after = run_virtual(run())
    assert meanwhile is None
    assert before
    assert after
    assert after / before == pytest.approx(80 / 10, rel=0.25)
