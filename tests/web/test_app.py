"""The routes, over real sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.times import Times
from frs_exporter.web.app import build_app
from frs_exporter.web.layout import Layout
from frs_simulator import Simulator, demo_world
from frs_simulator.faults import HANG
from tests.conftest import LIMITS, account, target_of
from tests.web.serving import Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Simulator(demo_world()) as simulator, serving(simulator, poll_interval=5.0) as started:
        await started.ready()
        yield started


async def test_both_parsers_read_the_page_and_find_the_same_samples(served: Served) -> None:
    _, headers, text = await served.get("/metrics")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Vary"] == "Accept, Accept-Encoding"
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    _, headers, openmetrics = await served.get("/metrics", headers=accept)
    assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    as_text, as_openmetrics = (
        {(sample.name, tuple(sample.labels.items())) for family in families for sample in family.samples}
        for families in (parse_text(text.decode()), parse_openmetrics(openmetrics.decode()))
    )
    assert {name for name in as_text if name[0].startswith("frs_")} == {
        name for name in as_openmetrics if name[0].startswith("frs_")
    }
    assert ("frs_up", (("project", "vip-lounge"), ("collector", "subscription"))) in as_text


async def test_no_series_is_there_twice(served: Served) -> None:
    _, _, text = await served.get("/metrics")
    series = [line.rsplit(" ", 1)[0] for line in text.decode().splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


async def test_gzip_is_sent_to_those_who_want_it(served: Served) -> None:
    _, headers, body = await served.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert b"frs_up{" in gzip.decompress(body)
    _, headers, body = await served.get("/metrics", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in headers
    assert b"frs_up{" in body


async def test_head_has_no_body(served: Served) -> None:
    status, headers, body = await served.get("/metrics", method="HEAD")
    assert (status, headers["Content-Type"], body) == (200, "text/plain; version=0.0.4; charset=utf-8", b"")


async def test_what_else_is_there(served: Served) -> None:
    status, headers, body = await served.get("/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b'<a href="metrics">' in body
    assert b"6 of 6 jobs up" in body
    assert (await served.get("/-/healthy"))[::2] == (200, b"healthy\n")
    assert (await served.get("/-/ready"))[::2] == (200, b"ready\n")
    assert (await served.get("/elsewhere"))[0] == 404
    assert (await served.get("/metrics", method="POST"))[0] == 405


async def test_a_loop_that_has_not_turned_is_not_healthy() -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator, times=Times(longest_pause=-1.0)) as served:
        status, _, body = await served.get("/-/healthy")
    assert status == 503
    assert body.startswith(b"not healthy: the event loop has not turned for ")


async def test_a_draining_exporter_is_healthy_and_not_ready(served: Served) -> None:
    served.exporter.drain()
    assert (await served.get("/-/healthy"))[0] == 200
    assert (await served.get("/-/ready"))[::2] == (503, b"not ready: stopping\n")


async def test_the_path_of_the_metrics_can_be_chosen() -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator, Layout("/")) as served:
        assert b"frs_up{" in (await served.get("/"))[2]
    async with Simulator(demo_world(1)) as simulator, serving(simulator, Layout("/own/metrics")) as served:
        assert b'<a href="own/metrics">' in (await served.get("/"))[2]
        assert (await served.get("/metrics"))[0] == 404


@pytest.mark.parametrize("prefix", ["", "/frs/x"])
async def test_any_number_of_slashes_is_as_good_as_one(prefix: str) -> None:
    """Other exporters' scrape configs have a slash at the end, and URLs that are put together have two."""
    async with Simulator(demo_world(1)) as simulator, serving(simulator, Layout(prefix=prefix)) as served:
        for path in (f"{prefix}/metrics/", f"{prefix}//metrics", f"/{prefix}/metrics", f"{prefix}/metrics///"):
            status, _, body = await raw_get(served.port, path)
            assert (status, b"\nfrs_up{" in body) == (200, True), path
        for path in ("/-/healthy/", "//-//healthy", "/api//v1/status/", "/sd/", "/", "//"):
            assert (await raw_get(served.port, prefix + path))[0] == 200, path
        assert (await raw_get(served.port, f"{prefix}//metrics", "POST"))[0] == 405
        for path in ("/metric", "/metrics/x", "/metricss", "/m/etrics", "/x//metrics", "/-healthy"):
            assert (await raw_get(served.port, prefix + path))[0] == 404, path
        assert (await raw_get(served.port, prefix or "/"))[0] == (302 if prefix else 200)


async def raw_get(port: int, path: str, method: str = "GET") -> tuple[int, bytes, bytes]:
    """Status, headers and body of what is asked for by a path that no client puts in order first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


async def test_a_scrape_never_waits_for_the_cloud() -> None:
    """With the cloud hanging the page is there at once, and every job on it is down from the first second."""
    world = demo_world()
    world.faults.set("frs", HANG)
    world.faults.set("iam", HANG)
    async with Simulator(world) as simulator, serving(simulator) as served:
        clock = asyncio.get_running_loop().time
        started = clock()
        _, _, body = await served.get("/metrics")
        assert clock() - started < 1  # the hanging requests would take poll_timeout, 10 s
        ups = [line for line in body.decode().splitlines() if line.startswith("frs_up{")]
        assert len(ups) == 6
        assert all(line.endswith("} 0.0") for line in ups)
        status, _, reason = await served.get("/-/ready")
        assert (status, reason) == (503, b"not ready: 6 of 6 jobs not polled yet\n")


async def test_before_the_start_it_is_healthy_and_not_ready() -> None:
    owner = account("ak_sk", "gate-1")
    config = Config((target_of(owner, owner.projects[0], "http://127.0.0.1:9"),), LIMITS)
    exporter = Exporter(Source("", load), config, Telemetry())
    async with TestClient(TestServer(build_app(exporter))) as client:
        assert (await client.get("/-/healthy")).status == 200
        assert await (await client.get("/-/ready")).text() == "not ready: starting\n"
        scrapes = [asyncio.create_task(client.get(path)) for path in ("/metrics", "/sd", "/probe?project=gate-1")]
        await asyncio.sleep(0.2)
        assert not any(scrape.done() for scrape in scrapes)
        await exporter.start()
        for scrape in scrapes:
            assert b"gate-1" in await (await scrape).read(), "it is whole or not there at all"
    await exporter.stop()


async def test_ready_comes_after_an_interval_even_when_the_cloud_hangs() -> None:
    """Readiness does not follow the vendor's health."""
    world = demo_world(2)
    world.faults.set("iam", HANG)
    async with Simulator(world) as simulator, serving(simulator, poll_interval=0.2) as served:
        await served.ready()


async def test_a_client_that_hangs_up_harms_nobody(served: Served) -> None:
    port = served.port
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        writer.transport.abort()
    assert (await served.get("/metrics"))[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_reload_answers_200_only_when_the_config_is_in_place(served: Served, method: str) -> None:
    first = Config(served.config.targets[:1], LIMITS)
    served.source.loads += [first, ConfigError(["c.yaml:1:1: a", "c.yaml:2:1: b"]), served.config]
    assert (await served.get("/-/reload", method=method))[::2] == (200, b"reloaded\n")
    assert (await served.get("/metrics"))[2].count(b"\nfrs_up{") == 1
    status, headers, body = await served.get("/-/reload", method=method)
    assert (status, body) == (500, b"c.yaml:1:1: a\nc.yaml:2:1: b\n")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    page = (await served.get("/metrics"))[2]
    assert page.count(b"\nfrs_up{") == 1
    assert b"\nfrs_exporter_config_last_reload_successful 0.0\n" in page
    assert (await served.get("/-/reload", method=method))[0] == 200
    page = (await served.get("/metrics"))[2]
    assert page.count(b"\nfrs_up{") == 6
    assert b"\nfrs_exporter_config_last_reload_successful 1.0\n" in page


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS"])
async def test_reload_by_any_other_method_is_405_and_changes_nothing(served: Served, method: str) -> None:
    status, headers, _ = await served.get("/-/reload", method=method)
    assert status == 405
    assert set(headers["Allow"].split(",")) == {"POST", "PUT"}


async def test_a_client_that_hangs_up_does_not_stop_the_reload_it_asked_for(served: Served) -> None:
    served.source.loads.append(Config(served.config.targets[:2], LIMITS))
    served.source.answers.clear()
    port = served.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    served.source.answers.set()
    async with asyncio.timeout(10):
        while len(served.exporter.states) != 2:  # noqa: ASYNC110  # what is awaited is nobody's answer
            await asyncio.sleep(0.02)


async def test_only_the_metrics_that_are_named(served: Served) -> None:
    _, _, body = await served.get("/metrics?name[]=frs_up&name[]=frs_exporter_jobs")
    names = {line.split("{")[0].split()[0] for line in body.decode().splitlines() if not line.startswith("#")}
    assert names == {"frs_up", "frs_exporter_jobs"}
    accept = {"Accept": "application/openmetrics-text"}
    _, _, body = await served.get("/metrics?name[]=frs_polls_total&name[]=nothing", headers=accept)
    assert {family.name for family in parse_openmetrics(body.decode())} == {"frs_polls"}
    assert (await served.get("/metrics?name[]=nothing"))[::2] == (200, b"")
