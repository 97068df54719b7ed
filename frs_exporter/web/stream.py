"""An answer that is written piece by piece, from a rendering that all who read it share, to whoever reads in time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import HttpVersion11, web

from frs_exporter.exposition.coding import ENCODINGS, GZIP, IDENTITY, Block, Encoding
from frs_exporter.exposition.page import negotiate
from frs_exporter.web.rendering import Blocks, Reader
from frs_exporter.web.renderings import Busy, Renderings, Subject

RETRY_AFTER = "10"


@dataclass(frozen=True, slots=True)
class ReadingTimes:
    """Seconds for which a client may read nothing, and for which it may read in all.

    Prometheus waits for ten by default; a person may stop at a page of a pager.
    """

    idle: float = 30.0
    total: float = 120.0


USUAL = ReadingTimes()


async def in_turns(blocks: Iterable[Block]) -> Blocks:
    """The blocks, with a turn of the loop before each."""
    await asyncio.sleep(0)
    for block in blocks:
        yield block
        await asyncio.sleep(0)


async def stream(
    request: web.Request,
    renderings: Renderings,
    subject: Subject,
    blocks: Callable[[], Blocks],
    headers: Mapping[str, str],
    *,
    status: int = 200,
    times: ReadingTimes = USUAL,
) -> web.StreamResponse:
    """Answer with the subject, in the content coding that the client likes best, as long as it reads it in time."""
    encoding = negotiate(header(request, "Accept-Encoding", "identity"), ENCODINGS, IDENTITY)
    response = head(request, encoding, headers, status)
    transport = request.transport
    if request.method == "HEAD" or transport is None:
        return response
    try:
        async with renderings.reading(subject, encoding, blocks, transport.abort) as reader:
            await response.prepare(request)
            await copy(reader, request, response, times)
    except Busy:
        text = "too many answers of this kind are being made: come again\n"
        return web.Response(text=text, status=503, headers={"Cache-Control": "no-store", "Retry-After": RETRY_AFTER})
    except TimeoutError:
        transport.abort()
    except ConnectionError:
        pass  # a reader that gives up halfway is no error of ours
    return response


def head(request: web.Request, encoding: Encoding, headers: Mapping[str, str], status: int) -> web.StreamResponse:
    """An answer without its body."""
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    response = web.StreamResponse(status=status, headers={"Cache-Control": "no-store", **headers, "Vary": vary})
    if encoding is GZIP:
        response.headers["Content-Encoding"] = "gzip"
    if request.version < HttpVersion11:
        # Without chunks only the end of the connection ends a body of unknown length (RFC 9112, 6.3). To a client that
        # wants to keep the connection aiohttp does not promise that, but keeps it all the same.
        response.force_close()
    return response


async def copy(reader: Reader, request: web.Request, response: web.StreamResponse, times: ReadingTimes) -> None:
    """Write what a reader gets, each piece when the one before was read; raises TimeoutError."""
    now = asyncio.get_running_loop().time
    end = now() + times.total
    async with asyncio.timeout_at(end) as limit:
        async for piece in reader:
            limit.reschedule(min(end, now() + times.idle))
            await response.write(piece)
            if request.protocol.writing_paused:
                await request.writer.drain()  # which aiohttp does after 64 KiB only
            else:
                await asyncio.sleep(0)  # hundreds may read the same at once
            reader.progress()
        limit.reschedule(min(end, now() + times.idle))
        await response.write_eof()


def header(request: web.Request, name: str, default: str) -> str:
    """A header that may come in several lines, as one list."""
    return ",".join(request.headers.getall(name, [default]))
