"""What can go wrong: one closed list of reasons, three exceptions, and the one place that classifies an answer.

Exception
├── ConfigError   the file is wrong; every problem found, each as `file:line:column: path: message`
├── ApiError      the cloud did not tell what it was asked; its `failure` says why
└── Unchanged     the cloud told what it told before
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from frs_exporter.core.error_body import error_body, is_receipt, is_vendors, request_id, retry_after
from frs_exporter.core.redact import brief

NOT_SUBSCRIBED = "FRS.0019"
"""Nothing of FRS is subscribed: an answer that comes dressed as an error."""
SUBSERVICE_NOT_SUBSCRIBED = "FRS.0020"
NOT_SUBSCRIBED_EITHER = frozenset({NOT_SUBSCRIBED, SUBSERVICE_NOT_SUBSCRIBED})
"""With FRS.0020 the sub-service that the API belongs to is not, which tells of face sets what there is to tell."""
NO_SUCH_API = "APIG.0101"
"""The gateway knows no API by that method and path."""
NO_MESSAGE = "no message"


class Reason(StrEnum):
    """Why a poll failed: the closed set of values of the label `reason`."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    AUTH = "auth"
    TOKEN = "token"  # noqa: S105
    FORBIDDEN = "forbidden"
    PROJECT_MISMATCH = "project_mismatch"
    FROZEN = "frozen"
    ABSENT = "absent"
    THROTTLED = "throttled"
    CLIENT = "client"
    SERVER = "server"
    PAYLOAD = "payload"
    INTERNAL = "internal"


class ConfigError(Exception):
    """The config cannot be used; `problems` holds every reason found, one line each.

    `temporary` says that it may be usable a moment later, as not everything could be read.
    """

    def __init__(self, problems: Sequence[str], *, temporary: bool = False) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.temporary = temporary


class Unchanged(Exception):
    """The answer is the one of before, by its digest."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call did not tell what was asked; `code` is the vendor's, `retry_after` is in seconds.

    `by_proxy` says that it failed at the configured proxy: nothing is known of the endpoint.
    `by_vendor` says that the answer has a shape of the vendor's, and is not a stranger's on the way.
    `of_agency` says that IAM was asked for the keys of an agency, and gives none.
    `lacks` is what is missing for the request: `keys`, a `token_file`, or an account's `domain_id`.
    `sent` says that this very request has left the machine, or may have.
    `too_long` says that the answer has more bytes than are read.
    `second_factor` says that IAM takes the password, and wants more: login protection is on for the user.
    `unrenewable` says that the request carried a token that somebody else has bought: no other can be had.
    """

    reason: Reason
    message: str
    status: int | None = None
    code: str = ""
    retry_after: float | None = None
    request_id: str = ""
    api: str = ""
    by_proxy: bool = False
    by_vendor: bool = False
    unrenewable: bool = False
    of_agency: bool = False
    lacks: str = ""
    too_long: bool = False
    sent: bool = False
    second_factor: bool = False

    @property
    def answered(self) -> bool:
        """Whether the endpoint itself has answered, whatever it says."""
        return self.status is not None and not self.by_proxy

    def log_fields(self) -> dict[str, str | int]:
        """What the log tells of it, without what is not known."""
        fields = {name: getattr(self, name) for name in ("api", "code", "status", "request_id", "message")}
        return {"reason": str(self.reason), **{name: value for name, value in fields.items() if value}}

    def __str__(self) -> str:
        status = f"HTTP {self.status}" if self.status else ""
        where = " ".join(part for part in (self.code if self.code != str(self.status) else "", status) if part)
        return f"{self.reason}: {self.message}" + (f" ({where})" if where else "")


class ApiError(Exception):
    """What raises a Failure, and no more: its traceback holds headers and bodies, so it is the failure that is kept."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


# What a code says that its HTTP status does not. Codes without a row are judged by their status alone.
# Sources: the FRS error page face_02_0045, the API gateway's error-code page, the IAM API reference's status codes,
# the billing service's error codes (api-oce, zh-cn_topic_0081766005), some of which come with HTTP 200.
CODES: Mapping[str, Reason] = {
    "FRS.0002": Reason.TOKEN,
    "FRS.0018": Reason.SERVER,
    NOT_SUBSCRIBED: Reason.CLIENT,  # an answer, whatever its status: never taken for a refused secret
    "FRS.0028": Reason.PROJECT_MISMATCH,
    "FRS.0033": Reason.THROTTLED,
    "FRS.0202": Reason.FROZEN,
    NO_SUCH_API: Reason.ABSENT,
    "APIG.0301": Reason.TOKEN,
    "APIG.0303": Reason.TOKEN,
    "APIG.0305": Reason.TOKEN,
    "APIG.0307": Reason.TOKEN,
    "APIG.0308": Reason.THROTTLED,
    "IAM.0012": Reason.THROTTLED,
    "IAM.0066": Reason.TOKEN,
    "IAM.0067": Reason.TOKEN,
    "CES.0429": Reason.THROTTLED,
    "CBC.0151": Reason.FORBIDDEN,
    "CBC.0154": Reason.TOKEN,
    "CBC.0155": Reason.FORBIDDEN,
    "CBC.0156": Reason.FORBIDDEN,
    "CBC.0999": Reason.SERVER,
    "CBC.18000016": Reason.FORBIDDEN,
}
STATUSES: Mapping[int, Reason] = {
    401: Reason.TOKEN,
    403: Reason.FORBIDDEN,
    404: Reason.ABSENT,
    407: Reason.CONNECT,
    408: Reason.TIMEOUT,
    429: Reason.THROTTLED,
}


def classify(
    status: int, body: bytes, headers: Mapping[str, str], *, by_token: bool, secrets: Collection[str] = ()
) -> Failure:
    """The failure that an answer other than 2xx stands for; `by_token` says that the request carried a token.

    `headers` has lower-case names; `secrets` were sent and must not come back in the message. Without a token in play a
    refusal means the password or the signature.
    """
    code, message = error_body(body, secrets)
    reason = reason_of(code, status)
    if reason is Reason.TOKEN and not by_token:
        # The services themselves are asked by nobody whose signature the gateway has not found right.
        reason = Reason.FORBIDDEN if behind_the_gateway(code) else Reason.AUTH
        if message and not code:  # a page of somebody on the way, who knows nothing of the secret
            reason = Reason.PAYLOAD
    return Failure(
        reason,
        brief(message) or NO_MESSAGE,
        status=status,
        code=code or str(status),
        retry_after=retry_after(headers),
        request_id=request_id(headers, secrets),
        by_vendor=is_vendors(code, body),
        second_factor=is_receipt(body),
    )


def reason_of(code: str, status: int) -> Reason:
    """What a vendor's code and an HTTP status of 400 or more stand for in a request that carried a token."""
    known = CODES.get(canonical(code)) or STATUSES.get(status)
    return known or (Reason.SERVER if status >= 500 else Reason.CLIENT)


def proves_secret(failure: Failure) -> bool:
    """Whether a failure comes from behind the check of password or signature: who is told so was let in.

    A stranger's answer, as of a proxy or a firewall, proves nothing.
    """
    if behind_the_gateway(failure.code):
        return True
    if failure.reason is Reason.FORBIDDEN and failure.api == "iam" and failure.by_vendor:
        return True
    return canonical(failure.code) in {"APIG.0302", "APIG.0304", "APIG.0306", "APIG.0310", "APIG.0802"}


def behind_the_gateway(code: str) -> bool:
    """Whether a code is a service's own, which nobody is told whom the gateway has not let in."""
    return code.upper().startswith(("FRS.", "CES.", "CBC."))


def canonical(code: str) -> str:
    """A code as tables have it: the gateway's come as APIG., APIGW. and APIC., Cloud Eye's in lower case."""
    return re.sub(r"^API(GW|C)\.", "APIG.", code.upper())
