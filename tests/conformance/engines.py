"""Engines that scrape an exporter, and what they have stored of each scrape."""

import json
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.e2e.conftest import Programs, ask, fetch, free_port, tool

Series = tuple[str, frozenset[tuple[str, str]]]
"""A name, and labels with their values."""
Snapshot = Mapping[Series, float]
"""The series of one moment."""
Metadata = Mapping[str, tuple[str, str]]
"""Type and help, by name."""
Values = Iterable[tuple[dict[str, str], Iterable[tuple[float, Any]]]]
"""Labels of series, each with times and values."""

TARGET = ("job", "instance")
"""Labels that an engine gives to all series of a target."""
UP: Series = ("up", frozenset())


@dataclass(frozen=True)
class Engine:
    """A program, the flags that name its config, its data and its address, and how it is asked about a job.

    `own` are the series that it adds to each scrape. Values that it keeps are those it was given to within `error` of
    them: VictoriaMetrics keeps twelve digits or more.
    """

    program: str
    flags: tuple[str, str, str]
    values: Callable[[str, str], Values]
    metadata: Callable[[str, str], Metadata]
    own: frozenset[str]
    newest: bool = True
    error: float = 0.0

    def start(self, programs: Programs, config: Mapping[str, Any]) -> str:
        """Its URL."""
        folder = programs.folder / f"{self.program}-{self.newest}"
        folder.mkdir()
        file, address = folder / "config.yml", f"127.0.0.1:{free_port()}"
        file.write_text(yaml.safe_dump(config, allow_unicode=True))
        given = (file, folder / "data", address)
        flags = (f"{flag}={value}" for flag, value in zip(self.flags, given, strict=True))
        programs.start(tool(self.program, newest=self.newest), *flags)
        return f"http://{address}"

    def snapshots(self, url: str, job: str) -> list[Snapshot]:
        """What is stored of each scrape of a job that succeeded, the oldest first."""
        moments: dict[float, dict[Series, float]] = defaultdict(dict)
        for labels, values in self.values(url, job):
            others = {name: value for name, value in labels.items() if name not in (*TARGET, "__name__")}
            for time, value in values:
                moments[time][labels["__name__"], frozenset(others.items())] = float(value)
        return [snapshot for _, snapshot in sorted(moments.items()) if snapshot[UP] == 1]


def prometheus_values(url: str, job: str) -> Values:
    """All samples of the last minutes; marks that a series has ended are left out."""
    return [(one["metric"], one["values"]) for one in ask(url, "query", query=f'{{__name__=~".+",job="{job}"}}[10m]')]


def prometheus_metadata(url: str, job: str) -> Metadata:
    """What it knows of the metrics of a job."""
    asked = urllib.parse.urlencode({"match_target": f'{{job="{job}"}}'})
    found = json.loads(fetch(f"{url}/api/v1/targets/metadata?{asked}"))["data"]
    return {one["metric"]: (one["type"], one["help"]) for one in found}


def victoria_values(url: str, job: str) -> Values:
    """All samples; a mark that a series has ended is one without a value."""
    fetch(f"{url}/internal/force_flush")
    asked = urllib.parse.urlencode({"match[]": f'{{job="{job}"}}'})
    for line in fetch(f"{url}/api/v1/export?{asked}").splitlines():
        one = json.loads(line)
        pairs = zip(one["timestamps"], one["values"], strict=True)
        yield one["metric"], [(time, value) for time, value in pairs if value is not None]


def victoria_metadata(url: str, _job: str) -> Metadata:
    """What it knows of the metrics of all jobs: it is given one."""
    found = json.loads(fetch(f"{url}/api/v1/metadata"))["data"]
    return {name: (one["type"], one["help"]) for name, (one,) in found.items()}


SCRAPED = "scrape_samples_scraped"
OWN = frozenset(
    {"up", SCRAPED, "scrape_duration_seconds", "scrape_samples_post_metric_relabeling", "scrape_series_added"}
)
PROMETHEUS_FLAGS = ("--config.file", "--storage.tsdb.path", "--web.listen-address")
PROMETHEUS_2 = Engine("prometheus", PROMETHEUS_FLAGS, prometheus_values, prometheus_metadata, OWN, newest=False)
PROMETHEUS_3 = Engine("prometheus", PROMETHEUS_FLAGS, prometheus_values, prometheus_metadata, OWN)
VICTORIA_METRICS = Engine(
    "victoria-metrics",
    ("-promscrape.config", "-storageDataPath", "-httpListenAddr"),
    victoria_values,
    victoria_metadata,
    OWN | {"scrape_timeout_seconds", "scrape_response_size_bytes"},
    error=1e-12,
)
