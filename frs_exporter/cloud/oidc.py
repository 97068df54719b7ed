"""OIDC: temporary keys that STS gives for an id token, as of a Kubernetes service account or of a CI job.

Sources: the STS API reference, AssumeAgencyWithOIDC (POST /v5/agencies/assume-with-oidc), and the vendor's own client
(huaweicloudsdkcore, auth/internal.py). Not every service takes such keys (IAM user guide, iam_01_1236); it is not known
whether FRS does.
"""

import json
from typing import Any

from frs_exporter.cloud.key_services import CurrentToken, Keys, KeyService, fixed_headers, read_keys, token_of
from frs_exporter.cloud.transport import Request, Send
from frs_exporter.core.credentials import OidcCredential
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import Trace

PATH = "/v5/agencies/assume-with-oidc"
TITLE = "STS"


def oidc(credential: OidcCredential, send: Send) -> KeyService:
    """What gives the keys of a credential: STS, for the id token of now."""

    async def now() -> str:
        if credential.token_file:
            return await token_of(credential.token_file, Api.STS)
        return credential.id_token.get_secret_value() if credential.id_token else ""

    current = CurrentToken(now)

    async def fetch(access: RequestScope, trace: Trace) -> Keys:
        # Whoever issues tokens puts another one into the file well before the one in it ends.
        token = await current.use()
        request = Request(
            *(Api.STS, credential.endpoint, credential.name, "POST", PATH, access.poll_timeout, access.http),
            body=json.dumps(request_body(credential, token)).encode(),
            secret=token,
            trace=trace,
        )
        # It is not signed: the token is all the proof there is.
        answer = await send(request, fixed_headers({"content-type": "application/json;charset=UTF-8"}))
        return read_keys(credential.name, answer, TITLE, Api.STS)

    return KeyService(Api.STS, TITLE, fetch, current.changed)


def request_body(credential: OidcCredential, token: str) -> dict[str, Any]:
    """What STS is sent."""
    narrowed = {"policy": credential.policy, "policy_ids": list(credential.policy_ids)}
    return {
        "provider_urn": credential.provider_urn,
        "agency_urn": credential.agency_urn,
        "agency_session_name": credential.session_name,
        "id_token": token,
        "duration_seconds": credential.duration,
        **{name: value for name, value in narrowed.items() if value},
    }
