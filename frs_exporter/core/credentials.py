"""The ways to prove to the cloud who asks, as frozen values."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """An IAM user whose password buys a token for each project."""

    kind: ClassVar[str] = "token"
    name: str
    domain_name: str
    user_name: str
    password: SecretStr

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for."""
        return self.domain_name, self.user_name

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same, though the secret may change."""
        return self.kind, *self.user


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """An access key and secret key (AK/SK) that sign each request; temporary ones come with a security token."""

    kind: ClassVar[str] = "ak_sk"
    name: str
    access_key: str
    secret_key: SecretStr
    security_token: SecretStr | None = None

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for, as far as a key tells."""
        return (self.access_key,)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same: keys of one name are taken for one user's, as they are when they rotate."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A token that somebody else has bought; when it ends, it ends."""

    kind: ClassVar[str] = "token"
    name: str
    value: SecretStr

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for, which the token does not tell."""
        return (self.name,)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same."""
        return "given_token", self.name


@dataclass(frozen=True, slots=True)
class AgencyCredential:
    """The temporary keys that the metadata service at `endpoint` gives a machine (ECS) whose agency may use FRS."""

    kind: ClassVar[str] = "ecs_agency"
    name: str
    endpoint: str

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for: the machine."""
        return (self.endpoint,)

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose answers are the same."""
        return self.kind, self.endpoint


Credential = TokenCredential | KeyCredential | StaticToken | AgencyCredential
