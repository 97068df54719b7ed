"""A cloud that gives no answers is told once, above all projects, and in the JSON."""

import json

import pytest

from frs_simulator import Simulator, demo_world
from frs_simulator.faults import Fault
from tests.web.serving import serving


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Most projects get no answers, in each of"), ("zh", "个区域的多数项目都没有答复")],
)
async def test_all_regions_are_down(language: str, said: str) -> None:
    world = demo_world(8)
    world.faults.set("frs", Fault(status=503, code="APIGW.0613"))
    async with Simulator(world) as simulator, serving(simulator, poll_interval=600.0) as served:
        await served.ready()
        told = json.loads((await served.get(f"/api/v1/status?lang={language}"))[2])
        (trouble,) = told["unreachable"]
        assert said in trouble["text"]
        assert trouble["alert"] == "FrsCloudUnreachable"
        assert trouble["runbook"].endswith("#frscloudunreachable")
        status, _, body = await served.get(f"/?lang={language}")
        assert status == 200
        page = body.decode()
        assert page.count(said) == 1
        assert page.index(said) < page.index("<table>")
        assert "runbook/FrsCloudUnreachable" in page
        assert "frs-exporter explain FrsCloudUnreachable" in page


async def test_all_is_well() -> None:
    async with Simulator(demo_world(8)) as simulator, serving(simulator, poll_interval=600.0) as served:
        await served.ready()
        assert json.loads((await served.get("/api/v1/status"))[2])["unreachable"] == []
