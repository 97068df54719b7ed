"""The metadata service of the machine (ECS): temporary keys of the agency that it was given.

Sources: the ECS user guide on metadata, and the vendor's own client (huaweicloudsdkcore, auth/internal.py).
"""

from collections.abc import Callable
from typing import Any

from frs_exporter.cloud.key_services import Keys, KeyService, fixed_headers, no_keys, printable, read_keys
from frs_exporter.cloud.transport import Request, Response, Send, read_json
from frs_exporter.core.credentials import AgencyCredential
from frs_exporter.core.errors import ApiError
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import Trace

TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105  # a path
KEY_PATH = "/openstack/latest/securitykey"
TOKEN_LIFE = 21600
"""Seconds for which a token of the service is asked; it is used at once."""
# As the vendor's own client waits: the service is near, or not there.
TIMEOUT = 3.0
WITHOUT_TOKENS = {404, 405, 503}
"""What services that know no tokens answer to the request for one."""
TITLE = "the metadata service"


def metadata(credential: AgencyCredential, send: Send) -> KeyService:
    """The service that gives the keys of a credential."""

    async def fetch(access: RequestScope, trace: Trace) -> Keys:
        def request(method: str, path: str, read: Callable[[Response], Any] = read_json) -> Request:
            # Never through a proxy: 169.254.169.254 is link-local, and nobody forwards what is sent there (RFC 3927,
            # 2.7).
            return Request(
                *(Api.ECS, credential.endpoint, credential.name, method, path, TIMEOUT), read=read, trace=trace
            )

        try:
            answer = await send(request("GET", KEY_PATH), fixed_headers(await authorization(send, request)))
        except ApiError as error:
            # A machine without an agency gets a 401, too ("Please configure Cloud Service Agency first").
            raise ApiError(no_keys(error.failure, "the machine")) from None
        return read_keys(credential.name, answer, TITLE, Api.ECS)

    return KeyService(Api.ECS, TITLE, fetch)


async def authorization(send: Send, request: Callable[..., Request]) -> dict[str, str]:
    """The header with the service's token, or none where it knows no tokens; raises ApiError."""
    # The service has two versions. The second wants a token, and a machine may be set to have only that (`http_tokens`;
    # ECS API, ecs_02_0703); the first knows none. So a token is always asked for, and need not be given.
    try:
        asked = {"x-metadata-token-ttl-seconds": str(TOKEN_LIFE)}
        return {"x-metadata-token": (await send(request("PUT", TOKEN_PATH, printable), fixed_headers(asked))).data}
    except ApiError as error:
        if error.failure.status not in WITHOUT_TOKENS:
            raise
        return {}
