"""What authorizes a request: tokens, each bought once and kept until shortly before it dies, or AK/SK signatures."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from frs_exporter.advice import advice
from frs_exporter.cloud.hold import KEY_HOLD, KEY_WIDTH, PASSWORD_HOLD, PASSWORD_WIDTH, Hold
from frs_exporter.cloud.login import about, password_login, read_token
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
"""Seconds between attempts to renew a token that is still valid."""
LONGEST_LIFE = 86400.0
"""Seconds that a token lives (IAM API, POST /v3/auth/tokens); one that claims more is renewed all the same."""
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
            hold = Hold(credential.name, PASSWORD_HOLD, telemetry, width=PASSWORD_WIDTH, of_endpoint=True)
            return TokenAuthorizer(credential, send, rng, hold)
        case KeyCredential():
            return KeyAuthorizer(credential, now, Hold(credential.name, KEY_HOLD, telemetry, width=KEY_WIDTH))


@dataclass(frozen=True, slots=True)
class KeySignature:
    """Signs requests about one project; temporary keys add their security token, which is signed too."""

    credential: KeyCredential
    project_id: str
    now: Callable[[], float] = field(repr=False)
    hold: Hold = field(repr=False)

    @asynccontextmanager
    async def __call__(self, request: Request) -> AsyncIterator[Mapping[str, str]]:
        clock_offset = self.now() - asyncio.get_running_loop().time()
        async with self.hold.attempt(self.project_id, request.endpoint, clock_offset):
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
        self._hold.check(target.project_id)
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
        self._overdue: set[tuple[str, str]] = set()
        self._replaced_at: dict[tuple[str, str], float] = {}

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
        except ApiError as error:
            if (held := self._tokens.get(key)) is not None:
                self._postpone(key, held, target, error)
            raise
        finally:
            del self._renewals[key]
        if key in self._overdue:
            self._overdue.discard(key)
            log.info("token renewed", project=target.project)
        return token

    def _postpone(self, key: tuple[str, str], held: Token, target: Target, error: ApiError) -> None:
        """Try again later; nobody but the log tells of it while the old token serves."""
        clock = asyncio.get_running_loop().time()
        self._tokens[key] = replace(held, refresh_at=clock + REFRESH_RETRY)
        if key not in self._overdue and clock < held.dies_at:
            self._overdue.add(key)
            names = {"project": target.project, "reason": str(error.reason), "api": error.api, "code": error.code}
            details = {"request_id": error.request_id, "message": error.message, "advice": advice(error)}
            left = round(held.dies_at - clock)
            log.warning("token not renewed", **names, **details, valid_seconds=left)

    async def _buy(self, target: Target) -> Token:
        asked_at, endpoint = 0.0, target.endpoints[Api.IAM]

        @asynccontextmanager
        async def login(_: Request) -> AsyncIterator[Mapping[str, str]]:
            nonlocal asked_at
            async with self._hold.attempt(target.project_id, endpoint):
                asked_at = asyncio.get_running_loop().time()
                yield JSON_TYPE

        self._hold.check(target.project_id, endpoint)
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
            raise ApiError(Reason.PROJECT_MISMATCH, "IAM issued a token of another project", **about(answer))
        # The life is measured between two times of IAM's own clock, so a wrong local clock does no harm.
        life = min(expires - issued, LONGEST_LIFE)
        return Token(value, expires, asked_at + life * self._rng.uniform(*REFRESH_AT), asked_at + life)


def look_at(task: asyncio.Task[Token]) -> None:
    """See how a renewal ended, as nobody else may be waiting for it: a failure is told already, a bug is not."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ApiError):
        log.error("unexpected error in a token's renewal", exc_info=error)
