"""What changes something over HTTP: not for other sites' pages, and not where it is switched off."""

import asyncio

import pytest
from yarl import URL

from frs_exporter.config.load import Config
from frs_exporter.web.layout import Layout
from frs_exporter.web.lifecycle import is_foreign
from frs_simulator import Simulator, demo_world
from tests.conftest import LIMITS
from tests.web.serving import serving

HOST = "exporter.example:10377"
CASES = [
    ({}, False),  # no browser: curl, a deployment tool
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Site": "none"}, False),  # typed by the user
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, True),
    ({"Sec-Fetch-Site": "same-site"}, True),
    ({"Sec-Fetch-Site": "cross-site", "Origin": f"http://{HOST}"}, True),
    ({"Sec-Fetch-Site": "of a later standard"}, True),
    ({"Origin": f"http://{HOST}"}, False),
    ({"Origin": f"http://{HOST.upper()}"}, False),
    ({"Origin": "https://monitoring.example"}, False),
    ({"Origin": "http://exporter.example"}, True),
    ({"Origin": "http://exporter.example:10378"}, True),
    ({"Origin": "https://evil.example"}, True),
    ({"Origin": f"https://{HOST}.evil.example"}, True),
    ({"Origin": "null"}, True),
    ({"Origin": "http://[::1"}, True),
]


@pytest.mark.parametrize(("headers", "foreign"), CASES)
def test_whose_page_it_is(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign({"Host": HOST, **headers}, "monitoring.example") is foreign


def test_without_a_host_every_origin_is_foreign() -> None:
    assert is_foreign({"Origin": "http://x"})


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("path", ["/-/reload", "/-/retry?credential=acme"])
async def test_another_sites_page_changes_nothing(path: str, method: str) -> None:
    layout = Layout(external_url=URL("https://monitoring.example/frs/"))
    async with Simulator(demo_world(2)) as simulator, serving(simulator, layout) as served:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://x.evil"}):
            served.source.loads.append(Config(served.config.targets[:1], LIMITS))
            status, _, body = await served.get(path, method=method, headers=headers)
            assert (status, body[:9]) == (403, b"refused: ")
        assert len(served.exporter.states) == len(served.config.jobs)


@pytest.mark.parametrize("origin", ["", "own", "https://monitoring.example"])
async def test_our_own_pages_and_tools_reload(origin: str) -> None:
    layout = Layout(external_url=URL("https://monitoring.example/frs/"))
    async with Simulator(demo_world(2)) as simulator, serving(simulator, layout) as served:
        served.source.loads.append(Config(served.config.targets[:1], LIMITS))
        headers = {"Origin": served.url if origin == "own" else origin} if origin else {}
        assert (await served.get("/-/reload", method="POST", headers=headers))[0] == 200


async def test_it_can_be_switched_off() -> None:
    """As it is in Prometheus by default, with the same flag; reloads by other ways stay."""
    async with Simulator(demo_world(2)) as simulator, serving(simulator, lifecycle=False) as served:
        served.source.loads.append(Config(served.config.targets[:1], LIMITS))
        for path in ("/-/reload", "/-/retry?credential=acme"):
            status, _, body = await served.get(path, method="POST")
            assert (status, body[:13]) == (403, b"switched off ")
            assert (await served.get(path))[0] == 405
        async with asyncio.timeout(5):
            await served.exporter.reload()
