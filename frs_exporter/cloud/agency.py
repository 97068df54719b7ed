"""An agency of another account: temporary keys that IAM gives whoever may assume it.

Sources: the IAM API reference, iam_04_0101, which shows it with a token; that a signature does is seen in the vendor's
clients (CreateTemporaryAccessKeyByAgency), and in its Terraform provider, which assumes agencies in this way.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from frs_exporter.cloud.key_services import Keys, KeyService, read_keys
from frs_exporter.cloud.transport import Request, Response
from frs_exporter.core.credentials import AssumedAgency
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import Trace

PATH = "/v3.0/OS-CREDENTIAL/securitytokens"
DURATION = 21600
"""Seconds for which keys are wanted: 15 minutes to 24 hours (iam_04_0101); the vendor's own client takes 6 hours."""
REFUSALS = (400, 403, 404)
TITLE = "IAM"

SendAs = Callable[[Request, RequestScope], Awaitable[Response]]
"""Sends a request in the name of a scope's credential; raises ApiError."""


def agency(credential: AssumedAgency, send_as: SendAs) -> KeyService:
    """What gives the keys of an agency: IAM, asked in the name of whom it is delegated to."""
    base = credential.base
    role = {"domain_name": credential.domain_name, "agency_name": credential.agency_name, "duration_seconds": DURATION}
    body = json.dumps({"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}).encode()

    async def fetch(access: RequestScope, trace: Trace) -> Keys:
        scope = base_scope(access, credential)
        endpoint = scope.endpoints[Api.IAM]
        request = Request(
            *(Api.IAM, endpoint, base.name, "POST", PATH, scope.poll_timeout, scope.http, body), trace=trace
        )
        try:
            answer = await send_as(request, scope)
        except ApiError as error:
            raise ApiError(agency_failure(error.failure, credential)) from None
        return read_keys(credential.name, answer, TITLE, Api.IAM)

    return KeyService(Api.IAM, TITLE, fetch)


def base_scope(access: RequestScope, credential: AssumedAgency) -> RequestScope:
    """In whose name keys are asked for, where the agency is used for `access`: no project's, but the account's."""
    return RequestScope(
        project=f"agency {credential.agency_name}",
        project_id="",
        credential=credential.base,
        endpoints=access.endpoints,
        poll_interval=access.poll_interval,
        poll_timeout=access.poll_timeout,
        http=access.http,
    )


def agency_failure(failure: Failure, credential: AssumedAgency) -> Failure:
    """A refusal by IAM, told as one of the agency."""
    # A 401 is about the one who asks, whose own guard has heard of it.
    if failure.status not in REFUSALS:
        return failure
    who = f"agency {credential.agency_name} of {credential.domain_name}"
    message = f"{who} gives no keys to {credential.base.name}: {failure.message}"
    return replace(failure, reason=Reason.FORBIDDEN, message=message, of_agency=True)
