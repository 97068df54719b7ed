"""What every request passes: the rate limit, the certificate's names, the login; and what every answer carries."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from frs_exporter.runtime.frames import let_go_of_frames
from frs_exporter.web.basic_auth import Logins
from frs_exporter.web.login_queue import TooManyLogins
from frs_exporter.web.web_config import RateLimit, WebConfig

HEADERS = {"Server": "frs_exporter", "X-Content-Type-Options": "nosniff"}
"""What every answer carries unless the web config says otherwise."""
LIMITED = "too many requests: rate_limit of the web config is reached"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Bucket:
    """A rate limit that is kept: whoever takes a token may go."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._full_at = now

    def take(self, now: float) -> bool:
        """Take a token, if there is one; `now` are seconds on a clock that never goes back."""
        full_at = max(self._full_at, now) + self._limit.interval
        if full_at > now + self._limit.burst * self._limit.interval:
            return False
        self._full_at = full_at
        return True


class Guard:
    """Stands before every endpoint, those that are not there included; `config` may be replaced at any time."""

    def __init__(self, config: WebConfig) -> None:
        self._logins = Logins()
        self._bucket: Bucket | None = None
        self._config = WebConfig()
        self.config = config

    @property
    def config(self) -> WebConfig:
        """The web config in force."""
        return self._config

    @config.setter
    def config(self, config: WebConfig) -> None:
        """Put another one in force, from the next request on."""
        if config.rate_limit != self._config.rate_limit:
            limit = config.rate_limit
            self._bucket = Bucket(limit, asyncio.get_running_loop().time()) if limit.interval else None
        self._config = config

    def install(self, app: web.Application) -> None:
        """Let the answers of an application carry the headers, also those whose body is under way already."""
        app.on_response_prepare.append(self._on_prepare)

    def before(self, handler: Handler) -> Handler:
        """A handler that comes to another one for those who may come in."""

        async def guarded(request: web.BaseRequest) -> web.StreamResponse:
            if denied := await self._denied(request):
                if "Expect" in request.headers:
                    denied.force_close()  # the client may go on with a body or without it
                return self._with_headers(denied)
            try:
                return self._with_headers(await handler(request))
            except web.HTTPException as error:
                let_go_of_frames(error)
                return self._with_headers(explained(error))

        return guarded

    def answer(self, status: int, text: str) -> web.StreamResponse:
        """An answer that no handler made; the connection ends."""
        return self._with_headers(deny(status, text))

    def malformed(self, text: str) -> web.StreamResponse:
        """What those get who did not send a request: it counts like one, and no login could have come with it."""
        return self.answer(400, text) if self._has_room() else self.answer(429, LIMITED)

    def _has_room(self) -> bool:
        return self._bucket is None or self._bucket.take(asyncio.get_running_loop().time())

    async def _denied(self, request: web.BaseRequest) -> web.Response | None:
        """What those get who may not come in, None for those who may."""
        config = self._config
        if not self._has_room():
            return deny(429, LIMITED)
        client_certificate = certificate(request)
        if config.tls is not None and not config.tls.allows(client_certificate):
            if not client_certificate:
                return deny(403, "no client certificate was shown when this connection began: connect anew")
            return deny(403, "the client certificate has none of the names in client_allowed_sans")
        if not config.users:
            return None
        try:
            if await self._logins.accepts(config.users, request.headers.get("Authorization", ""), request.remote):
                return None
        except TooManyLogins:
            return deny(503, "too many logins at once", {"Retry-After": "10"})
        return deny(401, "user or password is missing or wrong", {"WWW-Authenticate": 'Basic realm="frs_exporter"'})

    async def _on_prepare(self, _: web.Request, response: web.StreamResponse) -> None:
        self._with_headers(response)

    def _with_headers(self, response: web.StreamResponse) -> web.StreamResponse:
        response.headers.update({**HEADERS, **self._config.headers})
        return response


def deny(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """An answer to whom there is none; the connection ends, as what else was sent on it is not looked at."""
    response = web.Response(text=f"{text}\n", status=status, headers={"Cache-Control": "no-store", **(headers or {})})
    if status != 401:
        response.force_close()
    return response


def explained(error: web.HTTPException) -> web.Response:
    """What aiohttp says by itself, in our words."""
    if error.status == 404:
        return web.Response(text="there is nothing at this path\n", status=404)
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return web.Response(text=f"this path is for {allowed}\n", status=405, headers=error.headers)
    if error.status == 417:
        return deny(417, "no other Expect is known here than 100-continue")
    return deny(error.status, f"{error.reason}".lower())


def certificate(request: web.BaseRequest) -> dict[str, object] | None:
    """The certificate that the client has shown and that was verified, None without one."""
    secured = request.get_extra_info("ssl_object")
    return secured.getpeercert() if secured else None
