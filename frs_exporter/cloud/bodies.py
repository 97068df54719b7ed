"""The body of an answer, read up to a bound, whatever becomes of the connection."""

import aiohttp

from frs_exporter.runtime.frames import let_go_of_frames

MAX_BODY = 1 << 20
"""Bytes of an answer; one that a request allows to be longer is read in a thread."""


async def body_of(response: aiohttp.ClientResponse, max_body: int) -> bytes | bytearray:
    """The body, which is longer than so many bytes if it has more; a refusal is one, whatever becomes of its words."""
    try:
        return await read_bounded(response, max_body if response.status // 100 == 2 else MAX_BODY)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        # A body holds its response until it ends, to tell it so. This one does not end, but an error lets go, too.
        response.content.set_exception(error)
        if response.status < 400:
            raise
        let_go_of_frames(error)
        return b""


async def read_bounded(response: aiohttp.ClientResponse, max_body: int) -> bytes | bytearray:
    """The body, decompressed; of a longer one than `max_body` at least so much that it shows."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_body:
            break
    return bytes(body) if len(body) <= MAX_BODY else body  # a long one is not copied: that alone takes tens of ms
