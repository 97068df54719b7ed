"""One timer for all who are woken at the same time, and none for nobody."""

import asyncio
import gc

import pytest

from frs_exporter.polling.alarm import Alarm
from tests.conftest import loop_time, run_virtual


class Sleeper:
    def __init__(self) -> None:
        self.woken: list[float] = []

    def wake(self) -> None:
        self.woken.append(loop_time())


def timers() -> int:
    """The timers that may still ring."""
    handles = [it for it in gc.get_objects() if isinstance(it, asyncio.TimerHandle)]
    return sum(not handle.cancelled() and handle.when() > loop_time() for handle in handles)


def test_all_are_woken_at_the_time_by_one_timer() -> None:
    async def main() -> None:
        alarm, sleepers = Alarm(), [Sleeper() for _ in range(10)]
        for sleeper in sleepers:
            alarm.set(5.0, sleeper)
        assert timers() == 1
        await asyncio.sleep(9)
        assert [sleeper.woken for sleeper in sleepers] == 10 * [[pytest.approx(5.0)]]
        assert timers() == 0

    run_virtual(main())


def test_who_is_not_to_be_woken_leaves_nothing() -> None:
    async def main() -> None:
        alarm, first, second = Alarm(), Sleeper(), Sleeper()
        alarm.set(100.0, first)
        alarm.set(100.0, second)
        alarm.unset(100.0, first)
        alarm.unset(100.0, first)
        assert timers() == 1
        alarm.unset(100.0, second)
        alarm.unset(100.0, second)
        assert timers() == 0
        await asyncio.sleep(200)
        assert first.woken == second.woken == []

    run_virtual(main())


def test_who_wakes_may_be_put_to_sleep_again() -> None:
    async def main() -> None:
        alarm = Alarm()

        class Again(Sleeper):
            def wake(self) -> None:
                super().wake()
                alarm.set(loop_time() + 1, self)

        alarm.set(1.0, again := Again())
        await asyncio.sleep(3.5)
        assert again.woken == [pytest.approx(time) for time in (1, 2, 3)]

    run_virtual(main())
