"""What changes the simulator is not for pages of other sites, which a browser would send it for."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def own_pages_only(handler: Handler) -> Handler:
    """A handler that answers 403 to browsers on other sites, by the rules of Go's http.CrossOriginProtection."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
        own = site in ("same-origin", "none") if site else origin.partition("://")[2] == request.host or not origin
        if own:
            return await handler(request)
        return web.json_response({"problems": ["refused: a browser sent this for a page of another site"]}, status=403)

    return guarded
