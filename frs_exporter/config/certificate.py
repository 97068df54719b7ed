"""When a certificate ends, out of its DER (RFC 5280, 4.1): Python's ssl tells that of verified peers only."""

import base64
import re
from datetime import UTC, datetime

FIRST = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END ", re.DOTALL)
VERSION, UTC_TIME = 0xA0, 0x17
"""Tags of DER (X.690): what all certificates but the oldest begin with, and a time with a year of two digits."""


def expiry(blocks: bytes) -> float:
    """When the first certificate of some PEM blocks ends, in Unix seconds; raises ValueError where there is none."""
    first = FIRST.search(blocks)
    if first is None:
        raise ValueError("no certificate")
    try:
        return not_after(base64.b64decode(first[1]))
    except IndexError:
        raise ValueError("part of the certificate is missing") from None


def not_after(der: bytes) -> float:
    """When a certificate ends, in Unix seconds; raises ValueError and IndexError where the bytes are none."""
    _, place, _ = element(der, 0)  # Certificate
    _, place, _ = element(der, place)  # TBSCertificate
    tag, _, end = element(der, place)
    place = end if tag == VERSION else place
    for _ in ("serialNumber", "signature", "issuer"):
        _, _, place = element(der, place)
    _, place, _ = element(der, place)  # Validity
    _, _, place = element(der, place)  # notBefore
    tag, place, end = element(der, place)
    text = der[place:end].decode("ascii")
    if tag == UTC_TIME:  # RFC 5280, 4.1.2.5.1
        text = f"{'19' if text >= '50' else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def element(der: bytes, place: int) -> tuple[int, int, int]:
    """The tag of what is at a place, and where its content begins and ends; raises IndexError."""
    tag, size, begin = der[place], der[place + 1], place + 2
    if size & 0x80:  # the size has bytes of its own
        begin += size & 0x7F
        size = int.from_bytes(der[place + 2 : begin])
    return tag, begin, begin + size
