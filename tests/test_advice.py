"""What a failure means, and what to do about it: of everything that the package can produce, in both languages."""

import re

import pytest

from frs_exporter.core import errors
from frs_exporter.core.errors import Failure, Reason, canonical, classify, proves_secret
from frs_exporter.core.explanations import (
    Explanation,
    Text,
    advice,
    codes,
    codes_of_reason,
    explain,
    named,
    of_api,
    others,
    reasons,
    retries,
    similar,
    statuses,
)

EXPLANATIONS: dict[str, Explanation] = dict(reasons().items()) | {
    **codes(),
    **{f"{code} {reason}": explanation for (code, reason), explanation in codes_of_reason().items()},
    **others(),
}
BY_NAME = pytest.mark.parametrize("explanation", EXPLANATIONS.values(), ids=EXPLANATIONS)


def test_a_login_that_needs_a_second_factor_has_one_advice() -> None:
    """The password is right: to correct it would be of no use. The message tells what is wanted, and no more."""
    receipt = b'{"receipt":{"methods":["password"]},"required_auth_methods":[["password","totp"]]}'
    failure = classify(401, receipt, {}, by_token=False)
    assert failure.message == "IAM wants password and totp for a login, as login protection is on"
    assert advice(failure) == "use an IAM user without login protection, or an access key (ak_sk), which needs none"
    assert not classify(401, b'{"receipt":5}', {}, by_token=False).second_factor


def test_every_reason_is_explained() -> None:
    assert set(reasons()) == set(Reason)


def test_every_code_that_the_package_knows_is_explained() -> None:
    known = {*errors.CODES, *errors.NOT_SUBSCRIBED_EITHER}
    known |= {f"APIG.{n:04}" for n in range(1000) if proves_secret(Failure(Reason.AUTH, "", code=f"APIG.{n:04}"))}
    assert known <= set(codes())
    assert all(code == canonical(code) for code in codes())
    for status in (*errors.STATUSES, 301, 400, 418, 500, 503):
        assert named(str(status))


@BY_NAME
def test_an_explanation_is_short_and_advice_begins_with_what_to_do(explanation: Explanation) -> None:
    assert re.fullmatch(r"[A-Za-z][^\n]{15,78}[^.\n]", explanation.means.en)
    assert re.fullmatch(r"[a-z][^\n]{20,118}[^.\n]", explanation.do.en)
    assert 1 <= len(explanation.causes) <= 4
    for cause in explanation.causes:
        assert re.fullmatch(r"[A-Za-z][^\n]{10,98}[^.\n]", cause.en)


@BY_NAME
def test_advice_for_a_single_run_is_not_that_of_a_daemon(explanation: Explanation) -> None:
    text = explanation.once or explanation.do
    for word in ("poll_interval", "poll_timeout", "reload", "limits", "that are held", "nothing, if it passes"):
        assert word not in text.en
    assert re.fullmatch(r"[a-z][^\n]{20,118}[^.\n]", text.en)
    assert re.search(r"[\u4e00-\u9fff]{3}", text.zh)


@BY_NAME
def test_every_explanation_is_there_in_chinese(explanation: Explanation) -> None:
    for text in (explanation.means.zh, explanation.do.zh, explanation.retried.zh, *(c.zh for c in explanation.causes)):
        assert re.search(r"[\u4e00-\u9fff]{3}", text)
        assert "\n" not in text


def test_a_code_says_more_than_its_reason() -> None:
    assert "FRS.0020" in codes()
    assert advice(Failure(Reason.CLIENT, "x", code="FRS.0020")) == codes()["FRS.0020"].do.en
    assert explain(Failure(Reason.FORBIDDEN, "x", code="APIGW.0802")) is codes()["APIG.0802"]
    assert explain(Failure(Reason.FORBIDDEN, "x", code="403")) is reasons()[Reason.FORBIDDEN]
    assert explain(Failure(Reason.AUTH, "x", api="ecs")) is others()["metadata"]
    assert explain(Failure(Reason.DNS, "x", api="iam", by_proxy=True)) is others()["proxy"]
    assert explain(Failure(Reason.FORBIDDEN, "x", code="APIGW.0802", api="ces")) is codes()["APIG.0802"]
    assert explain(Failure(Reason.FORBIDDEN, "x", code="403", api="ces")) is of_api()["ces", Reason.FORBIDDEN]
    of_bills = of_api()["bss", Reason.TOKEN]
    assert explain(Failure(Reason.TOKEN, "x", code="APIGW.0301", api="bss")) is of_bills, "it has no region"
    assert explain(Failure(Reason.TOKEN, "x", code="CBC.0154", api="bss")) is codes()["CBC.0154"]
    assert explain(Failure(Reason.PAYLOAD, "x", api="iam", lacks="domain_id")) is others()["no_domain_id"]


@pytest.mark.parametrize("reason", Reason)
def test_nobody_who_asks_for_bills_is_sent_to_frs(reason: Reason) -> None:
    about = explain(Failure(reason, "x", api="bss"))
    said = [text.en for text in (about.means, *about.causes, about.do)]
    if reason in {Reason.DNS, Reason.FORBIDDEN, Reason.TOKEN, Reason.ABSENT}:
        assert not any(re.search(r"\bFRS\b|region", text) for text in said)


def test_what_to_do_about_a_code_depends_on_what_was_refused() -> None:
    """The gateway says APIG.0301 of tokens and of signatures: who has a password reads nothing of keys."""
    token, signature = (explain(Failure(reason, "x", code="APIGW.0301")) for reason in (Reason.TOKEN, Reason.AUTH))
    assert token.retried == retries()["renewed"]
    assert signature.retried == retries()["held"]
    said = [text.en for text in (token.means, *token.causes, token.do)]
    assert not any(re.search(r"\bkeys?\b|signature", text) for text in said)
    said = [text.en for text in (signature.means, *signature.causes, signature.do)]
    assert not any("token" in text.lower() for text in said)
    assert "check the key" in advice(Failure(Reason.AUTH, "x", code="APIG.0301"))


@pytest.mark.parametrize("code", ["APIGW.0301", "APIGW.0307", "FRS.0002", "IAM.0066", "401"])
def test_a_token_that_somebody_else_has_bought_is_not_bought_anew(code: str) -> None:
    assert explain(Failure(Reason.TOKEN, "x", code=code, unrenewable=True)) is others()["static_token"]
    assert explain(Failure(Reason.FORBIDDEN, "x", code="403", unrenewable=True)) is reasons()[Reason.FORBIDDEN]


def test_what_a_code_does_not_say_its_reason_does() -> None:
    assert codes()["FRS.0033"].causes == reasons()[Reason.THROTTLED].causes
    assert codes()["FRS.0033"].retried == retries()["told"]
    assert codes()["FRS.0019"].retried == retries()["answer"]
    assert codes()["APIG.0301"].causes[0] == Text(
        "the token has died, which the exporter mends by itself", "Token 已失效，本程序会自行换新"
    )


@pytest.mark.parametrize(
    ("asked", "name", "status", "reason"),
    [
        ("FRS.0019", "FRS.0019", 400, Reason.CLIENT),
        (" frs.0019 ", "FRS.0019", 400, Reason.CLIENT),
        ("APIGW.0301", "APIG.0301", 401, Reason.TOKEN),
        ("apic.0301", "APIG.0301", 401, Reason.TOKEN),
        ("ces.0429", "CES.0429", 429, Reason.THROTTLED),
        ("IAM.0081", "IAM.0081", 403, Reason.FORBIDDEN),
        ("403", "HTTP 403", 403, Reason.FORBIDDEN),
        ("HTTP 503", "HTTP 503", 503, Reason.SERVER),
        ("302", "HTTP 302", 302, Reason.PAYLOAD),
        ("project_mismatch", "project_mismatch", None, Reason.PROJECT_MISMATCH),
        ("Timeout", "timeout", None, Reason.TIMEOUT),
    ],
)
def test_what_people_type_is_understood(asked: str, name: str, status: int | None, reason: Reason) -> None:
    found = named(asked)
    assert found
    assert (found.name, found.status, found.reason) == (name, status, reason)


@pytest.mark.parametrize("asked", ["", "FRS.9999", "200", "204", "999", "1003", "hello", "FRS", "0019"])
def test_what_is_not_known_is_not_guessed(asked: str) -> None:
    assert named(asked) is None


def test_what_looks_alike_is_offered() -> None:
    assert "FRS.0019" in similar("FRS.0091")
    assert similar("timout") == ["timeout"]
    assert similar("qqqq") == []


def test_each_code_is_classified_as_its_status_says() -> None:
    for code, status in statuses().items():
        found = named(code)
        assert found
        assert found.reason is errors.reason_of(code, status)
