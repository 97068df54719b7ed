"""What a config will cost the cloud, the machine and whoever scrapes, before it runs."""

import itertools
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.subscription import CREATED, DOCUMENTED, SUBSCRIBED
from frs_exporter.config.load import Config
from frs_exporter.core.model import CollectResult, Job, JobState, Sample
from frs_exporter.exposition.coding import pack
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.polling.capacity import Demand, demands
from frs_exporter.polling.exporter import PAGE_FAMILIES
from frs_exporter.polling.poller import SPREAD
from frs_exporter.polling.runner import show

REQUEST, SCRAPE = 0.0005, 0.001
"""Seconds of CPU of a request to the cloud, and of a gzipped scrape for each MB: `make bench`."""
PROCESS, PROJECT, JOB, TOKEN, TEXT_KEPT = 58.0, 2.2, 2.2, 9.6, 1.1
"""MiB of a process without projects, KiB of a project, of each of its jobs and of its token, bytes kept for each shown.

Of 1,000 and 10,000 projects with `subscription` alone `make bench` tells; of a collector more, or a token of 9,000
bytes instead of a key, it is the difference that simulated clouds of 750 and 1,500 projects made.
"""
SCRAPE_INTERVAL = 15.0
VICTORIA = 16 << 20
"""Bytes that VictoriaMetrics and vmagent read of a page unless they are told (-promscrape.maxScrapeSize)."""
BUSY = 50.0
"""Percent of a core that a shard is to take at most, so that a scrape never waits for polls."""
USUAL = {
    "subservice": DOCUMENTED,
    "face_set": tuple(f"face-set-{number}" for number in range(5)),
    "api": ("DetectFace", "CompareFace", "SearchFaceByFile", "AddFacesByFile"),
    "class": ("4xx", "5xx"),
}
"""What a project that is used has, by label."""
STEADY = {SUBSCRIBED.name: 1.0, CREATED.name: 1_700_000_000.0}
LOOKED_AT = 500
"""Projects whose lines are made, to know how large the page will be; drawn, as every so-many-th may be of a kind."""
NOW = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What all exporters of a config have together, if each project has what is usual.

    Of it a shard has its part, but of `process`, which each has: MiB before the first project. `cpu` is the percent of
    a core, with a gzipped scrape each 15 s; `memory` in MiB, `page` and `zipped` in bytes. `first_round` is in seconds,
    until each job was asked once. `logins` are those of a day.
    """

    projects: int
    jobs: int
    demands: tuple[Demand, ...]
    first_round: float
    logins: int
    series: int
    page: int
    zipped: int
    cpu: float
    memory: float
    process: float = PROCESS

    @property
    def shards(self) -> int:
        """How many exporters to share the projects among."""
        return max(1, math.ceil(self.cpu / BUSY), math.ceil(self.page / VICTORIA))


def forecast(config: Config) -> Forecast:
    """Of the projects that a config names; those that discovery will find are not known."""
    jobs = config.jobs
    asked = tuple(demands(jobs, config.limits))
    drawn = random.Random(1).sample(config.targets, min(LOOKED_AT, len(config.targets)))
    text, series = page_of(replace(config, targets=tuple(drawn)).jobs)
    scale = len(config.targets) / max(1, len(drawn))
    size = round(scale * len(text))
    tokens = len({target.project for target in config.targets if target.credential.kind == "token"})
    requests = sum(min(demand.wanted, demand.allowed) for demand in asked)
    return Forecast(
        projects=len(config.targets),
        jobs=len(jobs),
        demands=asked,
        first_round=max([min(SPREAD * len(jobs), longest(jobs)), *map(first_round, asked)], default=0.0),
        logins=tokens,
        series=round(scale * series),
        page=size,
        zipped=round(scale * len(pack(text).data)),
        cpu=100 * (REQUEST * requests + SCRAPE * size / 1e6 / SCRAPE_INTERVAL),
        memory=(PROJECT * len(config.targets) + JOB * len(jobs) + TOKEN * tokens + TEXT_KEPT * size / 1024) / 1024,
    )


def longest(jobs: Iterable[Job]) -> float:
    """The longest interval in seconds."""
    return max((job.target.poll_interval for job in jobs), default=0.0)


def first_round(demand: Demand) -> float:
    """Seconds in which a gate lets all its jobs ask once."""
    return len(demand.jobs) * demand.per_poll / demand.allowed


def page_of(jobs: Sequence[Job]) -> tuple[bytes, int]:
    """The page of some jobs that have told what is usual, and how many series it has."""
    page, numbers = Page(PAGE_FAMILIES), random.Random(1)
    for job in jobs:
        known = JobState(polls=numbers.randrange(100_000))
        at, duration = NOW + 60 * numbers.random(), numbers.random()
        show(page, job, known.succeeded(at, duration, CollectResult(usual(job, numbers)), math.inf), None)
    text = b"".join(page.blocks(TEXT, NOW))
    return text, sum(not line.startswith(b"#") for line in text.splitlines())


def usual(job: Job, numbers: random.Random) -> tuple[Sample, ...]:
    """What a job usually tells; that a service is on, and since when, is the same of many, and most else is not."""
    return tuple(
        Sample(family, labels, STEADY.get(family.name, float(numbers.randrange(10_000))))
        for family in COLLECTORS[job.collector].families
        for labels in itertools.product(*(USUAL[label] for label in family.labels if label != "project"))
    )
