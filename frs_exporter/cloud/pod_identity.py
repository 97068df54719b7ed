"""Pod identity of a cluster (CCE): temporary keys of the agency that a pod's service account is bound to.

Sources: the CCE user guide, cce_10_1110, and the vendor's own client (huaweicloudsdkcore, auth/internal.py).
"""

from functools import partial
from urllib.parse import urlsplit

from frs_exporter.cloud.key_services import CurrentToken, Keys, KeyService, fixed_headers, no_keys, read_keys, token_of
from frs_exporter.cloud.transport import Request, Send
from frs_exporter.core.credentials import PodIdentityCredential
from frs_exporter.core.errors import ApiError
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import Trace

# As the vendor's own client waits: the agent is on the same node, or not there.
TIMEOUT = 5.0
TITLE = "the pod identity agent"


def pod_identity(credential: PodIdentityCredential, send: Send) -> KeyService:
    """The agent that gives the keys of a credential."""
    parts = urlsplit(credential.uri)
    endpoint = f"{parts.scheme}://{parts.netloc}"
    target = credential.uri.removeprefix(endpoint) or "/"

    current = CurrentToken(partial(token_of, credential.token_file, Api.CCE))

    async def fetch(access: RequestScope, trace: Trace) -> Keys:
        # The kubelet puts another token into the file well before the one in it ends.
        token = await current.use()
        # Never through a proxy: it is this pod's own token, for an agent on this node.
        request = Request(
            *(Api.CCE, endpoint, credential.name, "POST", target, TIMEOUT), body=b"{}", secret=token, trace=trace
        )
        try:
            answer = await send(request, fixed_headers({"content-type": "application/json", "authorization": token}))
        except ApiError as error:
            raise ApiError(no_keys(error.failure, "the pod")) from None
        return read_keys(credential.name, answer, TITLE, Api.CCE)

    return KeyService(Api.CCE, TITLE, fetch, current.changed)
