"""What a config will cost the cloud, the machine and whoever scrapes, before it runs."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.subscription import CREATED, DOCUMENTED, PROBE_USELESS, PROBES_SENT, SUBSCRIBED
from frs_exporter.config.load import Config
from frs_exporter.core.model import Api, CollectResult, Job, JobState, Sample, Target
from frs_exporter.exposition.coding import pack
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.polling.capacity import Demand, demands
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.polling.poller import SPREAD
from frs_exporter.polling.runner import show

REQUEST_SECONDS, SCRAPE_SECONDS = 0.0005, 0.001
"""Of CPU, of a poll whose answer is that of before, and of a gzipped scrape for each MB: `make bench`."""
PROCESS_MIB, TEXT_BYTES = 58.5, 1.1
"""What a process takes without projects, and each byte of the page: `make bench`."""
PROJECT_KIB = 1.0
JOB_KIB = {"subscription": 3.6, "face_sets": 5.3, "cloud_eye": 21.0, "billing": 19.0, "vouchers": 3.4}
"""What a project takes, and a job by its collector: with the subscription alone by `make bench`, of the others by what
they add in `python -m tests.benchmarks.memory`. That of Cloud Eye, whose minutes are remembered as long as they may
come late, was 11 to 19 in clouds of 1,000 to 4,000 projects: rather too much is planned for it. Of an account with five
packages `billing` takes 18.5 with its credential, and `vouchers` 2.4 more. Each takes 1.0 more for
its day of history with its last exchanges, and 0.9 for each figure that changes all the time (`status.history`)."""
TOKEN_KIB = 9.6
"""What a token takes, of 9,000 bytes."""
LOADING_KIB = 6.0
"""What a project takes more once a changed config was loaded, beside the one in use: `make bench`. It stays so."""
SCRAPE_INTERVAL = 15.0
DAY = 86400.0
VICTORIA = 16 << 20
"""Bytes of a page that VictoriaMetrics and vmagent refuse unless they are told (-promscrape.maxScrapeSize)."""
FILL = 0.8
"""How much of that a page is to have at most: shards are not equal, and a failed poll has two lines more."""
BUSY = 50.0
"""Percent of a core that a shard is to take at most, so that a scrape seldom waits for polls."""
USUAL = {
    "subservice": DOCUMENTED,
    "source": ("subscribe",),
    "face_set": tuple(f"face-set-{number}" for number in range(5)),
    "api": ("DetectFace", "CompareFace", "SearchFaceByFile", "AddFacesByFile"),
    "class": ("4xx", "5xx"),
    "account_type": ("balance", "bonus"),
    "currency": ("CNY",),
    "package": ("01142-1000000-0", "01142-1000001-0"),
    "resource": ("calls",),
    "unit": ("times",),
    "name": ("face-compare-100000",),
    "region": ("cn-north-4",),
    "service_type": ("hws.service.type.frs",),
    "enterprise_project": ("0",),
    "voucher": ("CP0000000001",),
    "kind": ("coupon",),
}
"""What a project, or an account, that is used has, by label."""
UNUSUAL = (PROBES_SENT, PROBE_USELESS)
"""What is told only where `subscribe` is absent."""
STEADY = {SUBSCRIBED.name: 1.0, CREATED.name: 1_700_000_000.0}
LOOKED_AT, RUNS = 500, 10
"""Projects whose lines are made, to know how large the page will be: runs of neighbours, which look alike, as packing
knows, from ten places, as those of one place may be of a kind."""
NOW = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What all exporters of a config have together, if each project has what is usual.

    A shard has its part of it, and PROCESS_MIB of its own. `cpu` is the percent of a core, with a gzipped scrape each
    15 s; `memory` is that of all projects in MiB, and `loading` so much more once it was loaded again; `page`
    and `zipped` are in bytes, the exporter's own metrics with them. `requests` are those of a minute, `logins` of a
    day, as are `probes`, if `subscribe` is absent everywhere. `first_round` is in seconds, until each job was asked
    once, `age` how old answers get.
    """

    projects: int
    accounts: int
    jobs: int
    demands: tuple[Demand, ...]
    requests: float
    first_round: float
    age: float
    logins: int
    probes: int
    series: int
    page: int
    zipped: int
    cpu: float
    memory: float
    loading: float

    @property
    def shards(self) -> int:
        """How many exporters to share the projects among."""
        return max(1, math.ceil(self.cpu / BUSY))

    @property
    def shards_for_victoria(self) -> int:
        """How many where VictoriaMetrics or vmagent scrapes them as they are."""
        return max(self.shards, math.ceil(self.page / (FILL * VICTORIA)))

    def memory_of(self, shards: int) -> float:
        """MiB of each of so many exporters."""
        return PROCESS_MIB + self.memory / shards


def forecast(config: Config) -> Forecast:
    """Of the projects that a config names; those that discovery will find are not known."""
    jobs = config.jobs
    asked = tuple(demands(jobs, config.limits))
    some = sampled(config.targets)
    text, series = page_of(replace(config, targets=tuple(some)).jobs)
    own = b"".join(Telemetry().blocks(TEXT))
    scale = len(config.targets) / max(1, len(some))
    size = round(scale * len(text)) + len(own)
    tokens = Counter(target.credential.name for target in config.targets if target.credential.kind == "token")
    requests = sum(min(demand.wanted, demand.allowed) for demand in asked)
    rounds = [min(SPREAD * len(jobs), longest(jobs)), *map(first_round, asked)]
    # A user logs in once without a project, to prove the password, and then for each project.
    rounds += [(count + 1) / config.limits[Api.IAM].rate for count in tokens.values()]
    return Forecast(
        projects=sum(target.account is None for target in config.targets),
        accounts=sum(target.account is not None for target in config.targets),
        jobs=len(jobs),
        demands=asked,
        requests=60 * requests,
        first_round=max(rounds),
        age=max([longest(jobs), *(demand.interval for demand in asked)]),
        logins=tokens.total() + len(tokens),
        probes=round(sum(map(probes, jobs))),
        series=round(scale * series) + samples_in(own),
        page=size,
        zipped=round(scale * len(pack(text).data)) + len(pack(own).data),
        cpu=100 * (REQUEST_SECONDS * requests + SCRAPE_SECONDS * size / 1e6 / SCRAPE_INTERVAL),
        memory=(
            PROJECT_KIB * len(config.targets)
            + sum(JOB_KIB[job.collector] for job in jobs)
            + TOKEN_KIB * tokens.total()
            + TEXT_BYTES * size / 1024
        )
        / 1024,
        loading=LOADING_KIB * len(config.targets) / 1024,
    )


def sampled(targets: Sequence[Target]) -> list[Target]:
    """Some projects that stand for all."""
    if len(targets) <= LOOKED_AT:
        return list(targets)
    count, step = LOOKED_AT // RUNS, len(targets) / RUNS
    starts = [int(number * step) for number in range(RUNS)]
    return [target for start in starts for target in targets[start : start + count]]


def probes(job: Job) -> float:
    """How many probes a job may send a day: those of a project are sent with its subscription."""
    return len(job.target.probes) * DAY / job.target.probe_interval if job.collector == "subscription" else 0.0


def longest(jobs: Iterable[Job]) -> float:
    """The longest interval in seconds."""
    return max((job.target.poll_interval for job in jobs), default=0.0)


def first_round(demand: Demand) -> float:
    """Seconds in which a gate lets all its jobs ask once."""
    return len(demand.jobs) * demand.per_poll / demand.allowed


def page_of(jobs: Sequence[Job]) -> tuple[bytes, int]:
    """The page of some jobs that have told what is usual, and how many series it has."""
    page, numbers = Page(PAGE_FAMILIES), random.Random(1)  # noqa: S311
    for job in jobs:
        known = JobState(polls=numbers.randrange(100_000))
        at, duration = NOW + 60 * numbers.random(), numbers.random()
        show(page, job, known.succeeded(at, duration, CollectResult(usual(job, numbers)), math.inf), None)
    text = b"".join(page.blocks(TEXT, NOW))
    return text, samples_in(text)


def samples_in(text: bytes) -> int:
    """How many samples a page has."""
    return sum(not line.startswith(b"#") for line in text.splitlines())


def usual(job: Job, numbers: random.Random) -> tuple[Sample, ...]:
    """What a job usually tells; that a service is on, and since when, is the same of many, and most else is not."""
    return tuple(
        Sample(family, labels, STEADY.get(family.name, float(numbers.randrange(10_000))))
        for family in COLLECTORS[job.collector].families
        if family not in UNUSUAL
        for labels in itertools.product(*(USUAL[label] for label in family.labels[1:]))
    )
