"""What is asked of a project, or an account: one module a collector, and the mapping of their names."""

from collections.abc import Mapping

from frs_exporter.collectors import billing, cloud_eye, face_sets, subscription
from frs_exporter.collectors.billing import vouchers
from frs_exporter.collectors.collector import ApiClient, Collector
from frs_exporter.collectors.endpoint_state import EndpointStates
from frs_exporter.collectors.probe_results import ProbeMemory

COLLECTORS: Mapping[str, Collector] = {
    "subscription": subscription.COLLECTOR,
    "face_sets": face_sets.COLLECTOR,
    "cloud_eye": cloud_eye.COLLECTOR,
    "billing": billing.COLLECTOR,
    "vouchers": vouchers.COLLECTOR,
}

OF_PROJECTS = tuple(name for name, collector in COLLECTORS.items() if not collector.of_account)
OF_ACCOUNTS = tuple(name for name, collector in COLLECTORS.items() if collector.of_account)

__all__ = ["COLLECTORS", "OF_ACCOUNTS", "OF_PROJECTS", "ApiClient", "Collector", "EndpointStates", "ProbeMemory"]
