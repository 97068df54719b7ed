"""Authorized JSON calls about a target, with one new authorization when a token turns out to be dead."""

import random
from collections.abc import Callable
from typing import Any

from frs_exporter.cloud.auth import Authorizer, authorizer
from frs_exporter.cloud.transport import Request, Transport
from frs_exporter.errors import ApiError, Reason
from frs_exporter.exposition.telemetry import Telemetry
from frs_exporter.model import Api, Credential, Target


class Client:
    """Calls the cloud in the name of each target's credential."""

    def __init__(
        self, transport: Transport, telemetry: Telemetry, now: Callable[[], float], rng: random.Random
    ) -> None:
        self._transport = transport
        self._telemetry = telemetry
        self._now = now
        self._rng = rng
        self._authorizers: dict[Credential, Authorizer] = {}

    async def get(self, target: Target, api: Api, path: str) -> Any:
        """The JSON at `path`; raises ApiError."""
        request = Request(api, target.endpoints[api], target.credential.name, "GET", path, target.poll_timeout)
        authorizer = self._authorizer(target.credential)
        authorization = await authorizer.authorize(target)
        try:
            return (await self._transport.send(request, authorization)).payload
        except ApiError as error:
            # Tokens die early: on arrears, on changed permissions. A second refusal is a failure. A refused
            # signature is never tried again: a few of them lock the key.
            if error.reason is not Reason.TOKEN or not authorizer.reject(target, authorization):
                raise
        return (await self._transport.send(request, await authorizer.authorize(target))).payload

    def token_expiry(self, target: Target) -> float | None:
        """When the token held for `target` ends, in Unix seconds; None without one."""
        return self._authorizer(target.credential).expires_at(target)

    def longest_wait(self) -> float:
        """Seconds for which a request has been waiting for its turn, of all that wait now."""
        return self._transport.longest_wait()

    async def close(self) -> None:
        """Give up what is under way, and close every connection."""
        for held in self._authorizers.values():
            await held.close()
        await self._transport.close()

    def _authorizer(self, credential: Credential) -> Authorizer:
        if credential not in self._authorizers:
            send = self._transport.send
            self._authorizers[credential] = authorizer(credential, send, self._now, self._rng, self._telemetry)
        return self._authorizers[credential]
