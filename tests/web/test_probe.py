"""`/probe` and `/sd`: one project asked now, within what it may cost, and the list of all that can be."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from yarl import URL

from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.polling.probe import deadline
from frs_exporter.web.layout import Layout
from frs_simulator import Project, Simulator, World, demo_world
from frs_simulator.faults import HANG, Fault
from tests.conftest import secrets_of
from tests.web.serving import Served, serving

TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


@asynccontextmanager
async def demo(
    world: World | None = None, layout: Layout | None = None, **settings: Any
) -> AsyncIterator[tuple[Served, World]]:
    """Projects that are polled once, and then not for an hour."""
    world = world or demo_world()
    async with Simulator(world) as simulator, serving(simulator, layout, poll_interval=3600.0, **settings) as served:
        async with asyncio.timeout(20):
            while not all(state.polls for state in served.exporter.states.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield served, world


def asked(world: World) -> int:
    """Requests that came for FRS."""
    return sum(count for (api, _, _), count in world.requests.items() if api == "frs")


def project_of(world: World, name: str) -> Project:
    """A simulated project."""
    return next(project for _, project in world.projects() if project.name == name)


def value(page: bytes, name: str) -> float:
    (found,) = (float(match[1]) for match in re.finditer(rf"(?m)^{name}{{.*}} (\S+)$", page.decode()))
    return found


async def test_a_probe_answers_the_families_of_one_project_as_they_are_now() -> None:
    async with demo() as (served, world):
        assert b'frs_subscribed{project="vision-prod",subservice="search"} 1.0' in (await served.get("/metrics"))[2]
        answer = project_of(world, "vision-prod").answer
        assert answer
        answer["search_service"]["subscribe_status"] = False
        status, headers, body = await served.get("/probe?project=vision-prod")
        assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert b'frs_subscribed{project="vision-prod",subservice="search"} 0.0' in body
        families = {family.name for family in parse_text(body.decode())}
        assert {"frs_up", "frs_subscribed", "frs_project_info", "frs_poll_duration_seconds"} <= families
        assert {name for name in families if name.startswith(("frs_exporter", "python", "process"))} == {
            "frs_exporter_time_seconds"
        }, "whose time all others on the page are told in"
        assert set(re.findall(r'project="([^"]*)"', body.decode())) == {"vision-prod"}
        assert b'frs_subscribed{project="vision-prod",subservice="search"} 0.0' in (await served.get("/metrics"))[2]


async def test_a_project_may_be_called_a_target() -> None:
    """As the Prometheus Operator's Probe does, and what was made for blackbox_exporter."""
    async with demo() as (served, _):
        for query in ("target=vision-prod", "target=vision-prod&module=frs", "target=vision-prod&project=vision-prod"):
            status, _, body = await served.get(f"/probe?{query}")
            assert (status, set(re.findall(r'project="([^"]*)"', body.decode()))) == (200, {"vision-prod"})


async def test_a_probe_is_the_next_poll_brought_forward() -> None:
    async with demo() as (served, _):
        key = ("vision-prod", "subscription")
        due = served.exporter.runners[key].due
        await asyncio.sleep(0.5)
        await served.get("/probe?project=vision-prod")
        assert served.exporter.states[key].polls == 2
        later = served.exporter.runners[key].due - served.exporter.clock()
        assert 3600 * 0.95 - 1 < later <= 3600 * 1.05
        assert served.exporter.runners[key].due != due


async def test_openmetrics_and_gzip() -> None:
    async with demo() as (served, _):
        accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
        _, headers, body = await served.get("/probe?project=vision-prod&collector=subscription", headers=accept)
        assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        families = {family.name for family in parse_openmetrics(body.decode())}
        assert families >= {"frs_up", "frs_polls", "frs_exporter_time_seconds"}
        _, headers, body = await served.get("/probe?project=vision-prod", headers={"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == "gzip"
        assert b'frs_up{project="vision-prod"' in gzip.decompress(body)


@pytest.mark.uncounted
async def test_hammering_costs_no_more_than_the_polls_that_are_in_hand() -> None:
    async with demo() as (served, world):
        before = asked(world)
        answers = await asyncio.gather(*(served.get("/probe?project=vision-prod") for _ in range(100)))
        assert {answer[0] for answer in answers} == {200}
        for _ in range(20):
            assert (
                b'frs_up{project="vision-prod",collector="subscription"} 1.0'
                in (await served.get("/probe?project=vision-prod"))[2]
            )
        assert asked(world) - before == 3
        _, _, text = await served.get("/probe?project=vision-prod&debug=true")
        assert b"not asked: it was asked often of late" in text


async def test_a_probe_that_comes_while_one_is_under_way_shares_it() -> None:
    async with demo() as (served, world):
        world.faults.set("frs", Fault(delay=0.5))
        before = asked(world)
        first = asyncio.create_task(served.get("/probe?project=vision-prod&debug=true"))
        await asyncio.sleep(0.1)
        second = await served.get("/probe?project=vision-prod&debug=true")
        assert b"> GET http" in (await first)[2]
        assert b"a poll was under way already: its steps are not told here" in second[2]
        assert b"vision-prod, subscription: up" in second[2]
        assert asked(world) - before == 1


async def test_the_deadline_is_that_of_the_scrape_and_the_answer_is_the_truth() -> None:
    """In time, down, and why; the poll itself goes on, and what it tells is on the page later."""
    async with demo() as (served, world):
        world.faults.set("frs", Fault(delay=2.0))
        clock = asyncio.get_running_loop().time
        started = clock()
        status, _, body = await served.get("/probe?project=vision-prod", headers={TIMEOUT: "1"})
        assert clock() - started < 1.5
        assert status == 200
        assert value(body, "frs_up") == 0
        assert (
            b'frs_poll_error_info{project="vision-prod",collector="subscription",reason="timeout",code=""} 1.0' in body
        )
        assert b'frs_up{project="vision-prod",collector="subscription"} 1.0' in (await served.get("/metrics"))[2]
        async with asyncio.timeout(10):
            while served.exporter.states["vision-prod", "subscription"].polls < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert served.exporter.states["vision-prod", "subscription"].up


WRONG = [
    ("", 400, "project is missing: /probe?project=NAME, as the config names it; /sd lists all"),
    ("?project=", 400, "project is missing"),
    ("?project=nowhere", 404, "no such project or account with this collector is watched here; /sd lists all"),
    ("?project=vision-prod&project=door-access", 400, "project is given more than once"),
    ("?target=vision-prod&target=vision-prod", 400, "target is given more than once"),
    ("?project=vision-prod&target=door-access", 400, "project and target are two names for one thing"),
    ("?target=nowhere", 404, "no such project"),
    ("?project=vision-prod&collector=bogus", 400, "there is no such collector; there are subscription"),
    ("?project=vision-prod&debug=maybe", 400, "debug must be true or false"),
    ("?project=http://169.254.169.254/", 404, "no such project or account with this collector is watched here"),
]


async def test_only_what_the_config_names_is_probed() -> None:
    async with demo() as (served, world):
        before = asked(world)
        for query, status, text in WRONG:
            told, headers, body = await served.get(f"/probe{query}")
            assert (told, headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
            assert body.decode().startswith(text)
        for header in ("", "soon", "-1", "0", "nan", "inf", "1e400"):
            status, _, body = await served.get("/probe?project=vision-prod", headers={TIMEOUT: header})
            assert (status, body) == (400, f"{TIMEOUT} is no number of seconds\n".encode())
        assert asked(world) == before


@pytest.mark.parametrize(("header", "seconds"), [(None, 9.5), ("10", 9.5), ("0.4", 0.2), ("1", 0.5), ("60.5", 60.0)])
def test_the_deadline_leaves_time_for_the_way_back(header: str | None, seconds: float) -> None:
    assert deadline(header, 10.0, 0.5) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "fault", [None, Fault(code="APIGW.0201", status=400, echo=True), Fault(status=503, code="APIGW.0613")]
)
async def test_debug_tells_each_step_and_no_secret(fault: Fault | None) -> None:
    """Also where the cloud sends back what it was sent, and where a token has to be bought first."""
    world = demo_world()
    async with demo(world) as (served, _):
        if fault:
            world.faults.set("frs", fault)
        for name in ("vision-prod", "vip-lounge"):
            world.expire_tokens()
            _, headers, body = await served.get(f"/probe?project={name}&debug=true")
            text = body.decode()
            assert headers["Content-Type"] == "text/plain; charset=utf-8"
            assert "asked with 9.5 s to answer" in text
            assert "> GET http://127.0.0.1:" in text
            assert re.search(r"< \d\d\d", text)
            assert re.search(r"(x-auth-token|authorization): \*\*\*", text)
            assert f"{name}, subscription: {'down' if fault else 'up'}" in text
            if fault is None:
                assert f'frs_subscribed{{project="{name}",subservice="detect"}} 1.0' in text
            else:
                assert "classified as" in text
                assert "reason: " in text
            for secret in secrets_of(world):
                assert secret not in text


async def test_advice_is_in_the_language_of_the_page_that_led_here() -> None:
    world = demo_world()
    world.faults.set("frs", Fault(status=503, code="APIGW.0613"))
    async with demo(world) as (served, _):
        links = re.findall(r'href="(probe\?project=vision-prod[^"]*)"', (await served.get("/?lang=zh"))[2].decode())
        assert links
        _, headers, body = await served.get(f"/{links[0].replace('&amp;', '&')}")
        assert "  do: 请等待" in body.decode()
        assert headers["Vary"] == "Accept-Language"
        asked = {"Accept-Language": "zh-CN"}
        assert "  do: 请等待" in (await served.get("/probe?project=vision-prod&debug=true", headers=asked))[2].decode()
        assert "  do: wait; " in (await served.get("/probe?project=vision-prod&debug=true"))[2].decode()


async def test_a_dead_token_is_bought_anew_and_debug_says_so() -> None:
    world = demo_world()
    async with demo(world) as (served, _):
        world.expire_tokens()
        _, _, body = await served.get("/probe?project=vision-prod&debug=true")
        text = body.decode()
        for part in ("authorization: token of", "held until", "was refused: one more try", "> POST http", "< 201"):
            assert part in text
        assert text.index("< 401") < text.index("> POST") < text.index("< 201") < text.index("< 200")


def test_only_harmless_headers_are_told_and_no_secret_in_them() -> None:
    """A far side may send back in any header what it was sent."""
    told: list[str] = []
    headers = {"X-Subject-Token": "s1", "Set-Cookie": "s2", "Date": "now", "authorization": "s3", "server": "my AK1 x"}
    Trace(told.append).headers(headers, lambda: ["AK1"], "< %s", 200)
    UNTRACED.headers({}, lambda: pytest.fail("nor what is secret"), "nobody wants to know")
    shown = "\n  X-Subject-Token: ***\n  Set-Cookie: ***\n  Date: now\n  authorization: ***\n  server: my *** x"
    assert told == [f"< 200{shown}"]


async def test_a_project_that_a_reload_takes_away_meanwhile() -> None:
    async with demo() as (served, world):
        world.faults.set("frs", HANG)
        waiting = asyncio.create_task(served.get("/probe?project=vision-prod", headers={TIMEOUT: "5"}))
        await asyncio.sleep(0.2)
        await served.becomes()
        status, _, body = await waiting
        assert (status, body) == (503, b"the config has changed meanwhile: ask again\n")
        assert (await served.get("/probe?project=vision-prod"))[0] == 404


async def test_sd_lists_every_project_as_a_target() -> None:
    async with demo(labels=(("team", "视觉"), ("site", "a/b"))) as (served, _):
        status, headers, body = await served.get("/sd")
        assert (status, headers["Content-Type"]) == (200, "application/json")
        found = json.loads(body)
        assert len(found) == 6
        first = next(each for each in found if each["labels"]["__meta_frs_project"] == "vision-prod")
        host = served.url.removeprefix("http://")
        assert first["targets"] == [host]
        labels = first["labels"]
        assert (labels["__scheme__"], labels["__metrics_path__"]) == ("http", "/probe")
        assert labels["__param_project"] == labels["instance"] == "vision-prod"
        assert labels["__meta_frs_label_team"] == "视觉"
        assert {"__meta_frs_region", "__meta_frs_project_id", "__meta_frs_credential", "__meta_frs_auth"} <= set(labels)
        await served.becomes()
        assert json.loads((await served.get("/sd"))[2]) == []


async def test_sd_tells_where_others_reach_it() -> None:
    layout = Layout(prefix="/inner", external_url=URL("https://monitoring.example.com:8443/frs/"))
    async with demo(layout=layout) as (served, _):
        (first, *_) = json.loads((await served.get("/inner/sd"))[2])
        assert first["targets"] == ["monitoring.example.com:8443"]
        assert (first["labels"]["__scheme__"], first["labels"]["__metrics_path__"]) == ("https", "/frs/probe")


@pytest.mark.parametrize(
    ("url", "host"), [("https://a.example/", "a.example:443"), ("http://[2001:db8::1]/x", "[2001:db8::1]:80")]
)
def test_a_target_has_its_port_and_an_ipv6_address_its_brackets(url: str, host: str) -> None:
    assert Layout(external_url=URL(url)).reached_at("http", "inner")[1] == host
