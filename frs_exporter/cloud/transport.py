"""The one outbound socket: gates that keep to the vendor's quota, a bounded request, JSON or an ApiError."""

import asyncio
import json
import math
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter
from yarl import URL

from frs_exporter import __version__
from frs_exporter.cloud.signing import parse_authorization
from frs_exporter.errors import NOT_SUBSCRIBED, ApiError, Reason, classify
from frs_exporter.model import Api, HttpOptions, Limit

MAX_BODY = 1 << 20
MAX_HEADER = 1 << 16
"""Bytes of one header: tokens come in one, and are longer than aiohttp's usual limit of 8 KiB allows."""
KEEP_ALIVE = 240.0
"""Seconds an idle connection is kept; the gateway closes its side after 300."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `target` is the encoded path and query, `timeout` in seconds counts from when the gate opens.

    `secret` is what of the body must not come back in an error.
    """

    api: Api
    endpoint: str
    credential: str
    method: str
    target: str
    timeout: float
    body: bytes = field(default=b"", repr=False)
    secret: str = field(default="", repr=False)

    @property
    def url(self) -> URL:
        """The URL exactly as it is signed: nothing in it is normalised."""
        return URL(self.endpoint + self.target, encoded=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer; header names are in lower case."""

    headers: Mapping[str, str] = field(repr=False)
    payload: Any = field(repr=False)


Authorize = Callable[[Request], Mapping[str, str]]
"""Makes the headers, in lower case, that authorize a request, when it is sent: a signature's date must be fresh."""

Observe = Callable[[Api, float, Reason | None], None]
"""Told of each request: its seconds, and why it failed or None."""


class Gate:
    """A token bucket and a number of slots; whoever enters waits for both.

    The bucket holds one token: a larger one would let a burst through on top of the rate, and over the vendor's quota.
    """

    def __init__(self, limit: Limit) -> None:
        self._slots = asyncio.Semaphore(limit.concurrency)
        self._bucket = AsyncLimiter(1, 1 / limit.rate)

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Hold a slot; it comes first, or a token taken while waiting for it would be spent late, in a burst."""
        async with self._slots, self._bucket:
            yield


class Transport:
    """Sends requests over kept connections; every request of the exporter goes through here."""

    def __init__(self, limits: Mapping[Api, Limit], options: HttpOptions, observe: Observe) -> None:
        self._limits = limits
        self._observe = observe
        self._gates: dict[tuple[Api, str, str], Gate] = {}
        self._proxy = options.proxy_url.get_secret_value() if options.proxy_url else None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the gates bound what is open
                keepalive_timeout=KEEP_ALIVE,
                ssl=ssl.create_default_context(cafile=options.ca_file),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=MAX_HEADER,
            headers={"User-Agent": f"frs-exporter/{__version__}"},
            proxy=self._proxy,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(self, request: Request, authorize: Authorize) -> Answer:
        """Send once, when the gate opens; raises ApiError for anything but a 2xx answer with JSON in it."""
        key = (request.api, request.endpoint, request.credential)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate(self._limits[request.api])
        async with gate.entered():
            clock = asyncio.get_running_loop().time
            started = clock()
            try:
                answer = await self._exchange(request, authorize(request))
            except ApiError as error:
                error.api = request.api
                failure = None if error.code == NOT_SUBSCRIBED else error.reason
                self._observe(request.api, clock() - started, failure)
                raise
            self._observe(request.api, clock() - started, None)
            return answer

    async def _exchange(self, request: Request, headers: Mapping[str, str]) -> Answer:
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=request.timeout),
                allow_redirects=False,  # a token must not leave its host
            ) as response:
                body = await read_bounded(response)
                lower = {name.lower(): value for name, value in response.headers.items()}
        except (TimeoutError, aiohttp.ClientError, OSError, UnicodeError) as error:
            raise self._unreachable(error, request) from None  # aiohttp's errors hold the request, secrets and all
        if response.status // 100 == 3:
            told = URL(lower.get("location", "")).host or "another path"
            raise ApiError(Reason.CLIENT, f"redirected to {told}, which is not followed", status=response.status)
        if response.status // 100 != 2:
            body, answered = blanked(body, lower, request, headers)
            raise classify(response.status, body, answered, by_token="x-auth-token" in headers)
        if len(body) > MAX_BODY:
            raise ApiError(Reason.PAYLOAD, f"the answer is longer than {MAX_BODY} bytes", status=response.status)
        return Answer(lower, decode(body, response.status))

    def _unreachable(self, error: Exception, request: Request) -> ApiError:
        """Why there is no whole answer; the message names hosts and never a header or a body."""
        host = request.url.host
        peer = f"the proxy {URL(self._proxy).host}" if self._proxy else host
        match error:
            case TimeoutError():
                return ApiError(Reason.TIMEOUT, f"{host} did not answer within {request.timeout:g} s")
            case aiohttp.ClientConnectorDNSError():
                return ApiError(Reason.DNS, f"the name of {peer} does not resolve")
            case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
                why = getattr(cause, "verify_message", None) or "it does not verify"
                return ApiError(Reason.TLS, f"the certificate of {host} is refused: {why}")
            case aiohttp.ClientSSLError() | ssl.SSLError():
                why = getattr(error, "strerror", None) or "no handshake"
                return ApiError(Reason.TLS, f"no TLS with {host}: {why}")
            case aiohttp.ClientHttpProxyError(status=status):
                return ApiError(Reason.CONNECT, f"{peer} refuses to connect to {host}", status=status)
            case aiohttp.ClientConnectorError(os_error=cause):
                return ApiError(Reason.CONNECT, f"no connection to {peer}: {system_reason(cause)}")
            case aiohttp.ClientResponseError():
                return ApiError(Reason.PAYLOAD, f"what {host} answers is not proper HTTP")
            case aiohttp.ClientPayloadError():
                return ApiError(Reason.CONNECT, f"{host} ended its answer halfway")
            case aiohttp.InvalidURL() | UnicodeError():
                return ApiError(Reason.CLIENT, "the endpoint is not a usable URL")
            case _:
                return ApiError(Reason.CONNECT, f"{host} closed the connection without an answer")


async def read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, decompressed; of a longer one than MAX_BODY at least so much that it shows."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            break
    return bytes(body)


def blanked(
    body: bytes, answered: Mapping[str, str], request: Request, headers: Mapping[str, str]
) -> tuple[bytes, Mapping[str, str]]:
    """An error's body and headers without the secrets that were sent: some errors echo the request."""
    sent = [request.secret, *(headers[name] for name in ("x-auth-token", "x-security-token") if name in headers)]
    if claim := parse_authorization(headers.get("authorization", "")):
        sent += [claim.access_key, claim.signature]
    for secret in filter(None, sent):
        body = body.replace(secret.encode(), b"***")
        answered = {name: value.replace(secret, "***") for name, value in answered.items()}
    return body, answered


def system_reason(error: OSError) -> str:
    """What the operating system calls an error; asyncio puts its own words, with addresses, into `strerror`."""
    if error.errno is not None and error.errno > 0:  # below 0 are the errors of name lookups
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def decode(body: bytes, status: int = 200) -> Any:
    """Strict JSON: no NaN, no infinities, no name twice in an object; raises ApiError."""
    try:
        return json.loads(body, object_pairs_hook=unique, parse_constant=refuse, parse_float=finite, parse_int=whole)
    except RecursionError:
        problem = "it is nested too deeply"
    except ValueError as error:
        problem = "it is a page of HTML" if body.lstrip()[:1] == b"<" else str(error)
    raise ApiError(Reason.PAYLOAD, f"the answer is not usable JSON: {problem}", status=status)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of `pairs`; raises ValueError when a name occurs twice: which one counts is anybody's guess."""
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names


def refuse(constant: str) -> float:
    """JSON has no NaN and no infinities; raises ValueError."""
    raise ValueError(f"{constant} is not a JSON number")


def whole(text: str) -> int:
    """A whole number of a length that numbers have; raises ValueError."""
    if len(text) > 100:
        raise ValueError("a number is too long")
    return int(text)


def finite(text: str) -> float:
    """A number that a float can hold; raises ValueError."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number
