"""The exporter's own metrics: prometheus_client instruments on their own registry, appended to the page."""

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.openmetrics import exposition as openmetrics

from frs_exporter import __version__
from frs_exporter.errors import Reason
from frs_exporter.exposition.page import OPENMETRICS, Format
from frs_exporter.model import Api

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
DURATION_BUCKETS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)


class Telemetry:
    """Instruments about the exporter itself; every combination of labels is there from the start."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = registry = CollectorRegistry()
        about_the_process(registry)
        self.requests = Counter(
            "frs_exporter_api_requests", "Requests sent to the cloud, answered or not.", ("api",), registry=registry
        )
        self.request_failures = Counter(
            "frs_exporter_api_request_failures",
            "Requests that did not get the answer asked for, by reason.",
            ("api", "reason"),
            registry=registry,
        )
        self.request_duration = Histogram(
            "frs_exporter_api_request_duration_seconds",
            "How long requests took, waiting for their turn not included.",
            ("api",),
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self.jobs = Gauge("frs_exporter_jobs", "Jobs that are polled: projects times collectors.", registry=registry)
        name = "frs_exporter_config_last_reload_successful"
        self.config_good = Gauge(name, "Whether the newest load of the config succeeded.", registry=registry)
        name = "frs_exporter_config_last_reload_success_timestamp_seconds"
        self.config_time = Gauge(name, "When the config in use was loaded.", registry=registry)
        self.log_messages = Counter("frs_exporter_log_messages", "Log lines by level.", ("level",), registry=registry)
        self.show_zeros()

    def show_zeros(self) -> None:
        """Bring every combination of labels onto the page."""
        for api in Api:
            self.requests.labels(api)
            self.request_duration.labels(api)
            for reason in Reason:
                self.request_failures.labels(api, reason)
        for level in LOG_LEVELS:
            self.log_messages.labels(level)

    def observe(self, api: Api, seconds: float, failure: Reason | None) -> None:
        """Count one request to the cloud."""
        self.requests.labels(api).inc()
        self.request_duration.labels(api).observe(seconds)
        if failure is not None:
            self.request_failures.labels(api, failure).inc()

    def count_log_line(self, level: str) -> None:
        """Count one line of the log."""
        self.log_messages.labels(level).inc()

    def config_loaded(self, at: float) -> None:
        """A config is in use from now on; `at` is in Unix seconds."""
        self.config_good.set(1)
        self.config_time.set(at)

    def block(self, format: Format) -> bytes:
        """All own metrics in a format; in OpenMetrics this ends the page, `# EOF` included."""
        generate = openmetrics.generate_latest if format is OPENMETRICS else exposition.generate_latest
        return generate(self.registry)


def about_the_process(registry: CollectorRegistry) -> None:
    """Register what any exporter tells of itself: its version, its process, its garbage collections."""
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    text = "Version of the exporter and of Python; always 1."
    build = Gauge("frs_exporter_build_info", text, ("version", "python_version"), registry=registry)
    build.labels(__version__, platform.python_version()).set(1)
