"""The one outbound socket: through the gate, a bounded request, then JSON or an ApiError."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import aiohttp
import structlog
from yarl import URL

from frs_exporter.cloud.bodies import MAX_BODY, body_of
from frs_exporter.cloud.clock_skew import WorstSkews, clock_skew, hinted
from frs_exporter.cloud.connector import Progress
from frs_exporter.cloud.gate import Gate
from frs_exporter.cloud.network_errors import check_proxy, redirected_to, unreachable
from frs_exporter.cloud.proxy import login_headers, login_secrets, looked_up, proxy_for
from frs_exporter.cloud.sessions import Connections
from frs_exporter.cloud.signing import parse_authorization
from frs_exporter.cloud.socks import SocksError
from frs_exporter.cloud.strict_json import decode
from frs_exporter.core.error_body import request_id
from frs_exporter.core.errors import NOT_SUBSCRIBED_EITHER, ApiError, Failure, Reason, canonical, classify
from frs_exporter.core.http_options import DIRECT, HttpOptions, Proxy
from frs_exporter.core.model import KEY_SERVICES, Api, Limit, RequestScope
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.runtime.frames import let_go_of_frames
from frs_exporter.runtime.offload import run_offloaded

SECRET_HEADERS = ("x-auth-token", "x-security-token", "x-metadata-token")

log = structlog.get_logger()
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer; names of headers are found in lower case, `data` is what was read of its body.

    `secrets` are those that were sent for it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: Any = field(repr=False)
    secrets: Callable[[], Collection[str]] = field(default=tuple, repr=False)

    @property
    def request_id(self) -> str:
        """The id under which the vendor's support finds the call."""
        return request_id(self.headers, self.secrets())


def read_json(raw: Response) -> Any:
    """The JSON of an answer; raises ValueError."""
    return decode(raw.data)


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `target` is the encoded path and query, `timeout` in seconds counts from when the gate opens.

    `project` is the id of whom it is about, empty for an account, `poll_interval` in seconds how often. `secret` is
    what of the body must not come back in an error; `read` makes of an answer what is wanted, and raises ValueError or
    ApiError where it cannot: only an answer that can be read proves who has asked. `max_body` is in bytes.
    """

    api: Api
    endpoint: str
    credential: str
    method: str
    target: str
    timeout: float
    http: HttpOptions = DIRECT
    body: bytes = field(default=b"", repr=False)
    secret: str = field(default="", repr=False)
    read: Callable[[Response], Any] = field(default=read_json, repr=False)
    project: str = ""
    poll_interval: float = 60.0
    max_body: int = MAX_BODY
    trace: Trace = field(default=UNTRACED, repr=False, compare=False)

    @property
    def url(self) -> URL:
        """The URL exactly as it is signed: nothing in it is normalised."""
        return URL(self.endpoint + self.target, encoded=True)


Authorize = Callable[[Request], AbstractAsyncContextManager[Mapping[str, str]]]
"""Surrounds a request with its authorization: the headers, in lower case, made when it is sent, as a signature's date
must be fresh; it sees the outcome, and may raise ApiError before anything is sent."""

Send = Callable[[Request, Authorize], Awaitable[Response]]
"""What `Transport.send` is."""


class Transport:
    """Sends requests over kept connections; every request of the exporter goes through here.

    Made on a running event loop.
    """

    def __init__(self, limits: Mapping[Api, Limit], telemetry: Telemetry, now: Callable[[], float]) -> None:
        self._limits = limits
        self._telemetry = telemetry
        self._now = now
        self._clock = asyncio.get_running_loop().time
        self._gates: dict[tuple[Api, str, str], Gate] = {}
        self._waiting: dict[object, float] = {}
        self._connections = Connections()
        self._skews = WorstSkews()

    async def adjust(self, limits: Mapping[Api, Limit], accesses: Collection[RequestScope]) -> None:
        """Keep to other limits, and let go of what is for none of these accesses."""
        wanted = {(access.credential.name, endpoint) for access in accesses for endpoint in access.endpoints.values()}
        names = {access.credential.name for access in accesses}
        for (api, _, _), gate in self._gates.items():
            if limits[api] != self._limits[api]:
                gate.change(limits[api])
        self._limits = limits
        self._gates = {
            (api, endpoint, name): gate
            for (api, endpoint, name), gate in self._gates.items()
            if (name, endpoint) in wanted or (api in KEY_SERVICES and name in names)
        }
        self._skews.retain({endpoint for _, endpoint in wanted})
        await self._connections.retain({access.http for access in accesses})

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    def longest_wait(self) -> float:
        """Seconds for which the request that waits longest has been waiting to be sent, zero when none waits."""
        now = self._clock()
        return now - next(iter(self._waiting.values()), now)

    async def send(self, request: Request, authorize: Authorize) -> Response:
        """Send once, when the gate opens; raises ApiError for anything but a 2xx answer with JSON in it."""
        arrival, clock = object(), self._clock
        self._waiting[arrival] = clock()
        try:
            gate = self._gate(request)
            # The gate comes first: a signature holds the time at which it is sent, and of the few who may use a secret
            # at once none should stand at a gate.
            async with gate.entered(request.project, request.poll_interval), authorize(request) as headers:
                waited = clock() - self._waiting.pop(arrival)
                turn = "waited %.3f s for a turn at the gate of %s for %s"
                request.trace.event(turn, waited, request.credential, request.api)
                return await self._observed(request, headers)
        finally:
            self._waiting.pop(arrival, None)

    def _gate(self, request: Request) -> Gate:
        key = (request.api, request.endpoint, request.credential)
        if key not in self._gates:
            self._gates[key] = Gate(self._limits[request.api])
        return self._gates[key]

    async def _observed(self, request: Request, headers: Mapping[str, str]) -> Response:
        started = self._clock()
        try:
            answer = await self._exchange(request, headers)
        except ApiError as error:
            self._observe(request, self._clock() - started, error.failure)
            sent = error.failure.sent or error.failure.answered
            raise ApiError(replace(error.failure, api=request.api, sent=sent)) from None
        self._observe(request, self._clock() - started, None)
        return answer

    def _observe(self, request: Request, seconds: float, failure: Failure | None) -> None:
        # That something is not subscribed comes as an HTTP 400 (face_02_0045), but answers what was asked.
        reason = failure.reason if failure and canonical(failure.code) not in NOT_SUBSCRIBED_EITHER else None
        self._telemetry.requested(request.api, seconds, reason)
        request.trace.request_took(seconds)
        request.trace.event("classified as %s" if failure else "%s", failure or "answered")
        if LOGGER.isEnabledFor(logging.DEBUG):
            outcome = str(failure or "answered")
            names = {"api": request.api, "method": request.method, "host": request.url.host, "path": request.url.path}
            log.debug("request", **names, credential=request.credential, seconds=round(seconds, 3), outcome=outcome)

    async def _exchange(self, request: Request, headers: Mapping[str, str]) -> Response:
        sent_at, url = self._now(), request.url
        proxy = proxy_for(url, request.http)
        login, progress, secrets = login_headers(proxy), Progress.begin(), partial(secrets_in, request, headers, proxy)
        through = f" through the proxy {proxy}" if proxy else ""
        request.trace.headers(headers, tuple, "> %s %s%s", request.method, url, through)
        status: int | None = None
        try:
            async with (
                self._connections.session(request.http) as session,
                session.request(
                    request.method,
                    url,
                    data=request.body or None,
                    headers={**headers, **login} if login and url.scheme == "http" else headers,
                    timeout=total(request.timeout),
                    allow_redirects=False,  # a token must not leave its host
                    proxy=proxy.url if proxy and not proxy.speaks_socks else None,
                    proxy_headers=login,  # of CONNECT: what is sent through the tunnel is none of the proxy's
                    server_hostname=request.http.server_name or None,
                ) as response,
            ):
                request.trace.headers(response.headers, secrets, "< %s", status := response.status)
                skew = clock_skew(response.headers, sent_at, self._now())  # before the body, which takes time
                body = await body_of(response, request.max_body)
        except (TimeoutError, aiohttp.ClientError, SocksError, OSError, UnicodeError) as error:
            names = () if progress.reached or progress.connected else looked_up(url, proxy)
            looking_up = next(filter(self._connections.looking_up, names), None)
            failure = unreachable(error, url, request.timeout, proxy, reached=progress.reached, looking_up=looking_up)
            # An answer that breaks off has said how it ended. aiohttp's errors hold the request, secrets and all.
            status = failure.status if status is None or failure.by_proxy else status
            let_go_of_frames(error)
            raise ApiError(replace(failure, status=status, sent=progress.connected)) from None
        raw = Response(response.status, response.headers, body, secrets)
        if proxy:
            check_proxy(raw.status, raw.data, raw.headers, url, proxy)
        # What is the proxy's own has been raised: its Date is not of the cloud's clock.
        if skew is not None:
            self._telemetry.clock_skew.labels(request.api).set(self._skews.heard(request.api, request.endpoint, skew))
        return await off_the_loop(partial(check_status, raw, request, headers, secrets, skew), len(body))


@lru_cache
def total(seconds: float) -> aiohttp.ClientTimeout:
    """A timeout for all of a request."""
    return aiohttp.ClientTimeout(total=seconds)


def check_status(
    raw: Response,
    request: Request,
    headers: Mapping[str, str],
    secrets: Callable[[], Collection[str]],
    skew: float | None,
) -> Response:
    """What was to be read of an answer, which came `skew` seconds off; raises ApiError where it is none of success."""
    if raw.status // 100 == 2:
        return decode_body(raw, request)
    request.trace.body(raw.data)  # that of success is shown by who reads it, as a login's holds secrets
    # The gateway says APIG.0301 of tokens and of signatures (its error-code page); only the request tells of which.
    # A refused token may just be old. A refused signature has a wrong key or date, and counts towards the lock.
    raise ApiError(hinted(classify_response(raw, "x-auth-token" in headers, secrets()), headers, skew))


def classify_response(raw: Response, by_token: bool, secrets: Collection[str]) -> Failure:
    """What an answer that is none of success stands for; `by_token` says that the request carried a token."""
    # aiohttp would leave Authorization behind at another host, but take X-Auth-Token there. And a signature holds the
    # host that it was made for.
    if raw.status // 100 == 3:
        message = f"redirected to {redirected_to(raw.headers.get('location', ''))}, which is not followed"
        return Failure(Reason.CLIENT, message, status=raw.status, code=str(raw.status))
    return classify(raw.status, raw.data, raw.headers, by_token=by_token, secrets=secrets)


def decode_body(raw: Response, request: Request) -> Response:
    """The answer with what was to be read of its body; raises ApiError where that cannot be."""
    if len(raw.data) > request.max_body:
        message = f"the answer is longer than {request.max_body} bytes"
        raise ApiError(Failure(Reason.PAYLOAD, message, status=raw.status, too_long=True))
    try:
        # A 2xx that is no JSON, or not what was asked for, proves nothing: a portal on the way may have answered.
        return replace(raw, data=request.read(raw))
    except ValueError as error:
        message, about = f"the answer is not usable: {error}", raw.request_id
        raise ApiError(Failure(Reason.PAYLOAD, message, status=raw.status, request_id=about)) from None


async def off_the_loop(read: Callable[[], Response], size: int) -> Response:
    """What is read of a body of so many bytes, of a long one in a thread: it may take a second; raises ApiError."""
    if size <= MAX_BODY:
        return read()
    try:
        return await run_offloaded(read)
    except OSError as error:
        raise ApiError(Failure(Reason.INTERNAL, f"no thread to read a long answer in: {error}")) from None


def secrets_in(request: Request, headers: Mapping[str, str], proxy: Proxy | None) -> list[str]:
    """What was sent that an answer must not make us tell: some errors echo the request."""
    # Beside a wrong signature the gateway tells the canonical request, with all that was signed (api-sign-0001).
    sent = [request.secret, *(headers[name] for name in SECRET_HEADERS if name in headers)]
    if claim := parse_authorization(headers.get("authorization", "")):
        sent += [claim.access_key, claim.signature]
    return sent + login_secrets(proxy)
