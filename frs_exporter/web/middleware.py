"""What every request passes: the rate limit, the certificate's names, the login; and what every answer carries."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiolimiter import AsyncLimiter

from frs_exporter.web.basic_auth import Logins, TooManyLogins
from frs_exporter.web.web_config import WebConfig

HEADERS = {"Server": "frs_exporter", "X-Content-Type-Options": "nosniff"}
"""What every answer carries unless the web config says otherwise."""


class Guard:
    """Stands before every endpoint, those that are not there included; `config` may be replaced at any time."""

    def __init__(self, config: WebConfig) -> None:
        self._logins = Logins()
        self._limiter: AsyncLimiter | None = None
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
            self._limiter = AsyncLimiter(limit.burst, limit.burst * limit.interval) if limit.interval else None
        self._config = config

    def install(self, app: web.Application) -> None:
        """Let everything pass here."""
        app.middlewares.append(self._middleware())
        app.on_response_prepare.append(self._add_headers)

    def _middleware(self) -> Middleware:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._denied(request) or await handler(request)

        return guarded

    async def _denied(self, request: web.Request) -> web.Response | None:
        """What those get who may not come in, None for those who may."""
        config = self._config
        if self._limiter is not None:
            if not self._limiter.has_capacity():
                return deny(429, "too many requests: rate_limit of the web config is reached")
            await self._limiter.acquire()  # which waits for nothing, as there is room
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

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update({**HEADERS, **self._config.headers})


def deny(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """An answer to whom there is none; the connection ends, as what else was sent on it is not looked at."""
    response = web.Response(text=f"{text}\n", status=status, headers={"Cache-Control": "no-store", **(headers or {})})
    if status != 401:
        response.force_close()
    return response


def certificate(request: web.Request) -> dict[str, object] | None:
    """The certificate that the client has shown and that was verified, None without one."""
    secured = request.get_extra_info("ssl_object")
    return secured.getpeercert() if secured else None
