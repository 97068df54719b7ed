"""The signature: the published vector, byte equality with the vendor's own signer, and tampering."""

from types import SimpleNamespace
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.cloud.signing import (
    Authorization,
    Signable,
    canonical_path,
    parse_authorization,
    sdk_date,
    sign,
    verify,
)

DATE = "20191115T033655Z"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SEGMENTS = st.lists(TEXT.filter(lambda text: text not in (".", "..")), min_size=1, max_size=4)
PAIRS = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4)
NAMES = st.from_regex(r"x-[a-z]{1,8}", fullmatch=True).filter(lambda name: not name.startswith("x-sdk-"))
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def test_published_vector() -> None:
    """The example of the vendor's signing guide (devg-apisign, api-sign-algorithm-005)."""
    request = Signable(
        "GET",
        "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
        {"content-type": "application/json", "host": "service.region.example.com", "x-sdk-date": DATE},
        b"",
    )
    signed = sign(request, "QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")
    assert str(signed) == (
        "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "
        "Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    )


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    SEGMENTS,
    PAIRS,
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.binary(max_size=64),
    st.sampled_from(["application/json", "application/json;charset=utf8", "text/plain"]),
    SECRETS,
)
def test_equals_the_vendors_signer(
    method: str,
    segments: list[str],
    pairs: list[tuple[str, str]],
    extra: dict[str, str],
    body: bytes,
    content_type: str,
    secret: str,
) -> None:
    """The same Authorization header, byte for byte, as huaweicloudsdkcore makes for the same request."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    headers = {
        **extra,
        "Content-Type": content_type,
        "X-Sdk-Date": DATE,
        "X-Project-Id": "d3f8e647",
        "Host": "h.example",
    }
    theirs = SdkRequest(
        method=method,
        schema="https",
        host="h.example",
        resource_path=path,
        query_params=list(pairs),
        header_params=dict(headers),
        body=body,
    )
    Signer(SimpleNamespace(ak="AK", sk=secret)).sign(theirs)
    lower = {name.lower(): value for name, value in headers.items()}
    if content_type == "text/plain":
        lower["x-sdk-content-sha256"] = "UNSIGNED-PAYLOAD"  # which their signer adds
    target = path + ("?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in pairs) if pairs else "")
    assert str(sign(Signable(method, target, lower, body), "AK", secret)) == theirs.header_params["Authorization"]


@pytest.fixture
def request_and_claim() -> tuple[Signable, Authorization]:
    """A signed request."""
    headers = {"content-type": "application/json", "host": "h", "x-project-id": "p", "x-sdk-date": DATE}
    request = Signable("GET", "/v1/p/subscribe?a=1&b=%20x", headers, b"body")
    return request, sign(request, "AK", "secret")


def test_what_is_signed_is_verified(request_and_claim: tuple[Signable, Authorization]) -> None:
    request, claim = request_and_claim
    assert verify(request, claim, "secret")
    assert parse_authorization(str(claim)) == claim


@pytest.mark.parametrize("field", ["method", "target", "body", "header", "date", "secret", "signature"])
def test_any_changed_part_is_refused(request_and_claim: tuple[Signable, Authorization], field: str) -> None:
    request, claim = request_and_claim
    headers = dict(request.headers)
    if field == "header":
        headers["x-project-id"] = "q"
    if field == "date":
        headers["x-sdk-date"] = "20191115T033656Z"
    changed = Signable(
        "PUT" if field == "method" else request.method,
        "/v1/q/subscribe?a=1&b=%20x" if field == "target" else request.target,
        headers,
        b"bodz" if field == "body" else request.body,
    )
    if field == "signature":
        claim = claim._replace(signature="0" * 64)
    assert not verify(changed, claim, "secreu" if field == "secret" else "secret")


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_of_the_canonical_parts_is_refused(position: int, mask: int) -> None:
    """Flip bits of one byte anywhere in path, query, signed headers or body."""
    headers = {"host": "h", "x-project-id": "0123456789abcdef", "x-sdk-date": DATE}
    claim = sign(Signable("GET", "/v1/abc/subscribe?page=1", headers, b"{}"), "AK", "secret")
    parts = [b"/v1/abc/subscribe?page=1", b"0123456789abcdef", b"{}"]
    flat = bytearray(b"".join(parts))
    flat[position % len(flat)] ^= mask
    path, value, body = (
        bytes(flat[: len(parts[0])]).decode("latin-1"),
        bytes(flat[len(parts[0]) : -2]).decode("latin-1"),
        bytes(flat[-2:]),
    )
    tampered = Signable("GET", path, {**headers, "x-project-id": value}, body)
    # Only what means the same may pass: an empty pair of the query, space around a header's value.
    same = (path.replace("&", ""), value.strip(), body) == (parts[0].decode(), parts[1].decode(), parts[2])
    assert verify(tampered, claim, "secret") is same


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic abc",
        "SDK-HMAC-SHA256 Access=AK",
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=xyz",
        "V11-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=" + "0" * 64,
    ],
)
def test_other_authorization_headers_are_not_claims(header: str) -> None:
    assert parse_authorization(header) is None


def test_a_claim_must_sign_the_date_and_only_headers_that_are_there() -> None:
    headers = {"host": "h", "x-sdk-date": DATE}
    request = Signable("GET", "/", headers, b"")
    assert not verify(request, Authorization("AK", ("host",), "0" * 64), "secret")
    assert not verify(request, Authorization("AK", ("x-gone", "x-sdk-date"), "0" * 64), "secret")


def test_an_empty_path_is_the_root() -> None:
    assert canonical_path("") == "/"


def test_dates_are_utc() -> None:
    assert sdk_date(1573789015.9) == DATE
