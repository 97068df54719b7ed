"""Polling on virtual time: what the page shows while the cloud does what clouds do."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from frs_exporter.collectors import COLLECTORS, ApiClient
from frs_exporter.collectors.collector import Collector
from frs_exporter.collectors.subscription import SUBSCRIBED
from frs_exporter.core.model import Api, CollectResult, Job, Sample, Target
from frs_exporter.core.schedule import TICK
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.polling.poller import Poller
from frs_simulator import Account, Project
from frs_simulator.demo import SCREENSHOT
from frs_simulator.faults import HANG, Fault
from tests.conftest import EPOCH, Cloud, CloudContext, account, run_virtual, target_of, virtual_now

UP = 'frs_up{project="%s",collector="subscription"}'


class Polled:
    """A poller of all projects of a simulated cloud, and its page."""

    def __init__(
        self,
        cloud: Cloud,
        targets: list[Target] | None = None,
        collectors: Mapping[str, Collector] = COLLECTORS,
        rng: random.Random | None = None,
        **settings: Any,
    ) -> None:
        self.cloud = cloud
        self.page = Page(PAGE_FAMILIES)
        self.poller = Poller(cloud.client, self.page, collectors, virtual_now, rng or random.Random(7))
        self.jobs = [Job(target, "subscription") for target in targets or cloud.targets(**settings)]

    @classmethod
    async def started(cls, cloud: Cloud, targets: list[Target] | None = None, **settings: Any) -> "Polled":
        """One that polls already."""
        polls = cls(cloud, targets, **settings)
        await cloud.client.adjust(cloud.limits, [job.target for job in polls.jobs])
        await polls.poller.reconcile(polls.jobs)
        return polls

    def shown(self) -> dict[str, float]:
        """The samples on the page now."""
        text = b"".join(self.page.blocks(TEXT, asyncio.get_running_loop().time())).decode()
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples}


@asynccontextmanager
async def polled(*accounts: Account, **settings: Any) -> AsyncIterator[tuple[Cloud, Polled]]:
    async with CloudContext(*accounts) as cloud:
        started = await Polled.started(cloud, **settings)
        yield cloud, started
        await started.poller.stop()


def test_every_job_is_down_from_the_first_moment_and_up_after_its_first_answer() -> None:
    async def main() -> None:
        async with polled(account("token", "t1"), account("ak_sk", "k1")) as (_, polls):
            before = polls.shown()
            assert (before[UP % "t1"], before[UP % "k1"]) == (0, 0)
            assert before['frs_polls_total{project="t1",collector="subscription"}'] == 0
            assert not any(name.startswith(("frs_subscribed", "frs_last")) for name in before)
            await asyncio.sleep(1)
            after = polls.shown()
            assert (after[UP % "t1"], after[UP % "k1"]) == (1, 1)
            assert after['frs_subscribed{project="k1",subservice="search"}'] == 1
            assert after['frs_token_expiry_timestamp_seconds{project="t1"}'] == pytest.approx(EPOCH + 86400, abs=1)
            assert 'frs_token_expiry_timestamp_seconds{project="k1"}' not in after

    run_virtual(main())


def test_jobs_that_are_due_within_one_tick_are_polled_together() -> None:
    async def main() -> None:
        async with polled(account("ak_sk", *(f"k{number}" for number in range(100)))) as (cloud, _):
            visits = cloud.world.watched()
            await asyncio.sleep(120)
            assert len(visits) >= 180
            late = [(visit.time - EPOCH + 0.01) % TICK - 0.01 for visit in visits]
            assert max(late) < TICK / 4, "the gate lets in one a millisecond"

    run_virtual(main())


def test_a_job_polls_once_an_interval() -> None:
    async def main() -> None:
        async with polled(account("ak_sk", "k1", "k2", "k3")) as (cloud, _):
            await asyncio.sleep(3600)
            for (api, _, _), count in cloud.world.requests.items():
                assert api == "frs"
                assert 58 <= count <= 62

    run_virtual(main())


def test_the_first_minute_buys_one_token_for_each_project_of_a_user() -> None:
    async def main() -> None:
        async with polled(account("token", "t1", "t2", "t3"), poll_interval=5.0) as (cloud, polls):
            await asyncio.sleep(60)
            (owner,) = cloud.world.accounts
            bought = {key[2]: count for key, count in cloud.world.requests.items() if key[0] == "iam"}
            assert bought == {"": 1, **{project.id: 1 for project in owner.projects}}, (
                "and one that proves the password"
            )
            assert len(cloud.world.tokens) == 4
            assert polls.shown()['frs_polls_total{project="t1",collector="subscription"}'] >= 11

    run_virtual(main())


def test_samples_go_stale_and_the_rest_stays() -> None:
    async def main() -> None:
        async with polled(account("ak_sk", "k1"), stale_after=180.0) as (cloud, polls):
            await asyncio.sleep(1)
            cloud.world.faults.set("frs", Fault(status=503, body="{}"))
            await asyncio.sleep(120)
            failing = polls.shown()
            assert failing[UP % "k1"] == 0
            assert failing['frs_subscribed{project="k1",subservice="search"}'] == 1
            info = 'frs_poll_error_info{project="k1",collector="subscription",reason="server",code="503"}'
            assert failing[info] == 1
            await asyncio.sleep(120)
            stale = polls.shown()
            assert not any(name.startswith("frs_subscribed") for name in stale)
            assert stale['frs_last_success_timestamp_seconds{project="k1",collector="subscription"}'] > EPOCH
            assert stale['frs_poll_errors_total{project="k1",collector="subscription",reason="server"}'] >= 3
            cloud.world.faults.set("frs", None)
            await asyncio.sleep(300)
            healed = polls.shown()
            assert healed[UP % "k1"] == 1
            assert info not in healed
            assert healed['frs_subscribed{project="k1",subservice="search"}'] == 1

    run_virtual(main())


def test_a_hanging_cloud_times_out_and_recovers() -> None:
    async def main() -> None:
        async with polled(account("ak_sk", "k1"), poll_timeout=10.0) as (cloud, polls):
            cloud.world.faults.set("frs", HANG)
            await asyncio.sleep(30)
            shown = polls.shown()
            assert shown['frs_poll_errors_total{project="k1",collector="subscription",reason="timeout"}'] >= 1
            assert shown['frs_poll_duration_seconds{project="k1",collector="subscription"}'] == pytest.approx(10, abs=1)
            cloud.world.faults.set("frs", None)
            await asyncio.sleep(300)
            assert polls.shown()[UP % "k1"] == 1

    run_virtual(main())


@pytest.mark.uncounted
def test_one_hanging_project_delays_no_other() -> None:
    async def main() -> None:
        names = [f"k{n}" for n in range(20)]
        async with polled(account("ak_sk", *names)) as (cloud, polls):
            stuck = polls.jobs[0].target
            cloud.world.faults.set("frs", HANG, stuck.project_id)
            await asyncio.sleep(1800)
            shown = polls.shown()
            assert shown[UP % "k0"] == 0
            for name in names[1:]:
                assert shown[UP % name] == 1
                assert 29 <= shown[f'frs_polls_total{{project="{name}",collector="subscription"}}'] <= 32

    run_virtual(main())


def test_a_project_that_freezes_says_so_and_keeps_its_subscription_as_last_told() -> None:
    async def main() -> None:
        async with polled(account("ak_sk", "k1")) as (cloud, polls):
            await asyncio.sleep(1)
            assert polls.shown()['frs_service_frozen{project="k1"}'] == 0
            cloud.world.accounts[0].projects[0].frozen = True
            await asyncio.sleep(100)
            shown = polls.shown()
            assert shown['frs_service_frozen{project="k1"}'] == 1
            assert shown['frs_subscribed{project="k1",subservice="search"}'] == 1
            assert shown[UP % "k1"] == 0
            await asyncio.sleep(3600)
            later = polls.shown()
            assert later['frs_service_frozen{project="k1"}'] == 1
            assert 'frs_subscribed{project="k1",subservice="search"}' not in later
            cloud.world.faults.set("frs", Fault(status=503, body="{}"))
            await asyncio.sleep(310)
            assert polls.shown()['frs_service_frozen{project="k1"}'] == 1
            await asyncio.sleep(480)
            assert 'frs_service_frozen{project="k1"}' not in polls.shown()

    run_virtual(main())


def test_a_project_with_nothing_subscribed_is_up_and_shows_zeros() -> None:
    async def main() -> None:
        owner = Account("a", "ak_sk", [Project("p", "cn-north-1", dict(SCREENSHOT))])
        async with polled(owner) as (_, polls):
            await asyncio.sleep(1)
            owner.projects[0].answer = None
            await asyncio.sleep(90)
            shown = polls.shown()
            assert shown[UP % "p"] == 1
            assert shown['frs_subscribed{project="p",subservice="face_quality"}'] == 0
            assert shown['frs_subscribed{project="p",subservice="detect"}'] == 0
            assert not any(name.startswith(("frs_max_face_set_number", "frs_subscription_create")) for name in shown)

    run_virtual(main())


def test_retry_after_is_kept() -> None:
    """A throttled job asks again no sooner than it was told to."""

    async def main() -> None:
        async with polled(account("ak_sk", "k1")) as (cloud, polls):
            cloud.world.faults.set("frs", Fault(status=429, body="{}", headers={"Retry-After": "1000"}))
            await asyncio.sleep(999)
            assert polls.shown()['frs_polls_total{project="k1",collector="subscription"}'] == 1
            await asyncio.sleep(301)
            assert polls.shown()['frs_polls_total{project="k1",collector="subscription"}'] == 2

    run_virtual(main())


def test_a_bug_in_a_collector_is_reason_internal_and_the_job_goes_on() -> None:
    async def main() -> list[Any]:
        async def broken(*_: Any) -> Any:
            raise ZeroDivisionError("secret")

        async with CloudContext(account("ak_sk", "k1")) as cloud:
            page = Page(PAGE_FAMILIES)
            poller = Poller(
                cloud.client,
                page,
                {"subscription": Collector(Api.FRS, (), broken, lambda *_: ())},
                virtual_now,
                random.Random(1),
            )
            (target,) = cloud.targets()
            job = Job(target, "subscription")
            with structlog.testing.capture_logs() as logs:
                await poller.reconcile([job])
                await asyncio.sleep(200)
            state = poller.states[job.key]
            await poller.stop()
            assert state.failure is not None
            assert state.failure.message == "unexpected ZeroDivisionError; the log has the traceback"
            assert state.polls >= 2
            return logs

    logs = run_virtual(main())
    assert logs[0]["event"] == "unexpected error in a poll"
    assert logs[0]["exc_info"]


def test_only_changes_are_logged() -> None:
    async def main() -> list[Any]:
        async with CloudContext(account("ak_sk", "k1")) as cloud:
            with structlog.testing.capture_logs() as logs:
                polls = await Polled.started(cloud)
                await asyncio.sleep(600)
                cloud.world.faults.set("frs", Fault(status=503, body="{}"))
                await asyncio.sleep(1200)
                cloud.world.faults.set("frs", Fault(status=404, body='{"error_code": "APIG.0101"}'))
                await asyncio.sleep(1200)
                cloud.world.faults.set("frs", None)
                await asyncio.sleep(1200)
                await polls.poller.stop()
        return logs

    logs = run_virtual(main())
    logs = [entry for entry in logs if entry["log_level"] != "debug"]
    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("up", None),
        ("down", "server"),
        ("down", "absent"),
        ("up", None),
    ]
    assert logs[2]["code"] == "APIG.0101"
    assert len(logs[2]["request_id"]) == 32
    assert logs[3]["failed_polls"] > 2


def test_a_removed_project_is_gone_at_the_next_scrape() -> None:
    async def main() -> None:
        async with polled(account("token", "t1", "t2")) as (cloud, polls):
            await asyncio.sleep(1)
            cloud.world.accounts[0].projects[0].frozen = True
            await asyncio.sleep(100)
            assert any('project="t1"' in name for name in polls.shown())
            await polls.poller.reconcile(polls.jobs[1:])
            assert not any('project="t1"' in name for name in polls.shown())
            await asyncio.sleep(400)
            shown = polls.shown()
            assert not any('project="t1"' in name for name in shown)
            assert shown[UP % "t2"] == 1

    run_virtual(main())


def told(logs: list[Any], *fields: str) -> list[tuple[Any, ...]]:
    """Some fields of the log lines that are written by default."""
    return [tuple(entry.get(name) for name in fields) for entry in logs if entry["log_level"] != "debug"]


def test_gateways_that_mix_their_statuses_are_one_failure() -> None:
    async def main() -> list[Any]:
        async with polled(account("ak_sk", "k1")) as (cloud, _):
            with structlog.testing.capture_logs() as logs:
                for status in (502, 503, 504) * 5:
                    cloud.world.faults.set("frs", Fault(status=status))
                    await asyncio.sleep(300)
                cloud.world.faults.set("frs", Fault(status=500, code="FRS.0018"))
                await asyncio.sleep(600)
        return logs

    assert told(run_virtual(main()), "event", "reason", "code") == [
        ("down", "server", "502"),
        ("down", "server", "FRS.0018"),
    ]


def test_a_line_says_when_it_is_tried_again() -> None:
    async def main() -> None:
        async with polled(account("ak_sk", "k1")) as (cloud, polls):
            with structlog.testing.capture_logs() as logs:
                cloud.world.faults.set("frs", Fault(throttle=900))
                await asyncio.sleep(890)
            ((event, delay),) = told(logs, "event", "next_poll_seconds")
            assert (event, delay) == ("down", 900.0)
            assert polls.shown()['frs_polls_total{project="k1",collector="subscription"}'] == 1
            await asyncio.sleep(20)
            assert polls.shown()['frs_polls_total{project="k1",collector="subscription"}'] == 2

    run_virtual(main())


def test_what_an_answer_leaves_open_is_noted_once() -> None:
    async def main() -> list[Any]:
        owner = account("ak_sk", "k1")
        async with polled(owner) as (cloud, polls):
            with structlog.testing.capture_logs() as logs:
                answer = owner.projects[0].answer
                assert answer
                answer["Odd Name_service"] = {"subscribe_status": True}
                await asyncio.sleep(600)
                cloud.world.faults.set("frs", Fault(status=503))
                await asyncio.sleep(600)
                cloud.world.faults.set("frs", None)
                await asyncio.sleep(600)
            assert polls.shown()['frs_subservices_ignored{project="k1"}'] == 1
        return logs

    assert told(run_virtual(main()), "event", "note") == [
        ("note", "sub-services not shown, see frs_subservices_ignored: Odd Name_service"),
        ("up", None),
        ("down", None),
        ("up", None),
    ]


class Loaded(random.Random):
    """A die that breaks the first time."""

    broken = False

    def uniform(self, low: float, high: float) -> float:
        if not self.broken:
            self.broken = True
            raise ZeroDivisionError
        return super().uniform(low, high)


def test_a_bug_around_a_poll_does_not_end_the_job() -> None:
    async def main() -> list[Any]:
        async with CloudContext(account("ak_sk", "k1")) as cloud:
            with structlog.testing.capture_logs() as logs:
                polls = await Polled.started(cloud, rng=Loaded(7))
                await asyncio.sleep(1)
            await asyncio.sleep(600)
            assert polls.shown()['frs_polls_total{project="k1",collector="subscription"}'] >= 9
            await polls.poller.stop()
        return logs

    ((event, exc_info),) = told(run_virtual(main()), "event", "exc_info")
    assert (event, bool(exc_info)) == ("unexpected error around a poll", True)


def test_what_cannot_be_rendered_is_reason_internal_and_the_job_goes_on() -> None:
    """As a sample would be without all of its labels."""
    subscription, broken = COLLECTORS["subscription"], False

    async def collect(client: ApiClient, target: Target, memory: Any) -> CollectResult:
        result = await subscription.collect(client, target, memory)
        return replace(result, samples=(Sample(SUBSCRIBED, (), 1.0),)) if broken else result

    async def main() -> None:
        nonlocal broken
        async with CloudContext(account("ak_sk", "k1")) as cloud:
            collector = replace(subscription, collect=collect, repeatable=False)
            polls = await Polled.started(cloud, collectors={"subscription": collector})
            await asyncio.sleep(1)
            broken = True
            await asyncio.sleep(100)
            shown = polls.shown()
            assert shown['frs_poll_error_info{project="k1",collector="subscription",reason="internal",code=""}'] == 1
            assert shown['frs_subscribed{project="k1",subservice="search"}'] == 1, "as last told"
            broken = False
            await asyncio.sleep(300)
            assert polls.shown()[UP % "k1"] == 1
            await polls.poller.stop()

    run_virtual(main())


def test_refused_credentials_show_no_secret_in_log_or_page() -> None:
    """Though the gateway echoes the access key and the canonical request."""

    async def main() -> None:
        user, key = account("token", "t1"), account("ak_sk", "k1")
        async with CloudContext(user, key) as cloud:
            sent = [user.password, key.secret_key, key.access_key]
            with structlog.testing.capture_logs() as logs:
                polls = await Polled.started(cloud)
                user.password, key.secret_key = "rotated", "rotated"
                await asyncio.sleep(1)
                key.access_key = "ROTATED"
                await asyncio.sleep(600)
            await polls.poller.stop()
            assert {entry.get("reason") for entry in logs if entry["event"] == "down"} == {"auth"}
            errors = [polls.poller.states[job.key].failure for job in polls.jobs]
            messages = " ".join(entry.get("message", "") for entry in logs)
            assert "The username or password is wrong." in messages
            assert "verify aksk signature fail" in messages
            assert "ak not exist" in str(errors[1])
            shown = f"{logs} {errors} {polls.shown()}"
            assert not [secret for secret in sent if secret in shown]

    run_virtual(main())


OWNER = account("ak_sk", "a")
BASE = target_of(OWNER, OWNER.projects[0], "http://127.0.0.1:9")


class NoClient:
    """A cloud that knows nothing."""

    def token_expiry(self, _: Target) -> None:
        return None


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([30.0, 60.0])), max_size=5), max_size=6))
def test_after_any_sequence_of_reconciles_the_jobs_are_those_wanted(rounds: list[list[tuple[str, float]]]) -> None:
    async def main() -> None:
        page = Page(PAGE_FAMILIES)
        poller = Poller(NoClient(), page, {}, virtual_now, random.Random(1))  # type: ignore[arg-type]
        for wanted in rounds:
            names = dict(wanted)
            await poller.reconcile([named(name, interval) for name, interval in names.items()])
            await asyncio.sleep(0)
            assert set(poller.states) == {(name, "subscription") for name in names}
            text = b"".join(page.blocks(TEXT, 0)).decode()
            assert text.count("frs_up{") == text.count("frs_project_info{") == len(names)
        await poller.stop()

    def named(name: str, interval: float) -> Job:
        return Job(replace(BASE, project=name, poll_interval=interval), "subscription")

    run_virtual(main())
