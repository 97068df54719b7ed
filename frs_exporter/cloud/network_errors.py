"""Why there is no whole answer: what aiohttp, the system and the proxy say, in words that hold no secret."""

import errno
import os
import ssl
from collections.abc import Mapping
from dataclasses import replace

import aiohttp
from yarl import URL

from frs_exporter.cloud.socks import SocksError
from frs_exporter.core.error_body import error_body, retry_after
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.http_options import Proxy

OTHER_PROTOCOL = {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
"""What OpenSSL says, by its version, where something answers its handshake that is no TLS."""


def unreachable(
    error: Exception, url: URL, timeout: float, proxy: Proxy | None, *, reached: bool, looking_up: URL | None
) -> Failure:
    """Why there is no whole answer; the message names hosts and never a header or a body.

    `reached` says that a proxy has opened the way to the endpoint; `looking_up` is the URL for whose host the name
    servers have not answered yet.
    """
    host = str(url.host)
    # Only a 2xx to CONNECT opens the tunnel (RFC 9110, 9.3.6); with any other the cloud has heard nothing.
    if proxy and isinstance(error, aiohttp.ClientHttpProxyError):
        return refused_by_proxy(error.status, proxy, host)
    if proxy and isinstance(error, SocksError):
        return Failure(error.reason, f"the proxy {proxy} {error.does}", by_proxy=True)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return unresolved(host, proxy, "does not resolve", by_proxy=proxy is not None and names_proxy(error, proxy))
    if isinstance(error, TimeoutError) and looking_up is not None:
        return unresolved(host, proxy, f"did not resolve within {timeout:g} s", by_proxy=looking_up is not url)
    by_proxy = proxy is not None and not reached
    peer = f"the proxy {proxy}" if by_proxy else f"{host} (through the proxy {proxy})" if proxy else host
    if isinstance(error, TimeoutError):
        reason, message = Reason.TIMEOUT, f"{peer} did not answer within {timeout:g} s"
    else:
        reason, message = broken(error, peer, proxy if by_proxy else None)
    return Failure(reason, message, by_proxy=by_proxy)


def names_proxy(error: aiohttp.ClientConnectorError, proxy: Proxy) -> bool:
    """Whether a failed lookup was of a proxy's own name, and not of the endpoint's, as a `socks5` proxy needs it."""
    return error.host == proxy.url.raw_host


def unresolved(host: str, proxy: Proxy | None, does: str, *, by_proxy: bool) -> Failure:
    """What there is no address for: the proxy's name, or the endpoint's."""
    name = f"the proxy {proxy.url.host}" if proxy and by_proxy else host
    hint = "; with socks5h:// the proxy looks it up" if proxy and not by_proxy else ""
    return Failure(Reason.DNS, f"the name of {name} {does}{hint}", by_proxy=by_proxy)


def refused_by_proxy(status: int, proxy: Proxy, host: str) -> Failure:
    """What a status of the proxy's own says, to CONNECT or in the place of an answer (RFC 9110, 15)."""
    match status:
        case 401 | 407:  # tinyproxy 1.11 answers a wrong login with 401, and 500 where it reaches nobody
            does = "wants a login" if proxy.login is None else "wants another login"
        case 403:
            does = f"does not allow {host}"
        case 500 | 502 | 503 | 504:
            does = f"cannot reach {host}"
        case _:
            does = f"refuses to connect to {host}"
    return Failure(Reason.CONNECT, f"the proxy {proxy} {does}", status=status, code=str(status), by_proxy=True)


def check_proxy(status: int, body: bytes, headers: Mapping[str, str], url: URL, proxy: Proxy) -> None:
    """Raise ApiError for what is the proxy's own: over plain http it asks for a login, or refuses without a code."""
    # Over plain http a proxy answers in the cloud's place, and that proves nothing. The vendor's refusals have a code;
    # 407 is a proxy's by definition (RFC 9110, 15.5.8). In a tunnel only the cloud speaks, and SOCKS makes one always.
    code, words = error_body(body)
    refuses = status in (403, 500, 502, 503, 504) or (status == 401 and words)
    if url.scheme != "https" and not proxy.speaks_socks and (status == 407 or (refuses and not code)):
        refused = refused_by_proxy(status, proxy, str(url.host))
        raise ApiError(replace(refused, retry_after=retry_after(headers)))


def redirected_to(location: str) -> str:
    """The host that a Location names, in words of our own where it names none."""
    try:
        return URL(location).host or "another path"
    except ValueError:
        return "nowhere"


def broken(error: Exception, peer: str, proxy: Proxy | None) -> tuple[Reason, str]:
    """What went wrong between here and `peer`, which is the `proxy` if one is given."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            why = getattr(cause, "verify_message", None) or "it does not verify"
            return Reason.TLS, f"the certificate of {peer} is refused: {why}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Reason.TLS, f"no TLS with {peer}: {no_tls(error, proxy)}"
        case aiohttp.ClientConnectorError(os_error=cause):
            return Reason.CONNECT, f"no connection to {peer}: {system_reason(cause)}"
        case aiohttp.ClientResponseError():
            return Reason.PAYLOAD, f"what {peer} answers is not proper HTTP"
        case aiohttp.ClientPayloadError(__cause__=aiohttp.http_exceptions.ContentEncodingError()):
            return Reason.PAYLOAD, f"what {peer} answers cannot be decompressed"
        case aiohttp.ClientPayloadError():
            return Reason.CONNECT, f"{peer} ended its answer halfway"
        case aiohttp.InvalidURL() | UnicodeError():
            return Reason.CLIENT, "the endpoint is not a usable URL"
        case _:
            return Reason.CONNECT, f"{peer} closed the connection without an answer"


def no_tls(error: Exception, proxy: Proxy | None) -> str:
    """Why there is no TLS, and what to write where that is not spoken; a `proxy` is given if it was to speak it."""
    if getattr(getattr(error, "os_error", error), "reason", None) not in OTHER_PROTOCOL:
        return getattr(error, "strerror", None) or "no handshake"
    if proxy:
        return f"it does not speak TLS; write http://{proxy} in proxy_url, HTTPS_PROXY or wherever it is given"
    port = f"its port {error.port}" if isinstance(error, aiohttp.ClientConnectorError) else "its port"
    return f"{port} does not speak TLS; is the endpoint http://, or on another port?"


def system_reason(error: OSError) -> str:
    """What the operating system calls an error; asyncio puts its own words, with addresses, into `strerror`."""
    if error.errno is not None and error.errno > 0:  # below 0 are the errors of name lookups
        return os.strerror(error.errno)
    if isinstance(error, ConnectionResetError):  # asyncio's own, in a handshake of TLS
        return os.strerror(errno.ECONNRESET)
    return error.strerror or type(error).__name__
