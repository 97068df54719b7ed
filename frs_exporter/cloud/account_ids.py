"""The ids of accounts, which signatures for global services must name: each is found once, by its credential."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any

from frs_exporter.core.credentials import Credential, StaticToken, TokenCredential
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, RequestScope

PATH = "/v3/auth/domains"
"""What the vendor's own client asks for it (huaweicloudsdkcore, auth/internal.py)."""
ID = re.compile("[0-9a-zA-Z]{1,64}")

Query = Callable[[RequestScope], Awaitable[Any]]
"""Asks IAM for PATH, and gives the JSON; raises ApiError."""


class AccountIds:
    """Those that were found, by credential."""

    def __init__(self) -> None:
        self._found: dict[Credential, str] = {}
        self._finding: defaultdict[Credential, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def known(self, access: RequestScope, ask_iam: Query) -> RequestScope:
        """The same with the account's id, where one is needed and not known yet; raises ApiError."""
        account, credential = access.account, access.credential
        if account is None or account.domain_id or isinstance(credential, TokenCredential | StaticToken):
            return access  # a token is of an account
        async with self._finding[credential]:
            if credential not in self._found:
                self._found[credential] = domain_id(await ask_iam(access))
        return replace(access, account=replace(account, domain_id=self._found[credential]))

    def retain(self, credentials: Collection[Credential]) -> None:
        """Let go of those of others."""
        self._found = {credential: known for credential, known in self._found.items() if credential in credentials}
        for credential in self._finding.keys() - set(credentials):
            del self._finding[credential]


def domain_id(data: Any) -> str:
    """The id in IAM's answer; raises ApiError."""
    match data:
        case {"domains": [{"id": str(found)}, *_]} if ID.fullmatch(found):
            return found
    message = "IAM does not tell the account's id: write domain_id in the config"
    raise ApiError(Failure(Reason.PAYLOAD, message, status=200, api=Api.IAM, lacks="domain_id"))
