"""The routes: landing page, metrics, health, readiness and reload."""

import asyncio
import contextlib
from html import escape

from aiohttp import web

from frs_exporter import __version__
from frs_exporter.errors import ConfigError
from frs_exporter.exposition.page import ENCODINGS, FORMATS, GZIP, IDENTITY, TEXT, encode, negotiate
from frs_exporter.polling.exporter import Exporter

EXPORTER = web.AppKey("exporter", Exporter)

LANDING = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>frs_exporter</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1a1a1a; }}
h1 {{ font-size: 1.5rem; }} li {{ margin: .5rem 0; }} small {{ color: #555; }}
</style>
</head>
<body>
<h1>frs_exporter <small>{version}</small></h1>
<p>Prometheus exporter for Huawei Cloud's Face Recognition Service.
{up} of {jobs} jobs are up.</p>
<ul>
<li><a href="{metrics}">Metrics</a>: what Prometheus scrapes</li>
<li><a href="/-/healthy">Healthy</a>: the process works</li>
<li><a href="/-/ready">Ready</a>: each project was asked once</li>
</ul>
</body>
</html>
"""


def build_app(exporter: Exporter, telemetry_path: str = "/metrics") -> web.Application:
    """The application around a started exporter."""
    app = web.Application()
    app[EXPORTER] = exporter
    app.router.add_get(telemetry_path, metrics, name="metrics")
    if telemetry_path != "/":
        app.router.add_get("/", landing)
    app.router.add_get("/-/healthy", healthy)
    app.router.add_get("/-/ready", ready)
    for method in ("POST", "PUT"):
        app.router.add_route(method, "/-/reload", reload)
    return app


async def metrics(request: web.Request) -> web.StreamResponse:
    """The page, written block by block: no block takes long, and there is never a second copy of it all."""
    await request.app[EXPORTER].shown.wait()  # part of a page would look as if projects were gone
    format = negotiate(",".join(request.headers.getall("Accept", ["*/*"])), FORMATS, TEXT)
    encoding = negotiate(",".join(request.headers.getall("Accept-Encoding", ["identity"])), ENCODINGS, IDENTITY)
    response = web.StreamResponse(
        headers={"Content-Type": format.content_type, "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-store"}
    )
    if encoding is GZIP:
        response.headers["Content-Encoding"] = "gzip"
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    # A scraper that gives up halfway is no error of ours.
    with contextlib.suppress(ConnectionError):
        for block in encode(request.app[EXPORTER].page(format), encoding):
            await response.write(block)
            await asyncio.sleep(0)  # others get their turn between blocks
        await response.write_eof()
    return response


async def landing(request: web.Request) -> web.Response:
    """Where a person who opens the address finds the rest."""
    states = request.app[EXPORTER].states.values()
    page = LANDING.format(
        version=escape(__version__),
        metrics=escape(str(request.app.router["metrics"].url_for())),
        up=sum(state.up for state in states),
        jobs=len(states),
    )
    return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store"})


async def healthy(request: web.Request) -> web.Response:
    """Whether the event loop turns: nothing else is meant by health."""
    reason = request.app[EXPORTER].not_healthy()
    return web.Response(text=f"not healthy: {reason}\n", status=503) if reason else web.Response(text="healthy\n")


async def ready(request: web.Request) -> web.Response:
    """Whether a scrape tells of every project already, and the process is not about to stop."""
    reason = request.app[EXPORTER].not_ready()
    return web.Response(text=f"not ready: {reason}\n", status=503) if reason else web.Response(text="ready\n")


async def reload(request: web.Request) -> web.Response:
    """Load the config again: 200 only when it is in place, 500 with every problem when all is as it was."""
    try:
        await request.app[EXPORTER].reload()
    except ConfigError as error:
        return web.Response(text="".join(f"{problem}\n" for problem in error.problems), status=500)
    return web.Response(text="reloaded\n")
