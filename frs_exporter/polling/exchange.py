"""The newest exchange of a poll with the cloud: followed as it goes, and kept small, without what is secret."""

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from frs_exporter.core.error_body import request_id
from frs_exporter.core.redact import beginning, brief, redacted, text_of
from frs_exporter.core.trace import UNTRACED, Trace

MAX_TEXT = 4096
"""Characters that are kept of an answer."""
MAX_LOOKED_AT = 1 << 16
"""Characters of it that are looked at: a token that it quotes may have ten thousand."""
HEAD = struct.Struct("<dfH")
"""When a poll has ended, how long its last request took, and the status, 0 without one."""
USUAL = (
    b"GET https://face.ap-southeast-1.myhuaweicloud.com/v2//subscribeGET https://face.cn-north-4.myhuaweicloud.com/v2/\n"
    b'\n{"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information: ", "request_id": "'
    b'{"create_time": "2024-09-02 03:00:00", "subscribe_status": false}{"max_face_set_number": 10, "detect_service": '
    b'{"create_time": "2024-09-02 03:00:00", "subscribe_status": true}, "compare_service": {"subscribe_status": true, '
    b'"create_time": "2024-09-02 03:00:00"}, "search_service": {"subscribe_status": true, "create_time": '
    b'"2024-09-02 03:00:00"}, "live_detect_service": {"subscribe_status": true, "create_time": "2024-09-02 03:00:00"}}'
)
"""What answers are made of: with it known beforehand, one packs to a quarter of what it takes alone."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came back: `at` in Unix seconds, it took `seconds`, `status` is None where nothing came.

    `request` is its method and URL, empty where none was sent. `answer` is the beginning of the body, without secrets;
    `cut` says that it goes on.
    """

    at: float
    seconds: float
    status: int | None
    request_id: str
    request: str
    answer: str
    cut: bool


class Following(Trace):
    """Passes all on to another trace, and keeps hold of the newest exchange; nothing is formatted on the way."""

    def __init__(self, other: Trace = UNTRACED) -> None:
        super().__init__()
        self.other = other
        self.request: tuple[object, ...] = ()
        self.status: int | None = None
        self.seconds = 0.0
        self._answer: Mapping[str, str] = {}
        self._data: bytes = b""
        self._secrets: list[Callable[[], Iterable[str]]] = []
        """Of all requests of the poll: a later answer may tell what an earlier one was sent."""
        self._ended = False

    def event(self, text: str, *values: object) -> None:
        """Something has happened."""
        self.other.event(text, *values)

    def headers(
        self, headers: Mapping[str, str], secrets: Callable[[], Iterable[str]], text: str, *values: object
    ) -> None:
        """A request begins with `>`, an answer with `<`."""
        self.other.headers(headers, secrets, text, *values)
        if text.startswith(">"):
            self.request, self.status, self._answer, self._data, self.seconds = values[:2], None, {}, b"", 0.0
        elif text.startswith("<") and isinstance(values[0], int):
            self.status, self._answer = values[0], headers
            if not self._ended:
                self._secrets.append(secrets)

    def body(self, data: bytes) -> None:
        """The body of an answer."""
        self.other.body(data)
        self._data = data

    def request_took(self, seconds: float) -> None:
        """A request has ended."""
        self.other.request_took(seconds)
        self.seconds = seconds

    def let_go(self) -> None:
        """Hold nothing any more: what is secret is known by the request, which has this trace.

        Such a circle would stay, answer and all, until the collector of garbage finds it. The poll has ended, but a
        login that it has begun in the background may still be answered.
        """
        self._ended = True
        self._secrets.clear()

    def head(self, at: float) -> bytes:
        """When it was, how long it took, its status and request id."""
        about = request_id(self._answer, self._sent()) if self._answer else ""
        return HEAD.pack(at, self.seconds, self.status or 0) + about.encode()

    def _sent(self) -> set[str]:
        """What was sent that is secret."""
        return {secret for secrets in self._secrets for secret in secrets()}

    def packed(self, *, with_answer: bool = True) -> bytes:
        """The request's line and the answer's beginning, without what was sent that is secret or looks like it."""
        text = self._text() if with_answer else ""
        line = brief(" ".join(map(str, self.request)))
        packer = zlib.compressobj(6, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, USUAL)
        return packer.compress(f"{line}\n{text}".encode("utf-8", "replace")) + packer.flush()

    def _text(self) -> str:
        text = beginning(text_of(self._data[: 4 * MAX_LOOKED_AT]), self._sent(), MAX_LOOKED_AT, 2 * MAX_TEXT)
        return redacted(text)[: MAX_TEXT + 1]


def exchange(head: bytes, packed: bytes) -> Exchange:
    """What was kept of an exchange."""
    at, seconds, status = HEAD.unpack_from(head)
    unpacker = zlib.decompressobj(-12, USUAL)
    text = (unpacker.decompress(packed) + unpacker.flush()).decode("utf-8", "replace")
    request, _, answer = text.partition("\n")
    about = head[HEAD.size :].decode("utf-8", "replace")
    return Exchange(at, seconds, status or None, about, request, answer[:MAX_TEXT], len(answer) > MAX_TEXT)
