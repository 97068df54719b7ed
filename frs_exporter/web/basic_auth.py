"""Basic authentication against bcrypt hashes: computed off the loop, one at a time, and remembered."""

import asyncio
import base64
import binascii
import hashlib
import random
import secrets
from collections.abc import Callable, Mapping
from importlib import import_module

from frs_exporter.runtime.offload import in_thread
from frs_exporter.web.login_queue import LoginQueue
from frs_exporter.web.peers import LOCAL, peer_of

MAX_REFUSED = 100
"""Logins that are remembered as wrong; any of them may have to make room."""
MAX_WAITING = 1000
"""Logins that wait for their turn; whoever comes then is told to come again."""
MAX_PASSWORD = 72
"""Bytes of a password that bcrypt looks at."""


def matches(password: bytes, hashed: str) -> bool:
    """Whether a password is the one that was hashed; takes as long as the hash's cost says."""
    bcrypt = import_module("bcrypt")  # for those who have logins
    try:
        return bool(bcrypt.checkpw(password[:MAX_PASSWORD], hashed.encode()))
    except ValueError:  # bcrypt does not take it for a hash after all
        return False


class Logins:
    """Who may come in.

    A hash costs tens of milliseconds on purpose. So each login is computed once and then known by a keyed digest, right
    ones for good and wrong ones for a while: a flood of wrong ones does not make the right ones be computed again.
    `verify(password, hash)` computes, in a thread; `max_waiting` logins wait for their turn.
    """

    def __init__(self, verify: Callable[[bytes, str], bool] = matches, max_waiting: int = MAX_WAITING) -> None:
        self._verify = verify
        self._salt = secrets.token_bytes(32)
        self._queue = LoginQueue(max_waiting)
        self._computing: asyncio.Task[None] | None = None
        self._right: dict[str, bytes] = {}
        self._wrong: dict[bytes, None] = {}

    async def accepts(self, users: Mapping[str, str], authorization: str, address: str | None = None) -> bool:
        """Whether an Authorization header, sent from an address, is that of one of the users; raises TooManyLogins."""
        login = parse_basic(authorization)
        if login is None:
            return False
        user, password = login
        hashed = users.get(user) or f"unknown, {stand_in(users, user)}"  # nothing known of who becomes a user later
        digest = self._digest(user, hashed, password)
        peer = peer_of(address) if address else LOCAL
        if not self._known(user, digest):
            await self._compute(users, (user, password), digest, peer)
        # Only now, so that an unknown user costs the same.
        right = user in users and self._right.get(user) == digest
        if right:
            self._queue.let_in(peer)
        return right

    def _known(self, user: str, digest: bytes) -> bool:
        return self._right.get(user) == digest or digest in self._wrong

    async def _compute(self, users: Mapping[str, str], login: tuple[str, bytes], digest: bytes, peer: str) -> None:
        await self._queue.take(peer)
        # Who hangs up now does not end the computing: the next one would begin beside it.
        self._computing = asyncio.create_task(self._matched(users, *login, digest), name="login")
        await asyncio.shield(self._computing)

    async def _matched(self, users: Mapping[str, str], user: str, password: bytes, digest: bytes) -> None:
        try:
            if not self._known(user, digest):  # somebody may have come with the same meanwhile
                right = await in_thread(self._verify, password, users.get(user) or stand_in(users, user))
                self._remember(user, digest, right and user in users)
        finally:
            self._queue.give_back()

    def _remember(self, user: str, digest: bytes, right: bool) -> None:
        if right:
            self._right[user] = digest
            return
        if len(self._wrong) >= MAX_REFUSED:
            del self._wrong[random.choice(list(self._wrong))]  # noqa: S311  # nobody sees which
        self._wrong[digest] = None

    def _digest(self, user: str, hashed: str, password: bytes) -> bytes:
        parts = (user.encode("utf-8", "surrogatepass"), hashed.encode(), password)
        framed = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return hashlib.blake2b(framed, key=self._salt, digest_size=32).digest()


def parse_basic(authorization: str) -> tuple[str, bytes] | None:
    """User and password of an Authorization header (RFC 7617), None where it holds none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (str(user, "utf-8", "surrogateescape"), password) if colon else None


def stand_in(users: Mapping[str, str], user: str) -> str:
    """The hash that an unknown user's password is compared with: one that is there, always the same for a user.

    So unknown users take as long as known ones do, whatever the hashes cost.
    """
    hashes = list(users.values())
    return hashes[hash(user) % len(hashes)]  # which differs from process to process, so nobody can tell which it is
