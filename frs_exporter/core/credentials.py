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


@dataclass(frozen=True, slots=True)
class PodIdentityCredential:
    """The temporary keys that an agent of the cluster (CCE) at `uri` gives a pod, for the token in its `token_file`."""

    kind: ClassVar[str] = "pod_identity"
    name: str
    uri: str
    token_file: str
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for: the pod's service account, whose token it is."""
        return at(self.site, self.uri, self.token_file)


@dataclass(frozen=True, slots=True)
class OidcCredential:
    """The temporary keys of an agency that STS at `endpoint` gives for an id token of somebody the account trusts.

    The token is the one in `token_file`, or else `id_token`; keys are wanted for `duration` seconds. `policy` and
    `policy_ids` may narrow what they are good for.
    """

    kind: ClassVar[str] = "oidc"
    name: str
    provider_urn: str
    agency_urn: str
    token_file: str = ""
    id_token: SecretStr | None = None
    session_name: str = "oidc-sts-session"
    duration: int = 3600
    endpoint: str = "https://sts.cn-north-4.myhuaweicloud.com"
    policy: str = ""
    policy_ids: tuple[str, ...] = ()
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for: the agency."""
        return at(self.site, self.agency_urn)


@dataclass(frozen=True, slots=True)
class AssumedAgency:
    """The temporary keys of an agency that another account, `domain_name`, has set up for the owner of `base`."""

    kind: ClassVar[str] = "agency"
    name: str
    base: "Signing"
    domain_name: str
    agency_name: str
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for: the agency is a user of its account."""
        return at(self.site, self.domain_name, self.agency_name)


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The temporary keys of the first of several services that gives some; `nothing` is where else was looked."""

    kind: ClassVar[str] = "sdk"
    name: str
    services: "tuple[AgencyCredential | PodIdentityCredential, ...]"
    nothing: tuple[str, ...] = ()
    site: str = PUBLIC_SITE

    @property
    def user(self) -> tuple[str, ...]:
        """Whom the vendor counts quota and refusals for: the machine, or the pod on it."""
        return at(self.site, *(part for service in self.services for part in service.user))


Signing = KeyCredential | AgencyCredential | PodIdentityCredential | OidcCredential | FirstOf
"""Those that sign in the name of a user's or machine's own account."""

TemporaryKeys = AgencyCredential | PodIdentityCredential | OidcCredential | FirstOf | AssumedAgency
"""Those that have no keys of their own: a service gives them some for a while."""

Credential = TokenCredential | KeyCredential | StaticToken | TemporaryKeys


def user_of(credential: Credential) -> tuple[str, ...]:
    """Whom the vendor counts quota and refusals for, told apart from users of other kinds."""
    return credential.kind, *credential.user


def identity_of(credential: Credential) -> tuple[str, ...]:
    """Whose answers are the same, though the secret may change."""
    match credential:
        case KeyCredential():  # keys of one name are taken for one user's, as they are when they rotate
            return credential.kind, *at(credential.site, credential.name)
        case StaticToken():  # of which it is not known whose it is, while its kind is that of a user's password
            return "given_token", *credential.user
        case _:
            return user_of(credential)


def names_of(credential: Credential) -> tuple[str, ...]:
    """The name of a credential, and of the one in whose name it is had, if it is."""
    return (credential.name, credential.base.name) if isinstance(credential, AssumedAgency) else (credential.name,)
