"""The sockets: one set of kept connections for each way to reach the cloud."""

import ssl
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import aiohttp

from frs_exporter import __version__
from frs_exporter.model import HttpOptions

MAX_HEADER = 1 << 16
"""Bytes of one header: tokens come in one, and are longer than aiohttp's usual limit of 8 KiB allows."""
KEEP_ALIVE = 240.0
"""Seconds an idle connection is kept; the gateway closes its side after 300."""


class Connections:
    """Sessions by their options, each made when it is first needed and closed when nobody needs it any more."""

    def __init__(self) -> None:
        self._sessions: dict[HttpOptions, aiohttp.ClientSession] = {}
        self._used: Counter[HttpOptions] = Counter()
        self._wanted: Collection[HttpOptions] | None = None

    @asynccontextmanager
    async def session(self, options: HttpOptions) -> AsyncIterator[aiohttp.ClientSession]:
        """The session of some options; it stays open at least until it is given back."""
        if options not in self._sessions:
            self._sessions[options] = new_session(options)
        self._used[options] += 1
        try:
            yield self._sessions[options]
        finally:
            self._used[options] -= 1
            await self._close_unwanted(options)

    async def retain(self, wanted: Collection[HttpOptions]) -> None:
        """Close what is of other options, as soon as nobody uses it."""
        self._wanted = wanted
        await self._close_unwanted(*self._sessions)

    async def close(self) -> None:
        """Close every connection."""
        await self.retain([])

    async def _close_unwanted(self, *some: HttpOptions) -> None:
        """Close which of these sessions nobody wants or uses any more."""
        if self._wanted is None:
            return
        unwanted = [options for options in some if options not in self._wanted and not self._used[options]]
        sessions = [self._sessions.pop(options) for options in unwanted]  # all at once, as others may do the same
        for options in unwanted:
            del self._used[options]
        for session in sessions:
            await session.close()


def new_session(options: HttpOptions) -> aiohttp.ClientSession:
    """Kept connections, no cookies, and nothing from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,  # the gates bound what is open
            keepalive_timeout=KEEP_ALIVE,
            ssl=options.context or ssl.create_default_context(),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        max_field_size=MAX_HEADER,
        headers={"User-Agent": f"frs-exporter/{__version__}"},
    )
