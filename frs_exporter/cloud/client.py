"""Authorized JSON calls, with one new authorization when a token, or a temporary key, turns out to be dead."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from frs_exporter.cloud.account_ids import PATH, AccountIds
from frs_exporter.cloud.agency import base_scope
from frs_exporter.cloud.auth import Authorizer, Reread, authorizer, guard_of, no_config
from frs_exporter.cloud.bodies import MAX_BODY
from frs_exporter.cloud.guard import Guard, User
from frs_exporter.cloud.lockout_state import Rejection
from frs_exporter.cloud.memory import Memory
from frs_exporter.cloud.transport import Request, Response, Transport, read_json
from frs_exporter.core.credentials import AssumedAgency, Credential, names_of, user_of
from frs_exporter.core.errors import ApiError, Reason, Unchanged
from frs_exporter.core.model import Api, Limit, RequestScope
from frs_exporter.core.trace import UNTRACED, Trace
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.runtime.offload import Yielder


@dataclass(slots=True)
class Digests:
    """Digests of the answer before and of the newest one, empty without one."""

    before: bytes
    newest: bytes = b""

    def read(self, raw: Response) -> Any:
        """The JSON of an answer, or SAME where the one before was read already; raises ValueError."""
        self.newest = blake2b(raw.data, digest_size=16).digest()
        return SAME if self.newest == self.before else read_json(raw)


SAME = object()


class Client:
    """Calls the cloud in the name of each access's credential; `reread` is awaited when a secret is refused."""

    def __init__(
        self,
        transport: Transport,
        telemetry: Telemetry,
        now: Callable[[], float],
        rng: random.Random,
        *,
        reread: Reread = no_config,
        memory: Memory | None = None,
    ) -> None:
        self._transport = transport
        self._telemetry = telemetry
        self._now = now
        self._rng = rng
        self._reread = reread
        self._memory = memory
        self._account_ids = AccountIds()
        self._authorizers: dict[Credential, Authorizer] = {}
        self._guards: dict[Credential, Guard] = {}
        self._users: dict[tuple[str, ...], User] = {}

    async def get(
        self,
        access: RequestScope,
        api: Api,
        path: str,
        body: Any = None,
        *,
        trace: Trace = UNTRACED,
        digests: Digests | None = None,
        read: Callable[[Response], Any] = read_json,
        max_body: int = MAX_BODY,
    ) -> Any:
        """The JSON at `path`, for which JSON is posted if there is any, which must change nothing.

        Where it is not the JSON that is wanted, `read` makes of the answer what is; of `max_body` bytes at most.
        Raises ApiError, and Unchanged where `digests` are given and the answer is that of before.
        """
        if access.account and api is Api.BSS:
            access = await self._account_ids.known(
                access, lambda account: self.get(account, Api.IAM, PATH, trace=trace)
            )
        name, endpoint = access.credential.name, access.endpoints[api]
        # These very bytes are sent, as a signature holds their hash: nobody further down may write the JSON anew.
        method, content = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
        request = Request(
            *(api, endpoint, name, method, path, access.poll_timeout, access.http, content),
            project=access.project_id,
            poll_interval=access.poll_interval,
            trace=trace,
            read=digests.read if digests else read,
            max_body=max_body,
        )
        trace.event("authorization: %s of %s%s", access.credential.kind, name, Held(self.token_expiry, access))
        data = (await self._send(request, access)).data
        if data is SAME:
            trace.event("the answer is the one of before")
            raise Unchanged
        return data

    async def adjust(self, limits: Mapping[Api, Limit], accesses: Collection[RequestScope]) -> None:
        """Keep to other limits, and let go of all that is for none of these accesses."""
        turn = Yielder(asyncio.get_running_loop().time)
        of_credential: defaultdict[Credential, list[RequestScope]] = defaultdict(list)
        ways: dict[tuple[int, ...], RequestScope] = {}
        for access in accesses:
            of_credential[access.credential].append(access)
            ways[id(access.credential), id(access.http), id(access.endpoints)] = access
            await turn()
        for access in tuple(ways.values()):
            if isinstance(access.credential, AssumedAgency):
                scope = base_scope(access, access.credential)
                of_credential[scope.credential].append(scope)
                ways[id(scope.credential), id(scope.http), id(scope.endpoints)] = scope
        self._account_ids.retain(of_credential)
        names = {credential.name for credential in of_credential}
        for credential in self._authorizers.keys() - of_credential.keys():
            self._guards[credential].retire()
            self._authorizers.pop(credential).close()
            if credential.name not in names:
                self._telemetry.forget_credential(credential.name)
        self._forget()
        for credential, its in of_credential.items():
            self._authorizer(credential).retain(its)
            await turn()
        await self._transport.adjust(limits, ways.values())  # the cloud is reached in few ways, whoever goes there

    def token_expiry(self, access: RequestScope) -> float | None:
        """When the token or temporary key held for `access` ends, in Unix seconds; None without one."""
        held = self._authorizers.get(access.credential)
        return held.expires_at(access) if held else None

    def retry(self, name: str) -> None:
        """Try a credential's secret again now; raises LookupError for a name without one, ApiError if it may not be."""
        guards = [self._guards[credential] for credential in self._authorizers if credential.name == name]
        if not guards:
            raise LookupError(name)
        for guard in guards:
            guard.retry()
        # Keys that are had in its name may rest for its sake, but what is held of theirs was refused to themselves.
        for credential, held in self._authorizers.items():
            if name in names_of(credential):
                held.hurry()

    def rejections(self) -> dict[str, Rejection]:
        """The secrets that are held, by the names of their credentials; times are by the loop's clock."""
        held = {credential.name: self._guards[credential].rejection for credential in self._authorizers}
        return {name: rejection for name, rejection in held.items() if rejection}

    def longest_wait(self) -> float:
        """Seconds for which a request has been waiting for its turn, of all that wait now."""
        return self._transport.longest_wait()

    async def close(self) -> None:
        """Give up what is under way, and close every connection."""
        for held in self._authorizers.values():
            held.close()
        for guard in self._guards.values():
            await guard.settle()
        if self._memory:
            await self._memory.writer.flush()
        await self._transport.close()

    async def _send(self, request: Request, access: RequestScope) -> Response:
        authorizer = self._authorizer(access.credential)
        authorization = await authorizer.authorize(access, request.trace)
        try:
            return await self._transport.send(request, authorization)
        except ApiError as error:
            # Tokens die early: on arrears, on changed permissions; temporary keys do, too. A second refusal is a
            # failure. A refused signature is never tried again with the same key: a few of them lock it.
            if error.failure.reason not in (Reason.TOKEN, Reason.AUTH) or not authorizer.reject(access, authorization):
                raise
        request.trace.event("the authorization was refused: one more try with a new one")
        return await self._transport.send(request, await authorizer.authorize(access, request.trace))

    def _authorizer(self, credential: Credential) -> Authorizer:
        known = self._authorizers.get(credential)
        if known is None:
            known = self._authorizers[credential] = authorizer(
                *(credential, self._transport.send, self._now, self._rng, self._guard(credential)),
                reread=self._reread,
                send_as=self._send,
            )
        return known

    def _guard(self, credential: Credential) -> Guard:
        """What is known of a secret, if anything is, or a new guard."""
        if credential not in self._guards:
            user = self._users.setdefault(user_of(credential), User())
            self._guards[credential] = guard_of(credential, self._telemetry, user, self._memory)
        self._guards[credential].restore()
        return self._guards[credential]

    def _forget(self) -> None:
        """Let go of what nobody wants; a secret that may not be tried yet may come back, or others as wrong may."""
        guards = self._guards.items()
        self._guards = {
            secret: guard for secret, guard in guards if secret in self._authorizers or not guard.forgettable
        }
        users = {user_of(secret) for secret in self._guards}
        self._users = {user: known for user, known in self._users.items() if user in users}


@dataclass(frozen=True, slots=True)
class Held:
    """Until when what is held may serve, in Unix seconds, as a text for whoever follows the trace."""

    expiry: Callable[[RequestScope], float | None]
    access: RequestScope

    def __str__(self) -> str:
        expires_at = self.expiry(self.access)
        if expires_at is None:
            return ", nothing held"
        return f", held until {datetime.fromtimestamp(expires_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
