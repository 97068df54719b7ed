"""What to do about a failure."""

import re

import pytest

from frs_exporter.advice import CODES, REASONS, advice
from frs_exporter.errors import ApiError, Reason, canonical


def test_every_reason_has_advice() -> None:
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize("text", [*REASONS.values(), *CODES.values()])
def test_advice_is_one_short_line_that_begins_with_what_to_do(text: str) -> None:
    assert re.fullmatch(r"[a-z][^\n]{20,118}[^.\n]", text)


def test_a_code_says_more_than_its_reason() -> None:
    assert "FRS.0020" in CODES
    assert advice(ApiError(Reason.CLIENT, "x", code="FRS.0020")) == CODES["FRS.0020"]
    assert advice(ApiError(Reason.FORBIDDEN, "x", code="APIGW.0802")) == CODES["APIG.0802"]
    assert advice(ApiError(Reason.FORBIDDEN, "x", code="403")) == REASONS[Reason.FORBIDDEN]
    assert all(code == canonical(code) for code in CODES)
