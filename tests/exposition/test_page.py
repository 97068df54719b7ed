"""The page: what is put is shown until it is dropped or ends, as one moment saw it; and what clients ask for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.model import Family
from frs_exporter.exposition.coding import ENCODINGS, GZIP, IDENTITY, Encoding
from frs_exporter.exposition.page import FORMATS, OPENMETRICS, TEXT, Format, Page, negotiate, quality

A = Family("frs_a", "gauge", "A.", ("project",))
B = Family("frs_b_total", "counter", "B.", ("project",))
HEAD_A = "# HELP frs_a A.\n# TYPE frs_a gauge\n"
HEAD_B = "# HELP frs_b_total B.\n# TYPE frs_b_total counter\n"


def shown(page: Page, now: float = 0.0) -> str:
    return b"".join(page.blocks(TEXT, now)).decode()


def test_lines_stand_together_by_family_whoever_owns_them() -> None:
    page = Page((A, B))
    page.put("x", {"frs_a": b"a x\n", "frs_b_total": b"b x\n"})
    page.put("y", {"frs_b_total": b"b y\n"})
    assert shown(page) == f"{HEAD_A}a x\n{HEAD_B}b x\nb y\n"
    assert list(page.blocks(OPENMETRICS, 0))[2].startswith(b"# HELP frs_b B.\n# TYPE frs_b counter\n")


def test_a_family_without_lines_has_no_header() -> None:
    page = Page((A, B))
    page.put("x", {"frs_a": b"a\n"})
    page.put("x", {"frs_b_total": b"b\n"})
    assert shown(page) == f"{HEAD_B}b\n"


def test_a_dropped_owner_is_gone() -> None:
    page = Page((A,))
    page.put("x", {"frs_a": b"x\n"})
    page.put("y", {"frs_a": b"y\n"})
    page.drop("x")
    page.drop("nobody")
    assert shown(page) == f"{HEAD_A}y\n"


def test_a_family_that_the_page_does_not_know_spoils_nothing_that_comes_later() -> None:
    """As a collector's sample would be that is not among its families: a bug of ours."""
    page = Page((A, B))
    page.put("x", {"frs_b_total": b"old\n"})
    with pytest.raises(KeyError):
        page.put("x", {"frs_a": b"half\n", "frs_unknown": b"x\n"})
    page.put("x", {"frs_a": b"good\n"})
    assert shown(page) == f"{HEAD_A}good\n"
    page.drop("x")
    assert shown(page) == ""


def test_lines_end_when_they_were_told_to_and_a_new_chunk_counts_anew() -> None:
    page = Page((A,))
    page.put("x", {"frs_a": b"x\n"}, until=10)
    assert shown(page, 9.9) == f"{HEAD_A}x\n"
    page.put("x", {"frs_a": b"x2\n"}, until=20)
    assert shown(page, 19.9) == f"{HEAD_A}x2\n"
    assert shown(page, 20) == ""
    page.put("x", {"frs_a": b"x3\n"}, until=30)
    page.put("x", {"frs_a": b"x3\n"})
    assert shown(page, math.inf) == f"{HEAD_A}x3\n"


def test_a_page_is_of_one_moment_however_slowly_it_is_read() -> None:
    page = Page((A, B))
    page.put("x", {"frs_a": b"old\n", "frs_b_total": b"old\n"})
    blocks = page.blocks(TEXT, 0)
    assert [next(blocks), next(blocks)] == [HEAD_A.encode(), b"old\n"]
    page.put("x", {"frs_a": b"new\n", "frs_b_total": b"new\n"})
    assert [next(blocks), next(blocks)] == [HEAD_B.encode(), b"old\n"]


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (BROWSER, TEXT),
        ("*/*", TEXT),
        ("", TEXT),
        ("text/*", TEXT),
        ("application/*", OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0,text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.6", TEXT),
        ("application/openmetrics-text;q=0.6,text/plain;q=0.4", OPENMETRICS),
        ("text/plain;q=0,*/*", OPENMETRICS),
        ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OPENMETRICS),
        ("image/png", TEXT),
        (",;=;q,*", TEXT),
        ("application/openmetrics-text;q=7", TEXT),
    ],
)
def test_the_format_that_is_asked_for(accept: str, format: Format) -> None:
    assert negotiate(accept, FORMATS, TEXT) is format


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip", GZIP),
        ("gzip, deflate, br", GZIP),
        ("deflate", IDENTITY),
        ("", IDENTITY),
        ("*", GZIP),
        ("gzip;q=0", IDENTITY),
        ("gzip;q=0.0, *", IDENTITY),
        ("identity;q=0.5, gzip;q=0.4", IDENTITY),
        ("identity;q=0.4, gzip;q=0.5", GZIP),
        ("GZIP;Q=1.0", GZIP),
        ("xgzip", IDENTITY),
    ],
)
def test_the_encoding_that_is_asked_for(accept: str, encoding: Encoding) -> None:
    assert negotiate(accept, ENCODINGS, IDENTITY) is encoding


@pytest.mark.parametrize(
    ("parameters", "q"),
    [
        ("", 1),
        ("q=0.25", 0.25),
        ("version=1; q=0.5", 0.5),
        ("q=1.000", 1),
        ("q=2", 0),
        ("q=x", 0),
        ("q=", 0),
        ("xq=0", 1),
    ],
)
def test_quality(parameters: str, q: float) -> None:
    assert quality(parameters) == q


@given(st.text(max_size=60))
def test_any_header_is_negotiated(header: str) -> None:
    assert negotiate(header, FORMATS, TEXT) in FORMATS
    assert negotiate(header, ENCODINGS, IDENTITY) in ENCODINGS
