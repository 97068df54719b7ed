"""Several sites at once: each credential has its own cloud, and what happens in one is none of the others' business."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from frs_simulator import Account
from frs_simulator.faults import HANG, Fault
from frs_simulator.server import credential
from frs_simulator.world import digest
from tests.conftest import Cloud, CloudContext, account, run_virtual
from tests.polling.living import UP, Living, living

REJECTED = 'frs_exporter_credential_rejected{credential="%s"}'
SUCCESS = 'frs_exporter_discovery_success{discovery="%s"}'
SUBSCRIBED = 'frs_subscribed{project="%s",subservice="detect"}'
SKEW = 'frs_exporter_clock_skew_seconds{api="frs"}'
Change = Callable[[dict[str, Any]], None]


def here(cloud: Cloud) -> dict[str, str]:
    """A cloud's endpoints."""
    return dict.fromkeys(("frs", "iam", "ces"), cloud.url)


def watch(config: dict[str, Any], name: str, cloud: Cloud) -> None:
    """Add the projects of another cloud's account, with a credential and projects named for the site."""
    owner = cloud.world.accounts[0]
    config["credentials"][name] = {**credential(owner, cloud.url), "endpoints": here(cloud)}
    config["projects"] += [
        {"name": f"{name}-{project.name}", "project_id": project.id, "region": project.region, "credential": name}
        for project in owner.projects
    ]


@asynccontextmanager
async def sites(
    folder: Path, first: Account, *, change: Change | None = None, **others: Account
) -> AsyncIterator[tuple[Living, dict[str, Cloud]]]:
    """An exporter with the account of the first cloud, and with one of each other cloud, by the site's name."""
    async with AsyncExitStack() as stack:
        clouds = {name: await stack.enter_async_context(CloudContext(owner)) for name, owner in others.items()}

        def with_others(config: dict[str, Any]) -> None:
            for name, cloud in clouds.items():
                watch(config, name, cloud)
            if change:
                change(config)

        yield await stack.enter_async_context(living(folder, first, config=with_others)), clouds


def asked(cloud: Cloud) -> int:
    """How many requests a cloud has had."""
    return sum(cloud.world.requests.values())


@pytest.mark.parametrize("kind", ["token", "ak_sk", "ecs_agency"])
def test_one_exporter_watches_three_sites(tmp_path: Path, kind: str) -> None:
    """The very same user, key and projects at all of them: nothing of one is taken for another's."""

    async def main() -> None:
        owners = [account(kind, "p1", "p2") for _ in range(3)]
        async with sites(tmp_path, owners[0], plant=owners[1], partner=owners[2]) as (it, clouds):
            for cloud in (it.cloud, *clouds.values()):
                cloud.world.machine.account = cloud.world.accounts[0]
            await asyncio.sleep(700)
            names = [f"{site}{project}" for site in ("", "plant-", "partner-") for project in ("p1", "p2")]
            assert {name: it.shown()[UP % name] for name in names} == dict.fromkeys(names, 1)
            counts = [asked(cloud) for cloud in (it.cloud, *clouds.values())]
            assert min(counts) > 15
            if kind == "token":
                logins = [sum(n for key, n in c.world.requests.items() if key[0] == "iam") for c in clouds.values()]
                assert logins == [3, 3], "a login that proves the password, and one for each project, at each site"

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_user_that_one_site_refuses_is_well_at_the_others(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        first, second, third = (account(kind, "p1", "p2") for _ in range(3))
        second.password, second.secret_key = "changed", "changed"

        def as_before(config: dict[str, Any]) -> None:
            config["credentials"]["plant"] |= credential(first, "")

        async with sites(tmp_path, first, plant=second, partner=third, change=as_before) as (it, _):
            await asyncio.sleep(2000)
            shown = it.shown()
            assert [shown[UP % name] for name in ("p1", "p2", "plant-p1", "partner-p1")] == [1, 1, 0, 1]
            rejected = [shown[REJECTED % name] for name in (first.domain_name, "plant", "partner")]
            assert rejected == [0, 1, 0]

    run_virtual(main())


@pytest.mark.uncounted
@pytest.mark.parametrize("fault", [HANG, Fault(reset=True), Fault(status=503), Fault(throttle=300.0)])
@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_site_that_is_dead_keeps_nobody_else_waiting(tmp_path: Path, kind: str, fault: Fault) -> None:
    async def main() -> None:
        first, second, third = (account(kind, "p1", "p2") for _ in range(3))
        async with sites(tmp_path, first, plant=second, partner=third) as (it, clouds):
            clouds["plant"].world.faults.set("frs", fault)
            clouds["plant"].world.faults.set("iam", fault)
            clouds["plant"].world.expire_tokens()
            await asyncio.sleep(130)
            before = [asked(it.cloud), asked(clouds["partner"])]
            await asyncio.sleep(600)
            shown = it.shown()
            assert [shown[UP % name] for name in ("p1", "p2", "partner-p1", "partner-p2")] == [1, 1, 1, 1]
            assert [shown[UP % name] for name in ("plant-p1", "plant-p2")] == [0, 0]
            polls = [
                after - was for after, was in zip([asked(it.cloud), asked(clouds["partner"])], before, strict=True)
            ]
            assert all(18 <= count <= 22 for count in polls), "two projects, each minute, for ten minutes"
            clouds["plant"].world.faults.set("frs", None)
            clouds["plant"].world.faults.set("iam", None)
            await asyncio.sleep(2400)
            assert [it.shown()[UP % name] for name in ("plant-p1", "plant-p2")] == [1, 1]

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_projects_are_found_at_a_second_site(tmp_path: Path, kind: str) -> None:
    """Where the region's name is a part of the endpoint, too."""

    async def main() -> None:
        first, second = account(kind, "p1"), account(kind, "p1", "p2")
        second.projects[1].region = "cn-east-3"
        for project in second.projects:
            project.id = digest("plant", project.name)

        def find(config: dict[str, Any]) -> None:
            own = config["credentials"]["plant"]["endpoints"]
            config["credentials"]["plant"]["endpoints"] = {api: f"{url}/{{region}}" for api, url in own.items()}
            config["projects"] = [entry for entry in config["projects"] if entry["credential"] != "plant"]
            rule = {"credential": "plant", "regions": ["cn-north-4", "cn-east-3"]}
            config["discovery"] = [{**rule, "name_template": "{credential}/{project_name}"}]

        async with sites(tmp_path, first, plant=second, change=find) as (it, clouds):
            await asyncio.sleep(400)
            shown = it.shown()
            assert shown[SUCCESS % "plant"] == 1
            found = {name.split('"')[1] for name in shown if name.startswith("frs_up{")}
            assert found == {"p1", "plant/cn-north-4", "plant/cn-east-3"}
            assert [shown[UP % name] for name in sorted(found)] == [1, 1, 1]
            lists = [key for key in it.world.requests if key[0] == "iam" and kind == "ak_sk"]
            assert not lists, "nobody has asked the first site for the second's projects"
            assert asked(clouds["plant"]) > asked(it.cloud) > 0

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_credential_that_moves_begins_anew_at_the_other_site(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        first, second = account(kind, "p1", "p2"), account(kind, "p1", "p2")
        async with sites(tmp_path, first, plant=second) as (it, clouds):
            plant, name = clouds["plant"], first.domain_name
            await asyncio.sleep(100)
            moved = copy.deepcopy(it.config)
            for each in ("plant-p1", "plant-p2"):
                moved["projects"] = [entry for entry in moved["projects"] if entry["name"] != each]
            del moved["credentials"]["plant"]
            moved["credentials"][name]["endpoints"] = here(plant)
            plant.world.faults.set("frs", Fault(status=503))
            before, there = asked(it.cloud), asked(plant)
            assert await it.reload(moved) == ()
            assert SUBSCRIBED % "p1" not in it.shown(), "what the first site has said is nothing of the second's"
            assert it.shown()[UP % "p1"] == 0
            await asyncio.sleep(130)
            plant.world.faults.set("frs", None)
            await asyncio.sleep(700)
            assert asked(it.cloud) == before, "the first site is asked no more"
            assert asked(plant) > there
            assert (it.shown()[UP % "p1"], it.shown()[SUBSCRIBED % "p1"]) == (1, 1)
            assert await it.reload(it.config) == ()
            await asyncio.sleep(700)
            assert it.shown()[UP % "p1"] == 1
            assert asked(it.cloud) > before

    run_virtual(main())


def test_a_refused_credential_that_moves_is_tried_there_and_still_held_when_it_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = account("token", "p1"), account("token", "p1")
        second.projects[0].id = digest("plant", "p1")
        async with sites(tmp_path, first, plant=second) as (it, clouds):
            it.world.change_secret(first, "another")
            it.world.expire_tokens()
            await asyncio.sleep(200)
            assert it.shown()[REJECTED % first.domain_name] == 1
            moved = copy.deepcopy(it.config)
            moved["credentials"][first.domain_name]["endpoints"] = {"iam": clouds["plant"].url}
            refusals = len(it.world.locks[first.login].failures)
            assert await it.reload(moved) == ()
            assert it.shown()[REJECTED % first.domain_name] == 0
            assert await it.reload(it.config) == ()
            await asyncio.sleep(200)
            assert it.shown()[REJECTED % first.domain_name] == 1
            assert len(it.world.locks[first.login].failures) == refusals, "its hold stands, so nothing was sent"

    run_virtual(main())


def test_the_worst_clock_skew_of_all_sites_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = account("token", "p1"), account("token", "p1")
        async with sites(tmp_path, first, plant=second) as (it, clouds):
            clouds["plant"].world.clock_offset = 500.0
            await asyncio.sleep(300)
            assert it.shown()[SKEW] == pytest.approx(-500, abs=2)
            clouds["plant"].world.clock_offset = 0.0
            await asyncio.sleep(300)
            assert it.shown()[SKEW] == pytest.approx(0, abs=2)

    run_virtual(main())
