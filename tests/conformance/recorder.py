"""Stands before the simulated cloud and keeps each request as it came."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from frs_exporter.cloud.signing import Signable
from frs_simulator import Simulator
from frs_simulator.world import TOKEN_LENGTH

LONGEST = 2 * TOKEN_LENGTH
OF_A_CONNECTION = {"connection", "content-encoding", "content-length", "transfer-encoding"}


class Recorder:
    """The requests so far; `url` is where the cloud is to be asked."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.requests: list[Signable] = []
        self.url = ""
        self._simulator, self._session = simulator, session

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Keep a request and pass it on as it is: a signature is of the host that was asked, too."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Signable(request.method, request.raw_path, headers, body))
        url = URL(self._simulator.url + request.raw_path, encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=body or None, skip_auto_headers=["Content-Type"]
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OF_A_CONNECTION}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def recorder(simulator: Simulator) -> AsyncIterator[Recorder]:
    """A started one."""
    async with aiohttp.ClientSession(max_field_size=LONGEST) as session:
        started = Recorder(simulator, session)
        runner = web.ServerRunner(web.Server(started.handle, max_field_size=LONGEST), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield started
        finally:
            await runner.cleanup()
