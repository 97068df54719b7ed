"""`POST /-/reload` and `/-/retry`: what changes something, for whom it is, and for which pages of a browser."""

import math
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import web
from yarl import URL

from frs_exporter.core.counting import counted
from frs_exporter.core.errors import ApiError, ConfigError
from frs_exporter.polling.exporter import Exporter
from frs_exporter.web.renderings import Renderings, Subject
from frs_exporter.web.stream import in_turns, stream

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OFF = "switched off by --no-web.enable-lifecycle; SIGHUP and a changed config still reload\n"
FOREIGN = (
    "refused: a browser sent this for a page of another site; "
    "behind a proxy that changes the Host header, set --web.external-url\n"
)


def is_foreign(headers: Mapping[str, str], own: str = "") -> bool:
    """Whether a browser sends a request for a page that is not ours; `own` is our host as others reach it.

    The rules are those of Go's http.CrossOriginProtection. Whoever is no browser sends neither header.
    """
    site, origin = headers.get("Sec-Fetch-Site", ""), headers.get("Origin", "")
    if site:
        return site not in ("same-origin", "none")
    if not origin:
        return False
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return True
    return host not in {name.lower() for name in (headers.get("Host", ""), own) if name}


def for_own_pages(answer: Handler, external_url: URL | None) -> Handler:
    """A handler that answers browsers for our own pages only: they send a user's login along for any page."""
    own = str(external_url.origin()).partition("//")[2] if external_url else ""  # as browsers write it

    async def guarded(request: web.Request) -> web.StreamResponse:
        return web.Response(text=FOREIGN, status=403) if is_foreign(request.headers, own) else await answer(request)

    return guarded


async def switched_off(_: web.Request) -> web.Response:
    """What is answered where nothing is to be changed over HTTP."""
    return web.Response(text=OFF, status=403)


async def reload(exporter: Exporter, renderings: Renderings, request: web.Request) -> web.StreamResponse:
    """Load the config again: 200 only when it is in place, 500 with every problem when all is as it was."""
    try:
        await exporter.reload()
    except ConfigError as error:
        # They may be thousands, and hundreds may be told of them at once.
        problems, headers = error.problems, {"Content-Type": "text/plain; charset=utf-8"}
        blocks = (f"{problem}\n".encode("utf-8", "replace") for problem in problems)
        subject = Subject("problems", tuple(problems))
        return await stream(request, renderings, subject, lambda: in_turns(blocks), headers, status=500)
    return web.Response(text="reloaded\n")


async def retry(exporter: Exporter, request: web.Request) -> web.Response:
    """Use a credential's secret again now: 200 when that has begun, 429 while one refusal more could lock its user."""
    name = request.query.get("credential", "")
    try:
        jobs = exporter.retry(name)
    except LookupError:
        return web.Response(text=f"no project uses a credential {name!r}\n", status=404)
    except ApiError as error:
        seconds = math.ceil(error.failure.retry_after or 0)
        text = f"not yet: one refusal more could lock the user; in {seconds} s it is tried by itself\n"
        return web.Response(text=text, status=429, headers={"Retry-After": str(seconds)})
    return web.Response(text=f"trying again: {counted(jobs, 'job')}\n")
