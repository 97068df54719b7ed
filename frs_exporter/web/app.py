"""The routes: what is where, and what it answers."""

from functools import partial

from aiohttp import web

from frs_exporter.exposition.page import FORMATS, TEXT, negotiate
from frs_exporter.polling.exporter import Exporter
from frs_exporter.runtime.imports import imported
from frs_exporter.web import lifecycle, probe
from frs_exporter.web.layout import Layout
from frs_exporter.web.lifecycle import Handler
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.stream import header, in_turns, stream


def build_app(
    exporter: Exporter,
    layout: Layout | None = None,
    *,
    lifecycle_enabled: bool = True,
    renderings: Renderings | None = None,
) -> web.Application:
    """The application around an exporter; it stands behind a guard where it is served."""
    layout, renderings = layout or Layout(), renderings or Renderings()
    app = web.Application()

    def get(path: str, answer: Handler) -> None:
        app.router.add_get(any_slashes(layout.prefix + path), answer)

    if layout.prefix:
        for path in ("", layout.prefix):  # before all others: the status page is at its prefix with a slash
            app.router.add_get(any_slashes(path, end=""), partial(home, layout))
    get(layout.telemetry_path, partial(metrics, exporter, renderings))
    if layout.telemetry_path != "/":
        get("/", status_page("page", exporter, renderings, layout.metrics))
    page_of_project = status_page("page", exporter, renderings, layout.prefix, module="project_page")
    get("/project", page_of_project)
    app.router.add_get(any_slashes(f"{layout.prefix}/project", end="/+") + "{name:.+}", page_of_project)
    page_of_runbook = status_page("page", renderings, layout.prefix, module="runbook_page")
    get("/runbook", page_of_runbook)
    get("/runbook/{name}", page_of_runbook)
    get("/probe", partial(probe.probe, exporter, renderings))
    get("/sd", partial(probe.targets, exporter, renderings, layout))
    get("/api/v1/status", status_page("document", exporter, renderings))
    get("/-/healthy", partial(healthy, exporter))
    get("/-/ready", partial(ready, exporter))
    changes: dict[str, Handler] = {
        "/-/reload": partial(lifecycle.reload, exporter, renderings),
        "/-/retry": partial(lifecycle.retry, exporter),
    }
    for path, change in changes.items():
        answer = lifecycle.for_own_pages(change, layout.external_url) if lifecycle_enabled else lifecycle.switched_off
        for method in ("POST", "PUT"):
            app.router.add_route(method, any_slashes(layout.prefix + path), answer)
    return app


def any_slashes(path: str, end: str = "/*") -> str:
    """A path as a route that takes any number of slashes for one: scrape configs have `/metrics/` and `//metrics`."""
    route = "".join(f"/{{_{number}:/*}}{name}" for number, name in enumerate(filter(None, path.split("/"))))
    return route + (f"{{_end:{end}}}" if end else "") if route else "/{_end:/*}"


def status_page(name: str, *arguments: object, module: str = "status_page") -> Handler:
    """A handler of the status page, which is imported when somebody opens it: most exporters nobody looks at."""

    async def answer(request: web.Request) -> web.StreamResponse:
        loaded = await imported(f"frs_exporter.web.{module}")
        response: web.StreamResponse = await getattr(loaded, name)(*arguments, request)
        return response

    return answer


async def home(layout: Layout, _: web.Request) -> web.Response:
    """The way to the status page, for those who leave out the prefix."""
    return web.Response(status=302, headers={"Location": layout.home})


async def metrics(exporter: Exporter, renderings: Renderings, request: web.Request) -> web.StreamResponse:
    """The page, made block by block, none of which takes long; who asks for the same meanwhile gets the same."""
    await exporter.page_complete.wait()  # part of a page would look as if projects were gone
    format = negotiate(header(request, "Accept", "*/*"), FORMATS, TEXT)
    names = frozenset(request.query.getall("name[]", []))
    # Scrapes do not wait for whoever asks for many selections.
    subject = Subject("selected metrics" if names else "metrics", (format, names))
    headers = {"Content-Type": format.content_type, "Vary": "Accept"}
    return await stream(request, renderings, subject, lambda: in_turns(exporter.page(format, names)), headers)


async def healthy(exporter: Exporter, _: web.Request) -> web.Response:
    """Whether the event loop turns: nothing else is meant by health."""
    reason = exporter.not_healthy()
    return web.Response(text=f"not healthy: {reason}\n", status=503) if reason else web.Response(text="healthy\n")


async def ready(exporter: Exporter, _: web.Request) -> web.Response:
    """Whether a scrape tells of every project already, and the process is not about to stop."""
    reason = exporter.not_ready()
    return web.Response(text=f"not ready: {reason}\n", status=503) if reason else web.Response(text="ready\n")
