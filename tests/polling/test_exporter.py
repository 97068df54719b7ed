"""The living daemon: its heartbeat, and how far it lags behind."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.model import Api, Limit
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.exporter import Exporter
from frs_exporter.polling.times import USUAL, Times
from tests.conftest import CloudContext, account, run_virtual, virtual_now


class Running:
    """An exporter that polls a simulated cloud."""

    def __init__(self, exporter: Exporter, telemetry: Telemetry) -> None:
        self.exporter = exporter
        self.telemetry = telemetry

    def value(self, name: str, **labels: str) -> float | None:
        return self.telemetry.registry.get_sample_value(f"frs_exporter_{name}", labels)


@asynccontextmanager
async def running(projects: int, rate: float) -> AsyncIterator[Running]:
    owner = account("ak_sk", *(f"p{n}" for n in range(projects)))
    async with CloudContext(owner) as cloud:
        limits = dict.fromkeys(Api, Limit(rate, 5))
        telemetry = Telemetry()
        config = Config(tuple(cloud.targets()), limits)
        exporter = Exporter(Source("", load), config, telemetry, now=virtual_now, rng=random.Random(1))
        await exporter.start()
        try:
            yield Running(exporter, telemetry)
        finally:
            await exporter.stop()


@pytest.mark.uncounted
def test_demand_within_the_gates_rate_has_no_lag() -> None:
    async def main() -> None:
        async with running(200, rate=5) as it:
            lags = []
            for _ in range(600):
                await asyncio.sleep(1)
                lags.append(it.value("schedule_lag_seconds") or 0.0)
            assert max(lags[120:]) < 5

    run_virtual(main())


@pytest.mark.uncounted
def test_demand_above_the_gates_rate_shows_as_lag() -> None:
    """90 jobs at a request every two seconds: each waits for its turn for nearly three minutes."""

    async def main() -> None:
        async with running(90, rate=0.5) as it:
            await asyncio.sleep(1800)
            assert it.value("schedule_lag_seconds") == pytest.approx(180 - 10, abs=10)
            assert it.exporter.not_healthy() == ""

    run_virtual(main())


def test_a_loop_that_does_not_turn_is_not_healthy() -> None:
    async def main() -> None:
        async with running(1, rate=1) as it:
            await asyncio.sleep(5)
            assert it.exporter.not_healthy() == ""
            heart = next(task for task in asyncio.all_tasks() if task.get_name() == "heartbeat")
            heart.cancel()
            await asyncio.sleep(USUAL.longest_pause - 2)
            assert it.exporter.not_healthy() == ""
            await asyncio.sleep(4)
            assert it.exporter.not_healthy().startswith("the event loop has not turned for 1")

    run_virtual(main())


async def test_a_loop_that_was_stuck_says_so_until_it_turns_again() -> None:
    """On real time: something blocks the loop, and whoever asks first afterwards learns of it."""
    config, times = Config((), dict.fromkeys(Api, Limit())), Times(beat=0.05, longest_pause=0.2)
    exporter = Exporter(Source("", load), config, Telemetry(), times=times)
    await exporter.start()
    await asyncio.sleep(0.1)
    time.sleep(0.4)  # noqa: ASYNC251  # this is the point
    assert exporter.not_healthy().startswith("the event loop has not turned for ")
    await asyncio.sleep(0.1)
    assert exporter.not_healthy() == ""
    await exporter.stop()


def test_each_credential_has_its_series_from_the_start() -> None:
    async def main() -> None:
        async with running(1, rate=1) as it:
            assert it.value("credential_rejected", credential="ak_sk-account") == 0
            await asyncio.sleep(1)
            skew = it.value("clock_skew_seconds", api="frs")
            assert skew is not None
            assert abs(skew) <= 0.6

    run_virtual(main())
