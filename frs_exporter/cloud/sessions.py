"""The sockets: one set of kept connections for each way to reach the cloud."""

import socket
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import ResolveResult
from yarl import URL

from frs_exporter import __version__
from frs_exporter.cloud.connector import Connector
from frs_exporter.core.http_options import HttpOptions

MAX_HEADER = 1 << 16
"""Bytes of one header: tokens come in one, and are longer than aiohttp's usual limit of 8 KiB allows."""


@dataclass(slots=True)
class Use:
    """The use of a session, by so many; once nobody wants it any more, the last who uses it closes it."""

    session: aiohttp.ClientSession
    users: int = 0
    wanted: bool = True

    async def __aenter__(self) -> aiohttp.ClientSession:
        self.users += 1
        return self.session

    async def __aexit__(self, *_: object) -> None:
        self.users -= 1
        if not self.wanted and not self.users:
            await self.session.close()


class Connections:
    """Sessions by their options, each made when it is first needed and closed when nobody needs it any more."""

    def __init__(self) -> None:
        self._uses: dict[HttpOptions, Use] = {}
        self._wanted: Collection[HttpOptions] | None = None
        self._lookups: Counter[str] = Counter()

    def session(self, options: HttpOptions) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        """The session of some options; it stays open at least until it is given back."""
        use = self._uses.get(options)
        if use is None or use.session.closed:
            # Options may be used before anybody has said that they are wanted: those of a config that is taken now.
            wanted = self._wanted is None or options in self._wanted
            use = self._uses[options] = Use(new_session(options, self._lookups), wanted=wanted)
        return use

    def looking_up(self, url: URL) -> bool:
        """Whether the name servers have not answered yet where the host of a URL is."""
        return self._lookups[url.raw_host or ""] > 0

    async def retain(self, wanted: Collection[HttpOptions]) -> None:
        """Close what is of other options, as soon as nobody uses it."""
        self._wanted = wanted
        for options, use in self._uses.items():
            use.wanted = options in wanted
        unused = [options for options, use in self._uses.items() if not use.wanted and not use.users]
        for use in [self._uses.pop(options) for options in unused]:  # all at once, as others may do the same
            await use.session.close()

    async def close(self) -> None:
        """Close every connection."""
        await self.retain([])


class Resolver(aiohttp.ThreadedResolver):
    """Looks names up, and counts for each how many lookups are under way."""

    def __init__(self, lookups: Counter[str]) -> None:
        super().__init__()
        self._lookups = lookups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name; raises OSError."""
        self._lookups[host] += 1
        try:
            return await super().resolve(host, port, family)
        finally:
            self._lookups[host] -= 1
            self._lookups += Counter()  # takes out those at zero


def new_session(options: HttpOptions, lookups: Counter[str]) -> aiohttp.ClientSession:
    """Kept connections, no cookies, and nothing from the environment."""
    return aiohttp.ClientSession(
        connector=Connector(options, Resolver(lookups)),
        # Credentials share these connections: a cookie given to one must not go out with another's request.
        cookie_jar=aiohttp.DummyCookieJar(),
        max_field_size=MAX_HEADER,
        headers={"User-Agent": f"frs-exporter/{__version__}"},
    )
