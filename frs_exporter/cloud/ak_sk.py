"""AK/SK at work: each request is signed anew."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from frs_exporter.cloud.guard import Guard, Replaced
from frs_exporter.cloud.signing import Signable, sdk_date, sign
from frs_exporter.cloud.transport import Authorize, Request
from frs_exporter.core.credentials import KeyCredential
from frs_exporter.core.model import RequestScope
from frs_exporter.core.trace import UNTRACED, Trace


@dataclass(slots=True)
class KeySignature:
    """Signs requests about a project, or an account; temporary keys add their security token, which is signed too.

    `keys` are those of when a request is sent: while it waits for its turn they may become others. `replaced` is asked
    about those that were refused.
    """

    keys: Callable[[], KeyCredential] = field(repr=False)
    access: RequestScope
    now: Callable[[], float] = field(repr=False)
    guard: Guard = field(repr=False)
    replaced: Callable[[KeyCredential], Awaitable[bool]] = field(repr=False)
    used: KeyCredential | None = field(default=None, compare=False)

    def __call__(self, request: Request) -> AbstractAsyncContextManager[Mapping[str, str]]:
        """The use of the key for a request."""
        # The gateway judges a signature's date by its clock: the guard is told how ours stands. A login has no date.
        clock_offset, used = self.now() - asyncio.get_running_loop().time(), partial(self.headers, request)
        return self.guard.attempt(self.access.subject, request.endpoint, clock_offset, self._replaced, used)

    async def _replaced(self) -> bool:
        return self.used is not None and await self.replaced(self.used)

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers that sign a request sent now, with the keys of now, which are `used` from now on."""
        keys = self.used = self.keys()
        endpoint = urlsplit(request.endpoint)
        # Only x-sdk-date has to be signed (devg-apisign, api-sign-exclude-header); the guide's example signs all three
        # (api-sign-algorithm-002). What aiohttp adds, as Accept, is not signed: a proxy on the way may change it.
        headers = {
            "content-type": "application/json",
            # Both ends must have the same text: aiohttp sends a Host that it is given as it stands.
            "host": endpoint.netloc,
            # The gateway takes it for 15 minutes (api-sign-0001): it is made after the wait for a turn, not before.
            "x-sdk-date": sdk_date(self.now()),
            **about(self.access),
        }
        # Temporary keys count only together with their token (IAM API, iam_04_0101).
        if keys.security_token:
            headers["x-security-token"] = keys.security_token.get_secret_value()
        signable = Signable(request.method, endpoint.path + request.target, headers, request.body)
        authorization = sign(signable, keys.access_key, keys.secret_key.get_secret_value())
        return {**headers, "authorization": str(authorization)}


class KeyAuthorizer:
    """Signs with keys that stay: there is nothing to keep, and nothing to renew."""

    def __init__(self, credential: KeyCredential, now: Callable[[], float], guard: Guard, replaced: Replaced) -> None:
        self._credential = credential
        self._now = now
        self._guard = guard
        self._replaced = replaced

    async def authorize(self, access: RequestScope, trace: Trace = UNTRACED) -> Authorize:
        """A signature for each request about `access`; raises ApiError at once while the key is held."""
        self._guard.check(access.subject)
        return KeySignature(self._keys, access, self._now, self._guard, self._look)

    def reject(self, access: RequestScope, authorization: Authorize) -> bool:
        """Another signature is no better."""
        # APIG.0301 is said of a wrong key and of a locked one (devg-apisign, api-sign-0001): another signature with the
        # same key could only be one more failure in a row.
        return False

    def expires_at(self, access: RequestScope) -> float | None:
        """Keys do not end."""
        return None

    def retain(self, accesses: Collection[RequestScope]) -> None:
        """Share the key among the endpoints of these."""
        self._guard.retain(endpoints_of(accesses))

    def hurry(self) -> None:
        """Nothing rests but the key itself, in its guard."""

    def close(self) -> None:
        """Nothing is under way."""

    def _keys(self) -> KeyCredential:
        return self._credential

    async def _look(self, _: KeyCredential) -> bool:
        return await self._replaced()


def about(access: RequestScope) -> dict[str, str]:
    """The header that says what a signature is for; who asks for a list of either has none to send."""
    # Global services want the account's id (GlobalCredentials of huaweicloudsdkcore, auth/credentials.py).
    if access.account:
        return {"x-domain-id": access.account.domain_id} if access.account.domain_id else {}
    # Without it a signature reaches no sub-project (api-sign-provide-start). The vendor's client sends it always.
    return {"x-project-id": access.project_id} if access.project_id else {}


def endpoints_of(accesses: Collection[RequestScope]) -> set[str]:
    """All endpoints at which something is asked."""
    return {endpoint for access in accesses for endpoint in access.endpoints.values()}
