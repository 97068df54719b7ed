"""SDK-HMAC-SHA256, the request signature of Huawei Cloud's API gateway: canonical form, sign, verify.

    CanonicalRequest = METHOD \\n CanonicalURI \\n CanonicalQuery \\n CanonicalHeaders \\n SignedHeaders \\n hash(body)
    StringToSign     = SDK-HMAC-SHA256 \\n X-Sdk-Date \\n hash(CanonicalRequest)
    Signature        = hex(HMAC-SHA256(secret key, StringToSign))

Unlike AWS' scheme, which it resembles, the key is used as it is: no date, region or service is mixed into it.
Source: the vendor's guide devg-apisign, api-sign-algorithm-001 to 005, and its signer in huaweicloudsdkcore.
"""

import functools
import hashlib
import hmac
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
UNRESERVED = re.compile("[A-Za-z0-9._~/-]*")
"""Paths of which each character stands for itself."""
HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
MAX_SKEW = 900.0
"""Seconds by which X-Sdk-Date may differ from the gateway's clock."""


class Authorization(NamedTuple):
    """The parts of an Authorization header."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str

    def __str__(self) -> str:
        return (
            f"{ALGORITHM} Access={self.access_key}, "
            f"SignedHeaders={';'.join(self.signed_headers)}, Signature={self.signature}"
        )


@dataclass(frozen=True, slots=True)
class Signable:
    """What is signed of a request: `target` is path and query as sent, encoded; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def sign(request: Signable, access_key: str, secret_key: str) -> Authorization:
    """Sign all of a request's headers, which must hold host and x-sdk-date."""
    signed = tuple(sorted(request.headers))
    return Authorization(access_key, signed, signature(request, signed, secret_key))


def verify(request: Signable, claim: Authorization, secret_key: str) -> bool:
    """Whether `claim` is the signature of this request, as received."""
    if "x-sdk-date" not in claim.signed_headers or not request.headers.keys() >= set(claim.signed_headers):
        return False
    expected = signature(request, claim.signed_headers, secret_key)
    return hmac.compare_digest(expected.encode(), claim.signature.encode())


def parse_authorization(value: str) -> Authorization | None:
    """The parts of a header `SDK-HMAC-SHA256 Access=, SignedHeaders=, Signature=`, or None for anything else."""
    match = re.fullmatch(rf"{ALGORITHM} Access=([^,\s]+), SignedHeaders=([^,\s]+), Signature=([0-9a-f]{{64}})", value)
    return Authorization(match[1], tuple(match[2].split(";")), match[3]) if match else None


def sdk_date(unix_seconds: float) -> str:
    """A time as X-Sdk-Date wants it."""
    return date_of_second(math.floor(unix_seconds))


@functools.lru_cache(maxsize=2)
def date_of_second(unix_seconds: int) -> str:
    """The same for a whole second, in which many requests are signed."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime(DATE_FORMAT)


def signature(request: Signable, signed: tuple[str, ...], secret_key: str) -> str:
    """The signature over the headers named in `signed`, as 64 hexadecimal digits."""
    digest = hashlib.sha256(canonical_request(request, signed).encode()).hexdigest()
    string_to_sign = f"{ALGORITHM}\n{request.headers['x-sdk-date']}\n{digest}"
    return hmac.new(secret_key.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def canonical_request(request: Signable, signed: tuple[str, ...]) -> str:
    """The text whose hash is signed."""
    path, _, query = request.target.partition("?")
    # Each ends its own line, so join() leaves an empty one after the last, as in the guide (api-sign-algorithm-002).
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed)
    # A GET is signed with the hash of no bytes, and not without a hash (api-sign-algorithm-002).
    content = HASH_OF_NOTHING
    if request.body:  # the vendor's signer writes UNSIGNED-PAYLOAD here for bodies that are not JSON, unless empty
        content = request.headers.get("x-sdk-content-sha256", hashlib.sha256(request.body).hexdigest())
    return "\n".join(
        (request.method.upper(), canonical_path(path), canonical_query(query), headers, ";".join(signed), content)
    )


def canonical_path(path: str) -> str:
    """Each segment decoded and encoded again, with a slash at the end that the URL itself does not have."""
    # An encoded slash becomes a plain one, as in the vendor's signer. How the gateway reads it is not documented; no
    # path that is asked here has one.
    encoded = path if UNRESERVED.fullmatch(path) else "/".join(encode(part) for part in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def canonical_query(query: str) -> str:
    """The pairs in the order of their decoded names and values; a name without a value keeps its `=`."""
    if not query:
        return ""
    # Sorted before it is encoded, as in the vendor's signer: a % sorts before letters. A plus sign is no space, as only
    # %20 is (api-sign-algorithm-002).
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{encode(n)}={encode(v)}" for n, v in sorted((unquote(n), unquote(v)) for n, _, v in pairs))


def encode(text: str) -> str:
    """Percent-encode all but the unreserved characters of RFC 3986."""
    return quote(text, safe="~")
