"""The ways to prove to the cloud who asks, as frozen values."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import SecretStr

from frs_exporter.core.site import PUBLIC_SITE


def at(site: str, *names: str) -> tuple[str, ...]:
    """Names that are somebody's at one site only; the public cloud's stand for themselves."""
    return names if site == PUBLIC_SITE else (site, *names)


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """An IAM user whose password buys a token for each project; `site` is where IAM knows it."""

    kind: ClassVar[str] = "token"
    name: str
    domain_name: str
    user_name: str
    password: SecretStr
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for."""
        return at(self.site, self.domain_name, self.user_name)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same, though the secret may change."""
        return self.kind, *self.user


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """An access key and secret key (AK/SK) that sign each request; temporary ones come with a security token.

    `site` is where signatures are verified.
    """

    kind: ClassVar[str] = "ak_sk"
    name: str
    access_key: str
    secret_key: SecretStr
    security_token: SecretStr | None = None
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for, as far as a key tells."""
        return at(self.site, self.access_key)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same: keys of one name are taken for one user's, as they are when they rotate."""
        return self.kind, *at(self.site, self.name)


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A token that somebody else has bought; when it ends, it ends."""

    kind: ClassVar[str] = "token"
    name: str
    value: SecretStr
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for, which the token does not tell."""
        return at(self.site, self.name)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same."""
        return "given_token", *at(self.site, self.name)


@dataclass(frozen=True, slots=True)
class AgencyCredential:
    """The temporary keys that the metadata service at `endpoint` gives a machine (ECS) whose agency may use FRS.

    `site` is where they sign.
    """

    kind: ClassVar[str] = "ecs_agency"
    name: str
    endpoint: str
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for: the machine."""
        return at(self.site, self.endpoint)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same."""
        return self.kind, *at(self.site, self.endpoint)


Credential = TokenCredential | KeyCredential | StaticToken | AgencyCredential
