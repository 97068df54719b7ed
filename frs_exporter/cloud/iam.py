"""What IAM wants to hear for a token, and what it answers (pure)."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from frs_exporter.cloud.strict_json import decode
from frs_exporter.cloud.transport import Response
from frs_exporter.core.credentials import TokenCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api

VISIBLE = re.compile(r"[\x21-\x7e]+")
"""What can be sent in a header, and goes into none that begins another one (RFC 9110, 5.5)."""


def password_login(credential: TokenCredential, project_id: str, *, account: bool = False) -> bytes:
    """The body of `POST /v3/auth/tokens`: a user's password, scoped to a project by its id, its account, or to nothing.

    To list the user's projects no scope is needed (IAM API, POST /v3/auth/tokens: it is optional). With the account as
    its scope the user needs a role on that, and without one is told the same as of a wrong password (Keystone).
    """
    user = {
        "name": credential.user_name,
        "password": credential.password.get_secret_value(),
        "domain": {"name": credential.domain_name},
    }
    # No second factor (`totp`; IAM API, POST /v3/auth/tokens): its codes come from a person, and a daemon has none.
    identity = {"methods": ["password"], "password": {"user": user}}
    # Services of a region, as FRS, want a token of a project; the account's is for global ones (IAM API, iam_30_0001).
    scope: dict[str, Any] = {}
    if account:
        scope = {"scope": {"domain": {"name": credential.domain_name}}}
    elif project_id:
        scope = {"scope": {"project": {"id": project_id}}}
    return json.dumps({"auth": {"identity": identity, **scope}}).encode()


def read_token(raw: Response) -> tuple[str, float, float, str]:
    """Token, issue and expiry in Unix seconds, and project id, empty for one without a project, of IAM's answer.

    Raises ValueError where it is no JSON, and ApiError on any other shape.
    """
    # The token itself is in a header; the body describes it (IAM API, iam_30_0001).
    value, problem = raw.headers.get("x-subject-token", ""), "no usable X-Subject-Token"
    data = decode(raw.data)
    try:
        token: Any = data["token"]
        issued, expires = (iam_time(token[key]) for key in ("issued_at", "expires_at"))
        project_id = token["project"]["id"] if "project" in token else ""
        if VISIBLE.fullmatch(value) and isinstance(project_id, str) and expires > issued:
            return value, issued, expires, project_id
    except (KeyError, TypeError, ValueError, OverflowError):
        problem = "no usable token.issued_at, token.expires_at and token.project.id"
    raise ApiError(Failure(Reason.PAYLOAD, f"{problem} in IAM's answer", **about(raw)))


def about(answer: Response) -> dict[str, Any]:
    """What an error tells of an answer that was successful, but not usable."""
    return {"api": Api.IAM, "status": answer.status, "request_id": answer.request_id}


def iam_time(text: str) -> float:
    """Unix seconds of a time as IAM writes it, `2020-01-04T09:05:22.701000Z`; raises ValueError."""
    # Times are in UTC (IAM API, iam_04_0002), though some of IAM's pages show them without the Z.
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
