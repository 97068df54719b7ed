"""Classification: what each code, status and body shape means, and that no secret gets through."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.error_body import error_body, retry_after
from frs_exporter.core.errors import ApiError, ConfigError, Failure, Reason, classify
from frs_exporter.core.redact import MAX_MESSAGE, brief


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("status", "code", "by_token", "reason"),
    [
        (400, "FRS.0019", True, Reason.CLIENT),
        (400, "FRS.0020", True, Reason.CLIENT),
        (400, "FRS.0010", True, Reason.CLIENT),
        (403, "FRS.0002", True, Reason.TOKEN),
        (403, "FRS.0002", False, Reason.FORBIDDEN),
        (400, "FRS.0018", True, Reason.SERVER),
        (500, "FRS.0018", True, Reason.SERVER),
        (403, "FRS.0028", True, Reason.PROJECT_MISMATCH),
        (429, "FRS.0033", True, Reason.THROTTLED),
        (400, "FRS.0202", True, Reason.FROZEN),
        (404, "APIG.0101", True, Reason.ABSENT),
        (404, "APIGW.0101", True, Reason.ABSENT),
        (404, "APIC.0101", True, Reason.ABSENT),
        (400, "APIGW.0201", True, Reason.CLIENT),
        (504, "APIGW.0201", True, Reason.SERVER),
        (401, "APIGW.0301", True, Reason.TOKEN),
        (401, "APIGW.0301", False, Reason.AUTH),
        (403, "APIGW.0302", True, Reason.FORBIDDEN),
        (401, "APIG.0307", True, Reason.TOKEN),
        (429, "APIG.0308", True, Reason.THROTTLED),
        (403, "APIG.0310", True, Reason.FORBIDDEN),
        (503, "APIG.0613", True, Reason.SERVER),
        (403, "APIG.0802", True, Reason.FORBIDDEN),
        (429, "IAM.0012", False, Reason.THROTTLED),
        (401, "IAM.0061", False, Reason.AUTH),
        (403, "IAM.0081", False, Reason.FORBIDDEN),
        (429, "ces.0429", True, Reason.THROTTLED),
    ],
)
def test_each_code_has_its_reason(status: int, code: str, by_token: bool, reason: Reason) -> None:
    error = classify(status, body(error_code=code, error_msg="why"), {}, by_token=by_token)
    assert (error.reason, error.code, error.status, error.message) == (reason, code, status, "why")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, Reason.CLIENT),
        (400, Reason.CLIENT),
        (401, Reason.TOKEN),
        (403, Reason.FORBIDDEN),
        (404, Reason.ABSENT),
        (407, Reason.CONNECT),
        (408, Reason.TIMEOUT),
        (429, Reason.THROTTLED),
        (500, Reason.SERVER),
        (502, Reason.SERVER),
        (599, Reason.SERVER),
    ],
)
def test_without_a_code_the_status_decides(status: int, reason: Reason) -> None:
    error = classify(status, b"", {"x-request-id": "abc"}, by_token=True)
    assert (error.reason, error.code, error.message, error.request_id) == (reason, str(status), "no message", "abc")


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b'{"error_code":"FRS.0019","error_msg":"not subscribed"}', "FRS.0019", "not subscribed"),
        (b'{"error_msg":"bad","error_code":"APIGW.0301","request_id":"x"}', "APIGW.0301", "bad"),
        (b'{"error":{"code":401,"message":"wrong password","title":"Unauthorized"}}', "401", "wrong password"),
        (b'{"errorCode":"IAM.0072","errorMsg":"x"}', "IAM.0072", "x"),
        (b'{"code":"ces.0429","message":"Too Many Requests"}', "ces.0429", "Too Many Requests"),
        (
            b'{"code":400,"element":"Bad Request","message":"cannot be recognized",'
            b'"details":{"details":"content is not correct","code":"ces.0014"}}',
            "ces.0014",
            "content is not correct",
        ),
        (
            b'{"http_code":429,"message":{"details":"Too Many Requests","code":"ces.0429"}}',
            "ces.0429",
            "Too Many Requests",
        ),
        (
            b'{"status_code":429,"request_id":"r","error_code":"APIGW.0308","error_message":"threshold reached"}',
            "APIGW.0308",
            "threshold reached",
        ),
        (b'{"error_code":"BSS.1","error_msg":"","error_message":"the other one"}', "BSS.1", "the other one"),
        (b'{"errorCode":"IAM.0072","errorMessage":"x"}', "IAM.0072", "x"),
        (
            b'{"receipt":{"methods":["password"],"user":{"name":"u"},"expires_at":"2026-11-26T07:05:00.000000Z"},'
            b'"required_auth_methods":[["password","totp"],["password","custom"]]}',
            "401",
            "IAM wants password and totp or password and custom for a login, as login protection is on",
        ),
        (
            b'{"receipt":{}}',
            "401",
            "IAM wants a second factor for a login, as login protection is on",
        ),
        (b'{"any":{"error_code":"FRS.0001","error_msg":"nested"}}', "FRS.0001", "nested"),
        (b"<html><h1>502 Bad\n Gateway</h1></html>", "", "502 Bad Gateway"),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
        (b"[]", "", ""),
        (b'{"error_code":" FRS.0019 ","error_msg":null}', "FRS.0019", ""),
        (b'{"error_code":{"a":1},"error_msg":["b"]}', "", '["b"]'),
        (b'{"error_code":"a\\"} 1\\nx","error_msg":"m"}', "", "m"),
        (b"[" * 100_000, "", "[" * (MAX_MESSAGE - 3) + "..."),
    ],
    ids=[
        "frs",
        "gateway",
        "keystone",
        "camel",
        "code",
        "cloud-eye",
        "cloud-eye-too",
        "global",
        "two-messages",
        "camel-message",
        "receipt",
        "bare-receipt",
        "nested",
        "html",
        "not-utf8",
        "array",
        "null",
        "odd",
        "evil-code",
        "deep",
    ],
)
def test_every_shape_of_error_body_is_read(content: bytes, code: str, message: str) -> None:
    found, text = error_body(content)
    assert (found, brief(text)) == (code, message)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:01:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 90.0),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:01:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:00 +99999999999999999999", "date": "x"}, None),
        ({"retry-after": "1" * 400}, 111111111111.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:01:30", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize("name", ["x-request-id", "x-iam-trace-id", "x-openstack-request-id"])
def test_the_request_id_is_read_from_each_header_that_tells_one(name: str) -> None:
    told = "req-5a3ba35f-3d5a-4b3e-9a7a-5ac1ed0a0f6b"
    assert classify(401, b"", {name: told}, by_token=False).request_id == told
    assert classify(401, b"", {name: told}, by_token=False, secrets=[told[4:]]).request_id == ""


def test_a_login_that_needs_a_second_factor_is_refused_with_what_to_do() -> None:
    receipt = b'{"receipt":{"methods":["password"]},"required_auth_methods":[["password","totp"]]}'
    failure = classify(401, receipt, {}, by_token=False)
    assert (failure.reason, failure.code) == (Reason.AUTH, "401"), (
        "it counts as refused: who knows what the vendor counts"
    )
    assert "totp" in failure.message


@given(st.integers(300, 999), st.binary(max_size=300), st.booleans(), st.text(max_size=20))
@pytest.mark.uncounted
def test_any_answer_is_classified(status: int, content: bytes, by_token: bool, header: str) -> None:
    error = classify(status, content, {"retry-after": header, "x-request-id": header}, by_token=by_token)
    assert error.reason in Reason
    assert error.code
    assert len(error.message) <= MAX_MESSAGE
    assert str(error).isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error_code", "error_msg", "code", "message", "error", "x"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_is_classified(value: Any) -> None:
    error = classify(400, json.dumps(value).encode(), {}, by_token=False)
    assert error.reason in Reason


@pytest.mark.parametrize(
    "shape", ['{"error_code": "CBC.1", "error_msg": %s}', '{"receipt": {}, "required_auth_methods": [%s]}']
)
@pytest.mark.uncounted
def test_what_is_just_not_too_deep_to_be_read_is_classified(shape: str) -> None:
    """At some depth JSON can be read, and is too deep for whatever walks through it afterwards."""
    for depth in range(880, 1000):
        content = (shape % ("[" * depth + "]" * depth)).encode()
        assert classify(400, content, {}, by_token=False).reason is Reason.CLIENT


@pytest.mark.parametrize("parted", ["a%sb\nc", "a%sb\r\n\t c", "a%sb\x1ec", "a%sb\xa0 c"])
@pytest.mark.parametrize("shape", ["<p>denied: %s</p>", '{"error_msg": "denied: %s"}'])
def test_a_secret_with_blanks_is_told_in_no_other_blanks_either(parted: str, shape: str) -> None:
    """A message becomes one line, so what parts its words is a blank at the end."""
    for tag in (" ", "<br>" if shape.startswith("<") else " "):
        echo = json.dumps(parted % tag)[1:-1] if shape.startswith("{") else parted % tag
        failure = classify(403, (shape % echo).encode(), {}, by_token=True, secrets=["a b c"])
        assert failure.message == "denied: ***"


def test_errors_read_well() -> None:
    error = Failure(Reason.THROTTLED, "slow down", status=429, code="FRS.0033")
    assert str(error) == "throttled: slow down (FRS.0033 HTTP 429)"
    assert str(Failure(Reason.DNS, "no such name")) == "dns: no such name"
    assert str(ConfigError(["a:1:1: x", "a:2:1: y"])) == "a:1:1: x\na:2:1: y"


def test_what_is_kept_of_an_error_has_no_frames_and_says_what_is_known() -> None:
    failure = Failure(Reason.FROZEN, "m", status=400, code="FRS.0202", retry_after=5.0, request_id="r")
    with pytest.raises(ApiError) as caught:
        raise ApiError(failure)
    assert caught.value.failure is failure
    assert str(caught.value) == str(failure)
    assert not hasattr(failure, "__traceback__")
    known = {"reason": "frozen", "code": "FRS.0202", "status": 400, "request_id": "r", "message": "m"}
    assert failure.log_fields() == known
