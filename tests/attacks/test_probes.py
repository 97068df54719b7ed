"""Defends the cloud's quota against whoever probes: thousands of requests to us make few to the cloud."""

import asyncio
import random
from collections import Counter
from urllib.parse import quote

import pytest

from frs_exporter.polling.runner import PROBES_AT_ONCE
from frs_simulator.faults import HANG, Fault
from tests.attacks.test_requests import CLOSE, request, statuses
from tests.web.test_probe import TIMEOUT, demo

PROJECTS = 6
FLOOD = 1500
MOST = (1 + PROBES_AT_ONCE) * PROJECTS
"""Polls that each project may be asked for at once in an interval, which is an hour here, and its own."""


def target(rng: random.Random, names: list[str]) -> bytes:
    """A probe, of somebody that is there or not, told in one of many ways."""
    name = quote(rng.choice([*names, "nobody", "http://169.254.169.254/", "", "*", "../x", names[0].upper()]))
    query = [f"{rng.choice(('project', 'target'))}={name}"]
    query += rng.choice(
        ([], ["debug=true"], ["collector=subscription"], ["collector=face_sets"], [f"x={rng.random()}"])
    )
    return f"/probe?{'&'.join(query)}".encode()


@pytest.mark.parametrize("fault", [None, Fault(status=503), Fault(status=429, code="FRS.0033"), Fault(reset=True)])
async def test_a_flood_of_probes_is_a_bounded_number_of_requests(fault: Fault | None) -> None:
    """On fifty connections at once, while all is well and while nothing is."""
    rng = random.Random(7)
    async with demo() as (served, world):
        names = sorted({name for name, _ in served.exporter.states})
        assert len(names) == PROJECTS
        if fault:
            world.faults.set("frs", fault)
        visits = world.watched()
        batches = []
        for _ in range(50):
            requests = [request(target=target(rng, names)) for _ in range(FLOOD // 50)]
            batches.append(b"".join(requests) + request(CLOSE))
        told = await asyncio.gather(*(statuses(served.port, batch, 60) for batch in batches))
        counted = Counter(status for each in told for status in each)
        assert counted.total() == FLOOD + 50
        assert set(counted) == {200, 400, 404}
        assert (
            0 < len(visits) <= (2 if fault and fault.reset else 1) * MOST
        )  # a kept connection that is reset: once more
        assert {visit.api for visit in visits} == {"frs"}, "nobody logs in anew"


async def test_probes_that_nobody_waits_for_are_no_more_than_those_that_somebody_does() -> None:
    """Who hangs up at once, or gives no time, has as many polls as anybody."""
    async with demo() as (served, world):
        world.faults.set("frs", HANG)
        visits = world.watched()
        soon = request(CLOSE, f"{TIMEOUT}: 0.001".encode(), target=b"/probe?project=vision-prod")
        await asyncio.gather(*(statuses(served.port, soon) for _ in range(100)))
        for _ in range(100):
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(request(target=b"/probe?project=vision-prod"))
            await writer.drain()
            writer.transport.abort()
        await asyncio.sleep(0.2)
        assert 0 < len(visits) <= PROBES_AT_ONCE
        assert (await served.get("/-/healthy"))[0] == 200


async def test_probes_of_a_held_secret_ask_nobody() -> None:
    """A wrong password is tried once, whoever wants to know how it is."""
    async with demo() as (served, world):
        for account in world.accounts:
            world.change_secret(account, "changed")
        for name in ("vision-prod", "vip-lounge"):
            await served.get(f"/probe?project={name}")
        refused = sum(lock.times for lock in world.locks.values())
        visits = world.watched()
        for number in range(300):
            await served.get(f"/probe?project={('vision-prod', 'vip-lounge')[number % 2]}")
        assert len(visits) <= 2 * PROBES_AT_ONCE
        assert refused == sum(lock.times for lock in world.locks.values()) == 0
