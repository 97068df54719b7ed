"""When a certificate is valid, out of its DER (RFC 5280, 4.1): Python's ssl tells that of verified peers only."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

FIRST = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END ", re.DOTALL)
VERSION, UTC_TIME = 0xA0, 0x17
"""Tags of DER (X.690): what all certificates but the oldest begin with, and a time with a year of two digits."""
RENEW_BEFORE = 30 * 86400.0
"""Seconds before its end in which a certificate is warned about, or half of its life, if that is shorter."""


class Validity(NamedTuple):
    """From when to when a certificate is valid, both in Unix seconds."""

    begin: float
    end: float

    def oddities(self, now: float) -> Iterator[str]:
        """What is to be said of it: that it has ended, that it ends soon, or that it is not valid yet."""
        if self.end < now:
            yield f"the certificate ended on {day(self.end)}; put a new one there"
        elif self.end < now + min(RENEW_BEFORE, (self.end - self.begin) / 2):
            yield f"the certificate ends on {day(self.end)}; put a new one there"
        if self.begin > now:
            begin = f"{datetime.fromtimestamp(self.begin, UTC):%Y-%m-%d %H:%M} UTC"
            yield f"the certificate is not valid before {begin}; put another one there, or set this machine's clock"


def day(time: float) -> str:
    """The day in UTC of a time in Unix seconds."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"


def validity(blocks: bytes) -> Validity:
    """When the first certificate of some PEM blocks is valid; raises ValueError where there is none."""
    first = FIRST.search(blocks)
    if first is None:
        raise ValueError("no certificate")
    try:
        return validity_in(base64.b64decode(first[1]))
    except IndexError:
        raise ValueError("part of the certificate is missing") from None


def validity_in(der: bytes) -> Validity:
    """When a certificate is valid; raises ValueError and IndexError where the bytes are none."""
    _, place, _ = element(der, 0)  # Certificate
    _, place, _ = element(der, place)  # TBSCertificate
    tag, _, end = element(der, place)
    place = end if tag == VERSION else place
    for _ in ("serialNumber", "signature", "issuer"):
        _, _, place = element(der, place)
    _, place, _ = element(der, place)  # Validity
    not_before, place = time_at(der, place)
    not_after, _ = time_at(der, place)
    return Validity(not_before, not_after)


def time_at(der: bytes, place: int) -> tuple[float, int]:
    """The time at a place, in Unix seconds, and where it ends; raises ValueError and IndexError where there is none."""
    tag, place, end = element(der, place)
    text = der[place:end].decode("ascii")
    if tag == UTC_TIME:  # RFC 5280, 4.1.2.5.1
        text = f"{'19' if text >= '50' else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp(), end


def element(der: bytes, place: int) -> tuple[int, int, int]:
    """The tag of what is at a place, and where its content begins and ends; raises IndexError."""
    tag, size, begin = der[place], der[place + 1], place + 2
    if size & 0x80:  # the size has bytes of its own
        begin += size & 0x7F
        size = int.from_bytes(der[place + 2 : begin])
    return tag, begin, begin + size
