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

__all__ = ["COLLECTORS", "ApiClient", "Collector", "EndpointStates", "ProbeMemory"]
