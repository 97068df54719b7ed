"""`/-/retry`: a credential that is held is used again, because somebody says so."""

import asyncio

from frs_simulator import Simulator, World, demo_world
from tests.web.serving import Served, serving


async def test_a_held_credential_is_tried_again_when_somebody_says_so() -> None:
    """Its user was disabled, and is enabled again: the password is as before."""
    async with Simulator(demo_world()) as simulator, serving(simulator, poll_interval=5.0) as served:
        await served.ready()
        await retried(simulator.world, served)


async def retried(world: World, served: Served) -> None:
    """A credential is refused, and then used again."""
    exporter = served.exporter
    (owner, *_) = world.accounts
    right, owner.password = owner.password, "of a user who is disabled"
    world.change_secret(owner, owner.password)
    path = f"/-/retry?credential={owner.domain_name}"
    rejected = f'frs_exporter_credential_rejected{{credential="{owner.domain_name}"}}'.encode()
    for key, runner in exporter.runners.items():
        if runner.job.target.credential.name == owner.domain_name:
            await exporter.probe([key], 5.0)
    assert rejected + b" 1.0" in (await served.get("/metrics"))[2]
    owner.password = right
    status, _, body = await served.get(path, method="POST")
    assert (status, body[:13]) == (200, b"trying again:")
    for _ in range(100):
        await asyncio.sleep(0.05)
        if rejected + b" 0.0" in (await served.get("/metrics"))[2]:
            break
    assert rejected + b" 0.0" in (await served.get("/metrics"))[2]
    assert (await served.get("/-/retry?credential=nobody", method="POST"))[0] == 404
    assert (await served.get("/-/retry", method="POST"))[::2] == (404, b"no project uses a credential ''\n")
    assert (await served.get(path))[0] == 405
