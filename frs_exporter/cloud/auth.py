"""What authorizes a request: tokens, each bought once and kept until shortly before it dies, or AK/SK signatures."""

import asyncio
import json
import math
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog

from frs_exporter.cloud.gate import KEY_HOLD, PASSWORD_HOLD, Hold, Standing
from frs_exporter.cloud.signing import Signable, sdk_date, sign
from frs_exporter.cloud.transport import Answer, Authorize, Request
from frs_exporter.errors import ApiError, Reason
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.model import Api, Credential, KeyCredential, Target, TokenCredential

log = structlog.get_logger()

Send = Callable[[Request, Authorize], Awaitable[Answer]]

JSON_TYPE = {"content-type": "application/json;charset=utf8"}
REFRESH_AT = (0.92, 0.97)
"""The part of a token's life after which it is renewed is drawn from here: early enough to live through an outage of
IAM, late enough to cost hardly a token more, and spread so that tokens bought together are not renewed together."""
REFRESH_RETRY = 60.0
"""Seconds between attempts to renew a token that is still valid, and to log in where IAM did not answer: logins come
one at a time, so one region's silence would hold up the others."""
REPLACE_AGAIN = 300.0
"""Seconds before a project's token is bought anew after one bought for a refused one was refused too."""


class Authorizer(Protocol):
    """One credential at work."""

    async def authorize(self, target: Target) -> Authorize:
        """What authorizes requests about `target` now; raises ApiError when it cannot be had."""

    def reject(self, target: Target, authorization: Authorize) -> bool:
        """The cloud refused this authorization, by no fault of the secret; whether another is worth a try now."""

    def expires_at(self, target: Target) -> float | None:
        """When the authorization held for `target` ends by the cloud's clock, in Unix seconds, if it ends at all."""

    async def close(self) -> None:
        """Give up what is under way."""


def authorizer(
    credential: Credential, send: Send, now: Callable[[], float], rng: random.Random, telemetry: Telemetry
) -> Authorizer:
    """The authorizer of a credential's kind."""
    match credential:
        case TokenCredential():
            return TokenAuthorizer(
                credential, send, rng, Hold(credential.name, PASSWORD_HOLD, telemetry, trusting=False)
            )
        case KeyCredential():
            return KeyAuthorizer(credential, now, Hold(credential.name, KEY_HOLD, telemetry, trusting=True))


@dataclass(frozen=True, slots=True)
class KeySignature:
    """Signs requests about one project; temporary keys add their security token, which is signed too."""

    credential: KeyCredential
    project_id: str
    now: Callable[[], float] = field(repr=False)
    hold: Hold = field(repr=False)

    @asynccontextmanager
    async def __call__(self, request: Request) -> AsyncIterator[Mapping[str, str]]:
        # Of requests that hang, as in a region that is down, three may be under way at most: less than lock a key.
        clock_offset = self.now() - asyncio.get_running_loop().time()
        async with self.hold.attempt(request.timeout / 3, clock_offset):
            yield self.headers(request)

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers that sign a request sent now."""
        headers = {
            "content-type": "application/json",
            "host": urlsplit(request.endpoint).netloc,
            "x-project-id": self.project_id,
            "x-sdk-date": sdk_date(self.now()),
        }
        if self.credential.security_token:
            headers["x-security-token"] = self.credential.security_token.get_secret_value()
        signable = Signable(request.method, request.url.raw_path_qs, headers, request.body)
        authorization = sign(signable, self.credential.access_key, self.credential.secret_key.get_secret_value())
        return {**headers, "authorization": str(authorization)}


class KeyAuthorizer:
    """Signs each request anew: there is nothing to keep, and nothing to renew."""

    def __init__(self, credential: KeyCredential, now: Callable[[], float], hold: Hold) -> None:
        self._credential = credential
        self._now = now
        self._hold = hold

    async def authorize(self, target: Target) -> Authorize:
        """A signature for each request about `target`; raises ApiError at once while the key is held."""
        self._hold.check()
        return KeySignature(self._credential, target.project_id, self._now, self._hold)

    def reject(self, target: Target, authorization: Authorize) -> bool:
        """Another signature is no better."""
        return False

    def expires_at(self, target: Target) -> float | None:
        """Keys do not end."""
        return None

    async def close(self) -> None:
        """Nothing is under way."""


@dataclass(frozen=True, slots=True)
class Token:
    """A project's token; `expires_at` is by IAM's clock, the other two are in seconds of the event loop's."""

    value: str = field(repr=False)
    expires_at: float
    refresh_at: float
    dies_at: float

    @asynccontextmanager
    async def __call__(self, request: Request) -> AsyncIterator[Mapping[str, str]]:
        yield {"content-type": "application/json", "x-auth-token": self.value}


class TokenAuthorizer:
    """Buys a token for each project with a user's password; however many want one, one request is made."""

    def __init__(self, credential: TokenCredential, send: Send, rng: random.Random, hold: Hold) -> None:
        self._credential = credential
        self._send = send
        self._rng = rng
        self._hold = hold
        self._tokens: dict[tuple[str, str], Token] = {}
        self._renewals: dict[tuple[str, str], asyncio.Task[Token]] = {}
        self._replaced_at: dict[tuple[str, str], float] = {}
        self._silent: defaultdict[str, Standing] = defaultdict(Standing)

    async def authorize(self, target: Target) -> Authorize:
        """The token of `target`; one that nears its end is renewed in the background while it is still used."""
        token = self._tokens.get(self._key(target))
        clock = asyncio.get_running_loop().time()
        if token is None or clock >= token.dies_at:
            return await asyncio.shield(self._renewal(target))
        if clock >= token.refresh_at:
            self._renewal(target)
        return token

    def reject(self, target: Target, authorization: Authorize) -> bool:
        """Drop the token, unless a newer one has already taken its place; one dropped of late was no help."""
        key, clock = self._key(target), asyncio.get_running_loop().time()
        held = self._tokens.get(key)
        if held is None or not isinstance(authorization, Token) or held.value != authorization.value:
            return True
        if clock - self._replaced_at.get(key, -math.inf) < REPLACE_AGAIN:
            return False
        self._replaced_at[key] = clock
        del self._tokens[key]
        return True

    def expires_at(self, target: Target) -> float | None:
        """When the token held for `target` ends."""
        token = self._tokens.get(self._key(target))
        return token.expires_at if token else None

    async def close(self) -> None:
        """Give up renewals that are under way."""
        renewals = list(self._renewals.values())
        for task in renewals:
            task.cancel()
        await asyncio.gather(*renewals, return_exceptions=True)

    def _key(self, target: Target) -> tuple[str, str]:
        return target.endpoints[Api.IAM], target.project_id

    def _renewal(self, target: Target) -> asyncio.Task[Token]:
        """The one task that buys a token for `target`, shared by all who want it."""
        key = self._key(target)
        task = self._renewals.get(key)
        if task is None:
            task = self._renewals[key] = asyncio.create_task(self._renew(target), name=f"token {target.project}")
            task.add_done_callback(look_at)
        return task

    async def _renew(self, target: Target) -> Token:
        key = self._key(target)
        try:
            token = self._tokens[key] = await self._buy(target)
        except ApiError:
            if (held := self._tokens.get(key)) is not None:
                self._tokens[key] = replace(held, refresh_at=asyncio.get_running_loop().time() + REFRESH_RETRY)
            raise
        finally:
            del self._renewals[key]
        return token

    async def _buy(self, target: Target) -> Token:
        asked_at, endpoint = 0.0, target.endpoints[Api.IAM]

        @asynccontextmanager
        async def login(_: Request) -> AsyncIterator[Mapping[str, str]]:
            nonlocal asked_at
            async with self._hold.attempt():
                self._silent[endpoint].check()
                asked_at = asyncio.get_running_loop().time()
                try:
                    yield JSON_TYPE
                except ApiError as error:
                    if error.reason is Reason.TIMEOUT:
                        self._silent[endpoint].stand(error, REFRESH_RETRY)
                    raise

        self._hold.check()
        self._silent[endpoint].check()
        answer = await self._send(
            Request(
                api=Api.IAM,
                endpoint=endpoint,
                credential=self._credential.name,
                method="POST",
                target="/v3/auth/tokens?nocatalog=true",
                timeout=target.poll_timeout,
                body=password_login(self._credential, target.project_id),
                secret=self._credential.password.get_secret_value(),
            ),
            login,
        )
        value, issued, expires, project_id = read_token(answer)
        if project_id != target.project_id:
            raise ApiError(Reason.PROJECT_MISMATCH, "IAM issued a token of another project", status=201)
        # The life is measured between two times of IAM's own clock, so a wrong local clock does no harm.
        life = expires - issued
        return Token(value, expires, asked_at + life * self._rng.uniform(*REFRESH_AT), asked_at + life)


def look_at(task: asyncio.Task[Token]) -> None:
    """See how a renewal ended, as nobody else may be waiting for it: a failure is counted already, a bug is not."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ApiError):
        log.error("unexpected error in a token's renewal", exc_info=error)


def password_login(credential: TokenCredential, project_id: str) -> bytes:
    """The body of `POST /v3/auth/tokens`: a user's password, scoped to one project by its id."""
    user = {
        "name": credential.user_name,
        "password": credential.password.get_secret_value(),
        "domain": {"name": credential.domain_name},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    return json.dumps({"auth": {"identity": identity, "scope": {"project": {"id": project_id}}}}).encode()


def read_token(answer: Answer) -> tuple[str, float, float, str]:
    """Token, issue and expiry in Unix seconds, and project id of IAM's answer; raises ApiError on any other shape."""
    value = answer.headers.get("x-subject-token", "")
    try:
        token: Any = answer.payload["token"]
        issued, expires = (iam_time(token[key]) for key in ("issued_at", "expires_at"))
        project_id = token["project"]["id"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ApiError(
            Reason.PAYLOAD, f"IAM's answer holds no usable token: {type(error).__name__}", status=201
        ) from None
    if not re.fullmatch(r"[\x21-\x7e]+", value) or not isinstance(project_id, str) or expires <= issued:
        raise ApiError(Reason.PAYLOAD, "IAM's answer holds no usable token", status=201)
    return value, issued, expires, project_id


def iam_time(text: str) -> float:
    """Unix seconds of a time as IAM writes it, `2020-01-04T09:05:22.701000Z`; raises ValueError."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
