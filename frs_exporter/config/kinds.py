"""The kinds of credentials, as they may be written in the config file."""

from typing import Annotated

from pydantic import Field

from frs_exporter.config.section import Model
from frs_exporter.config.types import Endpoint, FileName, Secret, SessionDuration, Text, Url, matching

KINDS = ("token", "ak_sk", "ecs_agency", "pod_identity", "oidc", "agency", "sdk")


class Token(Model):
    """An IAM user with a password. Accounts that are a HUAWEI ID cannot get tokens: create an IAM user."""

    domain_name: Text = Field(description="The account's name.")
    user_name: Text = Field(description="The IAM user's name.")
    password: Secret = Field(description="The IAM user's password: use !env NAME or !file PATH.")


class AkSk(Model):
    """An access key, permanent or temporary."""

    access_key: Annotated[str, matching(r"[A-Za-z0-9_-]{1,128}", "an access key: letters and digits")]
    secret_key: Secret = Field(description="The secret key: use !env NAME or !file PATH.")
    security_token: Secret | None = Field(None, description="What temporary keys come with.")


class EcsAgency(Model):
    """The agency of the ECS that the exporter runs on: temporary keys from its metadata service, nothing to keep."""

    endpoint: Endpoint = Field("http://169.254.169.254", description="The metadata service.")


class PodIdentity(Model):
    """The agency of a pod's service account in a CCE cluster: temporary keys from the node's agent, nothing to keep."""

    uri: Url | None = Field(None, description="The agent (default: HC_CONTAINER_CREDENTIALS_FULL_URI of the pod).")
    token_file: FileName | None = Field(
        None, description="The service account's token (default: HC_CONTAINER_AUTHORIZATION_TOKEN_FILE of the pod)."
    )


class Oidc(Model):
    """An agency that trusts an issuer of id tokens (OIDC). Experimental: FRS may not take such keys."""

    provider_urn: Text | None = Field(None, description="The provider (default: HUAWEICLOUD_OIDC_PROVIDER_URN).")
    agency_urn: Text | None = Field(None, description="The agency (default: HUAWEICLOUD_OIDC_AGENCY_URN).")
    id_token_file: FileName | None = Field(
        None, description="The id token (default: HUAWEICLOUD_OIDC_ID_TOKEN itself, or HUAWEICLOUD_OIDC_TOKEN_FILE)."
    )
    session_name: Text | None = Field(None, description="What audits call it (default oidc-sts-session).")
    duration: SessionDuration | None = Field(None, description="How long keys are to live (default 1h).")
    endpoint: Url | None = Field(None, description="STS (default: https://sts.cn-north-4.myhuaweicloud.com).")


class Sdk(Model):
    """What the vendor's clients find: in the environment, ~/.huaweicloud/credentials, or given to machine or pod."""


class Agency(Model):
    """An agency of another account: temporary keys that IAM gives a user of the account that it is delegated to."""

    credential: str = Field(description="A name from `credentials`: who assumes it; one that signs, so no token.")
    domain_name: Text = Field(description="The other account's name.")
    agency_name: Text = Field(description="The agency's name in that account.")
