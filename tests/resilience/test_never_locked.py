"""A wrong secret never locks an account, however many projects use it and for however long."""

import asyncio

import pytest

from frs_exporter.model import Api, Limit
from frs_exporter.simulator import Account, World
from frs_exporter.simulator.faults import Fault
from frs_exporter.simulator.world import LockRule
from tests.conftest import CloudContext, account, run_virtual
from tests.polling.test_poller import Polled

DAY = 86400.0
PROJECTS = [f"p{number}" for number in range(1000)]
STRICTEST = LockRule(failures=3, within=3600, seconds=86400)
"""The strictest rule that an account can set (IAM API, iam_17_0005)."""


def locked(world: World) -> int:
    """How often a user or a key was locked."""
    return sum(lock.times for lock in world.locks.values())


def attempts(polls: Polled, api: str) -> float:
    return polls.cloud.counted("frs_exporter_api_requests_total", api=api)


def spoil(owner: Account) -> None:
    owner.password = owner.secret_key = "changed"


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.parametrize("latency", [0.0, 3.0])
def test_a_thousand_projects_on_one_bad_secret_for_a_day(kind: str, latency: float) -> None:
    """The account is never locked, and after the secret is right again all come back."""

    async def main() -> None:
        owner = account(kind, *PROJECTS)
        password, secret_key = owner.password, owner.secret_key
        async with CloudContext(owner, limits={api: Limit(5, 5) for api in Api}) as cloud:
            cloud.world.user_lock = STRICTEST
            api = "iam" if kind == "token" else "frs"
            cloud.world.faults.set(api, Fault(delay=latency))
            polls = Polled(cloud, poll_interval=1800.0, stale_after=7200.0)
            spoil(owner)
            await asyncio.sleep(DAY)
            tried = attempts(polls, api)
            assert locked(cloud.world) == 0
            assert 20 <= tried <= 30
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 1
            assert sum(state.up for state in polls.poller.states.values()) == 0
            assert {str(state.error.reason) for state in polls.poller.states.values() if state.error} == {"auth"}
            owner.password, owner.secret_key = password, secret_key
            cloud.world.faults.set(api, None)
            await asyncio.sleep(3600 + 1800)
            assert all(state.up for state in polls.poller.states.values())
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 0
            assert locked(cloud.world) == 0
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_secret_that_goes_bad_while_all_is_well(kind: str) -> None:
    """With tokens nothing fails before they die: the new ones cannot be had, which shows at once."""

    async def main() -> None:
        owner = account(kind, *PROJECTS[:300])
        async with CloudContext(owner, limits={api: Limit(5, 4) for api in Api}, token_life=7200.0) as cloud:
            polls = Polled(cloud, poll_interval=300.0, stale_after=900.0)
            await asyncio.sleep(900)
            assert all(state.up for state in polls.poller.states.values())
            spoil(owner)
            await asyncio.sleep(DAY / 4)
            assert locked(cloud.world) == 0
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 1
            assert not any(state.up for state in polls.poller.states.values())
            await polls.poller.stop()

    run_virtual(main())


def test_tokens_serve_to_their_end_while_the_password_is_wrong() -> None:
    async def main() -> None:
        owner = account("token", "t1")
        async with CloudContext(owner, token_life=10_000.0) as cloud:
            polls = Polled(cloud)
            await asyncio.sleep(60)
            spoil(owner)
            await asyncio.sleep(9_800)
            assert cloud.counted("frs_exporter_credential_rejected", credential="token-account") == 1
            assert polls.shown()['frs_up{project="t1",collector="subscription"}'] == 1
            await asyncio.sleep(200)
            assert polls.shown()['frs_up{project="t1",collector="subscription"}'] == 0
            assert cloud.world.locks[owner.login].times == 0
            await polls.poller.stop()

    run_virtual(main())


def test_a_user_that_somebody_else_locked_comes_back() -> None:
    async def main() -> None:
        owner = account("token", *PROJECTS[:5])
        async with CloudContext(owner) as cloud:
            polls = Polled(cloud)
            cloud.world.lock(owner)
            await asyncio.sleep(2000)
            assert all(state.up for state in polls.poller.states.values())
            await polls.poller.stop()

    run_virtual(main())
