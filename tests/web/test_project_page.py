"""The page of a project: whoever it is called, what it tells of exchanges, and what it never does."""

import asyncio

from frs_simulator import Simulator, demo_world
from tests.web.serving import Served, serving


async def polled(served: Served) -> None:
    async with asyncio.timeout(30):
        while not all(state.polls for state in served.exporter.states.values()):  # noqa: ASYNC110  # across sockets
            await asyncio.sleep(0.02)


async def test_a_project_has_a_page() -> None:
    async with Simulator(demo_world(1)) as simulator, serving(simulator, poll_interval=600.0) as served:
        await polled(served)
        status, _, body = await served.get("/project/vision-prod")
        print(body.decode())
        assert status == 200
        assert (await served.get("/project/nobody"))[0] == 404
        assert (await served.get("/project"))[0] == 404
        assert (await served.get("/projectvision-prod"))[0] == 404
