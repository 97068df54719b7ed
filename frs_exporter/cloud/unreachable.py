"""Why there is no whole answer: what aiohttp and the system say, in words that hold no secret."""

import os
import ssl

import aiohttp
from yarl import URL

from frs_exporter.errors import ApiError, Reason


def unreachable(error: Exception, url: URL, timeout: float, proxy: str | None) -> ApiError:
    """Why there is no whole answer; the message names hosts and never a header or a body."""
    host = url.host
    peer = f"the proxy {URL(proxy).host}" if proxy else host
    match error:
        case TimeoutError():
            return ApiError(Reason.TIMEOUT, f"{host} did not answer within {timeout:g} s")
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
        case aiohttp.ClientPayloadError(__cause__=aiohttp.http_exceptions.ContentEncodingError()):
            return ApiError(Reason.PAYLOAD, f"what {host} answers cannot be decompressed")
        case aiohttp.ClientPayloadError():
            return ApiError(Reason.CONNECT, f"{host} ended its answer halfway")
        case aiohttp.InvalidURL() | UnicodeError():
            return ApiError(Reason.CLIENT, "the endpoint is not a usable URL")
        case _:
            return ApiError(Reason.CONNECT, f"{host} closed the connection without an answer")


def system_reason(error: OSError) -> str:
    """What the operating system calls an error; asyncio puts its own words, with addresses, into `strerror`."""
    if error.errno is not None and error.errno > 0:  # below 0 are the errors of name lookups
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__
