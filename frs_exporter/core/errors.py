"""What can go wrong: one closed list of reasons, three exceptions, and the one place that classifies an answer.

Exception
├── ConfigError   the file is wrong; every problem found, each as `file:line:column: path: message`
├── ApiError      the cloud did not tell what it was asked; its `failure` says why
└── Unchanged     the cloud told what it told before
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from frs_exporter.core.redact import blanked, brief, cut

REQUEST_IDS = ("x-request-id", "x-iam-trace-id", "x-openstack-request-id")
"""Headers that tell under which id the vendor's support finds a call."""
MAX_PAGE = 1 << 16
"""Bytes of a page of HTML that are looked at."""
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
    TOKEN = "token"
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
    `lacks` is what this machine has not got for the request: `keys` or a `token_file`, which no vendor mends.
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
# Sources: the FRS error page face_02_0045, the API gateway's error-code page, the IAM API reference's status codes.
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
}
SHAPES = (("error_code", "error_msg", "error_message"), ("errorCode", "errorMsg", "errorMessage"), ("code", "message"))
"""What error bodies call the code and the message; the first that is there is taken."""
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
    """Whether a code is FRS's or Cloud Eye's own, which nobody is told whom the gateway has not let in."""
    return code.upper().startswith(("FRS.", "CES."))


def canonical(code: str) -> str:
    """A code as tables have it: the gateway's come as APIG., APIGW. and APIC., Cloud Eye's in lower case."""
    return re.sub(r"^API(GW|C)\.", "APIG.", code.upper())


def error_body(body: bytes, secrets: Collection[str] = ()) -> tuple[str, str]:
    """The vendor's code and message in an error body, either empty when it has none, and no secret in it.

    FRS and the gateway have one shape, the gateway of global services another word for the message (api-oce,
    fci_00002), keystone's is nested, IAM v3.0 and others are camel-case cousins, Cloud Eye's code is in its details, a
    receipt of keystone's has neither, and what a proxy says is not JSON at all. The order is that of the vendor's own
    client (huaweicloudsdkcore, exceptions/exception_handler.py), after Cloud Eye's (its reference's page on errors).
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        page = blanked(cut(body[:MAX_PAGE].decode("utf-8", "replace"), MAX_PAGE - 100), secrets)
        return "", " ".join(re.sub(r"<[^<>]*>", " ", page).split())
    if needed := methods_needed(document):
        return "401", blanked(needed, secrets)
    inner = [value for value in document.values() if isinstance(value, dict)] if isinstance(document, dict) else []
    for shape in inner:
        if "code" in shape and "details" in shape:
            return vendor_code(shape["code"]), blanked(words(shape["details"]), secrets)
    for shape in (document, *inner):
        for code, *messages in SHAPES:
            if isinstance(shape, dict) and not shape.keys().isdisjoint((code, *messages)):
                text = next((words(shape[name]) for name in messages if shape.get(name)), "")
                return vendor_code(shape.get(code)), blanked(text, secrets)
    return "", ""


def methods_needed(document: Any) -> str:
    """What to say of keystone's receipt: the password alone lets nobody in (Identity API v3, auth receipts)."""
    if not has_receipt(document):
        return ""
    rules = document.get("required_auth_methods")
    ways = [" and ".join(map(str, rule)) for rule in rules if isinstance(rule, list)] if isinstance(rules, list) else []
    return f"IAM wants {' or '.join(ways) or 'a second factor'} for a login, as login protection is on"


def is_receipt(body: bytes) -> bool:
    """Whether an error body is keystone's receipt."""
    try:
        return has_receipt(json.loads(body))
    except (ValueError, RecursionError):
        return False


def has_receipt(document: Any) -> bool:
    """Whether a document has the receipt of a login that is not complete."""
    return isinstance(document, dict) and isinstance(document.get("receipt"), dict)


def is_vendors(code: str, body: bytes) -> bool:
    """Whether an error body is of the vendor's making: its codes have a prefix, but for keystone's, which has a title.

    A bare number beside a message is what firewalls and ingresses write, too.
    """
    if "." in code:
        return True
    try:
        error = json.loads(body)["error"]
        return isinstance(error["code"], int) and isinstance(error["title"], str)
    except (ValueError, RecursionError, LookupError, TypeError):
        return False


def words(value: Any) -> str:
    """A message from the wire as text, whatever it is."""
    return value if isinstance(value, str) else json.dumps(value) if value else ""


def vendor_code(value: Any) -> str:
    """A code from the wire, if it looks like one: it becomes a label value."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    return text if re.fullmatch(r"([A-Za-z][A-Za-z0-9]{0,11}\.)?[0-9]{1,8}", text) else ""


def request_id(headers: Mapping[str, str], secrets: Collection[str] = ()) -> str:
    """The id under which the vendor's support finds a call; IAM, and a keystone, name its header differently."""
    value = next((headers[name] for name in REQUEST_IDS if headers.get(name)), "")
    return value if re.fullmatch(r"[0-9A-Za-z-]{1,64}", blanked(value, secrets)) else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as told by `Retry-After`, a date being measured against the answer's own `Date` (RFC 9110)."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text[:12])  # whoever says more means for ever
    try:
        seconds = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, seconds.total_seconds())
