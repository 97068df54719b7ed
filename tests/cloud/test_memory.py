"""What is known of refused secrets outlives the process, and is never a secret."""

import asyncio
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from frs_exporter.cloud.guard import Guard, User
from frs_exporter.cloud.lockout_state import KEYS, PASSWORDS, Phase, State
from frs_exporter.cloud.memory import Memory
from frs_exporter.cloud.memory_entry import Entry, Held, restored
from frs_exporter.config.load import load
from frs_exporter.core.credentials import AgencyCredential, Credential, KeyCredential, StaticToken, TokenCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.site import PUBLIC_SITE
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.one_shot import Check
from frs_exporter.runtime.state_file import StateFile
from frs_simulator.faults import Fault
from frs_simulator.world import LockRule
from tests.conftest import CloudContext, account, loop_time, run_virtual, virtual_now
from tests.polling.living import Living, config_of

STRICTEST = LockRule(failures=3, window=3600, seconds=86400)
REFUSED = Failure(Reason.AUTH, "wrong", status=401)
PASSWORD = TokenCredential("ops", "acme", "monitor", SecretStr("wrong-password"))
KEY = KeyCredential("ops", "AK", SecretStr("wrong-secret-key"))
PARTNER = "partner.example"


def guard(folder: Path, credential: Credential = PASSWORD) -> Guard:
    """The guard of a secret in a process that has just started."""
    policy = PASSWORDS if isinstance(credential, TokenCredential) else KEYS
    memory = Memory(StateFile(folder, virtual_now), virtual_now)
    return Guard("ops", policy, User(), Telemetry(), memory.of(credential))


async def use(it: Guard, failure: Failure | None = REFUSED, project: str = "p") -> Failure | None:
    """Use the secret once; what came of it."""
    try:
        async with it.attempt(project, "here"):
            if failure:
                raise ApiError(failure)
    except ApiError as error:
        return error.failure
    return None


def entries(folder: Path) -> dict[str, Any]:
    """What is in the file."""
    return dict(json.loads((folder / "state.json").read_text())["entries"])


@pytest.mark.parametrize("credential", [PASSWORD, KEY], ids=["password", "key"])
def test_a_refused_secret_is_held_in_the_next_life_and_its_ladder_goes_on(
    tmp_path: Path, credential: Credential
) -> None:
    async def main() -> None:
        policy = PASSWORDS if credential is PASSWORD else KEYS
        await use(guard(tmp_path, credential))
        await asyncio.sleep(100)
        after = guard(tmp_path, credential)
        failure = await use(after, None)
        assert failure
        assert failure.reason is Reason.AUTH
        assert failure.retry_after == pytest.approx(policy.hold - 100, abs=1)
        assert "by another process or before this one" in failure.message
        await asyncio.sleep(policy.hold)
        await use(guard(tmp_path, credential))
        failure = await use(guard(tmp_path, credential), None)
        assert failure
        assert failure.retry_after == pytest.approx(min(2 * policy.hold, 3600), abs=60)
        text = (tmp_path / "state.json").read_text()
        assert not [secret for secret in ("wrong-", "acme", "monitor", "AK") if secret in text]

    run_virtual(main())


def test_another_secret_of_the_user_is_not_held_but_the_refusals_count(tmp_path: Path) -> None:
    async def main() -> None:
        for number in range(4):
            credential = TokenCredential("ops", "acme", "monitor", SecretStr(f"wrong-{number}"))
            assert await use(guard(tmp_path, credential)) is not None
            await asyncio.sleep(10)
        failure = await use(guard(tmp_path, TokenCredential("ops", "acme", "monitor", SecretStr("right"))), None)
        assert failure
        assert failure.retry_after == pytest.approx(900 - 40, abs=2)
        other = TokenCredential("ops", "acme", "somebody-else", SecretStr("right"))
        assert await use(guard(tmp_path, other), None) is None

    run_virtual(main())


@pytest.mark.parametrize("credential", [PASSWORD, KEY], ids=["password", "key"])
def test_a_user_of_the_same_name_at_another_site_is_another_one(tmp_path: Path, credential: Credential) -> None:
    async def main() -> None:
        for _ in range(4):
            await use(guard(tmp_path, credential))
        elsewhere = guard(tmp_path, replace(credential, site=PARTNER))
        assert await use(guard(tmp_path, credential), None) is not None
        assert await use(elsewhere, None) is None, "it is not held"
        assert await use(guard(tmp_path, credential), None) is not None, "what one site accepts proves nothing here"

    run_virtual(main())


@pytest.mark.parametrize("credential", [PASSWORD, KEY], ids=["password", "key"])
@pytest.mark.parametrize("site", [PUBLIC_SITE, PARTNER])
def test_what_was_written_before_sites_were_told_apart_still_holds(
    tmp_path: Path, credential: Credential, site: str
) -> None:
    async def main() -> None:
        for _ in range(4):
            await use(guard(tmp_path, credential))
        without_sites(tmp_path)
        assert await use(guard(tmp_path, replace(credential, site=site)), None) is not None
        await asyncio.sleep(2 * 3600)
        assert await use(guard(tmp_path, replace(credential, site=site)), None) is None

    run_virtual(main())


def without_sites(folder: Path) -> None:
    """Make of the file what an earlier version has written."""
    document = json.loads((folder / "state.json").read_text())
    for entry in document["entries"].values():
        assert entry.pop("sited") is True
    (folder / "state.json").write_text(json.dumps(document))


def test_a_success_ends_what_was_written_before_sites_were_told_apart_for_its_own_site_alone(tmp_path: Path) -> None:
    """For the public site, and for others, the user of that name may still be one who is refused."""
    partner, other = (replace(PASSWORD, site=site) for site in (PARTNER, "other.example"))

    async def main() -> None:
        await use(guard(tmp_path))
        without_sites(tmp_path)
        await asyncio.sleep(PASSWORDS.hold + 1)
        assert await use(guard(tmp_path, partner), None) is None
        assert await use(guard(tmp_path, partner), None) is None
        for credential, seconds in ((partner, PASSWORDS.hold), (other, 3600), (PASSWORD, 3600)):
            it = guard(tmp_path, credential)
            failure = await use(it)
            assert failure
            assert failure.retry_after == pytest.approx(seconds, abs=31), credential.site

    run_virtual(main())


def test_what_an_earlier_version_writes_after_a_success_is_news(tmp_path: Path) -> None:
    partner = replace(PASSWORD, site=PARTNER)

    async def main() -> None:
        await use(guard(tmp_path))
        without_sites(tmp_path)
        await asyncio.sleep(PASSWORDS.hold + 1)
        assert await use(guard(tmp_path, partner), None) is None
        own = {name: entry for name, entry in entries(tmp_path).items() if "sited" in entry}
        await use(guard(tmp_path))
        document = json.loads((tmp_path / "state.json").read_text())
        for name, entry in document["entries"].items():
            if name not in own:
                del entry["sited"]
        (tmp_path / "state.json").write_text(json.dumps(document))
        assert await use(guard(tmp_path, partner), None) is not None

    run_virtual(main())


def test_a_success_takes_all_of_it_back(tmp_path: Path) -> None:
    async def main() -> None:
        await use(guard(tmp_path))
        await asyncio.sleep(PASSWORDS.hold + 1)
        assert await use(guard(tmp_path), None) is None
        assert entries(tmp_path) == {}
        assert await use(guard(tmp_path), None) is None

    run_virtual(main())


def test_an_attempt_is_written_down_before_it_is_made(tmp_path: Path) -> None:
    """So a process that is killed before it hears of a refusal counts it all the same."""

    async def main() -> None:
        for number in range(4):
            killed = asyncio.create_task(hang(guard(tmp_path)))
            await asyncio.sleep(1)
            assert len(next(iter(entries(tmp_path).values()))["attempts"]) == number + 1
            killed.cancel()
            await asyncio.sleep(29)
        failure = await use(guard(tmp_path), None)
        assert failure
        assert failure.retry_after == pytest.approx(900 - 120, abs=2)

    async def hang(it: Guard) -> None:
        async with it.attempt("p", "here"):
            await asyncio.Event().wait()

    run_virtual(main())


def test_what_works_writes_nothing_but_at_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        writes: list[float] = []

        class Counted(StateFile):
            def update(self, change: Callable[[dict[str, Any]], None]) -> None:
                writes.append(loop_time())
                super().update(change)

        counted = Counted(tmp_path, virtual_now)
        it = Guard("ops", KEYS, User(), Telemetry(), Memory(counted, virtual_now).of(KEY))
        for _ in range(100):
            assert await use(it, None) is None
            await asyncio.sleep(60)
        assert len(writes) <= 3, "the key of the file, the first use, and that it worked"
        assert writes[-1] < 1

    run_virtual(main())


def test_a_change_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    """All that is wanted while the disk is waited for is written at once."""

    def put(name: str) -> Callable[[dict[str, Any]], None]:
        return lambda entries: entries.update({name: {"until": virtual_now() + 60}})

    def fail(entries: dict[str, Any]) -> None:
        raise MemoryError

    async def main() -> None:
        memory = Memory(StateFile(tmp_path, virtual_now), virtual_now)
        await asyncio.gather(*map(memory.change, (put("a"), fail, put("b"))))
        await memory.writer.flush()
        assert entries(tmp_path).keys() == {"a", "b"}

    run_virtual(main())


def test_secrets_that_are_others_after_each_start_are_not_remembered(tmp_path: Path) -> None:
    memory = Memory(StateFile(tmp_path), virtual_now)
    assert memory.of(StaticToken("t", SecretStr("t"))) is None
    assert memory.of(AgencyCredential("a", "http://169.254.169.254")) is None
    assert Memory(StateFile(None), virtual_now).of(PASSWORD) is None


NAMES = st.sampled_from(["attempts", "held", "until", "rung", "x"])


@pytest.mark.uncounted
@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    )
)
def test_whatever_is_in_the_file_is_borne_and_holds_nobody_for_longer_than_an_hour(raw: Any) -> None:
    entry = Entry.read(raw)
    assert Entry.read(entry.as_json()).held == entry.held
    for held in (None, *entry.held.values()):
        state = restored(State(), entry if held is None else Entry(entry.attempts, {"x": held}), 1e9, 1000.0)
        assert state.hold is None or state.hold.until < 1000 + 3611
        assert all(time <= 1000 for time in state.user.times)


def test_a_hold_of_a_clock_in_the_future_is_none() -> None:
    for until, phase in ((1e9 + 3600, Phase.HELD), (1e9 + 7200, Phase.UNPROVEN), (1e9 - 7200, Phase.UNPROVEN)):
        assert restored(State(), Entry(held={"x": Held(until, 1)}), 1e9, 0.0).phase is phase


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.uncounted
def test_an_hour_of_starts_with_a_wrong_secret_locks_nobody(tmp_path: Path, kind: str) -> None:
    """The service is killed shortly after each start, and started again as the unit says."""
    unit = (Path(__file__).parents[2] / "deploy/systemd/frs-exporter.service").read_text()
    (pause,) = map(float, re.findall(r"^RestartSec=(\d+)s$", unit, re.MULTILINE))

    async def main() -> None:
        owner, rng = account(kind, *(f"p{number}" for number in range(20))), random.Random(1)
        async with CloudContext(owner) as cloud:
            cloud.world.user_lock = STRICTEST
            alive = Living(cloud, tmp_path)
            owner.password = owner.secret_key = "changed"
            starts = 0
            while loop_time() < 3600:
                before = asyncio.all_tasks()
                alive.options["memory"] = StateFile(tmp_path / "state", virtual_now)
                await alive.start()
                await asyncio.sleep(rng.choice([0.0, 0.05, 0.5, 5.0]))
                for task in asyncio.all_tasks() - before:
                    task.cancel()
                await alive.exporter.stop()
                await asyncio.sleep(pause)
                starts += 1
            assert starts > 0.9 * 3600 / (pause + 5)
            assert sum(lock.times for lock in cloud.world.locks.values()) == 0

    run_virtual(main())


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_fifty_checks_in_an_hour_with_a_wrong_secret_lock_nobody(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        owner = account(kind, *(f"p{number}" for number in range(5)))
        async with CloudContext(owner) as cloud:
            cloud.world.user_lock = STRICTEST
            (tmp_path / "config.yaml").write_text(json.dumps(config_of(cloud)))
            config = load(str(tmp_path / "config.yaml"))
            owner.password = owner.secret_key = "changed"
            for _ in range(50):
                check = Check(config, now=virtual_now, memory=StateFile(tmp_path / "state", virtual_now))
                await check.run()
                assert {str(state.failure.reason) for state in check.states.values() if state.failure} == {"auth"}
                await asyncio.sleep(72)
            assert sum(lock.times for lock in cloud.world.locks.values()) == 0

    run_virtual(main())


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(status=429, code="IAM.0012"), Fault(reset=True)], ids=str)
@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_attempts_that_said_nothing_of_the_secret_are_none_in_the_next_life(
    tmp_path: Path, kind: str, fault: Fault
) -> None:
    async def main() -> None:
        async with CloudContext(account(kind, "p")) as cloud:
            (tmp_path / "config.yaml").write_text(json.dumps(config_of(cloud)))
            config = load(str(tmp_path / "config.yaml"))
            api = "iam" if kind == "token" else "frs"
            for number in range(7):
                cloud.world.faults.set(api, fault if number < 6 else None)
                check = Check(config, now=virtual_now, memory=StateFile(tmp_path / "state", virtual_now))
                await check.run()
                (state,) = check.states.values()
                assert state.up is (number == 6)
                assert state.failure is None or state.failure.reason is not Reason.AUTH
                await asyncio.sleep(30)

    run_virtual(main())


def test_a_refusal_is_counted_once_though_clocks_do_not_run_quite_alike(tmp_path: Path) -> None:
    async def main() -> None:
        clocks, user = random.Random(1), User()

        def now() -> float:
            return virtual_now() + clocks.uniform(-0.01, 0.01)

        memory = Memory(StateFile(tmp_path, now), now)
        for number in range(3):
            credential = TokenCredential("ops", "acme", "monitor", SecretStr(f"wrong-{number}"))
            it = Guard("ops", PASSWORDS, user, Telemetry(), memory.of(credential))
            assert await use(it) is not None
            assert len(user.refusals.times) == number + 1
            assert len(next(iter(entries(tmp_path).values()))["attempts"]) == number + 1
            await asyncio.sleep(5)
        right = Guard("ops", PASSWORDS, user, Telemetry(), memory.of(PASSWORD))
        assert await use(right, None) is None

    run_virtual(main())


@pytest.mark.parametrize("broken", [OSError(11, "no thread can be had"), ValueError("a bug"), TimeoutError()], ids=str)
def test_a_disk_that_cannot_be_used_keeps_nobody_waiting(tmp_path: Path, broken: Exception) -> None:
    class Broken(StateFile):
        def read(self) -> dict[str, Any]:
            raise OSError(5, "the disk is gone")

        def update(self, change: Callable[[dict[str, Any]], None]) -> None:
            raise broken

    async def main() -> None:
        it = Guard(
            "ops", PASSWORDS, User(), Telemetry(), Memory(Broken(tmp_path, virtual_now), virtual_now).of(PASSWORD)
        )
        assert await use(it, None) is None
        assert await use(it, REFUSED, "a") is not None
        assert await use(it, REFUSED, "b") is not None
        await asyncio.sleep(4000)
        assert await use(it, None) is None

    run_virtual(main())


def test_a_disk_that_takes_too_long_is_told_in_words(tmp_path: Path) -> None:
    class Slow(StateFile):
        def read(self) -> dict[str, Any]:
            raise TimeoutError

    async def main() -> list[Any]:
        with structlog.testing.capture_logs() as logs:
            state = Slow(tmp_path, virtual_now)
            it = Guard("ops", PASSWORDS, User(), Telemetry(), Memory(state, virtual_now).of(PASSWORD))
            assert await use(it, None) is None
        return logs

    (told,) = [entry for entry in run_virtual(main()) if entry["event"] == "state is not read"]
    assert told["error"].startswith("it takes too long; is the disk busy")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.uncounted
def test_the_daemon_and_a_check_each_minute_lock_nobody_together(tmp_path: Path, kind: str, count: int) -> None:
    async def main() -> None:
        owner = account(kind, *(f"p{number}" for number in range(count)))
        async with CloudContext(owner) as cloud:
            cloud.world.user_lock = STRICTEST
            alive = Living(cloud, tmp_path, memory=StateFile(tmp_path / "state", virtual_now))
            owner.password = owner.secret_key = "changed"
            await alive.start()
            config = load(str(tmp_path / "config.yaml"))
            while loop_time() < 4 * 3600:
                await Check(config, now=virtual_now, memory=StateFile(tmp_path / "state", virtual_now)).run()
                await asyncio.sleep(60)
            assert sum(lock.times for lock in cloud.world.locks.values()) == 0
            await alive.exporter.stop()

    run_virtual(main())


def test_who_is_killed_in_the_attempt_after_a_hold_is_held_in_the_next_life(tmp_path: Path) -> None:
    async def main() -> None:
        await use(guard(tmp_path))
        await asyncio.sleep(PASSWORDS.hold + 1)

        async def hang() -> None:
            async with guard(tmp_path).attempt("p", "here"):
                await asyncio.Event().wait()

        killed = asyncio.create_task(hang())
        await asyncio.sleep(1)
        killed.cancel()
        for wait, seconds in ((61, 60), (1, 3600 - 61)):  # it may be under way in another process for a minute
            failure = await use(guard(tmp_path), None)
            assert failure
            assert failure.retry_after == pytest.approx(seconds, abs=5)
            await asyncio.sleep(wait)

    run_virtual(main())


def test_times_of_a_clock_that_was_ahead_do_not_take_the_room_of_true_ones(tmp_path: Path) -> None:
    async def main() -> None:
        file = StateFile(tmp_path, virtual_now)
        memory = Memory(file, virtual_now).of(PASSWORD)
        assert memory
        ahead = Entry({virtual_now() + 30 * 86400 + number for number in range(8)})
        file.update(lambda entries: entries.update({memory.memory.name(memory.secret): ahead.as_json()}))
        for _ in range(5):
            await use(guard(tmp_path), TIMEOUT)
            await asyncio.sleep(20)
        assert len(next(iter(entries(tmp_path).values()))["attempts"]) == 4

    run_virtual(main())


TIMEOUT = Failure(Reason.TIMEOUT, "no answer")


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), True, "1", None, [1]])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert Entry.read({"attempts": [value], "held": {"x": {"until": value, "rung": value}}}) == Entry()


def test_a_person_may_have_a_secret_tried_again_though_the_hold_is_on_the_disk(tmp_path: Path) -> None:
    async def main() -> None:
        it = guard(tmp_path)
        assert await use(it) is not None
        it.retry()
        assert await use(it, None, "q") is None
        assert entries(tmp_path) == {}

    run_virtual(main())


def test_of_two_processes_that_hold_a_secret_both_go_on_once_it_is_right(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = guard(tmp_path), guard(tmp_path)
        assert await use(first) is not None
        assert await use(second, None) is not None, "held as well"
        await asyncio.sleep(PASSWORDS.hold + 31)

        async def slowly() -> None:
            async with first.attempt("p", "here"):
                await asyncio.sleep(5)

        slow = asyncio.create_task(slowly())
        await asyncio.sleep(1)
        failure = await use(second, None, "q")
        assert failure
        assert failure.retry_after
        assert failure.retry_after <= 61
        await slow
        await asyncio.sleep(61)
        assert await use(second, None, "q") is None
        assert entries(tmp_path) == {}

    run_virtual(main())
