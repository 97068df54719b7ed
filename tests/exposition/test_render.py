"""Values in, exposition lines out; both of Prometheus' parsers read back what went in."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import CollectResult, Display, Family, Job, JobState, Sample, Target
from frs_exporter.exposition.render import FAMILIES, POLLS, header, lines, render_job, render_target

LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.floats(allow_nan=False, allow_infinity=False)
FAMILY = Family("frs_x", "gauge", "Help.", ("project", "face_set"))


def text(chunk: dict[str, bytes] | object) -> str:
    assert isinstance(chunk, dict)
    return b"".join(chunk.values()).decode()


def test_a_job_that_was_never_polled(target: Target) -> None:
    assert text(render_job(Job(target, "subscription"), JobState())) == (
        'frs_up{project="gate-1",collector="subscription"} 0.0\n'
        'frs_poll_interval_seconds{project="gate-1",collector="subscription"} 60.0\n'
        'frs_polls_total{project="gate-1",collector="subscription"} 0.0\n'
        'frs_poll_failures_total{project="gate-1",collector="subscription"} 0.0\n'
    )


def test_a_job_that_is_down(target: Target) -> None:
    error = Failure(Reason.FROZEN, "x", status=400, code="FRS.0202")
    state = JobState().succeeded(100, 0.5, CollectResult(), 280).failed(160.5, 0.25, error)
    assert text(render_job(Job(target, "subscription"), state)) == (
        'frs_up{project="gate-1",collector="subscription"} 0.0\n'
        'frs_poll_interval_seconds{project="gate-1",collector="subscription"} 60.0\n'
        'frs_polls_total{project="gate-1",collector="subscription"} 2.0\n'
        'frs_poll_failures_total{project="gate-1",collector="subscription"} 1.0\n'
        'frs_poll_errors_total{project="gate-1",collector="subscription",reason="frozen"} 1.0\n'
        'frs_poll_error_info{project="gate-1",collector="subscription",reason="frozen",code="FRS.0202"} 1.0\n'
        'frs_last_success_timestamp_seconds{project="gate-1",collector="subscription"} 100.0\n'
        'frs_last_poll_timestamp_seconds{project="gate-1",collector="subscription"} 160.5\n'
        'frs_poll_duration_seconds{project="gate-1",collector="subscription"} 0.25\n'
    )


def test_a_project_as_a_whole(target: Target) -> None:
    labels = (("site", 'Tor "7"'), ("team", "vision"))
    display = Display(require=("detect", "search"), month_budget_cny=Decimal("99.5"), labels=labels)
    target = replace(target, display=display)
    assert text(render_target(target, 1800086400.0)) == (
        f'frs_project_info{{project="gate-1",project_id="{target.project_id}",region="cn-north-4",'
        'credential="ak_sk-account",auth="ak_sk",site="Tor \\"7\\"",team="vision"} 1.0\n'
        'frs_subservice_required{project="gate-1",subservice="detect"} 1.0\n'
        'frs_subservice_required{project="gate-1",subservice="search"} 1.0\n'
        'frs_month_budget_cny{project="gate-1"} 99.5\n'
        'frs_token_expiry_timestamp_seconds{project="gate-1"} 1800086400.0\n'
    )


def test_openmetrics_names_a_counter_without_total() -> None:
    assert header(POLLS, openmetrics=False).decode().splitlines()[1] == "# TYPE frs_polls_total counter"
    assert header(POLLS, openmetrics=True).decode().splitlines()[1] == "# TYPE frs_polls counter"


def test_help_needs_no_escaping() -> None:
    assert not any(set(family.help) & {"\\", "\n", '"'} for family in FAMILIES)


@given(LABELS, LABELS, VALUES)
def test_any_label_and_value_survives_both_parsers(project: str, face_set: str, value: float) -> None:
    chunk = lines(project, [Sample(FAMILY, (face_set,), value)])
    page = header(FAMILY, openmetrics=False).decode() + text(chunk)
    for parse, ending in ((parse_text, ""), (parse_openmetrics, "# EOF\n")):
        (family,) = parse(page + ending)
        (sample,) = family.samples
        assert sample.labels == {"project": project, "face_set": face_set}
        assert sample.value == value
