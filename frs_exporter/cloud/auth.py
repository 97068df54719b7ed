"""What authorizes a request: tokens, each bought once and kept until shortly before it dies, or AK/SK signatures."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from frs_exporter.cloud.agency import SendAs
from frs_exporter.cloud.ak_sk import KeyAuthorizer
from frs_exporter.cloud.guard import Guard, Replaced, User
from frs_exporter.cloud.iam import about, password_login, read_token
from frs_exporter.cloud.lease import Grant, Lease
from frs_exporter.cloud.lockout_state import KEYS, PASSWORDS
from frs_exporter.cloud.memory import Memory
from frs_exporter.cloud.temporary_keys import TemporaryKeyAuthorizer, key_service
from frs_exporter.cloud.tokens import GivenAuthorizer, Token, UnrenewableToken
from frs_exporter.cloud.transport import Authorize, Request, Response, Send
from frs_exporter.core.credentials import Credential, KeyCredential, StaticToken, TokenCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.exposition.telemetry import Telemetry

# As the page of the call has it, `utf8` and not `utf-8` (IAM API, iam_30_0001).
JSON_TYPE = {"content-type": "application/json;charset=utf8"}
REFRESH_AT = (0.92, 0.97)
"""The part of a token's life after which it is renewed is drawn from here: early enough to live through an outage of
IAM, late enough to cost hardly a token more, and spread so that tokens bought together are not renewed together."""
LONGEST_LIFE = 86400.0
"""Seconds that a token lives (IAM API, POST /v3/auth/tokens); one that claims more is renewed all the same."""
REPLACE_AGAIN = 300.0
"""Seconds before a project's token is bought anew after one bought for a refused one was refused too."""

PROVE_AGAIN = 3600.0
"""Seconds for which an IAM that takes no login without a scope is asked for none."""
NO_PROOF = {Reason.CLIENT, Reason.FORBIDDEN, Reason.ABSENT, Reason.PAYLOAD}
"""What an IAM answers that wants no login without a scope: the next login tells more."""


class Unproven(Exception):
    """The password is to prove itself before it is used for a project."""


Reread = Callable[[], Awaitable[None]]
"""Looks for a changed config, and puts it in place."""


async def no_config() -> None:
    """For credentials that come from no file."""


async def for_nobody(request: Request, scope: RequestScope) -> Response:
    """For credentials that are had in nobody else's name."""
    raise NotImplementedError


class Authorizer(Protocol):
    """One credential at work."""

    async def authorize(self, access: RequestScope, trace: Trace = UNTRACED) -> Authorize:
        """What authorizes requests about `access` now; raises ApiError when it cannot be had."""

    def reject(self, access: RequestScope, authorization: Authorize) -> bool:
        """The cloud refused this authorization; whether another is worth a try now."""

    def expires_at(self, access: RequestScope) -> float | None:
        """When the authorization held for `access` ends by the cloud's clock, in Unix seconds, if it ends at all."""

    def retain(self, accesses: Collection[RequestScope]) -> None:
        """Let go of what is for none of these."""

    def hurry(self) -> None:
        """A person knows of a reason to try again: whatever rests after a refusal or a failure may be had now."""

    def close(self) -> None:
        """Give up what is under way, but for a secret that is in use."""


def authorizer(
    credential: Credential,
    send: Send,
    now: Callable[[], float],
    rng: random.Random,
    guard: Guard,
    *,
    reread: Reread = no_config,
    send_as: SendAs = for_nobody,
) -> Authorizer:
    """The authorizer of a credential's kind; `send_as` is for those that are had in the name of another one."""

    async def replaced() -> bool:
        await reread()  # another secret is another credential, with an authorizer of its own
        return False

    match credential:
        case TokenCredential():
            return TokenAuthorizer(credential, send, rng, guard, replaced)
        case KeyCredential():
            return KeyAuthorizer(credential, now, guard, replaced)
        case StaticToken():
            return GivenAuthorizer(UnrenewableToken(Token(credential.value.get_secret_value())))
        case _:
            return TemporaryKeyAuthorizer(credential.name, key_service(credential, send, send_as), now, rng, guard)


def guard_of(credential: Credential, telemetry: Telemetry, user: User, memory: Memory | None = None) -> Guard:
    """What guards a credential's secret."""
    policy = PASSWORDS if isinstance(credential, TokenCredential) else KEYS
    return Guard(credential.name, policy, user, telemetry, memory.of(credential) if memory else None)


@dataclass(slots=True)
class CachedToken:
    """The token of one project, and when one of its tokens was refused last, in seconds of the event loop's clock."""

    lease: Lease[Token]
    replaced_at: float = -math.inf


class TokenAuthorizer:
    """Buys a token for each project with a user's password; however many want one, one request is made."""

    def __init__(
        self, credential: TokenCredential, send: Send, rng: random.Random, guard: Guard, replaced: Replaced
    ) -> None:
        self._credential = credential
        self._send = send
        self._rng = rng
        self._guard = guard
        self._replaced = replaced
        self._kept: dict[tuple[str, str], CachedToken] = {}
        self._projects = 0
        self._no_proof_until = -math.inf
        self._clock = asyncio.get_running_loop().time

    async def authorize(self, access: RequestScope, trace: Trace = UNTRACED) -> Authorize:
        """The token of `access`; one that nears its end is renewed in the background while it is still used."""
        # A new token leaves the old one valid (IAM API, iam_30_0001): requests under way do not suffer from a renewal.
        return await self._of(access).lease.held(partial(self._proven_buy, access, trace))

    def reject(self, access: RequestScope, authorization: Authorize) -> bool:
        """Drop the token, unless a newer one has already taken its place; one dropped of late was no help."""
        kept, clock = self._of(access), self._clock()
        # A dead token is refused to all who carry it. Who comes second finds a newer one, and must not drop that.
        if not kept.lease.holds(authorization):
            return True
        # A fresh token that is refused as well is not too old: APIG.0307 may also mean an endpoint of another region
        # (the gateway's error-code page). One more login would not help.
        if clock - kept.replaced_at < REPLACE_AGAIN:
            return False
        kept.replaced_at = clock
        kept.lease.drop()
        return True

    def expires_at(self, access: RequestScope) -> float | None:
        """When the token held for `access` ends."""
        kept = self._kept.get(key(access))
        return kept.lease.expires_at if kept else None

    def retain(self, accesses: Collection[RequestScope]) -> None:
        """Keep the tokens of these only, and share the password among their endpoints."""
        wanted = {key(access) for access in accesses}
        self._projects = len({access.subject for access in accesses})
        wanted |= {(endpoint, "") for endpoint, _ in wanted}  # of the logins without a scope, which prove the password
        for gone in self._kept.keys() - wanted:
            self._kept.pop(gone).lease.close()
        self._guard.retain({endpoint for endpoint, _ in wanted})

    def hurry(self) -> None:
        """Buy anew what could not be renewed: whether the password may be used is the guard's business."""
        for kept in self._kept.values():
            kept.lease.hurry()

    def close(self) -> None:
        """Give up renewals that are under way."""
        for kept in self._kept.values():
            kept.lease.close()

    def _of(self, access: RequestScope) -> CachedToken:
        kept = self._kept.get(key(access))
        if kept is None:
            kept = self._kept[key(access)] = CachedToken(Lease("token", {"project": access.project}))
        return kept

    async def _proven_buy(self, access: RequestScope, trace: Trace) -> Grant[Token]:
        """A token bought with a password that is known to be right, where several projects use it.

        IAM says the same of a user without a role on the project as of a wrong password. So a password proves itself by
        a login without a scope first, which needs no role: one request for all who wait.
        """
        while True:
            try:
                return await self._buy(access, trace)
            except Unproven:
                nothing = replace(access, project="", project_id="", account=None)
                try:
                    await self._of(nothing).lease.renewed(partial(self._buy, nothing, trace))
                except ApiError as error:
                    if error.failure.reason not in NO_PROOF or not error.failure.by_vendor:
                        raise
                    self._no_proof_until = self._clock() + PROVE_AGAIN

    async def _buy(self, access: RequestScope, trace: Trace) -> Grant[Token]:
        asked_at, endpoint = 0.0, access.endpoints[Api.IAM]

        @asynccontextmanager
        async def login(_: Request) -> AsyncIterator[Mapping[str, str]]:
            nonlocal asked_at
            # A user without a role on the account is as likely as one with it, so the password must be beyond doubt.
            proven = self._guard.fresh if access.account else self._guard.proven or self._projects <= 1
            if access.subject and not proven and self._clock() >= self._no_proof_until:
                raise Unproven  # here, as it may be so only since this login waits for its turn
            async with self._guard.attempt(access.subject, endpoint, replaced=self._replaced):
                # Before IAM has issued the token, so that it is never believed to live longer than it does.
                asked_at = self._clock()
                yield JSON_TYPE

        # Who may not use the password does not queue at the gate for it. `attempt` asks again once the turn has come.
        self._guard.check(access.subject, endpoint)
        answer = await self._send(self._login(access, trace), login)
        value, issued, expires, project_id = answer.data
        # FRS refuses a token of another project (FRS.0028, face_02_0045). Kept, it would fail each poll until it ends.
        if access.project_id and project_id != access.project_id:
            raise ApiError(Failure(Reason.PROJECT_MISMATCH, "IAM issued a token of another project", **about(answer)))
        # The life is measured between two times of IAM's own clock, so a wrong local clock does no harm.
        life = min(expires - issued, LONGEST_LIFE)
        return Grant(Token(value), expires, asked_at + life * self._rng.uniform(*REFRESH_AT), asked_at + life)

    def _login(self, access: RequestScope, trace: Trace) -> Request:
        """The request that buys a token of a project or an account, or one without a scope."""
        return Request(
            api=Api.IAM,
            endpoint=access.endpoints[Api.IAM],
            credential=self._credential.name,
            method="POST",
            # Nobody here reads the catalog of all services; any value leaves it out (IAM API, iam_30_0001).
            target="/v3/auth/tokens?nocatalog=true",
            timeout=access.poll_timeout,
            http=access.http,
            body=password_login(self._credential, access.project_id, account=access.account is not None),
            secret=self._credential.password.get_secret_value(),
            read=read_token,
            project=access.project_id,
            poll_interval=access.poll_interval,
            trace=trace,
        )


def key(access: RequestScope) -> tuple[str, str]:
    """What a token is good for: one project, the account, or neither, at one IAM."""
    return access.endpoints[Api.IAM], access.subject
