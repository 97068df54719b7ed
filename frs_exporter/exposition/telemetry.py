"""The exporter's own metrics: prometheus_client instruments on their own registry, appended to the page."""

import platform
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics

from frs_exporter import __version__
from frs_exporter.core.errors import Reason
from frs_exporter.core.model import Api
from frs_exporter.exposition.page import OPENMETRICS, Format

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
EOF = b"# EOF\n"
DURATION_BUCKETS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)
TIME = "frs_exporter_time_seconds"
"""What all other times on a page are to be compared with: Prometheus' clock may be another one."""


class Telemetry:
    """Instruments about the exporter itself; every combination of labels is there from the start.

    `now` is the wall clock in Unix seconds.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        disable_created_metrics()
        self.registry = registry = CollectorRegistry()
        registry.register(Clock(now))
        about_the_process(registry)
        self._requested: dict[Api, tuple[Counter, Histogram]] = {}
        gauge = partial(Gauge, namespace="frs_exporter", registry=registry)
        counter = partial(Counter, namespace="frs_exporter", registry=registry)
        histogram = partial(Histogram, namespace="frs_exporter", registry=registry, buckets=DURATION_BUCKETS)
        text = "Requests sent to the cloud, answered or not."
        self.requests = counter("api_requests", text, ("api",))
        text = "Requests that did not get the answer asked for, by reason."
        self.request_failures = counter("api_request_failures", text, ("api", "reason"))
        text = "How long requests took, waiting for their turn not included."
        self.request_duration = histogram("api_request_duration_seconds", text, ("api",))
        text = "Whether the cloud refused the credential's password or signature; it is tried rarely until it works."
        self.credential_rejected = gauge("credential_rejected", text, ("credential",))
        text = "How far this machine's clock is ahead of the cloud's, by the Date of its newest answer."
        self.clock_skew = gauge("clock_skew_seconds", text, ("api",))
        text = "How long the request that waits longest has been waiting for its turn."
        self.schedule_lag = gauge("schedule_lag_seconds", text)
        self.jobs = gauge("jobs", "Jobs that are polled: projects times collectors.")
        self._describe_config(gauge)
        self.log_messages = counter("log_messages", "Log lines by level.", ("level",))
        text = "Log lines that were not written, as nobody read them or there was no room for them."
        self.log_messages_dropped = counter("log_messages_dropped", text)
        self.show_zeros()

    def _describe_config(self, gauge: Callable[..., Gauge]) -> None:
        """Instruments about what the exporter was told to do, and what it found by that."""
        text = "Whether the newest load of the config succeeded."
        self.config_good = gauge("config_last_reload_successful", text)
        text = "When the config in use was loaded."
        self.config_time = gauge("config_last_reload_success_timestamp_seconds", text)
        text = "Whether the newest load of the web config succeeded."
        self.web_config_good = gauge("web_config_last_reload_successful", text)
        self.web_config_good.set(1)
        text = "When the web config in use was loaded."
        self.web_config_time = gauge("web_config_last_reload_success_timestamp_seconds", text)
        text = "Whether connections are secured by TLS."
        self.web_tls = gauge("web_tls_enabled", text)
        text = "Whether nobody is let in without a certificate that was verified."
        self.web_client_certificates = gauge("web_client_certificates_required", text)
        text = "How many users may log in; with 0 nobody has to."
        self.web_users = gauge("web_basic_auth_users", text)
        text = "When the exporter's own certificate ends; absent without TLS."
        self.web_certificate_expiry = Moment("frs_exporter_web_certificate_expiry_timestamp_seconds", text)
        self.registry.register(self.web_certificate_expiry)
        text = "Whether TLS certificates are not verified where this credential is used: 1 is a danger."
        self.insecure = gauge("insecure_skip_verify", text, ("credential",))
        text = "Which part of the projects is this exporter's; always 1."
        self.shard = gauge("shard_info", text, ("shard", "total_shards"))
        self.shards = gauge("shards", "How many exporters share the projects, as told to this one.")
        rule = ("discovery",)
        text = "Whether the newest look for projects succeeded."
        self.discovery_success = gauge("discovery_success", text, rule)
        text = "When projects were looked for with success last; absent before."
        self.discovery_time = gauge("discovery_last_success_timestamp_seconds", text, rule)
        text = "Projects found that the rule means, which are the same for all shards; absent before the first list."
        self.discovery_projects = gauge("discovery_projects", text, rule)
        text = "Projects found that are not watched by any shard, as another one has their name."
        self.discovery_skipped = gauge("discovery_projects_skipped", text, rule)
        text = "Projects found that no shard watches, as the rule has its max_projects; of a cut list at least so many."
        self.discovery_over_limit = gauge("discovery_projects_over_limit", text, rule)
        self.by_rule = (
            *(self.discovery_success, self.discovery_time),
            *(self.discovery_projects, self.discovery_skipped, self.discovery_over_limit),
        )

    def show_zeros(self) -> None:
        """Bring every combination of labels onto the page."""
        for api in Api:
            self._requested[api] = self.requests.labels(api), self.request_duration.labels(api)
            for reason in Reason:
                self.request_failures.labels(api, reason)
        for level in LOG_LEVELS:
            self.log_messages.labels(level)

    def requested(self, api: Api, seconds: float, failure: Reason | None) -> None:
        """Count one request to the cloud."""
        requests, request_duration = self._requested[api]
        requests.inc()
        request_duration.observe(seconds)
        if failure is not None:
            self.request_failures.labels(api, failure).inc()

    def count_log_line(self, level: str) -> None:
        """Count one line of the log."""
        self.log_messages.labels(level).inc()

    def count_dropped_log_lines(self, lines: int) -> None:
        """Count lines of the log that were not written."""
        self.log_messages_dropped.inc(lines)

    def forget_credential(self, name: str) -> None:
        """Take what is told of a credential from the page."""
        self.credential_rejected.remove(name)

    def show_credentials(self, insecure: Mapping[str, bool]) -> None:
        """The credentials in use, and whether certificates are not verified for them."""
        self.insecure.clear()
        for name, value in insecure.items():
            self.insecure.labels(name).set(value)

    def forget_rule(self, name: str) -> None:
        """Take what is told of a discovery rule from the page."""
        for metric in self.by_rule:
            metric.remove(name)

    def blocks(self, format: Format, names: Collection[str] = ()) -> Iterator[bytes]:
        """All own metrics in a format, or those of these names, one block each; in OpenMetrics the last is `# EOF`.

        One without a sample is left out, as on the rest of the page: some parsers stumble over a header alone.
        One at a time, as a fleet of credentials and rules makes them many lines, and the library takes its time.
        """
        generate = openmetrics.generate_latest if format is OPENMETRICS else exposition.generate_latest
        for metric in self.registry.collect():
            if not metric.samples:
                continue
            # The registry's own selection knows neither a histogram by its name nor what the process collector has.
            if not names or {metric.name, *(sample.name for sample in metric.samples)}.intersection(names):
                yield generate(Single(metric)).removesuffix(EOF)
        if format is OPENMETRICS:
            yield EOF


class Clock:
    """A gauge of the exporter's own time, as of each look at it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """The metric."""
        text = "What the exporter's own clock said at this scrape, in Unix seconds."
        yield GaugeMetricFamily(TIME, text, self._now())


class Moment:
    """A gauge of a time in Unix seconds, which has a sample only where there is such a time."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self.seconds: float | None = None

    def collect(self) -> Iterator[Metric]:
        """The metric."""
        yield GaugeMetricFamily(self._name, self._text, self.seconds)


@dataclass(frozen=True, slots=True)
class Single:
    """A metric as a registry of its own."""

    metric: Metric

    def collect(self) -> Iterator[Metric]:
        """The metric."""
        yield self.metric


def about_the_process(registry: CollectorRegistry) -> None:
    """Register what any exporter tells of itself: its version, its process, its garbage collections."""
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    text = "Version of the exporter and of Python; always 1."
    build = Gauge("frs_exporter_build_info", text, ("version", "python_version"), registry=registry)
    build.labels(__version__, platform.python_version()).set(1)
