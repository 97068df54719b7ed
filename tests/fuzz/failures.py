"""Any refusal of the cloud, or of whoever answers in its place: it has a reason, short words, and no secret in them."""

import html
import json
from urllib.parse import quote

from frs_exporter.core.errors import Reason, classify, proves_secret, reason_of
from frs_exporter.core.redact import MAX_MESSAGE
from tests.fuzz.inputs import parts, text_of

SECRETS = ("Passw0rd-of-fuzz", 'p"w\\ 中/&%')
"""What was sent: one that is written alike everywhere, and one that is not."""
FAR = 1e12
"""Seconds that nobody waits for; who asks for more is held to an hour elsewhere."""


def written(secret: str) -> list[str]:
    """A secret as servers quote it."""
    return [
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        quote(secret, safe=""),
        json.dumps(html.escape(secret))[1:-1],
    ]


def check_failure(data: bytes) -> None:
    """What must hold of any status, headers and body; the first bytes are the status, and each header has a line."""
    status, retry_after, date, request_id, body = parts(data, 5)
    number = 300 + sum(status) % 700
    headers = {"retry-after": text_of(retry_after), "date": text_of(date), "x-request-id": text_of(request_id)}
    for by_token in (True, False):
        failure = classify(number, body, headers, by_token=by_token, secrets=SECRETS)
        assert failure.reason in Reason
        assert failure.reason is not Reason.INTERNAL, "what others answer is no fault of ours"
        assert by_token or failure.reason is not Reason.TOKEN, "who sent no token is not told that it was refused"
        assert 0 < len(failure.message) <= MAX_MESSAGE
        assert failure.status == number
        assert failure.code == str(number) or reason_of(failure.code, number) in Reason
        assert len(failure.code) <= 21, "it becomes a label value"
        assert failure.retry_after is None or 0 <= failure.retry_after <= FAR
        assert str(failure).isprintable()
        assert not (proves_secret(failure) and failure.reason is Reason.AUTH), "a refusal proves nothing"
        shown = f"{failure} {failure.log_fields()}"
        assert not any(spelled in shown for secret in SECRETS for spelled in written(secret)), shown
        assert classify(number, body, headers, by_token=by_token, secrets=SECRETS) == failure
