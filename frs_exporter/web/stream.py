"""An answer that is written piece by piece: it is never there as a whole, and nobody holds it up for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping

from aiohttp import HttpVersion11, web

from frs_exporter.exposition.page import ENCODINGS, GZIP, IDENTITY, Coder, negotiate

LONGEST = 120.0
"""Seconds after which an answer is given up that is still being read: Prometheus waits for ten by default."""


async def in_turns(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The blocks, with a turn of the loop before each."""
    await asyncio.sleep(0)
    for block in blocks:
        yield block
        await asyncio.sleep(0)


async def stream(
    request: web.Request, blocks: AsyncIterator[bytes], headers: Mapping[str, str], *, timeout: float = LONGEST
) -> web.StreamResponse:
    """Answer with the blocks, in the content coding that the client likes best, as long as it reads them in time."""
    encoding = negotiate(header(request, "Accept-Encoding", "identity"), ENCODINGS, IDENTITY)
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    response = web.StreamResponse(headers={"Cache-Control": "no-store", **headers, "Vary": vary})
    if encoding is GZIP:
        response.headers["Content-Encoding"] = "gzip"
    if request.version < HttpVersion11:
        # Without chunks only the end of the connection ends a body of unknown length (RFC 9112, 6.3). To a client that
        # wants to keep the connection aiohttp does not promise that, but keeps it all the same.
        response.force_close()
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    coder = Coder(encoding)
    try:
        async with asyncio.timeout(timeout):
            async for block in blocks:
                if data := coder.code(block):
                    await response.write(data)
            await response.write_eof(coder.end())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        pass  # a reader that gives up halfway is no error of ours
    finally:
        with contextlib.suppress(RuntimeError):
            await blocks.aclose()  # type: ignore[attr-defined]
    return response


def header(request: web.Request, name: str, default: str) -> str:
    """A header that may come in several lines, as one list."""
    return ",".join(request.headers.getall(name, [default]))
