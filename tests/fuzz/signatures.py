"""Any request and secret: what is signed is verified, and nothing else is."""

from dataclasses import replace
from urllib.parse import unquote

from frs_exporter.cloud.signing import (
    Authorization,
    Signable,
    canonical_path,
    canonical_query,
    parse_authorization,
    sign,
    verify,
)
from tests.fuzz.inputs import parts, text_of

DATE = "20191115T033655Z"


def check_signature(data: bytes) -> None:
    """What must hold of any method, target, header, secret and body, a line each but for the body."""
    method, target, value, secret, body = parts(data, 5)
    headers = {"host": "h.example", "x-project-id": text_of(value), "x-sdk-date": DATE}
    request = Signable(text_of(method), target.decode("utf-8", "replace"), headers, body)
    key = text_of(secret)
    claim = sign(request, "AK", key)
    assert verify(request, claim, key)
    assert parse_authorization(str(claim)) == claim
    assert not verify(request, claim, f"{key}x")
    assert not verify(replace(request, body=body + b"x"), claim, key)
    assert not verify(replace(request, headers={**headers, "x-project-id": f"{text_of(value)}.x"}), claim, key)
    assert not verify(replace(request, method=f"{request.method}X"), claim, key)
    assert not verify(request, claim._replace(signature="0" * 64), key)
    check_canonical(request.target)
    check_claim(request, text_of(value), key)


def check_canonical(target: str) -> None:
    """The canonical form is that of itself, and says what the target says."""
    path, _, query = target.partition("?")
    canonical = canonical_path(path)
    assert canonical_path(canonical) == canonical or "%" in unquote(path), path
    assert unquote(canonical).rstrip("/") == unquote(path).rstrip("/")
    ordered = canonical_query(query)
    assert canonical_query(ordered) == ordered
    said = sorted((unquote(n), unquote(v)) for n, _, v in (pair.partition("=") for pair in query.split("&") if pair))
    assert [(unquote(n), unquote(v)) for n, _, v in (pair.partition("=") for pair in ordered.split("&") if pair)] == (
        [pair for pair in said if any(pair)] if ("", "") not in said else said
    )


def check_claim(request: Signable, header: str, key: str) -> None:
    """A header that is read as a claim comes back as it is, and is of no use to who does not know the secret."""
    claim = parse_authorization(header)
    if claim is not None:
        assert str(claim) == header
        assert not verify(request, claim, key)
    names = tuple(header.split(";"))
    assert not verify(request, Authorization("AK", names, "0" * 64), key)
