"""A wrong secret never locks an account, however many projects use it and for however long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import cycle

import pytest

from frs_exporter.config.load import Config
from frs_exporter.core.model import Api, Limit, Target
from frs_exporter.polling.one_shot import Check
from frs_simulator import Account, World
from frs_simulator.faults import Fault
from frs_simulator.world import USER_LOCK, LockRule
from tests.conftest import Cloud, CloudContext, account, run_virtual, virtual_now
from tests.polling.test_poller import Polled
from tests.resilience.front import Front

DAY = 86400.0
USUAL = {Api.FRS: Limit(5, 5), Api.IAM: Limit(2, 2), Api.CES: Limit(5, 5)}
PROJECTS = [f"p{number}" for number in range(200)]
STRICTEST = LockRule(failures=3, window=3600, seconds=86400)
"""The strictest rule that an account can set (IAM API, iam_17_0005)."""


def locked(world: World) -> int:
    """How often a user or a key was locked."""
    return sum(lock.times for lock in world.locks.values())


def attempts(polls: Polled, api: str) -> float:
    return polls.cloud.counted("frs_exporter_api_requests_total", api=api)


def spoil(owner: Account) -> None:
    owner.password = owner.secret_key = "changed"


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_hundreds_of_projects_on_one_bad_secret_for_a_day(kind: str) -> None:
    """The account is never locked, and after the secret is right again all come back."""

    async def main() -> None:
        owner = account(kind, *PROJECTS)
        password, secret_key = owner.password, owner.secret_key
        async with CloudContext(owner, limits=USUAL) as cloud:
            cloud.world.user_lock = STRICTEST
            api = "iam" if kind == "token" else "frs"
            polls = await Polled.started(cloud, poll_interval=3600.0, stale_after=14400.0)
            spoil(owner)
            await asyncio.sleep(DAY)
            assert locked(cloud.world) == 0
            assert 20 <= attempts(polls, api) <= 30
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 1
            assert sum(state.up for state in polls.poller.states.values()) == 0
            assert {str(state.failure.reason) for state in polls.poller.states.values() if state.failure} == {"auth"}
            owner.password, owner.secret_key = password, secret_key
            await asyncio.sleep(3600 + 3600)
            assert all(state.up for state in polls.poller.states.values())
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 0
            assert locked(cloud.world) == 0
            await polls.poller.stop()

    run_virtual(main())


@asynccontextmanager
async def regions(cloud: Cloud, count: int, poll_interval: float = 300.0) -> AsyncIterator[list[Target]]:
    """The targets, spread over several endpoints of the same cloud."""
    fronts = [Front(int(cloud.url.rpartition(":")[2])) for _ in range(count)]
    for front in fronts:
        await front.open()
    targets = cloud.targets(poll_interval=poll_interval, stale_after=3 * poll_interval)
    urls = [f"http://127.0.0.1:{front.port}" for front in fronts]
    yield [replace(target, endpoints=dict.fromkeys(Api, url)) for target, url in zip(targets, cycle(urls))]
    for front in fronts:
        await front.shut()


SLOW = [Fault(), Fault(delay=2.0), Fault(truncate=True), Fault(truncate=True, reset=True), Fault(drip=0.5)]


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.parametrize(
    "fault", [*SLOW, Fault(late=12.0)], ids=lambda fault: fault.model_dump_json(exclude_defaults=True)
)
def test_however_slowly_or_brokenly_the_refusal_comes(kind: str, fault: Fault) -> None:
    """Three regions, a secret that is wrong from the start; the right one is accepted when the cloud is well again."""

    async def main() -> None:
        owner = account(kind, *PROJECTS[:12])
        right = owner.password, owner.secret_key
        async with CloudContext(owner, limits=USUAL) as cloud, regions(cloud, 1 if fault.late else 3) as targets:
            cloud.world.user_lock = STRICTEST if not fault.late else USER_LOCK
            polls = await Polled.started(cloud, targets)
            spoil(owner)
            for api in ("iam", "frs"):
                cloud.world.faults.set(api, fault)
            await asyncio.sleep(DAY / 8)
            assert locked(cloud.world) == 0
            assert not any(state.up for state in polls.poller.states.values())
            owner.password, owner.secret_key = right
            for api in ("iam", "frs"):
                cloud.world.faults.set(api, None)
            await asyncio.sleep(2 * 3600 + 600)
            assert all(state.up for state in polls.poller.states.values())
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.parametrize("latency", [0.0, 2.0, 3.5, 9.0])
@pytest.mark.parametrize("count", [1, 3])
def test_a_secret_that_goes_bad_while_all_is_well(kind: str, latency: float, count: int) -> None:
    """With tokens nothing fails before they die: the new ones cannot be had, which shows at once."""

    async def main() -> None:
        owner = account(kind, *PROJECTS[:12])
        context = CloudContext(owner, limits=USUAL, token_life=2400.0)
        async with context as cloud, regions(cloud, count, 60.0) as targets:
            cloud.world.user_lock = STRICTEST
            for api in ("iam", "frs"):
                cloud.world.faults.set(api, Fault(delay=latency))
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(900)
            assert all(state.up for state in polls.poller.states.values())
            spoil(owner)
            await asyncio.sleep(2 * 3600)
            assert locked(cloud.world) == 0
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 1
            assert not any(state.up for state in polls.poller.states.values())
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize(("kind", "api"), [("token", "iam"), ("ak_sk", "frs")])
def test_one_project_that_is_refused_does_not_take_the_others_down(kind: str, api: str) -> None:
    """As where something on the way answers 401 for it: the secret is accepted elsewhere."""

    async def main() -> None:
        owner = account(kind, *PROJECTS[:8])
        async with CloudContext(owner, limits=USUAL, token_life=7200.0) as cloud:
            polls = await Polled.started(cloud)
            odd, *others = polls.jobs
            cloud.world.faults.set(api, Fault(status=401, code="APIGW.0301"), odd.target.project_id)
            await asyncio.sleep(3 * 1860)
            counts = {job.key: polls.poller.states[job.key].polls for job in others}
            failures = sum(polls.poller.states[job.key].failures for job in others)
            await asyncio.sleep(3 * 3600)
            assert sum(polls.poller.states[job.key].failures for job in others) == failures
            assert all(polls.poller.states[job.key].polls - counts[job.key] > 150 for job in others)
            assert not polls.poller.states[odd.key].up
            assert cloud.counted("frs_exporter_credential_rejected", credential=f"{kind}-account") == 0
            cloud.world.faults.set(api, None, odd.target.project_id)
            await asyncio.sleep(2 * 1860)
            assert polls.poller.states[odd.key].up
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize(("first", "interval"), [(0, 60.0), (2, 300.0), (4, 300.0), (6, 300.0)])
def test_projects_without_a_role_are_held_alone(first: int, interval: float, count: int) -> None:
    """IAM, as any Keystone, answers them as it does a wrong password: whoever comes first, nobody else waits.

    All but one place are with fewer polls: how often a refused project is tried depends on none of them.
    """

    async def main() -> None:
        async with CloudContext(account("token", *PROJECTS[:16]), limits=USUAL) as cloud:
            visits = cloud.world.watched()
            polls = await Polled.started(cloud, poll_interval=interval, stale_after=3 * interval)
            odd = [
                job for number, job in enumerate(polls.jobs) if (number - first) % 16 < 2 * count and number % 2 == 0
            ]
            ids = {job.target.project_id for job in odd}
            cloud.world.refused |= ids
            await asyncio.sleep(2 * interval)
            others = [job for job in polls.jobs if job not in odd]
            assert len(others) == 16 - count
            assert cloud.counted("frs_exporter_credential_rejected", credential="token-account") == 0
            assert all(polls.poller.states[job.key].up for job in others)
            assert not sum(polls.poller.states[job.key].failures for job in others)
            visits.clear()
            await asyncio.sleep(6 * 3600)
            assert not sum(polls.poller.states[job.key].failures for job in others)
            times = [visit.time for visit in visits if visit.project_id in ids and visit.api == "iam"]
            assert 5 * count <= len(times) <= 7 * count, "each once an hour"
            assert max(sum(start <= time < start + 900 for time in times) for start in times) <= 3
            assert locked(cloud.world) == 0
            cloud.world.refused.clear()
            await asyncio.sleep(1.5 * 3600)
            assert all(polls.poller.states[job.key].up for job in odd)
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize("number", range(4))
def test_a_check_tells_a_project_without_a_role_from_a_wrong_password(number: int) -> None:
    async def main() -> None:
        async with CloudContext(account("token", *PROJECTS[:4]), limits=USUAL) as cloud:
            targets = cloud.targets()
            cloud.world.refused.add(targets[number].project_id)
            check = Check(Config(tuple(targets), USUAL), now=virtual_now)
            await check.run()
            assert [job.target.project for job, state in check.asked() if not state.up] == [targets[number].project]

    run_virtual(main())


def test_where_logins_without_a_scope_are_not_taken_the_projects_come_all_the_same() -> None:
    async def main() -> None:
        async with CloudContext(account("token", *PROJECTS[:4]), limits=USUAL) as cloud:
            cloud.world.unscoped_logins = False
            polls = await Polled.started(cloud)
            await asyncio.sleep(60)
            assert all(state.up for state in polls.poller.states.values())
            assert cloud.world.requests["iam", cloud.world.accounts[0].login, ""] == 0, "which is none, but an answer"
            assert max(state.failures for state in polls.poller.states.values()) == 0
            await polls.poller.stop()

    run_virtual(main())


STRANGERS = [
    Fault(status=403, body="<h1>Access denied by policy</h1>", content_type="text/html"),
    Fault(status=403, body=""),
    Fault(status=403, body="{}"),
    Fault(status=403, body='{"blocked": true}'),
    Fault(status=403, body='{"code": 403, "message": "Blocked by firewall"}'),
    Fault(status=403, body='{"kind": "Status", "status": "Failure", "message": "no", "code": 403}'),
    Fault(status=404, body="not here"),
    Fault(status=200, body="{}"),
    Fault(status=200, body='{"login": "please"}'),
    Fault(status=201, body="<h1>Welcome to our network</h1>", content_type="text/html"),
]


@pytest.mark.parametrize("fault", STRANGERS, ids=lambda fault: fault.model_dump_json(exclude_defaults=True))
def test_what_a_stranger_says_on_the_way_is_no_proof_of_a_password(fault: Fault) -> None:
    """As a proxy, a firewall or a portal does: the password stays held, and the hold grows as if nothing was said."""

    async def main() -> None:
        owner = account("token", *PROJECTS[:8])
        async with CloudContext(owner, limits=USUAL) as cloud:
            cloud.world.user_lock = STRICTEST
            polls = await Polled.started(cloud, poll_interval=300.0, stale_after=900.0)
            spoil(owner)
            await asyncio.sleep(300)
            for _ in range(12):
                cloud.world.faults.set("iam", fault)
                await asyncio.sleep(1860)
                assert cloud.counted("frs_exporter_credential_rejected", credential="token-account") == 1
                cloud.world.faults.set("iam", None)
                await asyncio.sleep(1860)
            assert locked(cloud.world) == 0
            await polls.poller.stop()

    run_virtual(main())


def test_a_project_that_is_refused_and_a_password_that_changes_are_together_no_lock() -> None:
    """Though each is held by itself: the strictest rule allows two refusals within an hour."""

    async def main() -> None:
        owner = account("token", *PROJECTS[:8])
        async with CloudContext(owner, limits=USUAL, token_life=2400.0) as cloud:
            cloud.world.user_lock = STRICTEST
            polls = await Polled.started(cloud)
            odd = polls.jobs[0].target.project_id
            cloud.world.refused.add(odd)
            await asyncio.sleep(3 * 3600)
            assert sum(state.up for state in polls.poller.states.values()) >= 7
            spoil(owner)
            await asyncio.sleep(DAY / 4)
            assert locked(cloud.world) == 0
            await polls.poller.stop()

    run_virtual(main())


def test_tokens_serve_to_their_end_while_the_password_is_wrong() -> None:
    async def main() -> None:
        owner = account("token", "t1")
        async with CloudContext(owner, token_life=10_000.0) as cloud:
            polls = await Polled.started(cloud)
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
            polls = await Polled.started(cloud)
            cloud.world.lock(owner)
            await asyncio.sleep(2000)
            assert all(state.up for state in polls.poller.states.values())
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_several_credentials_of_one_user_are_counted_together(kind: str) -> None:
    """Six names for one wrong secret, all tried at the same time: five refusals lock by default."""

    async def main() -> None:
        owner = account(kind, *PROJECTS[:6])
        async with CloudContext(owner) as cloud:
            targets = [
                replace(target, credential=replace(target.credential, name=f"c{number}"))
                for number, target in enumerate(cloud.targets())
            ]
            spoil(owner)
            for api in ("iam", "frs"):
                cloud.world.faults.set(api, Fault(delay=1.5))
            polls = await Polled.started(cloud, targets)
            await asyncio.sleep(3600)
            assert locked(cloud.world) == 0
            assert not any(state.up for state in polls.poller.states.values())
            await polls.poller.stop()

    run_virtual(main())
