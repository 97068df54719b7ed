"""When a certificate ends, by its DER: the same as another library reads, and no exception for anything else."""

import base64
import datetime

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.config.certificate import Validity, validity

AUTHORITY = trustme.CA()


def issued(end: datetime.datetime) -> bytes:
    """A certificate that ends then."""
    return AUTHORITY.issue_cert("a.example", not_after=end).cert_chain_pems[0].bytes()


@given(st.datetimes(datetime.datetime(2027, 1, 1), datetime.datetime(9999, 12, 31), timezones=st.just(datetime.UTC)))
def test_the_end_is_read_in_both_forms_of_a_time(end: datetime.datetime) -> None:
    """From 2050 on, years have four digits (RFC 5280, 4.1.2.5)."""
    assert validity(issued(end)).end == end.replace(microsecond=0).timestamp()


def test_only_the_first_certificate_counts() -> None:
    first, second = (issued(datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)) for year in (2031, 2030))
    assert validity(first + second).end == datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC).timestamp()
    assert validity(AUTHORITY.private_key_pem.bytes() + second + first).end < validity(first).end


@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2026, 1, 1), timezones=st.just(datetime.UTC)))
def test_the_beginning_is_read_as_well(begin: datetime.datetime) -> None:
    issued = AUTHORITY.issue_cert("a.example", not_before=begin).cert_chain_pems[0].bytes()
    assert validity(issued).begin == begin.replace(microsecond=0).timestamp()


@pytest.mark.parametrize(
    ("begin", "end", "oddity"),
    [
        (-60, 30.1, ""),
        (-60, 29.9, "the certificate ends on 1970-04-10; put a new one there"),
        (-60, -0.1, "the certificate ended on 1970-03-11; put a new one there"),
        (-5, 5.1, ""),
        (-5, 4.9, "the certificate ends on 1970-03-16; put a new one there"),
        (
            0.5,
            60,
            "the certificate is not valid before 1970-03-12 12:00 UTC; put another one there,"
            " or set this machine's clock",
        ),
    ],
)
def test_what_is_said_of_a_certificate_on_the_seventieth_day(begin: float, end: float, oddity: str) -> None:
    begins, ends = ((70 + days) * 86400.0 for days in (begin, end))
    assert list(Validity(begins, ends).oddities(70 * 86400.0)) == ([oddity] if oddity else [])


WHOLE = base64.b64decode(issued(datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC)).split(b"-----")[2])


@given(st.binary() | st.integers(0, 100).map(lambda size: WHOLE[:size]))
def test_nothing_else_makes_another_exception(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        validity(b"-----BEGIN CERTIFICATE-----" + base64.b64encode(der) + b"-----END CERTIFICATE-----")
    with pytest.raises(ValueError, match="no certificate"):
        validity(der.replace(b"-", b""))
