"""What an answer without success says: the vendor's code and message, the call's id, when to come back (pure)."""

import json
import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from frs_exporter.core.redact import blanked, cut, line_without, text_of

REQUEST_IDS = ("x-request-id", "x-iam-trace-id", "x-openstack-request-id")
"""Headers that tell under which id the vendor's support finds a call."""
REQUEST_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
MAX_PAGE = 1 << 16
"""Bytes of a page of HTML that are looked at."""
SHAPES = (("error_code", "error_msg", "error_message"), ("errorCode", "errorMsg", "errorMessage"), ("code", "message"))
"""What error bodies call the code and the message; the first that is there is taken."""


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
        page = blanked(cut(text_of(body[:MAX_PAGE]), MAX_PAGE - 100), secrets)
        return "", line_without(re.sub(r"<[^<>]*>", " ", page), secrets)
    if needed := methods_needed(document):
        return "401", line_without(needed, secrets)
    inner = [value for value in document.values() if isinstance(value, dict)] if isinstance(document, dict) else []
    for shape in inner:
        if "code" in shape and "details" in shape:
            return vendor_code(shape["code"]), line_without(words(shape["details"]), secrets)
    for shape in (document, *inner):
        for code, *messages in SHAPES:
            if isinstance(shape, dict) and not shape.keys().isdisjoint((code, *messages)):
                text = next((words(shape[name]) for name in messages if shape.get(name)), "")
                return vendor_code(shape.get(code)), line_without(text, secrets)
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
    """A message from the wire as text, whatever it is; none where it is nested too deeply to be written."""
    try:
        return value if isinstance(value, str) else json.dumps(value) if value else ""
    except RecursionError:
        return ""


def vendor_code(value: Any) -> str:
    """A code from the wire, if it looks like one: it becomes a label value."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    return text if re.fullmatch(r"([A-Za-z][A-Za-z0-9]{0,11}\.)?[0-9]{1,8}", text) else ""


def request_id(headers: Mapping[str, str], secrets: Collection[str]) -> str:
    """The id under which the vendor's support finds a call; IAM, and a keystone, name its header differently."""
    value = next((headers[name] for name in REQUEST_IDS if headers.get(name)), "")
    # Among such characters a secret can only be quoted as it is; this is done at each poll.
    quotes = any(secret in value for secret in secrets if secret)
    return value if REQUEST_ID.fullmatch(value) and not quotes else ""


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
