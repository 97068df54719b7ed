"""Polls that are brought forward, for hours of virtual time: what they cost, and what becomes of the schedule."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from frs_exporter.core.trace import Trace
from frs_exporter.polling.probe import Probed
from frs_exporter.polling.runner import PROBES_AT_ONCE
from frs_simulator.faults import HANG, Fault
from tests.conftest import account, run_virtual
from tests.polling.living import POLLS, UP, Living, living

KEY = ("k1", "subscription")
HOUR = 3600.0


async def ask(it: Living, within: float = 9.5) -> Probed:
    """A probe of the first project."""
    (probed,) = await it.exporter.probe([KEY], within)
    return probed


def test_whoever_asks_all_the_time_makes_a_project_cost_twice_its_polls_at_most(tmp_path: Path) -> None:
    async def main() -> tuple[int, int]:
        async with living(tmp_path, account("ak_sk", "k1", "k2")) as it:
            before = it.asked()
            end = asyncio.get_running_loop().time() + HOUR
            while asyncio.get_running_loop().time() < end:
                await ask(it)
                await asyncio.sleep(1.0)
            return it.asked() - before, int(it.shown()[POLLS % "k1"])

    both, polls = run_virtual(main())
    assert 60 <= polls <= 2 * 60 + PROBES_AT_ONCE
    assert both <= polls + 65


def test_a_project_that_is_probed_as_often_as_it_is_polled_costs_no_more(tmp_path: Path) -> None:
    async def main() -> int:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            before = it.asked()
            for _ in range(60):
                await ask(it)
                await asyncio.sleep(60.0)
            return it.asked() - before

    assert run_virtual(main()) <= 60 * 2


def test_after_a_probe_the_next_poll_is_an_interval_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            await asyncio.sleep(25.0)
            before = it.asked()
            await ask(it)
            await asyncio.sleep(56.0)
            assert it.asked() - before == 1
            await asyncio.sleep(8.0)
            assert it.asked() - before == 2

    run_virtual(main())


def test_after_a_probe_that_fails_the_retry_comes_when_it_is_said_to(tmp_path: Path) -> None:
    def hourly(config: dict[str, Any]) -> None:
        config["defaults"] = {"poll_interval": "1h"}

    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "k1"), config=hourly) as it:
            it.world.faults.set("frs", Fault(status=503))
            for _ in range(3):
                await ask(it)
            it.world.faults.set("frs", None)
            visits, due = it.world.watched(), it.exporter.runners[KEY].due
            clock = asyncio.get_running_loop().time
            await asyncio.sleep(due - clock() - 1.0)
            assert visits == []
            await asyncio.sleep(2.0)
            assert len(visits) == 1
            assert it.shown()[UP % "k1"] == 1

    run_virtual(main())


def test_a_probe_that_finds_a_new_password_leaves_nothing_listening(tmp_path: Path) -> None:
    """What it starts, a reload and the jobs that begin anew, does not tell it of all that they ever do."""

    async def main() -> int:
        options = {"reread_interval": 600.0}
        async with living(tmp_path, account("token", "t1", "t2"), **options) as it:
            owner = it.world.accounts[0]
            config = json.loads(json.dumps(it.config))
            for credential in config["credentials"].values():
                credential["token"]["password"] = "another"
            owner.password = "another"
            it.write(config)
            it.world.expire_tokens()
            steps: list[str] = []
            await it.exporter.probe([("t1", "subscription")], 9.5, steps.append)
            assert steps
            await asyncio.sleep(60.0)
            told = len(steps)
            await asyncio.sleep(3600.0)
            assert it.shown()[UP % "t1"] == 1
            return len(steps) - told

    assert run_virtual(main()) == 0


def test_a_failing_job_is_not_tried_more_often_for_all_who_ask(tmp_path: Path) -> None:
    async def main() -> tuple[int, float]:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            it.world.faults.set("frs", Fault(status=503))
            visits = it.world.watched()
            for _ in range(3600):
                probed = await ask(it)
                await asyncio.sleep(1.0)
            assert not probed.state.up
            failed = len(visits)
            it.world.faults.set("frs", None)
            await asyncio.sleep(600.0)
            return failed, it.shown()[UP % "k1"]

    failed, up = run_virtual(main())
    assert 60 < failed <= 60 + 60 + PROBES_AT_ONCE
    assert up == 1


def test_probing_with_a_wrong_secret_locks_nobody(tmp_path: Path) -> None:
    """A held credential stays held, whoever asks."""

    def wrong(config: dict[str, Any]) -> None:
        for credential in config["credentials"].values():
            for kind in ("token", "ak_sk"):
                if kind in credential:
                    credential[kind]["password" if kind == "token" else "secret_key"] = "wrong"

    async def main() -> tuple[int, bool]:
        both = (account("ak_sk", "k1", "k2"), account("token", "t1", "t2"))
        async with living(tmp_path, *both, config=wrong) as it:
            keys, visits = [(name, "subscription") for name in ("k1", "k2", "t1", "t2")], it.world.watched()
            for _ in range(360):
                await it.exporter.probe(keys, 9.5)
                await asyncio.sleep(10.0)
            return len(visits), any(lock.until for lock in it.world.locks.values())

    attempts, locked = run_virtual(main())
    assert not locked
    assert attempts <= 20


def test_a_retry_after_is_heeded(tmp_path: Path) -> None:
    async def main() -> int:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            it.world.faults.set("frs", Fault(throttle=600.0))
            visits = it.world.watched()
            for _ in range(59):
                await ask(it)
                await asyncio.sleep(10.0)
            return len(visits)

    assert run_virtual(main()) == 1


def test_a_late_answer_is_kept_though_nobody_waits_any_more(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "k1")) as it:
            it.world.faults.set("frs", Fault(delay=5.0))
            probed = await ask(it, within=1.0)
            assert not probed.state.up
            assert probed.state.failure
            assert probed.state.failure.message == "no answer within 1.0 s, waiting for a turn included"
            assert it.shown()[UP % "k1"] == 1, "it fails for who asked alone"
            before = it.exporter.states[KEY]
            counted = (probed.state.polls, probed.state.failures, probed.state.errors, probed.state.recent)
            assert counted == (before.polls, before.failures, before.errors, before.recent), "no counter goes back"
            await asyncio.sleep(10.0)
            assert it.shown()[POLLS % "k1"] == before.polls + 1

    run_virtual(main())


@pytest.mark.parametrize("change", ["gone", "interval", "label"])
def test_a_reload_while_a_probe_waits(tmp_path: Path, change: str) -> None:
    """The job goes, starts anew, or is shown differently: never a poll for nobody, nor a job without one."""

    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "k1", "k2")) as it:
            it.world.faults.set("frs", HANG)
            waiting = asyncio.create_task(it.exporter.probe([KEY], 8.0))
            await asyncio.sleep(1.0)
            if change == "gone":
                config = {**it.config, "projects": it.config["projects"][1:]}
            else:
                setting = {"poll_interval": "30s"} if change == "interval" else {"labels": {"team": "a"}}
                first, second = it.config["projects"]
                config = {**it.config, "projects": [{**first, **setting}, second]}
            assert await it.reload(config) == ()
            it.world.faults.set("frs", None)
            probed = await waiting
            assert len(probed) == (1 if change == "label" else 0), "what was begun anew has told nothing yet"
            await asyncio.sleep(400.0)
            assert set(it.runners()) == (
                {"poll k2/subscription"} | (set() if change == "gone" else {"poll k1/subscription"})
            )
            assert (UP % "k1" in it.shown()) is (change != "gone")
            if change != "gone":
                before = it.asked()
                await asyncio.sleep(120.0)
                assert it.asked() > before
                assert it.shown()[UP % "k1"] == 1

    run_virtual(main())


@pytest.mark.uncounted
def test_random_probes_reloads_and_faults_leave_one_task_per_job(tmp_path: Path) -> None:
    async def main() -> None:
        rng = random.Random(11)
        async with living(tmp_path, account("ak_sk", "k1", "k2", "k3"), account("token", "t1", "t2")) as it:
            projects = it.config["projects"]
            waiting: list[asyncio.Task[Any]] = []
            for _ in range(200):
                match rng.randrange(4):
                    case 0:
                        fault = rng.choice([None, HANG, Fault(status=500), Fault(delay=3.0), Fault(reset=True)])
                        it.world.faults.set("frs", fault)
                    case 1:
                        some = [{**each, "poll_interval": f"{rng.randrange(5, 60)}s"} for each in projects]
                        await it.reload({**it.config, "projects": rng.sample(some, rng.randrange(1, 6))})
                    case _:
                        keys = [key for key in it.exporter.states if rng.random() < 0.7]
                        waiting.append(asyncio.create_task(it.exporter.probe(keys, rng.uniform(0.1, 20))))
                        if rng.random() < 0.3:
                            waiting[-1].cancel()
                await asyncio.sleep(rng.uniform(0, 15))
            it.world.faults.set("frs", None)
            await it.reload(it.config)
            await asyncio.gather(*waiting, return_exceptions=True)
            await asyncio.sleep(700.0)
            assert set(it.runners()) == {f"poll {name}/subscription" for name in ("k1", "k2", "k3", "t1", "t2")}
            assert {it.shown()[UP % name] for name in ("k1", "k2", "k3", "t1", "t2")} == {1.0}
            assert set(it.exporter.runners) == set(it.exporter.states)
            failures = [task.exception() for task in waiting if not task.cancelled()]
            assert failures == [None] * len(failures)

    run_virtual(main())


def test_a_poll_that_has_begun_but_not_asked_is_followed_by_who_comes_then(tmp_path: Path) -> None:
    """As `/probe?debug=true` right after `/-/retry`."""

    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "p1")) as it:
            (runner,), seen = it.exporter.runners.values(), list[str]()
            runner.hurry()
            polled = await runner.poll_now(Trace(seen.append))
            assert polled
            await polled
            assert any("HTTP" in event or "/subscribe" in event for event in seen), seen
            count = len(seen)
            runner.hurry()
            await asyncio.sleep(5)
            assert len(seen) == count

    run_virtual(main())


def test_who_comes_before_a_poll_that_has_begun_asks_costs_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "p1")) as it:
            (runner,), asked = it.exporter.runners.values(), it.asked()
            for count in range(1, PROBES_AT_ONCE + 1):
                together = [await runner.poll_now() for _ in range(20)]
                for polled in together:
                    assert polled
                    await polled
                assert it.asked() == asked + count
            assert await runner.poll_now() is None

    run_virtual(main())


def test_who_asks_for_a_job_that_is_gone_does_not_wait_for_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with living(tmp_path, account("ak_sk", "p1", "p2")) as it:
            gone = it.exporter.runners["p2", "subscription"]
            assert await it.reload({**it.config, "projects": it.config["projects"][:1]}) == ()
            asked = it.asked()
            assert await gone.poll_now() is None
            gone.hurry()
            gone.wake()
            await asyncio.sleep(1)
            assert it.asked() <= asked + 1  # the other's own

    run_virtual(main())
