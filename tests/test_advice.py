"""What a failure means, and what to do about it."""

import re

import pytest

from frs_exporter.advice import CLOUD_EYE, CODES, METADATA, REASONS, Explanation, advice, explain
from frs_exporter.errors import ApiError, Reason, canonical

EXPLANATIONS = [*REASONS.values(), *CODES.values(), METADATA, CLOUD_EYE]


def test_every_reason_is_explained() -> None:
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize("explanation", EXPLANATIONS)
def test_an_explanation_is_short_and_advice_begins_with_what_to_do(explanation: Explanation) -> None:
    assert re.fullmatch(r"[a-z][^\n]{15,78}[^.\n]", explanation.means.en)
    assert re.fullmatch(r"[a-z][^\n]{20,118}[^.\n]", explanation.do.en)


@pytest.mark.parametrize("explanation", EXPLANATIONS)
def test_every_explanation_is_there_in_chinese(explanation: Explanation) -> None:
    for text in (explanation.means.zh, explanation.do.zh):
        assert re.search(r"[\u4e00-\u9fff]{3}", text)
        assert "\n" not in text


def test_a_code_says_more_than_its_reason() -> None:
    assert "FRS.0020" in CODES
    assert advice(ApiError(Reason.CLIENT, "x", code="FRS.0020")) == CODES["FRS.0020"].do.en
    assert explain(ApiError(Reason.FORBIDDEN, "x", code="APIGW.0802")) is CODES["APIG.0802"]
    assert explain(ApiError(Reason.FORBIDDEN, "x", code="403")) is REASONS[Reason.FORBIDDEN]
    assert explain(ApiError(Reason.AUTH, "x", api="ecs")) is METADATA
    assert explain(ApiError(Reason.FORBIDDEN, "x", code="APIGW.0802", api="ces")) is CODES["APIG.0802"]
    assert explain(ApiError(Reason.FORBIDDEN, "x", code="403", api="ces")) is CLOUD_EYE
    assert all(code == canonical(code) for code in CODES)
