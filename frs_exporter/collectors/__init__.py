"""What is asked of a project: one module a collector, and the mapping of their names."""

from collections.abc import Mapping

from frs_exporter.collectors import subscription
from frs_exporter.collectors.collector import Collector, Get

COLLECTORS: Mapping[str, Collector] = {"subscription": subscription.COLLECTOR}

__all__ = ["COLLECTORS", "Collector", "Get"]
