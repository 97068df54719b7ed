"""What is slow or dead delays nothing else, and many tokens that end at once are no stampede."""

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import replace
from itertools import pairwise

import pytest

from frs_exporter.cloud.auth import authorizer
from frs_exporter.cloud.transport import Authorize, Request, Response, Transport
from frs_exporter.core.model import Api, Limit, Target
from frs_exporter.core.schedule import JITTER
from frs_exporter.exposition.telemetry import Telemetry
from frs_simulator.faults import HANG, Fault
from frs_simulator.world import Visit
from tests.cloud.test_auth import new_guard
from tests.conftest import LIMITS, CloudContext, account, loop_time, run_virtual, virtual_now
from tests.polling.test_poller import Polled

USUAL = {Api.FRS: Limit(5, 5), Api.IAM: Limit(2, 2), Api.CES: Limit(5, 5)}


def intervals(visits: list[Visit], project_id: str) -> list[float]:
    times = [visit.time for visit in visits if visit.project_id == project_id and visit.api == "frs"]
    return [after - before for before, after in pairwise(times)]


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_one_hanging_project_of_100_delays_no_other(kind: str) -> None:
    """With the usual limits, for a quarter of an hour: each other interval stays within 5 % of the configured."""

    async def main() -> None:
        async with CloudContext(account(kind, *(f"p{n}" for n in range(100))), limits=USUAL) as cloud:
            polls = await Polled.started(cloud)
            stuck, *others = [job.target for job in polls.jobs]
            cloud.world.faults.set("frs", HANG, stuck.project_id)
            await asyncio.sleep(300)
            visits = cloud.world.watched()
            await asyncio.sleep(900)
            assert polls.shown()[f'frs_up{{project="{stuck.project}",collector="subscription"}}'] == 0
            for target in others:
                took = intervals(visits, target.project_id)
                assert len(took) >= 13
                assert sum(took) / len(took) == pytest.approx(60, rel=0.05)
                assert 60 * (1 - JITTER) - 2 <= min(took) <= max(took) <= 60 * (1 + JITTER) + 2, "jitter, and its turn"
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize(("kind", "api"), [("token", "frs"), ("token", "iam"), ("ak_sk", "frs")])
@pytest.mark.parametrize("count", [2, 50])
def test_a_project_that_hangs_from_the_start_costs_the_others_one_timeout(kind: str, api: str, count: int) -> None:
    """Though it is asked first, and nobody knows yet whether the secret is right."""

    async def main() -> None:
        async with CloudContext(account(kind, *(f"p{n}" for n in range(count))), limits=USUAL) as cloud:
            targets = cloud.targets(poll_interval=60.0, poll_timeout=10.0)
            cloud.world.faults.set(api, HANG, targets[0].project_id)
            stuck = await Polled.started(cloud, targets[:1])
            await asyncio.sleep(1)
            assert len(cloud.world.faults.faults) == 1
            polls = await Polled.started(cloud, targets[1:])
            await asyncio.sleep(60 + 10)
            assert all(state.up for state in polls.poller.states.values())
            assert max(state.failures for state in polls.poller.states.values()) == 0
            await asyncio.sleep(1200)
            assert max(state.failures for state in polls.poller.states.values()) == 0
            assert min(state.polls for state in polls.poller.states.values()) >= 19
            assert not any(state.up for state in stuck.poller.states.values())
            await stuck.poller.stop()
            await polls.poller.stop()

    run_virtual(main())


FAR_AWAY = 1e9
HOSTILE = [
    Fault(throttle=FAR_AWAY),
    Fault(status=503, headers={"Retry-After": str(int(FAR_AWAY))}),
    Fault(status=403, body="<h1>Blocked</h1>", content_type="text/html"),
    Fault(code="FRS.0202"),
    Fault(status=404, code="APIGW.0101"),
    Fault(body="{}"),
    Fault(garbage=True),
    Fault(reset=True),
    Fault(drip=0.5),
    Fault(status=302, headers={"Location": "http://127.0.0.1:1/"}),
]


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
@pytest.mark.parametrize("fault", HOSTILE, ids=lambda fault: fault.model_dump_json(exclude_defaults=True))
def test_whatever_is_said_to_one_project_keeps_the_others_waiting_for_one_interval_at_most(
    kind: str, fault: Fault
) -> None:
    async def main() -> None:
        async with CloudContext(account(kind, *(f"p{n}" for n in range(20))), limits=USUAL) as cloud:
            polls = await Polled.started(cloud)
            odd, *others = polls.jobs
            await asyncio.sleep(60)
            cloud.world.faults.set("frs", fault, odd.target.project_id)
            before = {job.key: polls.poller.states[job.key].polls for job in others}
            visits = cloud.world.watched()
            await asyncio.sleep(900)
            assert not polls.poller.states[odd.key].up
            for job in others:
                took = intervals(visits, job.target.project_id)
                assert max(took) <= 2 * 60 * (1 + JITTER) + 10, "one interval that is left out, and its turn"
                assert polls.poller.states[job.key].polls - before[job.key] >= 12
            assert all(polls.poller.states[job.key].up for job in others)
            await polls.poller.stop()

    run_virtual(main())


@pytest.mark.parametrize("kind", ["token", "ak_sk"])
def test_a_dead_region_delays_no_other(kind: str) -> None:
    """One credential in two regions; FRS and IAM of one of them accept connections and never answer."""

    async def main() -> None:
        names = [f"p{n}" for n in range(60)]
        async with CloudContext(account(kind, *names), limits=USUAL) as cloud, DeadServer() as dead:
            targets = cloud.targets()
            targets[:30] = [replace(target, endpoints=dict.fromkeys(Api, dead)) for target in targets[:30]]
            polls = await Polled.started(cloud, targets=targets)
            visits = cloud.world.watched()
            await asyncio.sleep(120)
            shown = polls.shown()
            assert [name for name in names if shown[f'frs_up{{project="{name}",collector="subscription"}}']] == names[
                30:
            ]
            await asyncio.sleep(1800)
            for target in targets[30:]:
                took = intervals(visits, target.project_id)
                assert sum(took) / len(took) == pytest.approx(60, rel=0.05)
            await polls.poller.stop()

    run_virtual(main())


class DeadServer:
    """Accepts connections and never answers; its URL."""

    async def __aenter__(self) -> str:
        async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.open.append(writer)

        self.open: list[asyncio.StreamWriter] = []
        self.server = await asyncio.start_server(never, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for writer in self.open:
            writer.close()


def test_thousands_of_tokens_that_end_within_one_minute_are_renewed_at_the_gates_rate() -> None:
    async def main() -> None:
        async with CloudContext(account("token", *(f"p{n}" for n in range(1500))), limits=USUAL) as cloud:
            targets = cloud.targets()
            transport = Transport(LIMITS, Telemetry(), virtual_now)  # the gates are open while the first are bought

            def send(request: Request, authorize: Authorize) -> Awaitable[Response]:
                return transport.send(request, authorize)

            keeper = authorizer(
                targets[0].credential, send, virtual_now, random.Random(1), new_guard(targets[0], cloud)
            )
            ends = {target.project_id: 60 + 60 * n / len(targets) for n, target in enumerate(targets)}
            for target in targets:
                cloud.world.token_life = ends[target.project_id] - loop_time()
                await keeper.authorize(target)
            cloud.world.token_life = 86400.0
            await transport.close()
            transport = cloud.transport
            visits = cloud.world.watched()

            async def need(target: Target) -> None:
                """What four jobs of a project do, once the token has ended."""
                await asyncio.sleep(ends[target.project_id] + 1 - loop_time())
                tokens = await asyncio.gather(*(keeper.authorize(target) for _ in range(4)))
                assert len({id(token) for token in tokens}) == 1

            await asyncio.gather(*(need(target) for target in targets))
            times = [visit.time for visit in visits]
            assert len(times) == len(targets)
            assert (
                max(sum(start <= time < start + 10 for time in times[n : n + 50]) for n, start in enumerate(times))
                <= 21
            )
            assert times[-1] - times[0] == pytest.approx(len(targets) / USUAL[Api.IAM].rate, rel=0.01)

    run_virtual(main())
