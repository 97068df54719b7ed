"""Gates keep rate and number and heed Retry-After; holds let nobody lock an account."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from frs_exporter.cloud.gate import KEY_HOLD, LAST_HOLD, PASSWORD_HOLD, Gate, Hold
from frs_exporter.errors import ApiError, Reason
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.model import Limit
from frs_exporter.polling.schedule import LONGEST_RETRY_AFTER
from tests.conftest import run_virtual

REFUSED = ApiError(Reason.AUTH, "wrong", status=401, code="APIGW.0301", request_id="r", api="frs")


def clock() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(("held", "most", "last"), [(0.1, 1, 99 / 5), (2.0, 3, 66.0)])
def test_a_gate_keeps_the_rate_and_the_number_of_slots(held: float, most: int, last: float) -> None:
    """Never more than `concurrency` inside, and no burst on top of the rate."""

    async def main() -> tuple[list[float], int]:
        gate, times, inside, seen = Gate(Limit(rate=5, concurrency=3)), [], 0, 0

        async def one() -> None:
            nonlocal inside, seen
            async with gate.entered():
                times.append(clock())
                inside += 1
                seen = max(seen, inside)
                await asyncio.sleep(held)
                inside -= 1

        await asyncio.gather(*(one() for _ in range(100)))
        return times, seen

    times, seen = run_virtual(main())
    assert seen == most
    assert all(sum(start <= time < start + 1 for time in times) <= 6 for start in times)
    assert times[-1] == pytest.approx(last, abs=0.1)


def test_a_slow_rate_spaces_requests() -> None:
    async def main() -> list[float]:
        gate, times = Gate(Limit(rate=0.5, concurrency=5)), []

        async def one() -> None:
            async with gate.entered():
                times.append(clock())

        await asyncio.gather(*(one() for _ in range(4)))
        return times

    assert run_virtual(main()) == pytest.approx([0, 2, 4, 6], abs=1e-6)


@pytest.mark.parametrize(("told", "closed"), [(60.0, 60.0), (1e9, LONGEST_RETRY_AFTER)])
def test_a_throttled_answer_closes_the_gate_for_all_until_it_says(told: float, closed: float) -> None:
    """The quota is the user's: those who wait get the same answer at once, and nothing is sent for them."""

    async def main() -> None:
        gate, sent = Gate(Limit(rate=5, concurrency=2)), 0

        async def one() -> None:
            nonlocal sent
            async with gate.entered():
                sent += 1
                raise ApiError(Reason.THROTTLED, "too many", status=429, code="FRS.0033", retry_after=told)

        errors = await asyncio.gather(*(one() for _ in range(100)), return_exceptions=True)
        assert sent == 1
        assert clock() < 1
        waits = [error.retry_after for error in errors if isinstance(error, ApiError) and error.retry_after]
        assert len(waits) == 100
        assert {str(error).split(";")[0].split(" (")[0] for error in errors} == {"throttled: too many"}
        assert min(waits[1:]) == pytest.approx(closed, abs=1)
        await asyncio.sleep(closed - 1)
        with pytest.raises(ApiError, match="too many; not asked for another 1 s"):
            await one()
        await asyncio.sleep(2)
        with pytest.raises(ApiError, match="too many"):
            await one()
        assert sent == 2

    run_virtual(main())


def test_a_throttled_answer_that_does_not_say_when_closes_nothing() -> None:
    async def main() -> None:
        gate, sent = Gate(Limit(rate=5, concurrency=2)), 0

        async def one() -> None:
            nonlocal sent
            async with gate.entered():
                sent += 1
                raise ApiError(Reason.THROTTLED, "too many", status=429)

        await asyncio.gather(*(one() for _ in range(3)), return_exceptions=True)
        assert sent == 3

    run_virtual(main())


def test_a_gate_knows_its_longest_wait() -> None:
    async def main() -> None:
        gate = Gate(Limit(rate=1, concurrency=1))

        async def one() -> None:
            async with gate.entered():
                await asyncio.sleep(0)

        assert gate.longest_wait() == 0
        line = [asyncio.create_task(one()) for _ in range(11)]
        await asyncio.sleep(0)
        await asyncio.sleep(8.5)
        assert gate.longest_wait() == pytest.approx(8.5, abs=0.1)
        for task in line:
            task.cancel()
        await asyncio.gather(*line, return_exceptions=True)
        assert gate.longest_wait() == 0, "nobody waits who was cancelled"

    run_virtual(main())


class Guarded:
    """A hold, and an account that counts how a secret is used."""

    def __init__(self, first: float = KEY_HOLD, *, trusting: bool = True) -> None:
        self.telemetry = Telemetry()
        self.hold = Hold("ops", first, self.telemetry, trusting=trusting)
        self.good = False
        self.latency = 0.1
        self.patience = 1.0
        self.uses: list[float] = []
        self.under_way = self.most = 0

    async def use(self, offset: float = 0.0, outcome: ApiError | None = None) -> ApiError | None:
        """Use the secret once; what came of it."""
        try:
            async with self.hold.attempt(self.patience, offset):
                good = self.good
                self.uses.append(clock())
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                try:
                    await asyncio.sleep(self.latency)
                finally:
                    self.under_way -= 1
                if outcome:
                    raise outcome
                if not good:
                    raise REFUSED.but()
        except ApiError as error:
            return error
        return None

    def rejected(self) -> float | None:
        return self.telemetry.registry.get_sample_value("frs_exporter_credential_rejected", {"credential": "ops"})


def guarded(test: Callable[[Guarded], Awaitable[None]], first: float = KEY_HOLD, *, trusting: bool = True) -> None:
    async def main() -> None:
        await test(Guarded(first, trusting=trusting))

    run_virtual(main())


def test_however_many_want_a_wrong_secret_it_is_used_once() -> None:
    async def test(it: Guarded) -> None:
        assert it.rejected() == 0
        errors = await asyncio.gather(*(it.use() for _ in range(1000)))
        assert len(it.uses) == 1
        assert {error.reason for error in errors if error} == {Reason.AUTH}
        assert {(error.status, error.code, error.request_id) for error in errors if error} == {(401, "APIGW.0301", "r")}
        assert all(error.retry_after == pytest.approx(KEY_HOLD, abs=1) for error in errors if error)
        assert str(errors[-1]) == "auth: wrong; not asked for another 360 s (APIGW.0301 HTTP 401)"
        assert it.rejected() == 1

    guarded(test)


@pytest.mark.parametrize("first", [KEY_HOLD, PASSWORD_HOLD])
def test_while_it_stays_wrong_it_is_used_ever_more_rarely_by_one_alone(first: float) -> None:
    async def test(it: Guarded) -> None:
        while clock() < 86400:
            await asyncio.gather(*(it.use() for _ in range(20)))
            await asyncio.sleep(20)
        gaps = [after - before for before, after in zip(it.uses, it.uses[1:], strict=False)]
        assert gaps[:3] == pytest.approx([min(n * first, LAST_HOLD) for n in (1, 2, 4)], abs=25)
        assert min(gaps) >= first
        assert gaps[-1] == pytest.approx(LAST_HOLD, abs=25)
        assert it.most == 1

    guarded(test, first)


def test_two_wrong_passwords_within_any_hour_at_most() -> None:
    """An account may lock a user after three within an hour."""
    assert 2 * PASSWORD_HOLD > 3600


def test_a_secret_that_is_right_again_is_everybodys_at_once() -> None:
    async def test(it: Guarded) -> None:
        await it.use()
        it.good = True
        assert await it.use() is not None, "held"
        await asyncio.sleep(KEY_HOLD)
        assert await asyncio.gather(*(it.use() for _ in range(100))) == [None] * 100
        assert it.rejected() == 0
        assert len(it.uses) == 101
        assert it.uses[-1] - it.uses[1] == pytest.approx(0.1, abs=0.01), "after the probe all at once"
        it.good = False
        await it.use()
        it.good = True
        await asyncio.sleep(KEY_HOLD)
        assert await it.use() is None, "the hold begins as short as the first time"

    guarded(test)


def test_until_it_has_worked_a_secret_is_tried_by_one_at_a_time() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        await asyncio.gather(*(it.use() for _ in range(10)))
        assert it.uses[1] - it.uses[0] == pytest.approx(0.1, abs=0.01)
        assert it.most == 9

    guarded(test)


def test_a_password_is_tried_by_one_at_a_time_for_ever() -> None:
    async def test(it: Guarded) -> None:
        it.good, it.latency, it.patience = True, 30.0, math.inf
        await asyncio.gather(*(it.use() for _ in range(10)))
        assert it.most == 1

    guarded(test, trusting=False)


def test_an_attempt_that_hangs_does_not_hold_up_the_others_but_a_probe_does() -> None:
    """A refusal comes at once: what hangs is none, and a dead region must not delay another."""

    async def test(it: Guarded) -> None:
        it.good, it.latency = True, 10.0
        await asyncio.gather(*(it.use() for _ in range(3)))
        assert it.uses == pytest.approx([0, 1, 2], abs=0.01)
        it.good = False
        await it.use()
        await asyncio.sleep(KEY_HOLD)
        started = clock()
        await asyncio.gather(*(it.use() for _ in range(3)))
        assert it.uses[4:] == pytest.approx([started], abs=0.01)

    guarded(test)


def test_those_under_way_when_a_secret_goes_bad_lengthen_no_hold() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        await it.use()
        it.good = False
        errors = await asyncio.gather(*(it.use() for _ in range(5)))
        assert len(it.uses) == 6
        assert all(error and error.retry_after == pytest.approx(KEY_HOLD, abs=1) for error in errors)
        await asyncio.sleep(KEY_HOLD)
        error = await it.use()
        assert error
        assert error.retry_after == pytest.approx(2 * KEY_HOLD, abs=1)

    guarded(test)


def test_an_answer_to_an_older_attempt_lifts_no_hold() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        await it.use()
        it.latency = 5.0
        slow = asyncio.create_task(it.use())
        await asyncio.sleep(0.1)
        it.good, it.latency = False, 0.1
        await it.use()
        assert await slow is None
        assert it.rejected() == 1
        assert await it.use() is not None

    guarded(test)


@pytest.mark.parametrize(
    ("outcome", "proves"),
    [
        (ApiError(Reason.FROZEN, "x", status=400, code="FRS.0202"), True),
        (ApiError(Reason.THROTTLED, "x", status=429, code="APIG.0308"), False),
        (ApiError(Reason.TIMEOUT, "x"), False),
        (ApiError(Reason.SERVER, "x", status=503), False),
    ],
)
def test_only_answers_from_behind_the_gateways_check_prove_a_secret(outcome: ApiError, proves: bool) -> None:
    async def test(it: Guarded) -> None:
        await it.use()
        await asyncio.sleep(KEY_HOLD)
        assert await it.use(outcome=outcome) is outcome
        assert it.rejected() == (0 if proves else 1)

    guarded(test)


def test_after_a_jump_of_the_clock_one_goes_first() -> None:
    """Signatures that were good may not be any more, and those under way together could lock the key."""

    async def test(it: Guarded) -> None:
        it.good = True
        await it.use(1e9)
        await asyncio.gather(*(it.use(1e9 + 30) for _ in range(5)))
        assert it.most == 5
        it.good, it.most = False, 0
        await asyncio.gather(*(it.use(1e9 + 1200) for _ in range(5)))
        assert it.most == 1
        assert len(it.uses) == 7

    guarded(test)
