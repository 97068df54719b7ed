"""The status page in a real browser, looked at with few and many projects, small and large, in both languages."""

import asyncio
from pathlib import Path

import pytest

from frs_exporter.core.errors import Failure, Reason
from frs_simulator import Simulator, demo_world
from tests.e2e.browser import Tab, browser
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


async def test_the_demo_in_both_languages_small_large_and_dark(tmp_path: Path) -> None:
    async with (
        Simulator(demo_world()) as simulator,
        serving(simulator, poll_interval=30.0, require=("detect", "compare", "search")) as served,
        browser(tmp_path) as tab,
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


@pytest.mark.parametrize("projects", [1, 50, 2000])
async def test_few_and_many_projects(tmp_path: Path, projects: int) -> None:
    async with (
        Simulator(demo_world(projects)) as simulator,
        serving(simulator, poll_interval=3600.0, require=("search",)) as served,
        browser(tmp_path) as tab,
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


async def test_the_filter(tmp_path: Path) -> None:
    async with Simulator(demo_world()) as simulator, serving(simulator) as served, browser(tmp_path) as tab:
        await everything_polled(served)
        await tab.open(served.url)
        await tab.submit("LOUNGE")
        assert await tab.run("document.querySelectorAll('tbody').length") == 1
        assert await tab.run("document.querySelector('tbody th b').innerText") == "vip-lounge"
        assert await tab.run("document.querySelector('input[type=search]').value") == "LOUNGE"
        await tab.submit("no such thing")
        assert "No project matches." in await tab.run("document.body.innerText")
        assert tab.troubles == []


async def test_hostile_text_is_text(tmp_path: Path) -> None:
    """Labels of the config, messages of the wire, and what a link makes somebody search for."""
    async with (
        Simulator(demo_world(2)) as simulator,
        serving(simulator, labels=(("team", HOSTILE), ("long", LONG))) as served,
        browser(tmp_path) as tab,
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


async def test_the_page_refreshes_itself_and_does_not_disturb(tmp_path: Path) -> None:
    """Its few lines of script replace what is shown, unless somebody is writing."""
    async with Simulator(demo_world()) as simulator, serving(simulator) as served, browser(tmp_path) as tab:
        await everything_polled(served)
        soon = "const real = setInterval; window.setInterval = (f) => real(f, 100)"
        await tab.do("Page.addScriptToEvaluateOnNewDocument", source=soon)
        await tab.open(served.url)
        await tab.run("window.mark = 1")
        spoil(served, "vip-lounge", Failure(Reason.DNS, "no such host"))
        await tab.until("no such host")
        assert await tab.run("window.mark") == 1
        await tab.run("document.querySelector('input[type=search]').focus()")
        spoil(served, "vip-lounge", Failure(Reason.TLS, "bad certificate"))
        await asyncio.sleep(0.5)
        assert "bad certificate" not in await tab.run("document.body.innerText")
        await tab.run("document.activeElement.blur()")
        await tab.until("bad certificate")
        assert tab.troubles == []
