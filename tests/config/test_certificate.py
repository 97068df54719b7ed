"""When a certificate ends, by its DER: the same as another library reads, and no exception for anything else."""

import base64
import datetime

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.config.certificate import expiry

AUTHORITY = trustme.CA()


def issued(end: datetime.datetime) -> bytes:
    """A certificate that ends then."""
    return AUTHORITY.issue_cert("a.example", not_after=end).cert_chain_pems[0].bytes()


@given(st.datetimes(datetime.datetime(2027, 1, 1), datetime.datetime(9999, 12, 31), timezones=st.just(datetime.UTC)))
def test_the_end_is_read_in_both_forms_of_a_time(end: datetime.datetime) -> None:
    """From 2050 on, years have four digits (RFC 5280, 4.1.2.5)."""
    assert expiry(issued(end)) == end.replace(microsecond=0).timestamp()


def test_only_the_first_certificate_counts() -> None:
    first, second = (issued(datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)) for year in (2031, 2030))
    assert expiry(first + second) == datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC).timestamp()
    assert expiry(AUTHORITY.private_key_pem.bytes() + second + first) < expiry(first)


WHOLE = base64.b64decode(issued(datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC)).split(b"-----")[2])


@given(st.binary() | st.integers(0, 100).map(lambda size: WHOLE[:size]))
def test_nothing_else_makes_another_exception(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        expiry(b"-----BEGIN CERTIFICATE-----" + base64.b64encode(der) + b"-----END CERTIFICATE-----")
    with pytest.raises(ValueError, match="no certificate"):
        expiry(der.replace(b"-", b""))
