"""No reload, and no rotation gone wrong, lets a user be locked: what was sent is counted, whoever wanted it."""

import asyncio
import copy
import gc
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import ClientSession

from frs_exporter.cloud.ak_sk import KeyAuthorizer
from frs_exporter.cloud.gate import Gate
from frs_exporter.cloud.guard import Guard
from frs_exporter.config.load import Config
from frs_exporter.polling.runner import JobRunner
from frs_simulator.faults import Fault
from frs_simulator.issuers import Agency, Machine
from frs_simulator.world import LockRule
from tests.conftest import account, run_virtual
from tests.polling.living import UP, Living, living, replace_file
from tests.polling.test_reload import with_file

REJECTED = 'frs_exporter_credential_rejected{credential="%s"}'


KEPT = (Config, JobRunner, KeyAuthorizer, Guard, ClientSession, Gate)
"""What a reload may make anew."""


def alive(kind: type) -> int:
    """How many objects there are that somebody holds on to."""
    gc.collect()
    return sum(isinstance(found, kind) for found in gc.get_objects())


def locked(alive: Living) -> bool:
    return any(lock.times for lock in alive.world.locks.values())


def with_secret(alive: Living, name: str, secret: str) -> dict[str, Any]:
    """The config with another secret."""
    config: dict[str, Any] = copy.deepcopy(alive.config)
    for kind, field in (("token", "password"), ("ak_sk", "secret_key")):
        if kind in config["credentials"][name]:
            config["credentials"][name][kind][field] = secret
    return config


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_reloads_while_refusals_are_on_their_way_lock_nothing(tmp_path: Path, kind: str) -> None:
    """Each reload starts all polls anew; the answers to the ones before come all the same, and count."""

    async def main() -> None:
        owner = account(kind, *(f"p{n}" for n in range(12)))
        async with living(tmp_path, owner) as it:
            it.world.user_lock = LockRule(failures=3, window=3600.0)
            await asyncio.sleep(60)
            owner.password, owner.secret_key = "changed", "changed"
            it.world.expire_tokens()
            it.world.faults.set("iam" if kind == "token" else "frs", Fault(late=4.0))
            for number in range(20):
                other = copy.deepcopy(it.config)
                other["defaults"] = {"poll_timeout": f"{10 + number}s"}
                other["projects"] = other["projects"][: 12 - number % 6]
                assert await it.reload(other) == ()
                await asyncio.sleep(1)
            await asyncio.sleep(1800)
            assert not locked(it)
            assert it.shown()[REJECTED % owner.domain_name] == 1

    run_virtual(main())


def test_a_refusal_that_finds_another_config_but_the_same_secret_is_held(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", *(f"p{n}" for n in range(12)))
        async with living(tmp_path, owner, reread_interval=86400.0) as it:
            await asyncio.sleep(60)
            owner.secret_key = "changed"
            for number in range(10):
                other = copy.deepcopy(it.config)
                other["defaults"] = {"poll_interval": f"{30 + number}s"}
                it.write(other)
                await asyncio.sleep(40)
            assert not locked(it)
            assert it.shown()[REJECTED % owner.domain_name] == 1

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_wrong_secret_that_is_taken_out_and_put_back_is_still_known(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        owner, other = account(kind, "p1", "p2"), account("ak_sk", "q")
        other.domain_name = "other"
        async with living(tmp_path, owner, other) as it:
            it.world.user_lock = LockRule(failures=3, window=3600.0)
            wrong = with_secret(it, owner.domain_name, "wrong")
            without = copy.deepcopy(wrong)
            without["projects"] = [entry for entry in wrong["projects"] if entry["credential"] == "other"]
            for _ in range(6):
                assert await it.reload(wrong) == ()
                await asyncio.sleep(60)
                assert it.shown()[REJECTED % owner.domain_name] == 1
                assert await it.reload(without) == ()
                assert REJECTED % owner.domain_name not in it.shown()
                await asyncio.sleep(10)
            assert not locked(it)
            assert it.world.locks[owner.login if kind == "token" else owner.access_key].failures.__len__() <= 2
            assert await it.reload(it.config) == ()
            await asyncio.sleep(20)
            assert it.shown()[UP % "p1"] == 1, "the right one is not held for the wrong one's sake"
            assert it.shown()[REJECTED % owner.domain_name] == 0

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.parametrize("pause", [3.0, 40.0])
def test_wrong_secrets_one_after_the_other_lock_nothing(tmp_path: Path, kind: str, pause: float) -> None:
    """Each is another one, and tried; but the vendor counts them together."""

    async def main() -> None:
        owner = account(kind, "p1", "p2")
        async with living(tmp_path, owner) as it:
            for number in range(60):
                assert await it.reload(with_secret(it, owner.domain_name, f"wrong-{number}")) == ()
                await asyncio.sleep(pause)
            assert not locked(it)
            assert await it.reload(it.config) == ()
            await asyncio.sleep(1000)
            assert it.shown()[UP % "p1"] == 1

    run_virtual(main())


def test_a_secret_written_bit_by_bit_locks_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", "p1", "p2")
        (tmp_path / "secret").write_text(owner.secret_key)
        async with living(tmp_path, owner, reread_interval=30.0) as it:
            await it.reload(with_file(it, owner.domain_name, "ak_sk", "secret_key", tmp_path / "secret"))
            for length in range(1, len(owner.secret_key), 3):
                replace_file(tmp_path / "secret", owner.secret_key[:length])
                await asyncio.sleep(35)
            replace_file(tmp_path / "secret", owner.secret_key)
            await asyncio.sleep(900)
            assert not locked(it)
            assert it.shown()[UP % "p1"] == 1

    run_virtual(main())


def test_a_late_refusal_of_a_replaced_secret_says_nothing_of_the_new_one(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        owner = account("ak_sk", *(f"p{n}" for n in range(4)))
        async with living(tmp_path, owner) as it:
            await asyncio.sleep(60)
            owner.access_key, owner.secret_key = "NEWAK", "new"
            it.world.faults.set("frs", Fault(late=8.0))
            await asyncio.sleep(70)
            it.world.faults.set("frs", None)
            with structlog.testing.capture_logs() as logs:
                other = with_secret(it, owner.domain_name, "new")
                other["credentials"][owner.domain_name]["ak_sk"]["access_key"] = "NEWAK"
                assert await it.reload(other) == ()
                await asyncio.sleep(30)
                assert it.shown()[REJECTED % owner.domain_name] == 0
                assert it.shown()[UP % "p0"] == 1
        return logs

    assert "credential rejected" not in {entry["event"] for entry in run_virtual(main())}


def test_what_waits_for_its_turn_signs_with_the_keys_of_then(tmp_path: Path) -> None:
    """A hundred requests in a slow gate's line, when the machine's keys end early."""

    async def main() -> None:
        owner = account("ecs_agency", *(f"p{n}" for n in range(100)))

        def slowly(config: Any) -> None:
            config["limits"]["frs"] = {"rate": 1, "concurrency": 5}

        async with living(tmp_path, owner, config=slowly) as it:
            it.world.machine = Machine(owner)
            await asyncio.sleep(400)
            dead = list(it.world.temporary_keys)
            it.world.temporary_keys.clear()
            it.world.machine.key = None
            await asyncio.sleep(300)
            assert sum(len(it.world.locks[key].failures) for key in dead) <= 4
            assert not locked(it)
            failures = [value for name, value in it.shown().items() if name.startswith("frs_poll_failures_total")]
            await asyncio.sleep(600)
            assert [
                value for name, value in it.shown().items() if name.startswith("frs_poll_failures_total")
            ] == failures

    run_virtual(main())


def test_the_same_name_with_another_accounts_user_takes_nothing_over(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = account("token", "a1"), account("token", "b1")
        second.domain_name = "second"
        async with living(tmp_path, first, second) as it:
            it.world.faults.set("iam", Fault(status=503))
            other = copy.deepcopy(it.config)
            other["credentials"][first.domain_name] = other["credentials"]["second"]
            assert await it.reload(other) == ()
            assert not [name for name in it.shown() if name.startswith('frs_subscribed{project="a1"')]
            assert it.shown()[UP % "a1"] == 0

    run_virtual(main())


def test_many_ways_to_reach_the_cloud_may_change_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        owners = [account("ak_sk", f"p{n}") for n in range(6)]
        for number, owner in enumerate(owners):
            owner.domain_name = f"owner-{number}"
            owner.access_key = f"AK{number}"
        sessions, runners = alive(ClientSession), alive(JobRunner)
        async with living(tmp_path, *owners) as it:
            for round in range(20):
                other = copy.deepcopy(it.config)
                for number, credential in enumerate(other["credentials"].values()):
                    credential["http_client"] = {
                        "tls_config": {"server_name": f"n{number}-{round}", "insecure_skip_verify": True}
                    }
                assert await it.reload(other) == ()
                await asyncio.sleep(1.5)
            await asyncio.sleep(20)
            assert len(it.runners()) == 6
            assert alive(JobRunner) - runners == 6
            assert alive(ClientSession) - sessions == 6
            shown = it.shown()
            assert not [name for name in shown if 'reason="internal"' in name and name.startswith("frs_poll")]
            assert all(shown[UP % f"p{number}"] == 1 for number in range(6))

    run_virtual(main())


def test_thousands_of_reloads_leave_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        owner = account("ak_sk", "p1")
        before = [alive(kind) for kind in KEPT]
        async with living(tmp_path, owner) as it:
            tasks = len(asyncio.all_tasks())
            for number in range(300):
                other = copy.deepcopy(it.config)
                other["endpoints"]["frs"] = f"{it.cloud.url}/cn-north-{4 + number % 50}"
                other["credentials"] = {f"c{number % 7}": other["credentials"].pop(owner.domain_name)}
                other["projects"][0]["credential"] = f"c{number % 7}"
                assert await it.reload(other) == ()
                await asyncio.sleep(1)
            kept = [alive(kind) - count for kind, count in zip(KEPT, before, strict=True)]
            assert kept == [1] * len(KEPT)
            assert (len(it.runners()), len(asyncio.all_tasks())) == (1, tasks)

    run_virtual(main())


def test_no_reload_begins_while_it_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "p1")) as it:
            await it.exporter.stop()
            assert await it.reload(it.config) == ("the exporter is stopping",)
            asked = it.asked()
            await asyncio.sleep(500)
            assert it.asked() == asked

    run_virtual(main())


@pytest.mark.parametrize("other", [False, True])
def test_a_reload_while_a_password_proves_itself_ends_no_job(tmp_path: Path, other: bool) -> None:
    async def main() -> None:
        async with living(tmp_path, account("token", "t1", "t2", "t3")) as it:
            it.world.expire_tokens()
            it.world.change_secret(it.world.accounts[0], "Pw-2")
            it.world.faults.set("iam", Fault(delay=3.0))
            changed = with_secret(it, it.world.accounts[0].domain_name, "Pw-2")
            assert await it.reload(changed) == ()
            await asyncio.sleep(1)
            if other:
                changed["defaults"]["poll_timeout"] = "9s"
            assert await it.reload(changed) == ()
            it.world.faults.set("iam", None)
            await asyncio.sleep(600)
            assert all(it.shown()[UP % name] == 1 for name in ("t1", "t2", "t3"))

    run_virtual(main())


def test_a_new_secret_of_who_assumes_an_agency_is_taken_up(tmp_path: Path) -> None:
    """The agency's jobs are those of its credential and of the one that assumes it: both names may be retried."""

    async def main() -> None:
        customer, operator = account("agency", "c1"), account("ak_sk")

        def by_agency(config: Any) -> None:
            role = {"domain_name": customer.domain_name, "agency_name": "readers"}
            config["credentials"][customer.domain_name] = {"agency": {"credential": operator.domain_name, **role}}
            config["credentials"][operator.domain_name]["ak_sk"]["secret_key"] = "wrong"

        async with living(tmp_path, customer, operator, config=by_agency) as it:
            it.world.agencies[customer.domain_name, "readers"] = Agency(customer, {operator.domain_name})
            await asyncio.sleep(60)
            assert (it.shown()[REJECTED % operator.domain_name], it.shown()[UP % "c1"]) == (1, 0)
            assert it.exporter.retry(operator.domain_name) == 1
            assert it.exporter.retry(customer.domain_name) == 1
            assert await it.reload(with_secret(it, operator.domain_name, operator.secret_key)) == ()
            await asyncio.sleep(120)
            assert (it.shown()[REJECTED % operator.domain_name], it.shown()[UP % "c1"]) == (0, 1)
            assert not locked(it)

    run_virtual(main())
