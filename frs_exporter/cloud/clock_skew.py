"""How far this machine's clock is off the cloud's, which a signature's date must not be (pure)."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import lru_cache

from frs_exporter.core.errors import Failure, Reason
from frs_exporter.core.model import Api

NOTABLE_SKEW = 300.0
"""Seconds of clock skew that are told beside a refused signature; the gateway refuses from 900 on."""


class WorstSkews:
    """The clock skew of each API at the endpoint where it is worst: another site's right clock hides no wrong one."""

    def __init__(self) -> None:
        self._worst: dict[Api, tuple[str, float]] = {}

    def heard(self, api: Api, endpoint: str, skew: float) -> float:
        """The worst skew of an API, after one at an endpoint; both in seconds."""
        worst = self._worst.get(api)
        if worst is None or worst[0] == endpoint or abs(skew) >= abs(worst[1]):
            self._worst[api] = endpoint, skew
        return self._worst[api][1]

    def retain(self, endpoints: Collection[str]) -> None:
        """Let go of what was heard at other endpoints; the next answer is the worst then."""
        self._worst = {api: known for api, known in self._worst.items() if known[0] in endpoints}


def clock_skew(headers: Mapping[str, str], sent_at: float, answered_at: float) -> float | None:
    """Seconds by which the wall clock is ahead of the one that wrote the answer's Date, to half a second or so.

    All times in Unix seconds; None without a Date. The answer was made between the two, its Date is cut to a second.
    """
    written_at = unix_seconds(headers.get("date", ""))
    return None if written_at is None else (sent_at + answered_at) / 2 - (written_at + 0.5)


@lru_cache(maxsize=16)
def unix_seconds(date: str) -> float | None:
    """A Date in Unix seconds, None where it is none; many answers are written in the same second."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def skew_hint(skew: float) -> str:
    """What to tell beside a refused signature, when the clock may be to blame."""
    if abs(skew) <= NOTABLE_SKEW:
        return ""
    way = "ahead of" if skew > 0 else "behind"
    return f"; this machine's clock is {abs(skew):.0f} s {way} the cloud's: set it right"


def hinted(refused: Failure, headers: Mapping[str, str], skew: float | None) -> Failure:
    """A refusal, with what else it may be where a signature was refused."""
    # A wrong date has the code of a wrong key (devg-apisign, api-sign-0001): nobody should change a key that is right.
    if refused.reason is Reason.AUTH and "x-sdk-date" in headers and skew is not None:
        return replace(refused, message=refused.message + skew_hint(skew))
    return refused
