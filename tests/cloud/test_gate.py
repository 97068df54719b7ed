"""Gates keep rate and number, and heed Retry-After."""

import asyncio
from dataclasses import replace

import pytest

from frs_exporter.cloud.gate import Gate
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Limit
from frs_exporter.core.schedule import LONGEST_RETRY_AFTER
from tests.conftest import run_virtual


def clock() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(("held", "most", "last"), [(0.1, 1, 99 / 5), (2.0, 3, 66.0)])
def test_a_gate_keeps_the_rate_and_the_number_of_slots(held: float, most: int, last: float) -> None:
    """Never more than `concurrency` inside, and no burst on top of the rate."""

    async def main() -> tuple[list[float], int]:
        gate, times, inside, seen = Gate(Limit(rate=5, concurrency=3)), [], 0, 0

        async def one() -> None:
            nonlocal inside, seen
            async with gate.entered("p", 60.0):
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
            async with gate.entered("p", 60.0):
                times.append(clock())

        await asyncio.gather(*(one() for _ in range(4)))
        return times

    assert run_virtual(main()) == pytest.approx([0, 2, 4, 6], abs=1e-6)


THROTTLED = Failure(Reason.THROTTLED, "too many", status=429, code="FRS.0033")


async def asked(gate: Gate, project: str, retry_after: float | None = None, poll_interval: float = 60.0) -> str:
    """What comes of one request: `sent`, what the cloud said, or how long the gate says that it stays closed."""
    try:
        async with gate.entered(project, poll_interval):
            if retry_after is not None:
                raise ApiError(replace(THROTTLED, retry_after=retry_after))
    except ApiError as error:
        return error.failure.message.partition("not asked for ")[2] or "throttled"
    return "sent"


@pytest.mark.parametrize("poll_interval", [10.0, 60.0, 3600.0])
def test_one_throttled_answer_keeps_its_project_out_until_it_says_and_all_others_for_one_interval(
    poll_interval: float,
) -> None:
    """However far in the future that is: it may be about this project alone."""

    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=100))
        assert await asked(gate, "odd", 1e9, poll_interval) == "throttled"
        closed = min(poll_interval, 60.0)
        assert await asked(gate, "p") == f"another {closed:.0f} s"
        await asyncio.sleep(closed + 1)
        assert await asked(gate, "p") == "sent"
        if poll_interval < LONGEST_RETRY_AFTER:
            assert "another" in await asked(gate, "odd"), "another job of the same project is no further project"
        assert await asked(gate, "q") == "sent"
        await asyncio.sleep(LONGEST_RETRY_AFTER)
        assert await asked(gate, "odd", 1e9, poll_interval) == "throttled"
        await asyncio.sleep(poll_interval + 1)
        assert await asked(gate, "p") == "sent", "the same one again is not a further one"

    run_virtual(main())


@pytest.mark.parametrize(("said", "closed"), [(30.0, 30.0), (600.0, 600.0), (1e9, LONGEST_RETRY_AFTER)])
def test_when_a_further_project_is_throttled_the_gate_closes_for_all_until_it_says(said: float, closed: float) -> None:
    """The quota is the user's: those who wait get the same answer at once, and nothing is sent for them."""

    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=2))
        assert await asked(gate, "p0", said) == "throttled"
        await asyncio.sleep(61)
        first = clock()
        outcomes = await asyncio.gather(*(asked(gate, f"p{n}", said) for n in range(1, 100)))
        assert outcomes.count("throttled") == 1
        assert clock() < first + 1
        await asyncio.sleep(closed - 1)
        assert await asked(gate, "p99") == "another 1 s"
        await asyncio.sleep(2)
        assert await asked(gate, "p99") == "sent"

    run_virtual(main())


def test_all_wait_no_longer_than_two_projects_were_told_to() -> None:
    """What one was told is no reason, though another was throttled for a moment, too."""

    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=2))
        assert await asked(gate, "busy", 70.0, 10.0) == "throttled"
        await asyncio.sleep(11)
        assert await asked(gate, "odd", 1e9, 10.0) == "throttled"
        assert await asked(gate, "p") == "another 70 s"
        await asyncio.sleep(71)
        assert await asked(gate, "p") == "sent"

    run_virtual(main())


@pytest.mark.parametrize(
    "failure",
    [
        THROTTLED,
        Failure(Reason.AUTH, "as told to another request: wrong", status=401),
        Failure(Reason.CONNECT, "the proxy cannot reach it", status=502, by_proxy=True),
        Failure(Reason.TIMEOUT, "no answer"),
    ],
    ids=lambda failure: str(failure.reason),
)
def test_what_is_no_answer_of_the_cloud_does_not_show_that_it_is_well(failure: Failure) -> None:
    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=2))
        assert await asked(gate, "p1", 600.0) == "throttled"
        await asyncio.sleep(61)
        with pytest.raises(ApiError):
            async with gate.entered("p2", 60.0):
                raise ApiError(failure)
        assert await asked(gate, "p3", 600.0) == "throttled"
        assert await asked(gate, "p4") == "another 600 s"

    run_virtual(main())


def test_an_answer_in_between_shows_that_it_is_not_everybody() -> None:
    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=2))
        for project in ("p1", "p2", "p3"):
            assert await asked(gate, project, 1e9) == "throttled"
            await asyncio.sleep(61)
            assert await asked(gate, "well") == "sent"

    run_virtual(main())


def test_what_is_told_to_others_names_where_it_comes_from() -> None:
    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=2))
        await asked(gate, "odd", 60.0)
        with pytest.raises(ApiError) as caught:
            async with gate.entered("p", 60.0):
                pass
        assert str(caught.value) == (
            "throttled: as told to another request: too many; not asked for another 60 s (FRS.0033 HTTP 429)"
        )
        assert caught.value.failure.retry_after == pytest.approx(60.0, abs=0.1)

    run_virtual(main())


def test_a_throttled_answer_that_does_not_say_when_closes_nothing() -> None:
    async def main() -> None:
        gate = Gate(Limit(rate=1000, concurrency=2))
        assert await asked(gate, "odd", 0.0) == "throttled"
        assert await asked(gate, "p") == "sent"

    run_virtual(main())
