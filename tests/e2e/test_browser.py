"""The status page in a real browser, looked at with few and many projects, small and large, in both languages."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from frs_exporter.core import model
from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import Target
from frs_exporter.core.past_polls import MAX_RECENT
from frs_exporter.status.history import Figure, PollHistory
from frs_simulator import Account, Project, Simulator, demo_world
from frs_simulator.catalog import Name
from frs_simulator.money import Balance, Billing
from frs_simulator.packages import FreeResource, Package
from tests.conftest import target_of
from tests.e2e.browser import VIOLATIONS, Tab, axe, browser
from tests.web.serving import Served, fill, serving

HOSTILE = """"><img src=x onerror="document.title='owned'"><script>alert(1)</script>"""
LONG = "x" * 120


async def everything_polled(served: Served) -> None:
    async with asyncio.timeout(60):
        while not all(state.polls for state in served.exporter.states.values()):  # noqa: ASYNC110  # across sockets
            await asyncio.sleep(0.05)


def spoil(served: Served, project: str, error: Failure) -> None:
    """Let a project's newest poll have failed."""
    key = (project, "subscription")
    served.exporter.runners[key].state = served.exporter.states[key].failed(1.0, 1.0, error)


async def fits(tab: Tab) -> bool:
    """Whether nothing makes the page wider than the screen."""
    fits: bool = await tab.run("document.documentElement.scrollWidth <= window.innerWidth")
    return fits


async def test_the_demo_in_both_languages_small_large_and_dark(chromium: str) -> None:
    async with (
        Simulator(demo_world()) as simulator,
        serving(simulator, poll_interval=3600.0, require=("detect", "compare", "search")) as served,
        browser(chromium) as tab,
    ):
        await everything_polled(served)
        error = Failure(
            Reason.SERVER, "IAM currently unavailable", status=503, code="APIGW.0613", request_id="4e16b4f1"
        )
        spoil(served, "vision-prod", error)
        for language, words in (("en", "What to do:"), ("zh-CN,zh", "处理建议：")):
            for width in (1280, 768, 375, 320):
                await tab.open(served.url, width, language)
                assert words in await tab.run("document.body.innerText")
                assert await tab.run("document.querySelector('tbody th b').innerText") == "vision-prod"
                assert await fits(tab), (language, width)
                await tab.screenshot(f"status-{language[:2]}-{width}")
        await tab.open(served.url, 1280, dark=True)
        await tab.screenshot("status-dark")
        assert tab.troubles == []


@pytest.mark.parametrize("projects", [1, 50, 1000])
@pytest.mark.uncounted
async def test_few_and_many_projects(chromium: str, projects: int) -> None:
    async with (
        Simulator(demo_world(projects)) as simulator,
        serving(simulator, poll_interval=3600.0, require=("search",)) as served,
        browser(chromium) as tab,
    ):
        fill(served.exporter)
        await tab.open(served.url)
        shown = min(projects, 500)
        assert await tab.run("document.querySelectorAll('tbody').length") == shown
        count = await tab.run("document.querySelector('.count').innerText")
        assert count.startswith(f"{shown} of {projects} projects")
        await tab.screenshot(f"projects-{projects}")
        if projects > shown:
            await tab.open(served.url + "/?all=1")
            assert await tab.run("document.querySelectorAll('tbody').length") == projects
        await tab.open(served.url, 375)
        assert await fits(tab)
        await tab.screenshot(f"projects-{projects}-phone")
        assert tab.troubles == []


async def test_the_filter(chromium: str) -> None:
    async with Simulator(demo_world()) as simulator, serving(simulator) as served, browser(chromium) as tab:
        await everything_polled(served)
        await tab.open(served.url)
        await tab.submit("LOUNGE")
        assert await tab.run("document.querySelectorAll('tbody').length") == 1
        assert await tab.run("document.querySelector('tbody th b').innerText") == "vip-lounge"
        assert await tab.run("document.querySelector('input[type=search]').value") == "LOUNGE"
        await tab.submit("no such thing")
        assert "No project matches." in await tab.run("document.body.innerText")
        assert tab.troubles == []


async def test_hostile_text_is_text(chromium: str) -> None:
    """Labels of the config, messages of the wire, and what a link makes somebody search for."""
    async with (
        Simulator(demo_world(2)) as simulator,
        serving(simulator, labels=(("team", HOSTILE), ("long", LONG))) as served,
        browser(chromium) as tab,
    ):
        await everything_polled(served)
        first, second = served.exporter.states
        spoil(served, first[0], Failure(Reason.CLIENT, HOSTILE, code="FRS.9999"))
        spoil(served, second[0], Failure(Reason.CLIENT, LONG * 2, code="FRS.9999"))
        for width in (1280, 375):
            await tab.open(f"{served.url}/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", width)
            await tab.open(served.url, width)
            assert HOSTILE in await tab.run("document.body.innerText")
            assert await tab.run("document.images.length") == 0
            assert (await tab.run("document.title")).endswith("frs_exporter")
            assert await fits(tab)
        await tab.screenshot("hostile-phone")
        assert tab.troubles == []


SOON = """
const real = setInterval; window.setInterval = (f, each) => real(f, Math.min(each, 100));
const now = performance.now.bind(performance); window.faster = 1; performance.now = () => window.faster * now();
"""
"""What makes the script do within moments what it does within a quarter of a minute."""


async def test_the_page_refreshes_itself_and_does_not_disturb(chromium: str) -> None:
    """Focus, caret and scrolling stay; while somebody types or selects it pauses, says so, and goes on by itself."""
    async with (
        Simulator(demo_world(40)) as simulator,
        serving(simulator, poll_interval=3600.0) as served,
        browser(chromium) as tab,
    ):
        await everything_polled(served)
        await tab.do("Page.addScriptToEvaluateOnNewDocument", source=SOON)
        await tab.open(served.url)
        await tab.run("window.mark = 1; document.querySelector('input[type=search]').focus()")
        spoil(served, "vip-lounge", Failure(Reason.DNS, "no such host"))
        await tab.until("no such host")
        assert await tab.run("document.activeElement.name") == "q", "a cursor in the filter stops nothing"
        link = "[...document.querySelectorAll('tbody a')].at(-1)"
        await tab.run(f"window.href = {link}.href; {link}.focus(); scrollTo(0, 300); void 0")
        place = await tab.run("scrollY")
        spoil(served, "vip-lounge", Failure(Reason.TLS, "bad certificate"))
        await tab.until("bad certificate")
        assert await tab.run("document.activeElement.href === window.href")
        assert await tab.run("scrollY") == place > 0
        await typing(tab, served)
        assert await tab.run("window.mark") == 1
        assert tab.troubles == []


async def typing(tab: Tab, served: Served) -> None:
    """Somebody types, thinks, and selects."""
    await tab.run("document.querySelector('input[type=search]').focus()")
    await tab.do("Input.insertText", text="loung")
    spoil(served, "vip-lounge", Failure(Reason.SERVER, "worn out"))
    await tab.until("not refreshed while you type or select text")
    assert "worn out" not in await tab.run("document.body.innerText")
    await tab.run("window.faster = 1000; void 0")
    await tab.until("worn out")
    assert await tab.run("document.activeElement.value + document.activeElement.selectionStart") == "loung5"
    assert await tab.run("document.getElementById('bar').hidden")
    await tab.run("document.activeElement.blur(); getSelection().selectAllChildren(document.querySelector('h1'))")
    spoil(served, "vip-lounge", Failure(Reason.SERVER, "asleep"))
    await tab.until("not refreshed while you type or select text")
    await tab.run("getSelection().removeAllRanges()")
    await tab.until("asleep")


class Proxy:
    """Passes requests on, or answers with a status of its own, or not at all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 0
        self.silent = False

    async def answer(self, request: web.Request) -> web.Response:
        """What the browser gets."""
        if self.silent:
            await asyncio.Event().wait()
        if self.status:
            return web.Response(status=self.status, text="no")
        async with aiohttp.ClientSession() as session, session.get(self.url + request.path_qs) as response:
            return web.Response(body=await response.read(), content_type="text/html", charset="utf-8")


@pytest.mark.parametrize("path", ["/", "/project/vision-prod"])
async def test_an_old_page_says_so_until_there_is_an_answer(chromium: str, path: str) -> None:
    old = re.compile(r"no answer since (\d\d:\d\d:\d\d UTC): what is shown is old \((.+)\)")
    async with Simulator(demo_world(1)) as simulator, serving(simulator, poll_interval=600.0) as served:
        proxy = Proxy(served.url)
        async with listening(proxy) as (url, runner), browser(chromium) as tab:
            await everything_polled(served)
            await tab.do("Page.addScriptToEvaluateOnNewDocument", source=SOON)
            await tab.open(url + path)
            bar = "document.getElementById('bar').innerText"
            for status in (401, 503, 429):
                proxy.status = status
                await tab.until(f"what is shown is old (HTTP {status})")
                found = old.fullmatch(await tab.run(bar))
                assert found
                assert found[1] in await tab.run("document.querySelector('#asof time').innerText")
                assert await tab.run("document.getElementById('bar').getBoundingClientRect().height") > 0
                proxy.status = 0
                await tab.until_gone("what is shown is old")
            ago = "document.querySelector('#asof span').innerText"
            proxy.silent = True
            await tab.until("what is shown is old (no answer in time)")
            assert int(re.findall(r"\d+", await tab.run(ago))[0]) >= 9, "it is counted on"
            proxy.silent = False
            await tab.until_gone("what is shown is old")
            await runner.cleanup()
            await tab.until("what is shown is old (not reachable)")


@asynccontextmanager
async def listening(proxy: Proxy) -> AsyncIterator[tuple[str, web.AppRunner]]:
    """A proxy's URL, and what ends it."""
    app = web.Application()
    app.router.add_get("/{path:.*}", proxy.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", runner
    finally:
        await runner.cleanup()


async def test_without_a_script_it_says_as_of_when(chromium: str) -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator) as served, browser(chromium) as tab:
        await everything_polled(served)
        await tab.do("Emulation.setScriptExecutionDisabled", value=True)
        for path in ("/", "/project/vision-prod"):
            await tab.open(served.url + path)
            text = await tab.run("document.body.innerText")
            assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\s", text)
            assert "old" not in text


def full(served: Served) -> None:
    """Let every job have twenty polls, of which some have failed, and a day behind it."""
    now, rng = time.time(), random.Random(1)
    for key, runner in served.exporter.runners.items():
        state, record = runner.state, served.exporter.record(key)
        for number in range(MAX_RECENT):
            if number % 3:
                error = Failure(Reason.PROJECT_MISMATCH, LONG, status=400, code="FRS.0028", request_id=LONG[:36])
                state = state.failed(now, 0.1, error)
            else:
                state = state._replace(failure=None).confirmed(now, 0.1, served.exporter.clock() + 3600)
        runner.state = state
        assert record
        record.polls = PollHistory()
        record.figures = {name: Figure() for name in record.figures or {}}
        for at in range(int(now) - 86000, int(now), 300):
            record.add(at, rng.lognormvariate(-2, 0.5), up=at % 7 > 0)
            for figure in record.figures.values():
                figure.add(at, rng.random(), 900)


def rich(simulator: Simulator) -> Target:
    """An account with packages of long names."""
    packages = [Package(f"{number}", (FreeResource(Decimal(10), Decimal(4)),), Name(LONG, LONG)) for number in range(3)]
    owner = Account("rich", "ak_sk", [], billing=Billing([Balance(Decimal("12345678.90"))], packages=packages))
    simulator.world.accounts.append(owner)
    project = Project("rich-account", "", {})
    subject = model.Account(domain_id=owner.domain_id, service_types=("hws.service.type.frs",))
    return target_of(owner, project, simulator.url, account=subject, collectors=("billing",), poll_interval=3600.0)


@asynccontextmanager
async def full_pages(chromium: str) -> AsyncIterator[tuple[Served, Tab]]:
    """The demo and an account, each with all that a page can have."""
    asked: dict[str, Any] = {"require": ("detect", "search"), "labels": (("team", "vision"),)}
    asked["collectors"] = ("subscription", "face_sets", "cloud_eye")
    async with Simulator(demo_world()) as simulator, serving(simulator, poll_interval=3600.0, **asked) as served:
        await served.becomes(*served.config.targets, rich(simulator))
        await everything_polled(served)
        full(served)
        async with browser(chromium) as tab:
            yield served, tab


PAGES = ("/", "/?sort=-age", "/project/vision-prod", "/runbook", "/runbook/FrsServiceFrozen", "/project/rich-account")


@pytest.mark.uncounted
async def test_nothing_is_cut_off_at_any_width(chromium: str) -> None:
    """With full strips, long names, several jobs a project, and an account."""
    beyond = """[...document.querySelectorAll("main *")].filter((e) => {
      const box = e.getBoundingClientRect();
      return box.width && (box.right > innerWidth + 1 || box.left < -1) && !e.closest("svg");
    }).map((e) => e.outerHTML.slice(0, 200))"""
    async with full_pages(chromium) as (served, tab):
        for width in (320, 390, 768, 1121, 1280, 1340, 1440, 2560):
            for path in PAGES:
                for language in ("en", "zh"):
                    await tab.open(served.url + path, width, language)
                    assert await tab.run(beyond) == [], (width, path, language)
                    assert await fits(tab), (width, path, language)
            assert await tab.run("document.querySelectorAll('.strip i').length") == MAX_RECENT
        assert tab.troubles == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.uncounted
async def test_a_screen_reader_and_whoever_sees_little_can_read_it(chromium: str, language: str, dark: bool) -> None:
    """By the rules of axe-core."""
    rules = axe()
    async with full_pages(chromium) as (served, tab):
        for width in (390, 1280):
            for path in (*PAGES, "/?q=no+such+thing"):
                await tab.open(served.url + path, width, language, dark)
                await tab.run("for (const details of document.querySelectorAll('details')) details.open = true")
                await tab.run(f"{rules}; void 0")
                assert await tab.run(VIOLATIONS) == [], (width, path)
            await tab.open(served.url + PAGES[2], width, language, dark)
            await tab.screenshot(f"project-{language}-{width}{'-dark' if dark else ''}")
        assert tab.troubles == []


async def test_it_can_be_walked_through_by_keyboard(chromium: str) -> None:
    """The first stop leads past the rest, the order is that of reading, and where one is can be seen."""
    async with full_pages(chromium) as (served, tab):
        for path in PAGES:
            await tab.open(served.url + path)
            await tab.press("Tab", 9)
            assert await tab.run("document.activeElement.className") == "skip"
            assert await tab.run("document.activeElement.getBoundingClientRect().left") >= 0
            await tab.press("Enter", 13, "\r")
            assert await tab.run("document.activeElement.id") == "content"
            stops = await tab.run("document.querySelectorAll('main a, main button, main input, main summary').length")
            for number in range(min(stops, 12)):
                await tab.press("Tab", 9)
                place = await tab.run(
                    "[...document.querySelectorAll('main a, main button, main input:not([type=hidden]), main summary')]"
                    ".indexOf(document.activeElement)"
                )
                assert place == number, path
                assert await tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", path


async def test_paper_has_what_can_be_read_on_it(chromium: str) -> None:
    async with full_pages(chromium) as (served, tab):
        for path in PAGES:
            await tab.open(served.url + path, dark=True)
            await tab.run("document.getElementById('bar').hidden = false")
            await tab.do("Emulation.setEmulatedMedia", media="print")
            for gone in ("#bar", ".skip", "footer"):
                assert await tab.run(f"getComputedStyle(document.querySelector('{gone}')).display") == "none"
            assert await tab.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
            assert await tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            await tab.screenshot(f"print{path.replace('/', '-').replace('?', '-')}")


async def test_links_choose_and_sort(chromium: str) -> None:
    """Without a script, and one after the other."""
    async with full_pages(chromium) as (served, tab):
        await tab.do("Emulation.setScriptExecutionDisabled", value=True)
        await tab.open(served.url)
        names = "[...document.querySelectorAll('tbody th b')].map((e) => e.innerText)"
        everything = await tab.run(names)
        await tab.follow("th[aria-sort] a")
        assert await tab.run("document.querySelector('th[aria-sort]').ariaSort") == "descending"
        assert await tab.run(names) == everything[::-1]
        await tab.follow("thead th:first-child a")
        assert await tab.run("document.querySelector('th[aria-sort]').innerText") == "Project"
        assert await tab.run(names) == sorted(everything)
        await tab.follow("tbody small a[href*='region%3Acn-north-4']")
        assert await tab.run(names) == ["in-arrears", "vision-prod"]
        await tab.follow("tbody small a[href*='credential%3Aacme']")
        assert await tab.run(names) == ["door-access", "vision-prod", "visitor-kiosk"]
        assert await tab.run("document.querySelector('th[aria-sort]').innerText") == "Project"
        await tab.follow("tbody small a[href*='team%3Avision']")
        assert await tab.run(names) == sorted(set(everything) - {"rich-account"})
        await tab.open(served.url)
        await tab.follow("tbody td a.cell")
        await tab.follow("tbody th b a")
        heading = await tab.run("document.querySelector('h1').firstChild.textContent.trim()")
        assert heading in everything
