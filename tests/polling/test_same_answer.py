"""An answer that comes again is not read again, and nobody can tell."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from frs_exporter.collectors import COLLECTORS, ApiClient
from frs_exporter.core.model import CollectResult, Job, Target
from frs_simulator.faults import Fault
from tests.conftest import Cloud, CloudContext, account, run_virtual
from tests.polling.test_poller import Polled

SUBSCRIPTION = COLLECTORS["subscription"]
FIRST = {"search_service": {"subscribe_status": True, "create_time": "2018-09-03 08:16:48"}, "max_face_set_number": 10}
OTHER = {"search_service": {"subscribe_status": False}, "max_face_set_number": 10}
NO_DATE = {"search_service": {"subscribe_status": True, "create_time": "soon"}, "max_face_set_number": 10}
STEPS = ("first", "other", "no date", "nothing subscribed", "frozen", "down", "other zone", "other require")


def prepare(step: str, cloud: Cloud, target: Target) -> Target:
    """Have the cloud answer, or the project asked, in another way; how it is asked from now on."""
    project = cloud.world.accounts[0].projects[0]
    answers: dict[str, Any] = {"other": OTHER, "no date": NO_DATE, "nothing subscribed": None}
    project.answer, project.frozen = answers.get(step, FIRST), step == "frozen"
    cloud.world.faults.set("frs", Fault(status=503, body="{}") if step == "down" else None)
    if step == "other zone":
        return replace(target, create_time_zone="UTC" if target.create_time_zone != "UTC" else "Asia/Shanghai")
    if step == "other require":
        require = () if target.display.require else ("live_detect",)
        return replace(target, display=replace(target.display, require=require))
    return target


async def pages(steps: tuple[str, ...], *, repeatable: bool) -> list[Mapping[str, float]]:
    """What is shown after each step, whose poll is waited for."""

    async def shown() -> Mapping[str, float]:
        polls.poller.runners[polls.jobs[0].key].hurry()
        await asyncio.sleep(5)
        return polls.shown()

    async with CloudContext(account("ak_sk", "k1")) as cloud:
        polls = await Polled.started(
            cloud, collectors={"subscription": replace(SUBSCRIPTION, repeatable=repeatable)}, poll_interval=3600.0
        )
        target, found = polls.jobs[0].target, []
        for step in steps:
            target = prepare(step, cloud, target)
            await polls.poller.reconcile([Job(target, "subscription")])
            found.append(await shown())
        await polls.poller.stop()
    return found


@pytest.mark.uncounted
@pytest.mark.parametrize(("one", "two"), list(product(STEPS, STEPS)))
def test_the_page_is_as_if_each_answer_were_read(one: str, two: str) -> None:
    steps = ("first", one, two, one, "first")
    pairs = zip(*(run_virtual(pages(steps, repeatable=repeatable)) for repeatable in (True, False)), strict=True)
    for step, (shown, expected) in zip(steps, pairs, strict=True):
        assert shown.keys() == expected.keys(), step
        took = {name for name in shown if name.startswith("frs_poll_duration_seconds")}
        assert all(shown[name] == expected[name] for name in shown.keys() - took), step


def test_what_changes_while_it_is_asked_is_read_anew() -> None:
    """Of more sub-services than are shown those that are required come first."""
    many = {f"s{n:02}_service": {"subscribe_status": True} for n in range(40)} | {"max_face_set_number": 1}

    async def main() -> None:
        async with CloudContext(account("ak_sk", "k1")) as cloud:
            cloud.world.accounts[0].projects[0].answer = many
            polls = await Polled.started(cloud)
            await asyncio.sleep(100)
            cloud.world.faults.set("frs", Fault(delay=5.0))
            polls.poller.runners[polls.jobs[0].key].hurry()
            await asyncio.sleep(1)
            target = polls.jobs[0].target
            wanted = replace(target, display=replace(target.display, require=("s39",)))
            await polls.poller.reconcile([Job(wanted, "subscription")])
            await asyncio.sleep(200)
            assert polls.shown()['frs_subscribed{project="k1",subservice="s39"}'] == 1
            await polls.poller.stop()

    run_virtual(main())


def test_only_new_answers_are_read() -> None:
    read: list[CollectResult] = []

    async def collect(client: ApiClient, target: Target, memory: Any) -> CollectResult:
        read.append(await SUBSCRIPTION.collect(client, target, memory))
        return read[-1]

    async def main() -> None:
        async with CloudContext(account("ak_sk", "k1")) as cloud:
            polls = await Polled.started(cloud, collectors={"subscription": replace(SUBSCRIPTION, collect=collect)})
            await asyncio.sleep(600)
            assert polls.shown()['frs_polls_total{project="k1",collector="subscription"}'] >= 9
            assert len(read) == 1
            prepare("other", cloud, polls.jobs[0].target)
            await asyncio.sleep(600)
            assert len(read) == 2
            await polls.poller.stop()

    run_virtual(main())
