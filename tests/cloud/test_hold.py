"""Holds: nobody locks an account, and nobody is held up for nothing."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from frs_exporter.cloud.guard import Guard, User
from frs_exporter.cloud.lockout import DEFERRAL, ENDPOINT_PAUSES, admit
from frs_exporter.cloud.lockout_state import KEYS, LAST_HOLD, PASSWORDS, Budget
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.exposition.telemetry import Telemetry
from tests.calls import counting
from tests.conftest import loop_time, run_virtual

REFUSED = Failure(Reason.AUTH, "wrong", status=401, code="APIGW.0301", request_id="r", api="frs")


class Guarded:
    """A hold, and an account that counts how a secret is used."""

    def __init__(self, first: float = KEYS.hold, max_in_flight: int = KEYS.max_in_flight) -> None:
        self.telemetry = Telemetry()
        policy = KEYS if max_in_flight == KEYS.max_in_flight else PASSWORDS
        policy = replace(policy, hold=first, user=Budget(100, 0.0))
        self.hold = Guard("ops", policy, User(), self.telemetry)
        self.good = False
        self.latency = 0.1
        self.uses: list[float] = []
        self.places: list[str] = []
        self.under_way = self.most = self.count = 0

    async def use(
        self, project: str = "", offset: float = 0.0, outcome: Failure | None = None, endpoint: str = "here"
    ) -> Failure | None:
        """Use the secret once, for a project of its own if none is given; what came of it."""
        self.count += 1
        try:
            async with self.hold.attempt(project or f"p{self.count}", endpoint, offset):
                good = self.good and project != "odd"
                self.uses.append(loop_time())
                self.places.append(endpoint)
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                try:
                    await asyncio.sleep(self.latency)
                finally:
                    self.under_way -= 1
                if outcome:
                    raise ApiError(outcome)
                if not good:
                    raise ApiError(REFUSED)
        except ApiError as error:
            return error.failure
        return None

    def rejected(self) -> float | None:
        return self.telemetry.registry.get_sample_value("frs_exporter_credential_rejected", {"credential": "ops"})


def lockout(it: Guarded, *, of_endpoint: bool) -> Guard:
    """One for keys, for which no answer may or may not be a refusal."""
    policy = replace(KEYS, logins=of_endpoint, user=Budget(100, 0.0))
    return Guard("ops", policy, User(), it.telemetry)


def guarded(
    test: Callable[[Guarded], Awaitable[None]], first: float = KEYS.hold, max_in_flight: int = KEYS.max_in_flight
) -> None:
    async def main() -> None:
        await test(Guarded(first, max_in_flight))

    run_virtual(main())


def test_however_many_want_a_wrong_secret_it_is_used_once() -> None:
    async def test(it: Guarded) -> None:
        assert it.rejected() == 0
        errors = await asyncio.gather(*(it.use() for _ in range(1000)))
        assert len(it.uses) == 1
        assert {error.reason for error in errors if error} == {Reason.AUTH}
        assert {(error.status, error.code, error.request_id) for error in errors if error} == {(401, "APIGW.0301", "r")}
        waits = sorted(error.retry_after or 0 for error in errors if error)
        assert waits[:-1] == pytest.approx([KEYS.hold] * 999, abs=1)
        assert waits[-1] == pytest.approx(KEYS.hold + DEFERRAL, abs=1), "who was refused comes after the others"
        assert (
            str(errors[-1])
            == "auth: as told to another request: wrong; not asked for another 360 s (APIGW.0301 HTTP 401)"
        )
        assert it.rejected() == 1

    guarded(test)


@pytest.mark.parametrize("first", [KEYS.hold, PASSWORDS.hold])
def test_while_it_stays_wrong_it_is_used_ever_more_rarely_by_one_alone(first: float) -> None:
    async def test(it: Guarded) -> None:
        while loop_time() < 86400:
            await asyncio.gather(*(it.use() for _ in range(20)))
            await asyncio.sleep(40)
        gaps = [after - before for before, after in zip(it.uses, it.uses[1:], strict=False)]
        assert gaps[:3] == pytest.approx([min(n * first, LAST_HOLD) for n in (1, 2, 4)], abs=45)
        assert min(gaps) >= first
        assert gaps[-1] == pytest.approx(LAST_HOLD, abs=45)
        assert it.most == 1

    guarded(test, first)


def test_two_wrong_passwords_within_any_hour_at_most() -> None:
    """An account may lock a user after three within an hour."""
    assert 2 * PASSWORDS.hold > 3600


def test_a_secret_that_is_right_again_is_everybodys_at_once() -> None:
    async def test(it: Guarded) -> None:
        await it.use()
        it.good = True
        assert await it.use() is not None, "held"
        await asyncio.sleep(KEYS.hold)
        assert await asyncio.gather(*(it.use() for _ in range(100))) == [None] * 100
        assert it.rejected() == 0
        assert len(it.uses) == 101
        assert it.uses[-1] - it.uses[1] == pytest.approx(99 / KEYS.max_in_flight * 0.1, abs=0.11), (
            "after the probe all others"
        )
        it.good = False
        await it.use()
        it.good = True
        await asyncio.sleep(KEYS.hold)
        assert await it.use() is None, "the hold begins as short as the first time"

    guarded(test)


def test_until_it_has_worked_a_secret_is_tried_by_one_at_a_time() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        await asyncio.gather(*(it.use() for _ in range(9)))
        assert it.uses == pytest.approx([0, *[0.1] * KEYS.max_in_flight, *[0.2] * KEYS.max_in_flight], abs=0.01)

    guarded(test)


def test_a_password_is_used_by_two_at_a_time_however_long_it_takes() -> None:
    async def test(it: Guarded) -> None:
        it.good, it.latency = True, 30.0
        await asyncio.gather(*(it.use() for _ in range(5)))
        assert it.uses == pytest.approx([0, 30, 30, 60, 60], abs=0.01)

    guarded(test, max_in_flight=PASSWORDS.max_in_flight)


def test_each_endpoint_has_its_share_of_those_under_way() -> None:
    """So one that is slow takes nothing from the others, and all together do not lock the key."""

    async def test(it: Guarded) -> None:
        it.good = True
        await it.use()
        it.latency = 10.0
        first = loop_time()
        await asyncio.gather(*(it.use(endpoint=where) for where in ["slow"] * 5 + ["here"] * 5))
        assert it.uses[1:5] == pytest.approx([first] * 4, abs=0.01)
        assert sorted(it.places[1:5]) == ["here", "here", "slow", "slow"]
        assert it.most == KEYS.max_in_flight
        for where in ("a", "b", "c", "d"):
            await it.use(endpoint=where)
        it.most = 0
        await asyncio.gather(*(it.use(endpoint=where) for where in "aabbccdd"))
        assert it.most == KEYS.max_in_flight

    guarded(test)


def test_a_probe_is_alone_however_long_it_takes() -> None:
    async def test(it: Guarded) -> None:
        await it.use()
        it.latency = 10.0
        await asyncio.sleep(KEYS.hold)
        started = loop_time()
        await asyncio.gather(*(it.use(endpoint=where) for where in "abc"))
        assert it.uses[1:] == pytest.approx([started], abs=0.01)

    guarded(test)


def test_who_gives_up_waiting_takes_nobodys_turn() -> None:
    async def test(it: Guarded) -> None:
        it.good, it.latency = True, 10.0
        line = [asyncio.create_task(it.use()) for _ in range(4)]
        await asyncio.sleep(1)
        line[1].cancel()
        line[0].cancel()
        await asyncio.gather(*line, return_exceptions=True)
        assert it.uses == pytest.approx([0, 1, 11], abs=0.01)
        assert it.under_way == 0

    guarded(test)


@pytest.mark.parametrize(
    ("first", "max_in_flight"), [(KEYS.hold, KEYS.max_in_flight), (PASSWORDS.hold, PASSWORDS.max_in_flight)]
)
def test_those_under_way_when_a_secret_goes_bad_are_few_and_make_the_hold_twice_as_long(
    first: float, max_in_flight: int
) -> None:
    """Two passwords refused at once, and the next after an hour: never three within one."""

    async def test(it: Guarded) -> None:
        it.good = True
        await it.use()
        it.good = False
        errors = await asyncio.gather(*(it.use() for _ in range(20)))
        assert len(it.uses) == 1 + max_in_flight
        waits = [error.retry_after or 0 for error in errors if error]
        assert max(waits) == pytest.approx(min(2 * first, LAST_HOLD) + DEFERRAL, abs=20)
        while len(it.uses) == 1 + max_in_flight:
            await asyncio.sleep(10)
            await it.use()
        assert it.uses[-1] == pytest.approx(min(2 * first, LAST_HOLD), abs=20)

    guarded(test, first, max_in_flight)


def test_a_project_refused_where_others_are_accepted_is_held_by_itself() -> None:
    """It is not the secret, then, and the others must not suffer for it."""

    async def test(it: Guarded) -> None:
        it.good = True
        errors = {"odd": 0, "p": 0}
        for _ in range(360):
            for project in ("odd", "p"):
                errors[project] += await it.use(project) is not None
            await asyncio.sleep(60)
        assert errors["p"] <= KEYS.hold / 60
        assert errors["odd"] == 360
        assert 360 <= len(it.uses) <= 360 + 60 * 360 / KEYS.hold + 2
        assert it.rejected() == 0
        it.good = False
        await it.use("p")
        assert it.rejected() == 1, "a secret that goes bad is held all the same"

    guarded(test)


def test_a_project_that_is_refused_is_asked_ever_more_rarely_and_costs_the_others_nothing() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        await it.use("p")
        odd: list[float] = []
        while loop_time() < 40_000:
            uses = len(it.uses)
            await it.use("odd")
            odd += it.uses[uses:]
            it.most = 0
            await asyncio.gather(*(it.use(f"q{number}") for number in range(8)))
            assert it.most == KEYS.max_in_flight, "the others do not go one by one"
            await asyncio.sleep(10)
        gaps = [after - before for before, after in itertools.pairwise(odd)]
        assert gaps[:5] == pytest.approx([360, 720, 1440, 2880, 3600], abs=20)
        assert min(gaps[4:]) == pytest.approx(LAST_HOLD, abs=20)

    guarded(test)


def test_who_ends_wakes_only_those_who_may_go() -> None:
    """Whether somebody may go is asked in a straight line with how many come, not once for each who waits."""

    def asked(waiting: int) -> int:
        async def test(it: Guarded) -> None:
            it.good = True
            assert await asyncio.gather(*(it.use("p") for _ in range(waiting))) == [None] * waiting

        with counting() as calls:
            guarded(test)
        return sum(count for (_, called), count in calls.items() if called is admit.__code__)

    assert asked(800) < 2.2 * asked(400)


def test_a_project_is_not_odd_for_ever() -> None:
    async def test(it: Guarded) -> None:
        await it.use("p")
        it.good = True
        await asyncio.sleep(KEYS.hold)
        assert await it.use("q") is None
        assert await it.use("p") is None
        it.good = False
        await it.use("p")
        assert it.rejected() == 0, "as others were accepted within minutes"
        await it.use("q")
        assert it.rejected() == 1

    guarded(test)


TIMEOUT = Failure(Reason.TIMEOUT, "no answer")


def test_a_probe_without_an_answer_may_have_been_refused() -> None:
    async def test(it: Guarded) -> None:
        await it.use()
        await asyncio.sleep(KEYS.hold)
        error = await it.use(outcome=TIMEOUT)
        assert error
        assert error.reason is Reason.TIMEOUT
        assert error.retry_after == pytest.approx(2 * KEYS.hold + 2 * DEFERRAL)
        error = await it.use()
        assert error
        assert error.reason is Reason.AUTH
        assert len(it.uses) == 2

    guarded(test)


def test_an_endpoint_that_does_not_answer_keeps_no_other_from_proving_the_secret() -> None:
    """After a refusal that was a mistake: whoever is silent comes behind the next time."""

    async def test(it: Guarded) -> None:
        it.good = True
        await it.use("b")
        await it.use("b", outcome=REFUSED)
        for _ in range(400):
            await it.use("a", outcome=TIMEOUT, endpoint="dead")
            await it.use("b")
            await asyncio.sleep(5)
        assert it.rejected() == 0

    guarded(test)


@pytest.mark.parametrize("odd", [1, 2])
def test_odd_projects_and_a_secret_that_goes_bad_are_refused_twice_an_hour_together(odd: int) -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        refusals: list[float] = []
        for minute in range(24 * 60):
            it.good = minute < 12 * 60 + 7
            for project in ["odd"] * odd + ["p"]:
                uses = len(it.uses)
                if await it.use(project) and len(it.uses) > uses:
                    refusals.append(loop_time())
            await asyncio.sleep(60)
        late = [at for at in refusals if at > 3600]  # at first it may be the secret
        assert len(late) >= 12
        assert max(sum(start <= at < start + 3600 for at in late) for start in late) <= 2

    guarded(test, PASSWORDS.hold, PASSWORDS.max_in_flight)


@pytest.mark.parametrize("of_endpoint", [False, True])
def test_what_never_worked_is_not_tried_again_and_again_without_an_answer(of_endpoint: bool) -> None:
    """Four times in a quarter of an hour at an endpoint that is silent, and at others as ever."""

    async def test(it: Guarded) -> None:
        it.hold = lockout(it, of_endpoint=of_endpoint)
        it.latency = 10.0
        while loop_time() < 7200:
            await asyncio.gather(*(it.use(outcome=TIMEOUT) for _ in range(10)))
            await asyncio.sleep(1)
        assert max(sum(start <= at < start + 900 for at in it.uses) for start in it.uses) == 4
        it.good, it.latency = True, 0.1
        error = await it.use()
        assert error
        assert error.reason is Reason.TIMEOUT
        assert await it.use(endpoint="elsewhere") is None
        await asyncio.sleep(ENDPOINT_PAUSES[-1])
        assert await it.use() is None
        for _ in range(2):
            await it.use(outcome=TIMEOUT)
        assert (await it.use() is None) is not of_endpoint, "for keys that work, no answer is no refusal"

    guarded(test)


@pytest.mark.parametrize("of_endpoint", [False, True])
@pytest.mark.parametrize("others", [1, 5])
def test_a_project_that_gets_no_answer_costs_the_others_one_timeout(of_endpoint: bool, others: int) -> None:
    """Though it goes first, and before the secret has worked; from then on it costs them nothing but its turns."""

    async def test(it: Guarded) -> None:
        it.hold = lockout(it, of_endpoint=of_endpoint)
        it.good, it.latency = True, 10.0
        hanging = asyncio.create_task(it.use("hangs", outcome=TIMEOUT))
        await asyncio.sleep(0)
        it.latency = 0.1
        assert await asyncio.gather(*(it.use(f"p{n}") for n in range(others))) == [None] * others
        assert loop_time() < 10 + others
        error = await hanging
        assert error
        assert error.retry_after == pytest.approx(60)
        for _ in range(1000):
            await it.use("hangs", outcome=TIMEOUT)
            assert await it.use("p0") is None
            await asyncio.sleep(5)
        assert it.uses, "nobody else ever waited for it"

    guarded(test)


NO_ANSWERS = [
    Failure(Reason.DNS, "no such name"),
    Failure(Reason.CONNECT, "refused"),
    Failure(Reason.CONNECT, "the proxy cannot reach it", status=502, by_proxy=True),
]


@pytest.mark.parametrize("between", NO_ANSWERS, ids=str)
def test_what_comes_between_and_is_no_answer_makes_no_attempt_more(between: Failure) -> None:
    async def test(it: Guarded) -> None:
        it.hold = lockout(it, of_endpoint=True)
        unanswered: list[float] = []
        for number in range(400):
            before = len(it.uses)
            await it.use(outcome=TIMEOUT if number % 2 else between)
            unanswered += it.uses[before:] if number % 2 else []
            await asyncio.sleep(5)
        assert max(sum(start <= at < start + 900 for at in unanswered) for start in unanswered) <= 4

    guarded(test)


def test_a_project_that_hangs_while_a_secret_is_held_comes_after_the_others() -> None:
    """They tell whether it was the secret."""

    async def test(it: Guarded) -> None:
        it.good = True
        await it.use("p", outcome=REFUSED)
        await asyncio.sleep(KEYS.hold + 1)
        await it.use("hangs", outcome=TIMEOUT)
        for _ in range(400):
            await it.use("hangs", outcome=TIMEOUT)
            await it.use("p")
            await asyncio.sleep(5)
        assert it.rejected() == 0

    guarded(test)


def test_however_projects_take_turns_without_an_answer_there_are_four_in_a_quarter_of_an_hour() -> None:
    """All ways in which three projects can come, each as soon as it may: fewer than the five that lock by default."""

    async def test(it: Guarded) -> None:
        for order in itertools.product("abc", repeat=6):
            it.hold = lockout(it, of_endpoint=True)
            it.uses, it.latency = [], 10.0
            for project in order:
                for _ in range(3):  # it waits for itself, and for all
                    error = await it.use(project, outcome=TIMEOUT)
                    assert error
                    if "as told to another" not in error.message:
                        break
                    await asyncio.sleep(error.retry_after or 0)
            assert len(it.uses) == len(order)
            assert max(sum(start <= at < start + 900 for at in it.uses) for start in it.uses) <= 4, order

    guarded(test)


def test_an_answer_to_an_older_attempt_lifts_no_hold() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        await it.use()
        it.latency = 5.0
        slow = asyncio.create_task(it.use())
        await asyncio.sleep(0.1)
        it.good, it.latency = False, 0.1
        await asyncio.gather(it.use(), it.use())
        assert it.rejected() == 1
        assert await slow is None
        assert it.rejected() == 1
        assert await it.use() is not None

    guarded(test)


@pytest.mark.parametrize(
    ("outcome", "proves"),
    [
        (Failure(Reason.FROZEN, "x", status=400, code="FRS.0202"), True),
        (Failure(Reason.FORBIDDEN, "x", status=403, code="FRS.0002"), True),
        (Failure(Reason.FORBIDDEN, "x", status=403, code="APIGW.0302"), True),
        (Failure(Reason.FORBIDDEN, "x", status=403, code="403", api="iam", by_vendor=True), True),
        (Failure(Reason.FORBIDDEN, "x", status=403, code="403", api="iam"), False),
        (Failure(Reason.FORBIDDEN, "x", status=403, code="APIGW.0402"), False),
        (Failure(Reason.FORBIDDEN, "x", status=403, code="403", api="frs"), False),
        (Failure(Reason.THROTTLED, "x", status=429, code="APIG.0308"), False),
        (Failure(Reason.TIMEOUT, "x"), False),
        (Failure(Reason.SERVER, "x", status=503), False),
    ],
)
def test_only_answers_from_behind_the_gateways_check_prove_a_secret(outcome: Failure, proves: bool) -> None:
    async def test(it: Guarded) -> None:
        await it.use()
        await asyncio.sleep(KEYS.hold)
        error = await it.use(outcome=outcome)
        assert error
        assert error.reason is outcome.reason
        assert it.rejected() == (0 if proves else 1)

    guarded(test)


def test_after_a_jump_of_the_clock_one_goes_first() -> None:
    """Signatures that were good may not be any more, and those under way together could lock the key."""

    async def test(it: Guarded) -> None:
        it.good = True
        await it.use(offset=1e9)
        await asyncio.gather(*(it.use(offset=1e9 + 30) for _ in range(5)))
        assert it.most == KEYS.max_in_flight
        it.good, it.most = False, 0
        await asyncio.gather(*(it.use(offset=1e9 + 1200) for _ in range(5)))
        assert it.most == 1
        assert len(it.uses) == 7

    guarded(test)


def test_the_account_as_a_whole_is_one_that_can_be_refused_like_any_project() -> None:
    """Whoever lists projects asks about none: the others still come before it."""

    async def test(it: Guarded) -> None:
        with pytest.raises(ApiError):
            async with it.hold.attempt("", "iam"):
                raise ApiError(REFUSED)
        await asyncio.sleep(KEYS.hold + 1)
        it.hold.check("p1")
        with pytest.raises(ApiError, match="not asked for another"):
            it.hold.check("")
        it.good = True
        assert await it.use("p1") is None
        it.hold.check("p1")

    guarded(test)


def test_a_secret_that_was_replaced_is_not_held_but_has_to_prove_itself() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        assert await it.use() is None
        looked: list[float] = []

        async def replaced() -> bool:
            looked.append(loop_time())
            await asyncio.sleep(2)
            return True

        async def old(project: str) -> Failure | None:
            try:
                async with it.hold.attempt(project, "here", replaced=replaced):
                    await asyncio.sleep(0.1)
                    raise ApiError(REFUSED)
            except ApiError as error:
                return error.failure

        refused = asyncio.gather(old("a"), old("b"))
        await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        others = asyncio.gather(*(it.use() for _ in range(10)))
        for error in await refused:
            assert error is not None
            assert error.retry_after is None, "it may be tried at once"
        assert it.rejected() == 0
        assert all(outcome is None for outcome in await others)
        assert it.uses[1] >= looked[0] + 2, "nobody went before it was known"
        it.hold.check("a")

    guarded(test)


def test_shares_are_those_of_the_endpoints_that_are_still_used() -> None:
    async def test(it: Guarded) -> None:
        it.good = True
        for endpoint in ("a", "b", "c", "d"):
            assert await it.use(endpoint=endpoint) is None
        it.hold.retain({"a"})
        it.most = 0
        await asyncio.gather(*(it.use(endpoint="a") for _ in range(20)))
        assert it.most == KEYS.max_in_flight

    guarded(test)


def test_refusals_of_a_user_count_until_one_of_its_secrets_is_accepted() -> None:
    async def test(it: Guarded) -> None:
        user, policy = User(), replace(KEYS, user=Budget(3, 900.0))
        secrets = [Guard(f"secret-{n}", policy, user, it.telemetry) for n in range(6)]

        async def use(hold: Guard, good: bool) -> None:
            async with hold.attempt("p", "here"):
                if not good:
                    raise ApiError(REFUSED)

        for hold, good in zip(secrets[:5], (False, False, True, False, False), strict=True):
            await asyncio.gather(use(hold, good), return_exceptions=True)
            await asyncio.sleep(10)
        secrets[5].check("p")  # two since the good one
        await asyncio.gather(use(secrets[5], False), return_exceptions=True)
        with pytest.raises(ApiError, match="not asked for another 880 s"):
            Guard("another", policy, user, it.telemetry).check("p")
        await asyncio.sleep(881)
        Guard("another", policy, user, it.telemetry).check("p")

    guarded(test)


def test_a_person_may_have_a_secret_tried_at_once_but_not_so_often_that_it_locks() -> None:
    """As where a user was disabled by mistake. Five refusals within a quarter of an hour lock by default."""

    async def test(it: Guarded) -> None:
        it.hold = Guard("ops", PASSWORDS, User(), it.telemetry)
        for number in range(1, 5):
            assert await it.use("p") is not None
            assert await it.use("q") is not None
            assert len(it.uses) == number
            if number < 4:
                it.hold.retry()
        with pytest.raises(ApiError, match="not asked for another 900 s"):
            it.hold.retry()
        it.good = True
        await asyncio.sleep(901)
        it.hold.retry()
        assert await it.use("p") is None
        assert it.rejected() == 0

    guarded(test)
