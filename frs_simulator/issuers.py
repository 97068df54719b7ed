"""Who gives temporary keys, and to whom: a machine's metadata service, a cluster's agent, STS, and IAM for agencies."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frs_simulator.world import Account


@dataclass(frozen=True)
class TemporaryKey:
    """A key that ends, in Unix seconds; its security token must come with each signature."""

    account: "Account"
    access_key: str
    secret_key: str
    security_token: str
    expires_at: float

    def good_with(self, security_token: str, now: float) -> bool:
        """Whether the key may be used with this security token now."""
        return security_token == self.security_token and now < self.expires_at


@dataclass
class Machine:
    """What the metadata service tells on a machine whose agency acts for an account, if it has one.

    Keys live for `life` seconds; in the last `overlap` of them others are given. The service may know no tokens
    (`token_status` 404, 405 or 503), or want one.
    """

    account: "Account | None"
    life: float = 86400.0
    overlap: float = 21600.0
    token_status: int = 200
    token_required: bool = False
    tokens: set[str] = field(default_factory=set)
    key: TemporaryKey | None = None


@dataclass
class Trust:
    """Whose id tokens STS takes for which agency of an account; it gives another key each time."""

    account: "Account | None" = None
    provider_urn: str = ""
    agency_urn: str = ""
    tokens: set[str] = field(default_factory=set)


@dataclass
class Agency:
    """What an account delegates to others, by their names: to act as its user."""

    account: "Account"
    delegates: set[str]


@dataclass
class Cluster:
    """What the agent of a cluster gives pods whose service account is bound to an agency of an account, if it is.

    It takes these tokens of service accounts, and gives another key each time, which lives for `life` seconds.
    """

    account: "Account | None" = None
    tokens: set[str] = field(default_factory=set)
    life: float = 21600.0
