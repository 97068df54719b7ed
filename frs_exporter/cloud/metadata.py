"""The metadata service of the machine (ECS): temporary keys of the agency that it was given.

Sources: the ECS user guide on metadata, and the vendor's own client (huaweicloudsdkcore, auth/internal.py).
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from pydantic import SecretStr

from frs_exporter.cloud.iam import iam_time
from frs_exporter.cloud.transport import Authorize, Request, Response, Send
from frs_exporter.core.credentials import AgencyCredential, KeyCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api
from frs_exporter.core.trace import UNTRACED, Trace

TOKEN_PATH = "/meta-data/latest/api/token"
KEY_PATH = "/openstack/latest/securitykey"
TOKEN_LIFE = 21600
"""Seconds for which a token of the service is asked; it is used at once."""
# As the vendor's own client waits: the service is near, or not there.
TIMEOUT = 3.0
WITHOUT_TOKENS = {404, 405, 503}
"""What services that know no tokens answer to the request for one."""
FIELDS = (
    ("credential", ("access", "secret", "securitytoken", "expires_at")),
    ("credentials", ("access_key_id", "secret_access_key", "security_token", "expiration")),
)
"""The two shapes in which keys are given."""


async def temporary_keys(
    credential: AgencyCredential, send: Send, trace: Trace = UNTRACED
) -> tuple[KeyCredential, float]:
    """The keys that are given now, and when they end in Unix seconds; raises ApiError."""

    def request(method: str, path: str, **more: object) -> Request:
        # Never through a proxy: 169.254.169.254 is link-local, and nobody forwards what is sent there (RFC 3927, 2.7).
        return Request(Api.ECS, credential.endpoint, credential.name, method, path, TIMEOUT, trace=trace, **more)  # type: ignore[arg-type]

    try:
        answer = await send(request("GET", KEY_PATH), given(await authorization(send, request)))
    except ApiError as error:
        failure = error.failure
        # A machine without an agency gets a 401, too ("Please configure Cloud Service Agency first"). No secret is
        # wrong then, so it is not told as one.
        if failure.status in (401, 403, 404):
            message = f"the machine is given no keys: {failure.message}"
            refused = Failure(Reason.FORBIDDEN, message, status=failure.status, code=failure.code, api=Api.ECS)
            raise ApiError(refused) from None
        raise
    return read_keys(credential.name, answer)


async def authorization(send: Send, request: Callable[..., Request]) -> dict[str, str]:
    """The header with the service's token, or none where it knows no tokens; raises ApiError."""
    # The service has two versions. The second wants a token, and a machine may be set to have only that (`http_tokens`;
    # ECS API, ecs_02_0703); the first knows none. So a token is always asked for, and need not be given.
    try:
        asked = {"x-metadata-token-ttl-seconds": str(TOKEN_LIFE)}
        return {"x-metadata-token": (await send(request("PUT", TOKEN_PATH, read=printable), given(asked))).data}
    except ApiError as error:
        if error.failure.status not in WITHOUT_TOKENS:
            raise
        return {}


def read_keys(name: str, answer: Response) -> tuple[KeyCredential, float]:
    """The keys of an answer; raises ApiError on any other shape."""
    data = answer.data if isinstance(answer.data, dict) else {}
    for key, fields in FIELDS:
        try:
            access, secret, token, expires = (data[key][field] for field in fields)
            if all(re.fullmatch(r"[\x21-\x7e]+", part) for part in (access, secret, token)):
                return KeyCredential(name, access, SecretStr(secret), SecretStr(token)), iam_time(expires)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    message = "no usable credential in the metadata service's answer"
    raise ApiError(Failure(Reason.PAYLOAD, message, status=answer.status, api=Api.ECS))


def printable(raw: Response) -> str:
    """Text that can be sent in a header; raises ValueError."""
    text = str(raw.data, "ascii", "replace").strip()
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("it is no token")
    return text


def given(headers: Mapping[str, str]) -> Authorize:
    """Headers that need no making."""

    @asynccontextmanager
    async def authorize(_: Request) -> AsyncIterator[Mapping[str, str]]:
        yield headers

    return authorize
