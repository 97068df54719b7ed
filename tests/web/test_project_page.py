"""The page of a project: whoever it is called, what it tells of exchanges, and what it never does."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import bcrypt
import pytest

from frs_exporter.core import model
from frs_exporter.web.layout import Layout, project_path, way_up
from frs_simulator import Account, Project, Simulator, World, demo_world
from frs_simulator.demo import face_set, subscribed
from frs_simulator.faults import Fault
from frs_simulator.money import Balance, Billing
from frs_simulator.packages import FreeResource, Package
from tests.conftest import secrets_of, target_of
from tests.web.serving import Served, serving
from tests.web.test_status import Text

NAMES = ["a/b", "with space", "人脸-生产", "..", ".", "a/../b", "%2F", "x?y=z#w", "/slash", "slash/", "<b>&'\"", "../x"]


def world_of(*names: str) -> World:
    projects = [Project(name, "cn-north-4", subscribed("2024-09-02 03:00:00")) for name in names]
    return World([Account("acme", "token", projects)])


async def polled(served: Served, times: int = 1) -> None:
    async with asyncio.timeout(30):
        while not all(state.polls >= times for state in served.exporter.states.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def shown(served: Served, path: str, headers: Mapping[str, str] | None = None) -> Text:
    status, _, body = await served.get(path, headers=headers or {})
    assert status == 200, path
    return Text(body.decode())


@pytest.mark.uncounted
@pytest.mark.parametrize("prefix", ["", "/frs/x"])
async def test_every_project_is_found_by_its_link(prefix: str) -> None:
    """The links are followed as browsers do, which take `..` for a way up, however it is written."""
    async with (
        Simulator(world_of(*NAMES)) as simulator,
        serving(simulator, Layout(prefix=prefix), poll_interval=600.0) as served,
    ):
        home = f"{served.url}{prefix}/"
        status = await shown(served, f"{prefix}/")
        links = [link for link in status.links if link.startswith("project")]
        assert len(links) == len(NAMES)
        for name in NAMES:
            assert project_path(name) in links
            url = urljoin(home, project_path(name))
            page = await shown(served, url.removeprefix(served.url))
            assert page.text.startswith(f"{name} · frs_exporter"), name
            (back,) = {
                link for link in page.links if link.startswith(".") and "probe" not in link and "runbook" not in link
            }
            assert urljoin(url, back) == home
            (probe,) = (link for link in page.links if "probe" in link)
            assert urljoin(url, probe).startswith(f"{home}probe?project={quote(name, safe='')[:1]}")
            (other,) = (link for link in page.links if "lang" in link)
            chinese = await shown(served, urljoin(url, other).removeprefix(served.url))
            assert name in chinese.text
            assert "所有项目" in chinese.text


async def test_what_there_is_none_of_is_a_404_with_a_way_back() -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator, poll_interval=600.0) as served:
        hostile = "<script>alert(1)</script>" * 50
        for path in ("/project/nobody", "/project", "/project/", "/project?name=x", f"/project/{quote(hostile)}"):
            status, headers, body = await served.get(path)
            page = Text(body.decode())
            assert (status, "No project or account is called" in page.text) == (404, True), path
            assert urljoin(served.url + path, page.links[1]) == served.url + "/"
            assert page.tags.count("script") == 1
            assert len(page.text) < 1000
            assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert b"No project" not in (await served.get("/projectvision-prod"))[2]
        assert (await served.get("/project/vision-prod", method="POST"))[0] == 405


async def test_it_is_protected_as_all_else_is(tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"word", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: '{hashed}'}}\n")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, None, tmp_path / "web.yml") as served:
        for path in ("/project/vision-prod", "/project/nobody", "/project?name=.."):
            assert (await served.get(path))[0] == 401
        assert (await served.get("/project/vision-prod", headers={"Authorization": "Basic YWxpY2U6d29yZA=="}))[0] == 200


async def test_it_tells_what_is_known_of_the_project() -> None:
    asked: dict[str, Any] = {
        "collectors": ("subscription", "face_sets"),
        "labels": (("team", "vision"),),
        "require": ("search",),
    }
    async with Simulator(demo_world(1)) as simulator, serving(simulator, poll_interval=90.0, **asked) as served:
        await polled(served)
        text = (await shown(served, "/project/vision-prod")).text
        (target,) = {job.target.project_id for job in served.config.jobs}
        for words in (
            *(f"Project id {target}", "Region cn-north-4", "Credential acme (token)", "Labels team=vision"),
            *("Collectors subscription, face_sets", "Required search", "Asked every 90 s", "Stale after 3 min"),
            *(f"Request GET {simulator.url}/v1/{target}/subscribe Status HTTP 200,", "Fullest face set last 96.4%"),
            *("Face sets last 3", '"max_face_set_number": 10', "Kept since 20", "gone when the exporter restarts"),
        ):
            assert words in text
        assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
        chinese = (await shown(served, "/project/vision-prod", {"Accept-Language": "zh"})).text
        for words in ("最近一次成功的请求", "exporter 重启后清空", "最满的人脸库 最新 96.4%"):
            assert words in chinese


async def test_it_tells_how_the_project_is_and_what_to_do_as_the_status_page_does() -> None:
    world = demo_world(6)
    async with Simulator(world) as simulator, serving(simulator, poll_interval=90.0, require=("search",)) as served:
        await polled(served)
        for name in ("new-branch", "visitor-kiosk", "vip-lounge"):
            for language in ("en", "zh"):
                headers = {"Accept-Language": language}
                page = await shown(served, f"/project/{name}", headers)
                row = await shown(served, f"/?q=project:{name}", headers)
                told = json.loads((await served.get(f"/api/v1/status?q=project:{name}", headers=headers))[2])
                for trouble in told["projects"][0]["troubles"]:
                    assert trouble["do"] in page.text
                    assert trouble["do"] in row.text
                    assert f"../runbook/{trouble['alert']}" in page.links
                    assert f"runbook/{trouble['alert']}" in row.links
                assert bool(told["projects"][0]["troubles"]) == (name != "vip-lounge")


async def test_the_last_failing_exchange_is_kept_beside_the_last_good_one_without_secrets() -> None:
    async with Simulator(world_of("p")) as simulator, serving(simulator, poll_interval=0.2) as served:
        await polled(served)
        (key,) = served.exporter.states
        fault = Fault(status=403, code="APIG.0301", message="incorrect signature of", echo=True)
        simulator.world.faults.set("frs", fault)
        async with asyncio.timeout(20):
            while not served.exporter.states[key].failures:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        simulator.world.faults.set("frs", None)
        await served.exporter.probe([key], 5.0)
        text = (await shown(served, "/project/p")).text
        assert "Last failing exchange" in text
        assert "Last good exchange" in text
        assert re.search(r"Status HTTP 403, 0\.\d+ s request id \S+ The vendor's answer \{ .error_code.: .APIG", text)
        for secret in secrets_of(simulator.world):
            assert secret not in text
        record = served.exporter.record(key)
        assert record
        assert record.failing
        assert "***" in record.failing.exchange.answer, "the request was quoted, secrets and all"


async def test_a_failure_without_an_answer() -> None:
    async with Simulator(world_of("p")) as simulator, serving(simulator, poll_interval=600.0) as served:
        simulator.world.faults.set("frs", Fault(reset=True))
        await polled(served)
        text = (await shown(served, "/project/p")).text
        assert re.search(r"Request GET http://\S+/subscribe Status no answer, 0\.\d+ s", text)
        assert "Last good exchange" not in text


async def test_what_repeats_is_packed_once_and_an_account_s_amounts_are_not_kept() -> None:
    money = Billing([Balance(Decimal("98765.43"))], packages=[Package("p", (FreeResource(Decimal(10), Decimal(4)),))])
    project = Project("p", "cn-north-4", subscribed("2024-09-02 03:00:00"), face_sets=[face_set("s", 5)])
    world = World([Account("acme", "ak_sk", [project], billing=money)])
    async with Simulator(world) as simulator, serving(simulator, poll_interval=0.1) as served:
        owner = world.accounts[0]
        subject = model.Account(domain_id=owner.domain_id, service_types=("hws.service.type.frs",))
        account = target_of(owner, project, simulator.url, account=subject, collectors=("billing",))
        await served.becomes(*served.config.targets, replace(account, project="money", poll_interval=0.1))
        await polled(served, 3)
        subscription, billing = (served.exporter.record(key) for key in (("p", "subscription"), ("money", "billing")))
        assert subscription
        assert subscription.good
        packed = subscription.good.packed
        await polled(served, 6)
        assert subscription.good.packed is packed
        assert billing
        assert billing.good
        assert "98765" not in billing.good.exchange.answer
        text = (await shown(served, "/project/money")).text
        assert "Balance, CNY last 98,765.43" in text
        assert "Left of the package with the least last 60.0%" in text


async def test_a_project_that_goes_takes_its_history_along() -> None:
    async with Simulator(world_of("p", "q")) as simulator, serving(simulator, poll_interval=600.0) as served:
        await polled(served)
        assert served.exporter.record(("p", "subscription"))
        await served.becomes(*(target for target in served.config.targets if target.project == "q"))
        assert served.exporter.record(("p", "subscription")) is None
        assert served.exporter.record(("q", "subscription"))
        assert (await served.get("/project/p"))[0] == 404


async def test_a_day_is_drawn_without_a_script() -> None:
    async with Simulator(world_of("p")) as simulator, serving(simulator, poll_interval=600.0) as served:
        await polled(served)
        record = served.exporter.record(("p", "subscription"))
        assert record
        for number in range(1, 200):
            record.add(time.time() - 300 * (200 - number), 0.2, up=number != 50)
        page = (await served.get("/project/p"))[2].decode()
        (well,), (failed,) = (re.findall(f'class="bar-{how}" d="([^"]+)"', page) for how in ("good", "bad"))
        assert (failed.count("M"), well.count("M") > 100) == (1, True)
        assert "some failed" in page or "<td>failed</td>" in page
        assert "style=" not in page.replace("font-style", ""), "the policy forbids it"


@pytest.mark.parametrize(
    ("prefix", "path", "up"),
    [
        ("", "/project/a", "../"),
        ("/frs", "/frs/project/a%2Fb", "../"),
        ("", "/project", "./"),
        ("", "/project/", "../"),
    ],
)
def test_the_way_up(prefix: str, path: str, up: str) -> None:
    assert way_up(prefix, path) == up
