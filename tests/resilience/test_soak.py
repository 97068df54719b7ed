"""Seven days of virtual time, 60 projects, three accounts, random faults: what must hold holds at every step."""

import asyncio
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog

from frs_exporter.collectors import COLLECTORS, ApiClient
from frs_exporter.collectors.subscription import BY_SUBSCRIBE, FROZEN, MAX_FACE_SETS, SUBSCRIBED
from frs_exporter.core.errors import ApiError, Reason, Unchanged
from frs_exporter.core.model import Api, CollectResult, Limit, Sample, Target
from frs_simulator import Account, Project
from frs_simulator.demo import subscribed
from frs_simulator.faults import HANG, Fault
from frs_simulator.world import Visit
from tests.conftest import Cloud, CloudContext, loop_time, run_virtual, secrets_of, virtual_now
from tests.polling.test_poller import Polled

HOUR = 3600.0
DAY = 24 * HOUR
DAYS = 7
INTERVAL, STALE_AFTER = 3 * HOUR, 10 * HOUR
LIMITS = {Api.FRS: Limit(5, 5), Api.IAM: Limit(2, 2), Api.CES: Limit(5, 5)}
SEED = 20261122
SUBSCRIPTION = COLLECTORS["subscription"]

FAULTS = [
    *(HANG, Fault(reset=True), Fault(garbage=True), Fault(truncate=True), Fault(drip=0.5), Fault(delay=4.0)),
    *(Fault(status=503, body="<p>busy</p>"), Fault(status=502), Fault(code="FRS.0018"), Fault(body="{}")),
    *(Fault(throttle=600), Fault(status=429, code="APIGW.0308"), Fault(status=404, code="APIGW.0101")),
    *(Fault(status=403, code="FRS.0002"), Fault(status=403, code="APIGW.0302"), Fault(body="<html>", status=200)),
]
LOGIN_FAULTS = [HANG, Fault(reset=True), Fault(status=503), Fault(status=429, code="IAM.0012"), Fault(delay=3.0)]


@dataclass
class Truth:
    """What a project's subscription was, and from when on."""

    history: list[tuple[float, frozenset[tuple[str, float]], float | None]] = field(default_factory=list)

    def note(self, project: Project) -> None:
        """Remember what is true from now on: sub-services and the limit, or that the project is frozen."""
        answer = project.answer or {}
        facts = {
            (k[: -len("_service")], float(v["subscribe_status"])) for k, v in answer.items() if k.endswith("_service")
        }
        limit = answer.get("max_face_set_number")
        self.history.append((loop_time(), frozenset({("frozen", 1.0)} if project.frozen else facts), limit))

    def during(self, start: float, end: float) -> list[tuple[frozenset[tuple[str, float]], float | None]]:
        """All that was true at some moment between the two."""
        later = [at for at, _, _ in self.history[1:]] + [math.inf]
        return [
            (facts, limit)
            for (at, facts, limit), until in zip(self.history, later, strict=True)
            if at <= end and until >= start
        ]


class Soak:
    """The cloud, the exporter's polls, and what is checked."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.world = cloud.world
        self.rng = random.Random(SEED)
        self.visits = self.world.watched()
        self.truth: defaultdict[str, Truth] = defaultdict(Truth)
        self.proven_at: defaultdict[str, list[float]] = defaultdict(list)
        self.died_at: defaultdict[str, list[float]] = defaultdict(list)
        self.struck: Counter[str] = Counter()
        self.secrets = secrets_of(self.world)
        collectors = {"subscription": replace(SUBSCRIPTION, collect=self.collect)}
        self.polls = Polled(cloud, collectors=collectors, poll_interval=INTERVAL, stale_after=STALE_AFTER)
        for _, project in self.world.projects():
            self.truth[project.name].note(project)

    async def collect(self, client: ApiClient, target: Target, memory: Any) -> CollectResult:
        """Ask, and check that the answer was true while it was asked for."""
        start, truth = loop_time(), self.truth[target.project]
        try:
            result = await SUBSCRIPTION.collect(client, target, memory)
        except Unchanged:
            self.check(self.polls.poller.states[target.project, "subscription"].samples, target.project, start)
            raise
        except ApiError as error:
            if error.failure.reason is Reason.FROZEN:
                proven = SUBSCRIPTION.proven_samples(target, error.failure)
                assert [sample.value for sample in proven if sample.family is FROZEN] == [1]
                assert any(("frozen", 1.0) in facts for facts, _ in truth.during(start, loop_time()))
                self.proven_at[target.project].append(start)
            raise
        self.check(result.samples, target.project, start)
        return result

    def check(self, samples: tuple[Sample, ...], project: str, start: float) -> None:
        """Samples that were told, or told again, since `start` were true meanwhile."""
        true = [it for it in self.truth[project].during(start, loop_time()) if ("frozen", 1.0) not in it[0]]
        told, limit = shown(samples)
        if BY_SUBSCRIBE in samples:
            assert (told, limit) in true
        else:  # the list of face sets tells of search alone
            assert any(told <= facts or told == {("search", 0.0)} for facts, _ in true)
        self.proven_at[project].append(start)

    def look(self) -> None:
        """Check the page and the tasks as they are now."""
        page, states = self.polls.shown(), self.polls.poller.states
        assert not any(Reason.INTERNAL in state.errors for state in states.values()), "what was collected was true"
        for job in self.polls.jobs:
            project, state = job.target.project, states[job.key]
            assert page[f'frs_up{{project="{project}",collector="subscription"}}'] == state.up
            fresh = state.last_success is not None and virtual_now() - state.last_success < STALE_AFTER
            for sample in state.samples:
                pairs = ",".join(f"{label}={value!r}" for label, value in labels(project, sample))
                assert page.get(f"{sample.family.name}{{{pairs}}}".replace("'", '"')) == (
                    sample.value if fresh else None
                )
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("poll ")]
        assert len(tasks) == sum(runner.task is not None for runner in self.polls.poller.runners.values())
        assert sum(lock.times for lock in self.world.locks.values()) == 0

    async def trouble(self, until: float) -> None:
        """Let one thing after the other go wrong, each for a while, many at the same time."""
        kinds = [self.fault] * 8 + [self.login_fault] * 2 + [self.change] * 12
        kinds += [self.deaths] * 2 + [self.clock, self.secret, self.stranger]
        running: set[asyncio.Task[None]] = set()
        while loop_time() < until:
            kind = self.rng.choice(kinds)
            self.struck[kind.__name__] += 1
            task = asyncio.create_task(kind(self.rng.uniform(60, 3 * HOUR)))
            running.add(task)
            task.add_done_callback(running.discard)
            await asyncio.sleep(self.rng.uniform(60, HOUR))
        await asyncio.gather(*running)

    async def fault(self, seconds: float) -> None:
        """A fault of FRS, of one project or of all."""
        where = self.rng.choice([project.id for _, project in self.world.projects()] + [""] * 20)
        await self.strike("frs", self.rng.choice(FAULTS), where, seconds)

    async def login_fault(self, seconds: float) -> None:
        """A fault of IAM."""
        await self.strike("iam", self.rng.choice(LOGIN_FAULTS), "", seconds)

    async def strike(self, api: str, fault: Fault, project_id: str, seconds: float) -> None:
        self.world.faults.set(api, fault, project_id)
        await asyncio.sleep(seconds)
        if self.world.faults.of(api, project_id) is fault:
            self.world.faults.set(api, None, project_id)

    async def change(self, _: float) -> None:
        """A subscription changes, or a project freezes or thaws."""
        project = self.rng.choice([project for _, project in self.world.projects()])
        off = tuple(self.rng.sample(("detect", "compare", "search", "live_detect"), self.rng.randint(0, 4)))
        project.answer = {**subscribed("2024-01-01 00:00:00", off=off), "max_face_set_number": self.rng.randint(1, 50)}
        project.frozen = self.rng.random() < 0.2
        self.truth[project.name].note(project)

    async def deaths(self, _: float) -> None:
        """Tokens die early: those of one project, or of an account."""
        owner = self.rng.choice(self.world.accounts)
        projects = owner.projects if self.rng.random() < 0.2 else [self.rng.choice(owner.projects)]
        ids = {project.id for project in projects}
        self.world.outdated |= {
            value for value, token in self.world.tokens.items() if getattr(token.project, "id", "") in ids
        }
        for project in projects:
            self.died_at[project.name].append(loop_time())

    async def clock(self, seconds: float) -> None:
        """The two clocks drift apart, sometimes too far."""
        self.world.clock_offset = self.rng.uniform(-1500, 1500)
        await asyncio.sleep(seconds)
        self.world.clock_offset = 0.0

    async def secret(self, seconds: float) -> None:
        """Somebody changes an account's secrets, and later puts them back."""
        account = self.rng.choice(self.world.accounts)
        if account.password == "changed":
            return
        right = account.password, account.secret_key
        account.password = account.secret_key = "changed"
        await asyncio.sleep(seconds)
        account.password, account.secret_key = right

    async def stranger(self, _: float) -> None:
        """Somebody else locks an account."""
        self.world.lock(self.rng.choice(self.world.accounts))


def labels(project: str, sample: Sample) -> list[tuple[str, str]]:
    return list(zip(sample.family.labels, (project, *sample.labels), strict=True))


def shown(samples: tuple[Sample, ...]) -> tuple[frozenset[tuple[str, float]], float | None]:
    """What samples say, in the words of the truth."""
    facts = frozenset((s.labels[0], float(s.value)) for s in samples if s.family is SUBSCRIBED)
    return facts, next((s.value for s in samples if s.family is MAX_FACE_SETS), None)


def peak(visits: list[Visit], belongs: Callable[[Visit], bool]) -> int:
    """The most requests within any one second."""
    times = [visit.time for visit in visits if belongs(visit)]
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def fewest_tokens(soak: Soak, owner: Account) -> int:
    """How many tokens those polls needed that FRS itself answered: one at each that finds none alive."""
    bought = 0
    for project in owner.projects:
        ends = -math.inf
        deaths = soak.died_at[project.name]
        for at in soak.proven_at[project.name]:
            if at >= ends:
                bought += 1
                ends = min(at + DAY, *(death for death in deaths if death > at), math.inf)
    return bought


def project_names(prefix: str, count: int) -> list[Project]:
    return [Project(f"{prefix}{n}", "cn-north-4", subscribed("2024-01-01 00:00:00")) for n in range(count)]


def test_a_week_of_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> dict[str, Any]:
        accounts = [
            Account("acme", "token", project_names("a", 20)),
            Account("globex", "ak_sk", project_names("g", 20)),
            Account("initech", "token", project_names("i", 20)),
        ]
        async with CloudContext(*accounts, limits=LIMITS) as cloud:
            soak = Soak(cloud)
            await soak.polls.poller.reconcile(soak.polls.jobs)
            trouble = asyncio.create_task(soak.trouble(DAYS * DAY - 18 * HOUR))
            while loop_time() < DAYS * DAY:
                await asyncio.sleep(1200)
                soak.look()
            await trouble
            states = soak.polls.poller.states.values()
            frozen = sum(project.frozen for _, project in cloud.world.projects())
            assert sum(not state.up for state in states) == frozen, "after hours of peace all is known again"
            await soak.polls.poller.stop()
            page = f"{soak.polls.shown()} {[str(state.failure) for state in states]} {logs}"
            assert not [secret[:20] for secret in soak.secrets | secrets_of(cloud.world) if secret in page]
            return figures(soak)

    started = time.perf_counter()
    with structlog.testing.capture_logs() as logs:
        told = run_virtual(main())
    took = time.perf_counter() - started
    lines = Counter(entry["event"] for entry in logs if entry["log_level"] != "debug")
    with capsys.disabled():
        print(
            "\n"
            + "\n".join(
                f"  {name}: {value}" for name, value in {**told, "log": dict(lines), "seconds": round(took, 1)}.items()
            )
        )


def figures(soak: Soak) -> dict[str, Any]:
    """What happened, with the last checks: rates within the gates, hardly a token too many."""
    world, told = soak.world, dict[str, Any]()
    for owner in world.accounts:
        ids = set(owner.by_id)
        for api in ("frs", "iam"):
            most = peak(soak.visits, lambda visit, api=api, ids=ids: visit.api == api and visit.project_id in ids)  # type: ignore[misc]
            assert most <= LIMITS[Api(api)].rate + 1
            told[f"most requests of {owner.domain_name} to {api} in one second"] = most
        if owner.kind == "token":
            logins = sum(visit.api == "iam" and not visit.struck and visit.project_id in ids for visit in soak.visits)
            # Logins with a wrong password bring none; how many there may be is for the locks, which are looked at, too.
            bought = sum(token.project is not None and token.project.id in ids for token in world.tokens.values())
            fewest = fewest_tokens(soak, owner)
            told[f"tokens of {owner.domain_name}"] = f"{bought}, fewest possible {fewest}; {logins - bought} refused"
            assert bought <= 1.1 * fewest
    states = soak.polls.poller.states.values()
    reasons = sum((Counter(state.errors) for state in states), Counter[Reason]())
    return {
        "polls": sum(state.polls for state in states),
        "failed": sum(state.failures for state in states),
        "by reason": {str(reason): count for reason, count in reasons.most_common()},
        "requests": len(soak.visits),
        "trouble": dict(soak.struck),
        **told,
    }
