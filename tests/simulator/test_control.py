"""Faults set over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from frs_simulator import Simulator, demo_world
from frs_simulator.control import PATH
from frs_simulator.faults import Fault

WELL = {
    "faults": [],
    "locked": [],
    "clock_offset": 0.0,
    "subscribe_absent": [],
    "first_check": "subscription",
}


class Remote:
    """A simulator and a client of its."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.world = simulator.world
        self.session = session

    async def tell(self, order: Any = None, method: str = "POST") -> tuple[int, Any]:
        async with self.session.request(method, PATH, json=order) as response:
            return response.status, await response.json()


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    async with Simulator(demo_world()) as simulator, aiohttp.ClientSession(simulator.url) as session:
        yield Remote(simulator, session)


async def test_a_fault_is_set_shown_and_lifted(remote: Remote) -> None:
    spec = {"status": 503, "code": "APIGW.0613", "delay": 1.5, "headers": {"Retry-After": "5"}}
    project = next(project for _, project in remote.world.projects() if project.name == "vip-lounge")
    status, told = await remote.tell({"api": "frs", "project": "vip-lounge", "fault": spec})
    assert (status, told["faults"]) == (200, [{"api": "frs", "project": "vip-lounge", "fault": spec}])
    assert remote.world.faults.of("frs", project.id) == Fault.model_validate(spec)
    assert await remote.tell(method="GET") == (200, told)
    assert await remote.tell({"api": "frs", "project": "vip-lounge", "fault": None}) == (200, WELL)


async def test_a_fault_of_all_and_each_api(remote: Remote) -> None:
    await remote.tell({"api": "iam", "fault": {"hang": True}})
    assert remote.world.faults.of("iam", "any") == Fault(hang=True)
    assert remote.world.faults.of("frs", "any") is None


async def test_tokens_locks_and_the_clock(remote: Remote) -> None:
    account = remote.world.accounts[0]
    value, _ = remote.world.issue(account, account.projects[0])
    status, told = await remote.tell({"expire_tokens": True, "lock": "acme", "clock_offset": 1200})
    assert status == 200
    assert value in remote.world.outdated
    assert told["locked"] == [account.login, account.access_key]
    assert remote.world.now() == pytest.approx(remote.world.clock() + 1200, abs=1)
    assert await remote.tell(method="DELETE") == (200, WELL)


async def test_a_project_is_switched_and_filled(remote: Remote) -> None:
    project = next(project for _, project in remote.world.projects() if project.name == "vision-prod")
    change = {"project": "vision-prod", "subscribed": {"search": False}, "faces": {"vip": 99_000}}
    assert (await remote.tell(change))[0] == 200
    assert project.answer
    assert project.answer["search_service"]["subscribe_status"] is False
    assert project.answer["detect_service"]["subscribe_status"] is True
    assert {each["face_set_name"]: each["face_number"] for each in project.face_sets}["vip"] == 99_000


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"subscribed": {"search": False}}, "project: subscribed and faces are about one project: name it"),
        (
            {"project": "vip-lounge", "subscribed": {"serch": True}},
            "subscribed: vip-lounge has no 'serch'",
        ),
        ({"project": "vip-lounge", "faces": {"all": 1}}, "faces: vip-lounge has no 'all'; it has vip"),
        ({"fualt": {}}, "fualt: Extra inputs are not permitted"),
        ({"fault": {"statsu": 5}}, "fault.statsu: Extra inputs are not permitted"),
        ({"fault": {"status": 5}}, "fault.status: Input should be greater than or equal to 200"),
        ({"api": "ftp"}, "api: Input should be 'frs', 'iam', 'ces', 'ecs', 'cce', 'sts' or 'bss'"),
        ({"project": "nowhere", "fault": {}}, "project: there is no 'nowhere'; there are vision-prod, door-access"),
        ({"lock": "nobody"}, "lock: there is no account 'nobody'; there are acme, globex"),
        ([], "body: Input should be an object"),
    ],
)
async def test_an_order_that_makes_no_sense_says_why_and_changes_nothing(
    remote: Remote, order: Any, problem: str
) -> None:
    status, told = await remote.tell(order)
    assert status == 400
    assert told["problems"][0].startswith(problem)
    assert await remote.tell(method="GET") == (200, WELL)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_another_sites_page_changes_nothing(remote: Remote, method: str) -> None:
    """A page that somebody has open beside the demo; tools, and a page of the simulator's own, may."""
    await remote.tell({"fault": {"status": 503}})
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://x.example"}):
        async with remote.session.request(method, PATH, json={"fault": None}, headers=headers) as response:
            assert response.status == 403
    assert (await remote.tell(method="GET"))[1]["faults"]
    async with remote.session.get(PATH) as response:
        own = {"Origin": str(response.url.origin())}
    async with remote.session.request(method, PATH, json={"fault": None}, headers=own) as response:
        assert (response.status, (await response.json())["faults"]) == (200, [])
