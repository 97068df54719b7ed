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
        assert {str(error).split(";")[0] for error in errors[1:]} == {"throttled: as told to another request: too many"}
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
