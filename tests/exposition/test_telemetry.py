"""The exporter's own metrics are there from the start, in both formats."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from frs_exporter import __version__
from frs_exporter.core.errors import Reason
from frs_exporter.core.model import Api
from frs_exporter.exposition.page import OPENMETRICS, TEXT
from frs_exporter.exposition.telemetry import Telemetry


def test_every_combination_of_labels_is_there_from_the_start() -> None:
    page = b"".join(Telemetry().blocks(TEXT)).decode()
    families = {family.name: family for family in parse_text(page)}
    failures = {
        (s.labels["api"], s.labels["reason"]): s.value for s in families["frs_exporter_api_request_failures"].samples
    }
    assert failures == {(api, reason): 0 for api in Api for reason in Reason}
    (build,) = families["frs_exporter_build_info"].samples
    assert build.labels["version"] == __version__
    assert "_created" not in page


def test_openmetrics_ends_the_page() -> None:
    page = b"".join(Telemetry().blocks(OPENMETRICS)).decode()
    assert page.endswith("# EOF\n")
    assert {family.name for family in parse_openmetrics(page)} >= {"frs_exporter_api_requests", "process_cpu_seconds"}


def test_a_metric_without_a_sample_is_left_out() -> None:
    """A header alone is legal, but the validator of OpenMetrics stumbles over it."""
    telemetry = Telemetry()
    for format, parse in ((TEXT, parse_text), (OPENMETRICS, parse_openmetrics)):
        families = list(parse(b"".join(telemetry.blocks(format)).decode()))
        assert [family.name for family in families if not family.samples] == []
    name = "frs_exporter_discovery_success"
    assert list(telemetry.blocks(TEXT, [name])) == []
    telemetry.discovery_success.labels("ops").set(1)
    assert b"".join(telemetry.blocks(TEXT)).count(name.encode() + b'{discovery="ops"} 1.0') == 1
    telemetry.forget_rule("ops")
    assert name.encode() not in b"".join(telemetry.blocks(OPENMETRICS))


def test_the_time_is_that_of_each_look() -> None:
    """Prometheus' clock may be another one, so what is told in the exporter's time is compared with that."""
    times = iter((1795801518.25, 1795801519.5))
    telemetry = Telemetry(now=lambda: next(times))
    for format, ending in ((TEXT, ""), (OPENMETRICS, "# EOF\n")):
        page = b"".join(telemetry.blocks(format, ["frs_exporter_time_seconds"])).decode()
        assert page.count("\n") == 3 + len(ending.split("\n")) - 1
        assert page.endswith(ending)
        told = page.splitlines()[2]
        assert float(told.removeprefix("frs_exporter_time_seconds ")) in (1795801518.25, 1795801519.5)


def test_requests_are_counted_with_their_failures() -> None:
    telemetry = Telemetry()
    telemetry.requested(Api.FRS, 0.3, None)
    telemetry.requested(Api.FRS, 0.1, Reason.TIMEOUT)
    value = telemetry.registry.get_sample_value
    assert value("frs_exporter_api_requests_total", {"api": "frs"}) == 2
    assert value("frs_exporter_api_request_failures_total", {"api": "frs", "reason": "timeout"}) == 1
    assert value("frs_exporter_api_request_duration_seconds_sum", {"api": "frs"}) == 0.4


def test_each_name_on_the_page_can_be_asked_for() -> None:
    telemetry = Telemetry()
    names = {
        sample.name for family in parse_text(b"".join(telemetry.blocks(TEXT)).decode()) for sample in family.samples
    }
    assert {"process_start_time_seconds", "frs_exporter_api_request_duration_seconds_bucket"} <= names
    for name in (*names, "frs_exporter_api_request_duration_seconds"):
        for format in (TEXT, OPENMETRICS):
            assert b"".join(telemetry.blocks(format, [name])).count(b"# TYPE ") == 1, name
    assert list(telemetry.blocks(TEXT, ["frs_up"])) == []
