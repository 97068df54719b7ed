"""Gates keep rate and number, and heed Retry-After."""

import asyncio

import pytest

from frs_exporter.cloud.gate import Gate
from frs_exporter.errors import ApiError, Reason
from frs_exporter.model import Limit
from frs_exporter.polling.schedule import LONGEST_RETRY_AFTER
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


async def throttled(gate: Gate, count: int, retry_after: float | None) -> tuple[int, list[ApiError]]:
    """How many of so many concurrent requests are sent to a cloud that throttles, and what comes of all."""
    sent = 0

    async def one() -> None:
        nonlocal sent
        async with gate.entered():
            sent += 1
            raise ApiError(Reason.THROTTLED, "too many", status=429, code="FRS.0033", retry_after=retry_after)

    errors = await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)
    return sent, [error for error in errors if isinstance(error, ApiError)]


@pytest.mark.parametrize(("told", "closed"), [(60.0, 60.0), (1e9, LONGEST_RETRY_AFTER)])
def test_a_throttled_answer_closes_the_gate_for_all_until_it_says(told: float, closed: float) -> None:
    """The quota is the user's: those who wait get the same answer at once, and nothing is sent for them."""

    async def main() -> None:
        gate = Gate(Limit(rate=5, concurrency=2))
        sent, errors = await throttled(gate, 100, told)
        assert (sent, len(errors)) == (1, 100)
        assert clock() < 1
        assert {str(error).split(";")[0] for error in errors[1:]} == {"throttled: as told to another request: too many"}
        assert min(error.retry_after or 0 for error in errors[1:]) == pytest.approx(closed, abs=1)
        await asyncio.sleep(closed - 1)
        sent, (error,) = await throttled(gate, 1, told)
        assert (sent, error.message.split("; ")[1]) == (0, "not asked for another 1 s")
        await asyncio.sleep(2)
        assert (await throttled(gate, 1, told))[0] == 1

    run_virtual(main())


def test_a_throttled_answer_that_does_not_say_when_closes_nothing() -> None:
    async def main() -> None:
        assert (await throttled(Gate(Limit(rate=5, concurrency=2)), 3, None))[0] == 3

    run_virtual(main())
