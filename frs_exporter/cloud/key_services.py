"""Services that give temporary keys: what is sent to them, what they answer, and whom they give none.

Source: the vendor's own client, which reads all their answers alike (huaweicloudsdkcore, auth/internal.py).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from frs_exporter.cloud.iam import VISIBLE, iam_time
from frs_exporter.cloud.transport import Authorize, Request, Response
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import Trace
from frs_exporter.runtime.files import decode_text, read_file, reason_of
from frs_exporter.runtime.offload import run_offloaded

AROUND = ("credential", "credentials")
"""What keys may stand in; they may stand alone, too."""
FIELDS = (
    ("access", "accessKeyId", "access_key_id"),
    ("secret", "secretAccessKey", "secret_access_key"),
    ("securitytoken", "securityToken", "security_token"),
    ("expires_at", "expiration"),
)
"""What access key, secret key, security token and end are called, the first that is there."""
MAX_TOKEN = 1 << 16
"""Bytes of a file with a token in it."""
LONGEST_READ = 5.0
"""Seconds for reading one."""

Keys = tuple[KeyCredential, float]
"""Keys, and when they end in Unix seconds."""


async def never() -> bool:
    """For services that are told no secret of the config's."""
    return False


@dataclass(frozen=True, slots=True)
class KeyService:
    """Who gives a credential's keys: what errors call it, and how it is asked, which raises ApiError.

    `changed` tells whether it would be told another secret than last time.
    """

    api: Api
    title: str
    fetch: Callable[[RequestScope, Trace], Awaitable[Keys]]
    changed: Callable[[], Awaitable[bool]] = never


class CurrentToken:
    """A token that somebody else may replace at any time: it is read for each use."""

    def __init__(self, read: Callable[[], Awaitable[str]]) -> None:
        self._read = read
        self._used = ""

    async def use(self) -> str:
        """The token of now; raises ApiError."""
        self._used = await self._read()
        return self._used

    async def changed(self) -> bool:
        """Whether there is another one than was used last."""
        try:
            return bool(self._used) and await self._read() != self._used
        except ApiError:
            return False


def read_keys(name: str, answer: Response, service: str, api: Api) -> Keys:
    """The keys of an answer; raises ApiError on any other shape."""
    data: Any = answer.data if isinstance(answer.data, dict) else {}
    inner = next((data[key] for key in AROUND if key in data), data)
    try:
        values: Iterator[Any] = (next(filter(None, map(inner.get, names)), None) for names in FIELDS)
        access, secret, token, expires = values
        if all(VISIBLE.fullmatch(part) for part in (access, secret, token)):
            return KeyCredential(name, access, SecretStr(secret), SecretStr(token)), iam_time(expires)
    except (TypeError, AttributeError, ValueError, OverflowError):
        pass  # told below
    message = f"no usable credential in {service}'s answer"
    raise ApiError(Failure(Reason.PAYLOAD, message, status=answer.status, api=api))


def no_keys(failure: Failure, whom: str) -> Failure:
    """A refusal, told as what it is: no secret of the config is wrong, but somebody is given no keys."""
    if failure.status not in (400, 401, 403, 404):
        return failure
    return replace(failure, reason=Reason.FORBIDDEN, message=f"{whom} is given no keys: {failure.message}")


async def token_of(file: str, api: Api) -> str:
    """The token in a file, as it is now: whoever put it there may renew it at any time. Raises ApiError."""
    try:
        text = decode_text(await run_offloaded(partial(read_file, Path(file), MAX_TOKEN), timeout=LONGEST_READ)).strip()
        problem = "" if VISIBLE.fullmatch(text) else "it has no token in it"
    except (OSError, ValueError) as error:
        text, problem = "", "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else reason_of(error)
    if problem:
        message = f"cannot read the token in {file}: {problem}"
        raise ApiError(Failure(Reason.FORBIDDEN, message, api=api, lacks="token_file"))
    return text


def printable(raw: Response) -> str:
    """Text that can be sent in a header; raises ValueError."""
    text = str(raw.data, "ascii", "replace").strip()
    if not VISIBLE.fullmatch(text):
        raise ValueError("it is no token")
    return text


def fixed_headers(headers: Mapping[str, str]) -> Authorize:
    """An authorization that is the same headers each time."""

    @asynccontextmanager
    async def authorize(_: Request) -> AsyncIterator[Mapping[str, str]]:
        yield headers

    return authorize
