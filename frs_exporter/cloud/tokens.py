"""Tokens as requests carry them, and one that somebody else has bought at work."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from frs_exporter.cloud.transport import Authorize, Request
from frs_exporter.core.errors import ApiError
from frs_exporter.core.model import RequestScope
from frs_exporter.core.trace import UNTRACED, Trace


@dataclass(frozen=True, slots=True)
class Token:
    """A token of IAM."""

    value: str = field(repr=False)

    @asynccontextmanager
    async def __call__(self, request: Request) -> AsyncIterator[Mapping[str, str]]:
        # A GET has no content, but FRS' pages list the header for it all the same (API reference, face_02_0032).
        yield {"content-type": "application/json", "x-auth-token": self.value}


@dataclass(frozen=True, slots=True)
class UnrenewableToken:
    """A token that somebody else has bought, which its refusal tells."""

    token: Token

    @asynccontextmanager
    async def __call__(self, request: Request) -> AsyncIterator[Mapping[str, str]]:
        try:
            async with self.token(request) as headers:
                yield headers
        except ApiError as error:
            raise ApiError(replace(error.failure, unrenewable=True)) from None


@dataclass(frozen=True, slots=True)
class GivenAuthorizer:
    """Uses one token, and has no other."""

    token: UnrenewableToken

    async def authorize(self, access: RequestScope, trace: Trace = UNTRACED) -> Authorize:
        """The token."""
        return self.token

    def reject(self, access: RequestScope, authorization: Authorize) -> bool:
        """There is no other."""
        return False

    def expires_at(self, access: RequestScope) -> float | None:
        """A token does not tell its end to those who did not buy it."""
        return None

    def retain(self, accesses: Collection[RequestScope]) -> None:
        """There is nothing to let go of."""

    def hurry(self) -> None:
        """Nothing rests."""

    def close(self) -> None:
        """There is nothing under way."""
