"""Temporary keys at work: had from a service that gives them, renewed ahead, and when they are refused."""

import asyncio
import math
import random
from collections.abc import Callable, Collection
from functools import partial

from frs_exporter.cloud.agency import SendAs, agency
from frs_exporter.cloud.ak_sk import KeySignature, endpoints_of
from frs_exporter.cloud.cooldown import Cooldown, Rest
from frs_exporter.cloud.first_of import first_of
from frs_exporter.cloud.guard import Guard
from frs_exporter.cloud.key_services import KeyService
from frs_exporter.cloud.lease import REFRESH_RETRY, Grant, Lease
from frs_exporter.cloud.metadata import metadata
from frs_exporter.cloud.oidc import oidc
from frs_exporter.cloud.pod_identity import pod_identity
from frs_exporter.cloud.transport import Authorize, Send
from frs_exporter.core.credentials import (
    AgencyCredential,
    AssumedAgency,
    FirstOf,
    KeyCredential,
    OidcCredential,
    PodIdentityCredential,
    TemporaryKeys,
)
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope
from frs_exporter.core.trace import UNTRACED, Trace

RENEW_AT = (0.8, 0.9)
"""The part of what is left of temporary keys after which they are renewed is drawn from here, however short they live.
A machine's live for 24 hours, and others take their place at least 6 hours before their end (ECS user guide, metadata).
"""
REPLACE_AGAIN = 300.0
"""Seconds before keys are asked for anew after those had for refused ones were refused as well."""
LOOK_AGAIN = 1.0
"""Seconds after which it is looked again whether a held secret is another one: in a file that takes a thread."""
PASSING = {408, 429}
"""Statuses of answers that are no refusal."""


def key_service(credential: TemporaryKeys, send: Send, send_as: SendAs) -> KeyService:
    """Who gives the keys of a credential."""
    match credential:
        case AgencyCredential():
            return metadata(credential, send)
        case PodIdentityCredential():
            return pod_identity(credential, send)
        case OidcCredential():
            return oidc(credential, send)
        case FirstOf():
            return first_of(credential, [key_service(service, send, send_as) for service in credential.services])
        case AssumedAgency():
            return agency(credential, send_as)


def refuses_secret(service: KeyService, failure: Failure) -> bool:
    """Whether STS has refused the id token of a service.

    That is held like any other secret, and no keys are asked for with it. The id token of whoever assumes an agency is
    none of the agency's: its own guard has heard of it.
    """
    return service.api == failure.api == Api.STS and failure.reason is Reason.AUTH


class TemporaryKeyAuthorizer:
    """Signs with the temporary keys that a service gives."""

    def __init__(
        self, name: str, service: KeyService, now: Callable[[], float], rng: random.Random, guard: Guard
    ) -> None:
        self._service = service
        self._now = now
        self._rng = rng
        self._guard = guard
        self._lease: Lease[KeyCredential] = Lease("temporary key", {"credential": name})
        self._refused = Cooldown()
        self._rest = Rest()
        self._replaced_at = -math.inf
        self._look_at = -math.inf

    async def authorize(self, access: RequestScope, trace: Trace = UNTRACED) -> Authorize:
        """A signature with the keys of now; raises ApiError while there are none, or they are held."""
        await self._check(access.subject)
        try:
            await self._lease.held(partial(self._obtain, access, trace))
        except ApiError as error:
            if not refuses_secret(self._service, error.failure):
                raise
            # Here, and not in the renewal: whoever waits for that while the guard has a doubt would wait for ever.
            async with self._guard.attempt(access.subject, self._service.title):
                raise
        replaced = partial(self._replaced, access)
        return KeySignature(self._keys, access, self._now, self._guard, replaced)

    def reject(self, access: RequestScope, authorization: Authorize) -> bool:
        """Whether there are other keys by now."""
        # Before a refusal comes here the guard has asked `_replaced`, which has had the keys renewed if it could.
        return isinstance(authorization, KeySignature) and not self._lease.holds(authorization.used)

    def expires_at(self, access: RequestScope) -> float | None:
        """When the keys end."""
        return self._lease.expires_at

    def retain(self, accesses: Collection[RequestScope]) -> None:
        """Share the keys among the endpoints of these."""
        self._guard.retain(endpoints_of(accesses))

    def hurry(self) -> None:
        """Ask the service at once for what it has refused, or could not give."""
        self._ask_anew()
        self._lease.hurry()

    def close(self) -> None:
        """Give up a renewal that is under way."""
        self._lease.close()

    async def _check(self, project: str) -> None:
        """Raise the failure that stands, unless it is about a secret that is another one by now."""
        try:
            self._guard.check(project)
        except ApiError:
            if not await self._changed():
                raise
            self._ask_anew()
            self._guard.retry()

    async def _check_rest(self) -> None:
        """Raise what the service has refused, while it is not asked again; another secret is another question."""
        try:
            self._refused.check()  # what was refused to one project is not asked again for each of the others
            if self._lease.remaining > 0:
                self._rest.check()
        except ApiError:
            if not await self._changed():
                raise
            self._ask_anew()

    async def _changed(self) -> bool:
        """Whether the service would be told another secret; of all who come together one looks."""
        clock = asyncio.get_running_loop().time()
        if clock < self._look_at:
            return False
        self._look_at = clock + LOOK_AGAIN  # before the look: all who come meanwhile need none of their own
        return await self._service.changed()

    def _ask_anew(self) -> None:
        """Nothing that the service has refused stands any more."""
        self._refused.end()
        self._rest.end()

    def _keys(self) -> KeyCredential:
        assert self._lease.value is not None, "authorize has seen to it"
        return self._lease.value

    async def _replaced(self, access: RequestScope, refused: KeyCredential) -> bool:
        """Refused keys may have ended early: whether there are others."""
        if not self._lease.holds(refused):
            return True
        # Most services give other keys each time. Where such are refused as well they have not just ended: without this
        # one pair after the other would be had, and refused.
        clock = asyncio.get_running_loop().time()
        if clock - self._replaced_at < REPLACE_AGAIN:
            return False
        self._rest.end()  # that is for keys that serve
        try:
            replaced = await self._lease.renewed(partial(self._obtain, access, UNTRACED)) != refused
        except ApiError:
            return False
        if replaced:
            self._replaced_at = clock
        return replaced

    async def _obtain(self, access: RequestScope, trace: Trace) -> Grant[KeyCredential]:
        await self._check_rest()
        try:
            keys, expires_at = await self._service.fetch(access, trace)
        except ApiError as error:
            self._heed(error.failure)
            raise
        self._ask_anew()
        # Unlike a token's, this answer tells no time of issue, only the end: so our own clock has to be trusted.
        clock, life = asyncio.get_running_loop().time(), expires_at - self._now()
        if life <= 0:
            message = f"{self._service.title} gives keys that have ended; is this machine's clock right?"
            raise ApiError(Failure(Reason.PAYLOAD, message, api=self._service.api))
        refresh_at = clock + max(REFRESH_RETRY, life * self._rng.uniform(*RENEW_AT))
        return Grant(keys, expires_at, refresh_at, clock + life)

    def _heed(self, failure: Failure) -> None:
        """A refusal is not asked for again at once, and less and less often while there are keys that serve."""
        status, of_secret = failure.status or 0, refuses_secret(self._service, failure)
        if status // 100 != 4 or status in PASSING:
            return
        if not of_secret:
            self._refused.start(failure, REFRESH_RETRY)
        # Who asks in the name of another credential is told by its guard when that may be used again.
        if not failure.by_proxy and (of_secret or failure.reason is not Reason.AUTH):
            self._rest.start(failure, self._lease.remaining)
