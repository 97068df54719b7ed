"""`make bench`: what a scrape costs, beside prometheus_client's generate_latest over the same samples in the same run.

Prints CPU milliseconds per scrape, medians; exits with 1 when one with gzip is not 30 times cheaper at 10,000.
"""

import gzip
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from statistics import median

from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from pydantic import SecretStr

from frs_exporter.collectors.subscription import parse
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.model import Api, Display, Job, JobState, Sample, Target
from frs_exporter.exposition.coding import GZIP, IDENTITY
from frs_exporter.exposition.page import TEXT, Page
from frs_exporter.exposition.render import job_samples, lines, render_job, render_target
from frs_exporter.polling.exporter import PAGE_FAMILIES
from tests.exposition.coding import coded

GOAL = 30.0
AT = 10_000

Answers = list[tuple[Job, JobState]]


def answers(projects: int) -> Answers:
    """Polled jobs, each up with four sub-services: 20 samples a project."""
    draw = random.Random(1)
    credential = KeyCredential("ops-keys", "AK", SecretStr("sk"))
    made = []
    for number in range(projects):
        target = Target(
            project=f"project-{number:05}",
            project_id=f"{draw.getrandbits(128):032x}",
            region="cn-north-4",
            credential=credential,
            endpoints=dict.fromkeys(Api, "https://face.cn-north-4.myhuaweicloud.com"),
            display=Display(require=("detect",)),
        )
        services = {
            f"{name}_service": {"subscribe_status": draw.random() < 0.9, "create_time": "2024-09-03 08:16:48"}
            for name in ("detect", "compare", "search", "live_detect")
        }
        samples = parse({"max_face_set_number": 10, **services}, target)
        at = 1_800_000_000 + 60 * draw.random()
        state = JobState(polls=draw.randrange(10_000)).succeeded(at, draw.random(), samples, at + 180)
        made.append((Job(target, "subscription"), state))
    return made


def joined(made: Answers) -> Page:
    """The page as the exporter keeps it."""
    page = Page(PAGE_FAMILIES)
    for job, state in made:
        page.put(job.target.project, render_target(job.target, None))
        page.put(job.key, render_job(job, state))
        page.put((*job.key, "samples"), lines(job.target.project, state.samples))
    return page


class Collected(Collector):
    """The same samples as prometheus_client's own objects, built anew for each scrape as a custom collector does."""

    def __init__(self, made: Answers) -> None:
        self._samples: dict[str, list[Sample]] = {}
        for job, state in made:
            for sample in (*job_samples(job, state), *state.samples):
                labels = (job.target.project, *sample.labels)
                self._samples.setdefault(sample.family.name, []).append(sample._replace(labels=labels))
        self._targets = [job.target for job, _ in made]

    def collect(self) -> Iterable[Metric]:
        """All families."""
        labels = ("project", "project_id", "region", "credential", "auth")
        info = GaugeMetricFamily("frs_project_info", "What the config says.", labels=labels)
        required = GaugeMetricFamily("frs_subservice_required", "Must be on.", labels=("project", "subservice"))
        for target in self._targets:
            info.add_metric((target.project, target.project_id, target.region, "ops-keys", "ak_sk"), 1)
            required.add_metric((target.project, "detect"), 1)
        yield info
        yield required
        for name, samples in self._samples.items():
            family = samples[0].family
            kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
            metric = kind(name, family.help, labels=family.labels)
            for sample in samples:
                metric.add_metric(sample.labels, sample.value)
            yield metric


def cpu_ms(work: Callable[[], object], repeats: int) -> float:
    """Median CPU milliseconds of one call."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(1000 * (time.process_time() - started))
    return median(times)


def consume(blocks: Iterable[bytes]) -> int:
    """Read blocks as a socket would: one after the other, none kept."""
    return sum(map(len, blocks))


def scraped(page: Page, job: Job, state: JobState) -> Iterator[bytes]:
    """A gzipped page after a poll: one has as much packed anew as thousands have, all families that it changes."""
    page.put(job.key, render_job(job, state.confirmed(random.random(), random.random(), 0)))
    return coded(page.parts(TEXT, 0), GZIP)


def measure(projects: int, repeats: int) -> float:
    """Print one row; returns how many times cheaper the join is, both with gzip."""
    made = answers(projects)
    page, registry = joined(made), CollectorRegistry()
    registry.register(Collected(made))
    plain_size = consume(page.blocks(TEXT, 0))
    assert samples(b"".join(page.blocks(TEXT, 0))) == samples(generate_latest(registry))
    plain = cpu_ms(lambda: consume(coded(page.blocks(TEXT, 0), IDENTITY)), repeats)
    polls = itertools.cycle(made)
    zipped = cpu_ms(lambda: consume(scraped(page, *next(polls))), repeats)
    theirs = cpu_ms(lambda: generate_latest(registry), max(3, repeats // 10))
    theirs_zipped = cpu_ms(lambda: gzip.compress(generate_latest(registry), 1), max(3, repeats // 10))
    longest = max(block_ms(page, *next(polls)))
    print(
        f"{projects:>9,}{plain_size / 1e6:>9.2f}{plain:>11.2f}{zipped:>11.2f}{longest:>11.2f}"
        f"{theirs:>12.1f}{theirs_zipped:>12.1f}{theirs / plain:>9.0f}{theirs_zipped / zipped:>9.0f}"
    )
    return theirs_zipped / zipped


def samples(page: bytes) -> set[tuple[str, frozenset[tuple[str, str]], float]]:
    """What a page says, to compare two of them."""
    families = text_string_to_metric_families(page.decode())
    return {(sample.name, frozenset(sample.labels.items()), sample.value) for f in families for sample in f.samples}


def block_ms(page: Page, job: Job, state: JobState) -> list[float]:
    """Milliseconds of each stretch between two writes of a gzipped page, in which nothing else of the loop runs."""
    times, started = [], time.perf_counter()
    for _ in scraped(page, job, state):
        times.append(1000 * (time.perf_counter() - started))
        started = time.perf_counter()
    return times


def main(sizes: Iterable[int] = (10, 1000, AT)) -> bool:
    """Print the table; whether the goal is met."""
    print("CPU ms per scrape (median)     frs_exporter: joined bytes         prometheus_client        times cheaper")
    heads = ("projects", "MB", "plain", "gzip", "longest*", "plain", "gzip 1", "plain", "gzip")
    print("".join(f"{head:>{width}}" for head, width in zip(heads, (9, 9, 11, 11, 11, 12, 12, 9, 9), strict=True)))
    ratios = {size: measure(size, max(5, min(200, 200_000 // size))) for size in sizes}
    print("* the longest stretch of a gzipped scrape in which the event loop does nothing else, wall ms")
    if ratios.get(AT, GOAL) < GOAL:
        print(f"the join is less than {GOAL:g} times cheaper at {AT:,} projects", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
