"""A small JSON document that outlives the process: entries, each until its time has come, which processes may share.

`state.json` in a folder, made 0700, with 0600 and replaced as a whole; `state.lock` beside it is
locked by who writes:

    {"version": 1,
     "key": "64 hexadecimal digits: 32 random bytes, made with the file",
     "entries": {"NAME": {"until": 1800000000.0, ...}, ...}}

`until` is when an entry is of no use any more, in Unix seconds; what else is in it is its writer's. At most 10,000
entries and 8 MiB are kept, of more those that end last; none that is nested deeper than 20 levels. A file of another
version, or that is none of ours, is ignored, and replaced at the next write.

Secrets are never in it, only digests, which tell whether a secret is the same as before. What they are worth: each is
slow (scrypt with 16 MiB) and salted by the key, so no list that was made before, and no other machine's file, helps to
guess. But the key lies beside them: who has stolen the file makes some 25 guesses a second on each core, which finds a
word of a dictionary within a day, and a long random secret never. So the file is for its owner alone.
"""

import contextlib
import copy
import functools
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frs_exporter.runtime.files import is_temporary
from frs_exporter.runtime.private_folder import LOCK_TIMEOUT, read_private, replace_private
from frs_exporter.runtime.state_folder import StateFolder

NAME, LOCK = "state.json", "state.lock"
VERSION = 1
MAX_SIZE = 8 << 20
MAX_ENTRIES = 10_000
FAR = 1e11
"""In Unix seconds: a time from here on, the year 5138, is none."""
MAX_DEPTH = 20
"""Of an entry: what is nested deeper can be read, and neither be copied nor be written."""
KEY_SIZE = 32
KEY = re.compile(rf"[0-9a-f]{{{2 * KEY_SIZE}}}")
COST = 1 << 14
"""The n of scrypt: with r = 8 it takes 16 MiB and 40 ms."""
ROUNDS = 200_000
"""Of PBKDF2: about as long."""
DIGEST_SIZE = 16

Entries = dict[str, Any]
"""By their names."""


class StateFile:
    """Entries in `state.json` of a directory, or with None in memory only; for any thread.

    Never raises: where the directory cannot be used, memory does, with one warning, and each write tries again. Calls
    wait for the disk, and up to `timeout` seconds for a lock: make them off the event loop. `now` is the wall clock.
    """

    def __init__(
        self,
        directory: Path | None,
        now: Callable[[], float] = time.time,
        *,
        timeout: float = LOCK_TIMEOUT,
    ) -> None:
        self.folder = StateFolder(directory, LOCK, timeout=timeout)
        self._now = now
        self._mutex = threading.RLock()
        self._key = secrets.token_bytes(KEY_SIZE)
        self._content: bytes | None = None
        self._changing = False
        self._entries: Entries = {}
        self._on_disk: Entries = {}

    @property
    def unsaved(self) -> bool:
        """Whether something is known that could not be written."""
        return self.folder.path is not None and bool(changes(self._on_disk, self._entries))

    def read(self) -> Entries:
        """The entries that have not ended, others' included; a copy."""
        with self._mutex:
            self.folder.look(self._load)
            return copy.deepcopy(current(self._entries, self._now()))

    def update(self, change: Callable[[Entries], None]) -> None:
        """Let `change` change the entries, and nobody else meanwhile.

        What it raises goes through, and nothing is changed, nor with what is no JSON. Entries that have ended, or have
        no `until`, are dropped.
        """
        with self._mutex, contextlib.ExitStack() as stack:
            folder = self.folder.lock(stack, self._load)
            entries = copy.deepcopy(current(self._entries, self._now()))
            self._changing = True
            stack.callback(setattr, self, "_changing", False)
            change(entries)
            entries = current(entries, self._now())
            content = encode(self._key, entries)  # raises for what is no JSON
            self._entries = entries
            if folder is not None:
                self._save(folder, content)

    def flush(self) -> None:
        """Write what is not written yet, so that a directory that cannot be used is told of before it is needed."""
        self.update(lambda entries: None)

    def digest(self, *parts: str | bytes) -> str:
        """What stands for a secret: the same for the same parts and file. Takes 40 ms, once for each secret."""
        key = self._agreed_key()
        return stretched(keyed(key, b"secret", parts), key).hex()

    def identifier(self, *parts: str | bytes) -> str:
        """As `digest`, but at once: for what is no secret, as the name of a user, where the file need not tell it."""
        return keyed(self._agreed_key(), b"identifier", parts).hex()

    def _agreed_key(self) -> bytes:
        """The file's; where there is no file yet it is made first, so that all who share it have the same."""
        with self._mutex:
            self.folder.look(self._load)
            if self._content is None and not self._changing:
                self.flush()
            return self._key

    def _load(self, folder: int) -> None:
        """Take what is on disk, and what was changed here but could not be written; raises OSError that passes."""
        try:
            content = read_private(folder, NAME, MAX_SIZE)
            if content is not None and content == self._content:
                return
            self._content = content
            key, entries = (self._key, Entries()) if content is None else parse(content)
        except (OSError, ValueError) as error:
            self._content = None
            if is_temporary(error):
                raise
            self.folder.ignore(NAME, error)
            return
        unsaved = changes(self._on_disk, self._entries)
        self._key, self._on_disk = key, entries
        self._entries = {name: entry for name, entry in {**entries, **unsaved}.items() if entry is not None}

    def _save(self, folder: int, content: bytes) -> None:
        """Put what is known on disk, where it is not there yet."""
        try:
            if content != self._content:
                replace_private(folder, NAME, content)
        except OSError as error:
            self.folder.memory_will_do(error)
        else:
            self._content, self._on_disk = content, self._entries


def parse(content: bytes) -> tuple[bytes, Entries]:
    """Key and entries of a document; raises ValueError for what is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    match document:
        case {"version": 1, "key": str(key), "entries": dict(entries)} if KEY.fullmatch(key):
            return bytes.fromhex(key), {name: entry for name, entry in entries.items() if is_shallow(entry)}
        case {"version": int(version)} if version != VERSION:
            raise ValueError("it is of another version")
    raise ValueError("it is no state of this program")


def encode(key: bytes, entries: Entries) -> bytes:
    """A document, with as many of the entries as it may have."""
    content = json.dumps({"version": VERSION, "key": key.hex(), "entries": entries}).encode() + b"\n"
    return content if len(content) <= MAX_SIZE else encode(key, latest(entries, len(entries) // 2))


def current(entries: Entries, now: float) -> Entries:
    """The entries that have not ended; not too many."""
    return latest({name: entry for name, entry in entries.items() if now < until(entry) < FAR}, MAX_ENTRIES)


def is_shallow(value: Any, levels: int = MAX_DEPTH) -> bool:
    """Whether a value is nested in no more levels than these."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not inner or (levels > 0 and all(is_shallow(part, levels - 1) for part in inner))


def until(entry: Any) -> float:
    """When an entry ends, 0 for what is none."""
    end = entry.get("until") if isinstance(entry, dict) else None
    return end if isinstance(end, int | float) else 0.0


def latest(entries: Entries, limit: int) -> Entries:
    """Those that end last."""
    if len(entries) <= limit:
        return entries
    names = sorted(entries, key=lambda name: until(entries[name]))
    return {name: entries[name] for name in names[len(names) - limit :]}


def changes(before: Entries, after: Entries) -> Entries:
    """The entries that are new or different, and None for each that is gone."""
    names = before.keys() | after.keys()
    return {name: after.get(name) for name in names if before.get(name) != after.get(name)}


def keyed(key: bytes, purpose: bytes, parts: tuple[str | bytes, ...]) -> bytes:
    """A digest of parts, each with its length: ("ab", "c") is not ("a", "bc")."""
    digest = hashlib.blake2b(key=key, person=purpose, digest_size=DIGEST_SIZE)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


@functools.lru_cache(1024)
def stretched(data: bytes, salt: bytes, cost: int = COST) -> bytes:
    """A digest that takes its time, so that guessing does."""
    try:
        return hashlib.scrypt(data, salt=salt, n=cost, r=8, p=1, dklen=DIGEST_SIZE)
    except (AttributeError, ValueError):  # this OpenSSL has it not, or may not use it (FIPS 140)
        return hashlib.pbkdf2_hmac("sha256", data, salt, ROUNDS, DIGEST_SIZE)
