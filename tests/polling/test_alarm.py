"""One timer for all who sleep until the same time, and none for nobody."""

import asyncio
import gc

import pytest

from frs_exporter.polling.alarm import Alarm, wake
from tests.conftest import loop_time, run_virtual


def timers() -> int:
    """The timers that may still ring."""
    handles = [it for it in gc.get_objects() if isinstance(it, asyncio.TimerHandle)]
    return sum(not handle.cancelled() and handle.when() > loop_time() for handle in handles)


def test_all_are_woken_at_the_time_by_one_timer() -> None:
    async def main() -> None:
        alarm, loop = Alarm(), asyncio.get_running_loop()
        sleeps = [asyncio.create_task(alarm.sleep(5.0, loop.create_future())) for _ in range(10)]
        await asyncio.sleep(0)
        assert timers() == 1
        await asyncio.gather(*sleeps)
        assert loop_time() == pytest.approx(5.0)
        assert timers() == 0

    run_virtual(main())


def test_who_is_woken_early_or_gives_up_leaves_nothing() -> None:
    async def main() -> None:
        alarm, loop = Alarm(), asyncio.get_running_loop()
        first, second = loop.create_future(), loop.create_future()
        early, given_up = (asyncio.create_task(alarm.sleep(100.0, sleeper)) for sleeper in (first, second))
        await asyncio.sleep(1)
        wake(first)
        wake(first)
        await early
        assert loop_time() == pytest.approx(1.0)
        assert timers() == 1
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert timers() == 0

    run_virtual(main())
