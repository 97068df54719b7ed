"""200 projects with all collectors and one key: the vendor's limits are kept, by its own count, and all is told."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.collectors import OF_PROJECTS
from frs_simulator import Account, Project
from frs_simulator.cloud_eye import QUOTA
from frs_simulator.demo import face_set, subscribed
from frs_simulator.traffic import Traffic
from frs_simulator.world import Visit
from tests.conftest import run_virtual
from tests.polling.living import Living, living

PROJECTS = 200
MINUTES = 8


def fleet() -> Account:
    """Projects that are used."""
    projects = [
        Project(
            f"gate-{number:03}",
            "cn-north-4",
            subscribed("2024-01-01 00:00:00"),
            face_sets=[face_set("staff", 100 * number)],
            traffic=Traffic({"detect": 60, "search": 20, "compare": 5}),
        )
        for number in range(PROJECTS)
    ]
    return Account("fleet", "ak_sk", projects)


def all_collectors(config: dict[str, Any]) -> None:
    """Everything, at the default limits."""
    config["defaults"] = {"collectors": list(OF_PROJECTS)}
    del config["limits"]


def most_within(visits: list[Visit], api: str, seconds: float) -> int:
    """The most requests of an API in any so many seconds."""
    times = [visit.time for visit in visits if visit.api == api]
    most, first = 0, 0
    for last, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_the_limits_are_kept_with_200_projects_and_three_collectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> tuple[Living, list[Visit], dict[str, float]]:
        async with living(tmp_path, fleet(), config=all_collectors) as alive:
            visits = alive.world.watched()
            await asyncio.sleep(MINUTES * 60)
            return alive, visits, alive.shown()

    alive, visits, shown = run_virtual(run())
    up = [value for name, value in shown.items() if name.startswith("frs_up{")]
    assert (len(up), sum(up)) == (3 * PROJECTS, 3 * PROJECTS)
    failures = [value for name, value in shown.items() if name.startswith("frs_poll_failures_total{")]
    assert sum(failures) == 0, "nobody was throttled"
    assert most_within(visits, "frs", 1.0) <= 6
    assert most_within(visits, "ces", 1.0) <= 6
    assert most_within(visits, "ces", 60.0) <= 301 < QUOTA
    for family in ("frs_face_set_faces", "frs_api_calls_total", "frs_month_api_cost_cny"):
        assert len({name for name in shown if name.startswith(family)}) >= PROJECTS
    assert min(value for name, value in shown.items() if name.startswith("frs_api_calls_total{")) > 0
    asked = Counter(visit.api for visit in visits)
    assert alive.asked() > 0
    per_minute = {api: count / MINUTES for api, count in asked.items()}
    with capsys.disabled():
        most = {api: most_within(visits, api, 1.0) for api in asked}
        told = f"{per_minute} requests per minute, at most {most} per second"
        print(f"\n{PROJECTS} projects, three collectors, one key: {told}")
