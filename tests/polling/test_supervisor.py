"""One who changes what is wanted: what comes together is done together, everybody gets an answer, nothing is lost."""

import asyncio
import copy
import json
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from frs_exporter.cloud.client import Client
from frs_exporter.cloud.transport import Transport
from frs_exporter.config.load import Config, load
from frs_exporter.config.source import Source
from frs_exporter.core.errors import ConfigError
from frs_exporter.core.schedule import Shard
from frs_exporter.exposition.page import Page
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.discovery import Discoverer
from frs_exporter.polling.exporter import PAGE_FAMILIES, Exporter
from frs_exporter.polling.inbox import Event, Inbox
from frs_exporter.polling.poller import Poller
from frs_exporter.polling.report import Reporter
from frs_exporter.polling.supervisor import Supervisor, Workers
from frs_exporter.polling.times import Times
from frs_exporter.runtime.watched import Watched, WatchOptions
from frs_simulator import Account, Project
from frs_simulator.faults import Fault
from tests.calls import counting
from tests.conftest import LIMITS, Cloud, CloudContext, account, run_virtual, target_of, virtual_now
from tests.polling.living import GOOD, UP, Given, config_of, living, replace_file
from tests.polling.test_discovery import OPEN, finding, plans, projects_of
from tests.polling.test_reload import changed, with_file

STOPPING = "the exporter is stopping"
NOTHING = Config((), LIMITS)


@asynccontextmanager
async def started(source: Source[Config], config: Config = NOTHING, **options: Any) -> AsyncIterator[Exporter]:
    """A started exporter on real time, so that its files may be slow."""
    exporter = Exporter(source, config, Telemetry(), **options)
    await exporter.start()
    try:
        yield exporter
    finally:
        await exporter.stop()


def reloads(exporter: Exporter, number: int) -> list["asyncio.Task[None]"]:
    """So many callers at once."""
    return [asyncio.create_task(exporter.reload()) for _ in range(number)]


async def problems(reload: "asyncio.Task[None]") -> tuple[str, ...]:
    """What a caller is told."""
    try:
        async with asyncio.timeout(10):
            await reload
    except ConfigError as error:
        return error.problems
    return ()


async def test_whoever_comes_before_a_load_begins_shares_it_and_loads_never_overlap() -> None:
    """And gets what came of that one, and not of the one before."""
    source = Given(ConfigError(["first"]), ConfigError(["second"]), NOTHING)
    source.answers.clear()
    async with started(source) as exporter:
        first = reloads(exporter, 3)
        await asyncio.sleep(0.05)
        others = reloads(exporter, 50)
        await asyncio.sleep(0.05)
        assert len(source.loads) == 3
        source.answers.set()
        assert {await problems(reload) for reload in first} == {("first",)}
        assert {await problems(reload) for reload in others} == {("second",)}
        assert len(source.loads) == 1
        await exporter.reload()
        assert source.loads == []


async def test_who_is_cancelled_cancels_nothing() -> None:
    source = Given(Config((), LIMITS), NOTHING)
    source.answers.clear()
    async with started(source) as exporter:
        first, *others = reloads(exporter, 5)
        await asyncio.sleep(0.05)
        for reload in (first, *others[:2]):
            reload.cancel()
        await asyncio.sleep(0.05)
        assert all(reload.cancelled() for reload in (first, *others[:2]))
        source.answers.set()
        assert [await problems(reload) for reload in others[2:]] == [(), ()]
        await exporter.reload()
        assert source.loads == []


async def test_whoever_waits_when_it_stops_is_told_so() -> None:
    """Those whose load is under way, those who came after, and those who come when all is over."""
    source = Given(NOTHING, NOTHING)
    source.answers.clear()
    async with started(source) as exporter:
        waiting = reloads(exporter, 2)
        await asyncio.sleep(0.05)
        waiting += reloads(exporter, 2)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            await exporter.stop()
        assert [await problems(reload) for reload in (*waiting, *reloads(exporter, 1))] == 5 * [(STOPPING,)]
    source.answers.set()


async def test_whoever_asks_before_the_start_is_answered_after_it_or_when_there_is_none() -> None:
    for start in (True, False):
        exporter = Exporter(Given(NOTHING), NOTHING, Telemetry())
        (waiting,) = reloads(exporter, 1)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        if start:
            await exporter.start()
            assert await problems(waiting) == ()
        await exporter.stop()
        assert await problems(waiting) == (() if start else (STOPPING,))


async def test_a_load_that_hangs_keeps_nobody_for_longer_than_it_may() -> None:
    """And only once: while its thread hangs, none begins beside it. Whoever comes is told within that time."""
    source = Given(NOTHING)
    source.answers.clear()
    async with started(source, times=Times(longest_load=0.3)) as exporter:
        begin = time.monotonic()
        assert "cannot be read to its end" in (await problems(*reloads(exporter, 1)))[0]
        assert 0.3 <= time.monotonic() - begin < 2
        threads, begin = threading.active_count(), time.monotonic()
        for reload in reloads(exporter, 20):
            assert "cannot be read to its end" in (await problems(reload))[0]
        assert time.monotonic() - begin < 3, "twenty times as long is twice that"
        assert threading.active_count() == threads
        assert exporter.snapshot().next_look is not None, "it is tried again by itself"
        source.answers.set()


class Slow(Given):
    """Files on a disk that takes its time, even to say what they are like."""

    def changed(self) -> bool:
        time.sleep(0.1)
        return super().changed()


async def test_many_who_have_files_looked_at_are_no_failure_and_one_look() -> None:
    """As where two credentials are refused at once, and the files are looked at anyway."""
    looks: list[float] = []

    class Counted(Slow):
        def changed(self) -> bool:
            looks.append(time.monotonic())
            return super().changed()

    async with keys(Counted(), "k1", "k2", "k3", refused=True) as (exporter, _):
        with structlog.testing.capture_logs() as logs:
            async with asyncio.timeout(10):
                while not all(state.polls for state in exporter.states.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        assert exporter.snapshot().problems == ()
        assert not [entry for entry in logs if entry["event"].startswith("config")]
        assert 1 <= len(looks) <= 3


@asynccontextmanager
async def keys(
    source: Source[Config], *names: str, refused: bool = False, **options: Any
) -> AsyncIterator[tuple[Exporter, Cloud]]:
    """On real time, projects with one key each, which is wrong where it is to be `refused`."""
    owners = [account("ak_sk", name) for name in names]
    for owner, name in zip(owners, names, strict=True):
        owner.domain_name, owner.access_key = f"of-{name}", f"AK-{name}"
    async with CloudContext(*owners) as cloud:
        targets = cloud.targets()
        for owner in owners:
            owner.secret_key = "changed" if refused else owner.secret_key
        settings = {"now": virtual_now, "spread": 0.0, "reread_interval": 1000.0, **options}
        async with started(source, Config(tuple(targets), LIMITS), **settings) as exporter:
            yield exporter, cloud


async def test_a_refused_secret_waits_for_a_hanging_load_no_longer_than_it_may() -> None:
    source = Given(NOTHING)
    source.answers.clear()
    async with keys(source, "k1", refused=True, times=Times(longest_reread=0.3)) as (exporter, _):
        reload, begin = reloads(exporter, 1)[0], time.monotonic()
        async with asyncio.timeout(10):
            while not all(state.polls for state in exporter.states.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert 0.2 < time.monotonic() - begin < 3
        assert not reload.done()
        source.answers.set()
        assert await problems(reload) == ()


@pytest.mark.uncounted
def test_a_secret_refused_during_a_reload_that_ends_its_own_poll(tmp_path: Path) -> None:
    """The poll awaits the reload that retires it: it learns of its end, and nobody waits for anybody for ever."""

    async def main() -> None:
        rng, owner = random.Random(5), account("ak_sk", *(f"p{n}" for n in range(8)))
        (tmp_path / "secret").write_text(owner.secret_key)
        async with living(tmp_path, owner, reread_interval=86400.0) as it:
            text = with_file(it, owner.domain_name, "ak_sk", "secret_key", tmp_path / "secret")
            assert await it.reload(text) == ()
            it.world.faults.set("frs", Fault(late=3.0))
            for number in range(20):
                owner.secret_key = f"new-{number}"
                replace_file(tmp_path / "secret", owner.secret_key)
                interval = f'"collectors": ["subscription"], "poll_interval": "{30 + number}s"'
                it.write(text.replace('"collectors": ["subscription"]', interval))
                async with asyncio.timeout(1000):
                    await asyncio.sleep(rng.uniform(0, 40))
                    await it.exporter.reload()
                    while not all(state.up for state in it.exporter.states.values()):  # noqa: ASYNC110
                        await asyncio.sleep(1)
                await asyncio.sleep(400)  # the vendor counts refusals over so long
            assert not any(lock.times for lock in it.world.locks.values())
            shown = it.shown()
            assert shown[f'frs_exporter_credential_rejected{{credential="{owner.domain_name}"}}'] == 0
            assert len(it.runners()) == 8

    run_virtual(main())


def another(owner: Account, name: str) -> None:
    """A project that its owner has had for no longer than this."""
    owner.projects.append(Project(name, "cn-north-4", OPEN))
    vars(owner).pop("by_id", None)


@pytest.mark.uncounted
def test_a_list_that_comes_together_with_a_bad_config_is_put_in_place(tmp_path: Path) -> None:
    """Round after round, whichever of the two comes first."""

    async def main() -> None:
        owner = account("ak_sk", "first")
        rule = {"credential": owner.domain_name, "refresh_interval": "30s"}
        async with living(tmp_path, owner, config=finding(rule)) as it:
            assert projects_of(it) == {"cn-north-4"}
            it.write("{")
            for number in range(10):
                another(owner, f"another-{number}")
                async with asyncio.timeout(100):
                    while f"cn-north-4_another-{number}" not in projects_of(it):
                        with pytest.raises(ConfigError):
                            await it.exporter.reload()
                        await asyncio.sleep(0.5 + number / 100)
            await asyncio.sleep(30)
            assert (it.shown()[GOOD], it.shown()[UP % "cn-north-4_another-9"]) == (0, 1)

    run_virtual(main())


async def test_a_list_that_waits_for_a_bad_config_is_put_in_place_once(tmp_path: Path) -> None:
    """Here it is certain that both wait together; a good config has the list in its own plan."""
    for loads in (ConfigError(["bad"]), None):
        owner = Account("owner", "ak_sk", [Project("north", "cn-north-4", OPEN)])
        async with CloudContext(owner) as cloud:
            config = discovering(cloud, tmp_path)
            source = Given(loads or config)
            source.answers.clear()
            with counting() as calls:
                async with started(source, config, now=virtual_now) as exporter:
                    (reload,) = reloads(exporter, 1)
                    while not any(api == "iam" for api, *_ in cloud.world.requests):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                    await asyncio.sleep(0.5)
                    assert not exporter.runners, "the list waits"
                    source.answers.set()
                    assert await problems(reload) == (("bad",) if loads else ())
                    async with asyncio.timeout(10):
                        while not exporter.runners:  # noqa: ASYNC110
                            await asyncio.sleep(0.02)
                    await asyncio.sleep(0.2)
                    assert len(exporter.runners) == 1
            assert plans(calls) == 2, "at the start, and for the list"


def discovering(cloud: Cloud, folder: Path) -> Config:
    """A config that has no more than a rule."""
    config = config_of(cloud)
    finding({"credential": "owner"})(config)
    (folder / "config.yaml").write_text(json.dumps(config))
    return load(str(folder / "config.yaml"))


@pytest.mark.uncounted
def test_reloads_lists_changes_and_refusals_at_once_end_in_what_was_wanted_last(tmp_path: Path) -> None:
    """Five callers, a watch, discovery and a secret that is refused now and then, half of the configs bad."""

    async def main() -> None:
        rng, owner = random.Random(7), account("ak_sk", "p0")
        rule = {"credential": owner.domain_name, "refresh_interval": "30s"}
        start = finding(rule, projects=True)
        async with living(tmp_path, owner, account("token", "t1", "t2"), reread_interval=5.0, config=start) as it:
            good = it.config

            async def call() -> None:
                for _ in range(40):
                    with suppress(ConfigError):
                        await it.exporter.reload()
                    await asyncio.sleep(rng.choice([0, 0.5, 5]))

            async def change() -> None:
                for number in range(60):
                    it.write(rng.choice(["{", changed(good, labels={"n": str(number)})]))
                    it.world.faults.set("frs", Fault(status=401, code="APIGW.0301") if number % 7 == 0 else None)
                    if number < 20:
                        another(owner, f"found-{number}")
                    await asyncio.sleep(rng.uniform(0, 10))
                it.world.faults.set("frs", None)

            with structlog.testing.capture_logs() as logs:
                async with asyncio.timeout(3600):
                    await asyncio.gather(change(), *(call() for _ in range(5)))
                last = copy.deepcopy(good)
                last["projects"][0]["labels"] = {"n": "last"}
                assert await it.reload(last) == ()
                await asyncio.sleep(4000)
            assert not [entry for entry in logs if entry["event"].startswith("unexpected")]
            assert any('n="last"' in name for name in it.shown())
            assert projects_of(it) == {"p0", "t1", "t2", *(f"cn-north-4_found-{n}" for n in range(20))}
            assert all(state.up for state in it.exporter.states.values())
            names = sorted(task.get_name() for task in asyncio.all_tasks())
            others = [name for name in names if not name.startswith(("poll ", "Task-"))]
            assert others == ["discover ak_sk-account", "heartbeat", "supervisor"]
            assert len(it.runners()) == len(it.exporter.states) == 23

    run_virtual(main())


async def test_who_posts_to_a_closed_inbox_is_told_at_once_and_nothing_is_lost() -> None:
    inbox = Inbox()
    waiting = [asyncio.create_task(inbox.post(event)) for event in Event]
    await asyncio.sleep(0)
    await inbox.arrival(None)
    with pytest.raises(ZeroDivisionError), inbox.answering(Event.RELOAD, Event.LOOK):
        raise ZeroDivisionError
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, True, False]
    inbox.close()
    await inbox.look(10.0)
    outcomes = await asyncio.gather(*waiting, inbox.post(Event.LISTS), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ZeroDivisionError, ZeroDivisionError, ConfigError, ConfigError]


@pytest.mark.parametrize("good", [True, False])
async def test_what_waits_together_is_planned_once_and_each_gets_its_own_answer(good: bool) -> None:
    """A list, three reloads and a refused secret: whatever becomes of the config, the list is put in place."""
    source, telemetry, inbox = Given(NOTHING if good else ConfigError(["bad"])), Telemetry(), Inbox()
    client = Client(Transport(LIMITS, telemetry, time.time), telemetry, time.time, random.Random(1))
    workers = Workers(
        Discoverer(client, telemetry, partial(inbox.post, Event.LISTS), time.time, random.Random(1)),
        Poller(client, Page(PAGE_FAMILIES), {}, time.time, random.Random(1)),
        client,
    )
    options = WatchOptions("config", interval=1000.0, settle=0.01, timeout=1.0)
    watched = Watched(source, options, telemetry.config_good, telemetry.config_time)
    supervisor = Supervisor(inbox, watched, workers, Reporter(telemetry), config=NOTHING, shard=Shard())
    await supervisor.start()
    events = (Event.LISTS, Event.RELOAD, Event.LOOK, Event.RELOAD, Event.RELOAD)
    with counting() as calls:
        outcomes = await asyncio.gather(*(inbox.post(event) for event in events), return_exceptions=True)
        await asyncio.sleep(0.1)  # a thread that has answered is counted once it has ended
    assert [type(outcome) for outcome in outcomes] == [type(None), *4 * [type(None) if good else ConfigError]]
    assert plans(calls) == 1
    assert source.loads == []
    await supervisor.stop()
    await client.close()


@pytest.mark.uncounted
async def test_a_stop_in_the_middle_of_a_reload_ends_all_of_it() -> None:
    """At any moment of it: while it loads, plans or is put in place. Everybody is told, and nothing goes on."""
    for pause in (0.0, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1):
        owner = account("ak_sk", *(f"p{number}" for number in range(2000)))
        targets = tuple(target_of(owner, project, "http://127.0.0.1:9") for project in owner.projects)
        source = Given(*3 * [Config(targets, LIMITS), Config(targets[::2], LIMITS)])
        async with started(source) as exporter:
            waiting = reloads(exporter, 1)
            await asyncio.sleep(pause)
            waiting += reloads(exporter, 3)
            await asyncio.sleep(0)
            await exporter.stop()
            assert {await problems(reload) for reload in waiting} <= {(), (STOPPING,)}
            await asyncio.sleep(0.05)
            names = [task.get_name() for task in asyncio.all_tasks()]
            assert [name for name in names if not name.startswith("Task-")] == []


async def test_files_that_cannot_even_be_looked_at_keep_neither_a_poll_nor_a_stop() -> None:
    """The look hangs for as long as it may: a refused secret goes on, and the stop does not wait for it."""

    class Dead(Given):
        def changed(self) -> bool:
            return not self.answers.wait(10)

    source = Dead()
    source.answers.clear()
    async with keys(source, "k1", refused=True, times=Times(longest_reread=0.2)) as (exporter, _):
        async with asyncio.timeout(5):
            while not all(state.polls for state in exporter.states.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with asyncio.timeout(1):
            await exporter.stop()
    source.answers.set()
