"""Certificates and keys out of the bytes of a file: what stands around PEM blocks is nothing to us (RFC 7468, 2)."""

import contextlib
import os
import re
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path as FilePath
from typing import TypeVar

from pydantic import SecretStr

from frs_exporter.config.yaml import Document, OnRead, Path
from frs_exporter.runtime.files import read_file

MAX_PEM = 1 << 24
"""Bytes of a file: some hold all authorities that there are."""
BOUNDARY = re.compile(rb"-----(BEGIN|END) ([^-\r\n]+-----)?")
"""The line around a block, which has no second part where the file ends in it."""
ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED", re.MULTILINE)
UNPAIRED = "a BEGIN line and an END line in it do not belong together: part of it is missing"
BLOCK = re.compile(rb"-----BEGIN .*?-----END [^\n]*\n", re.DOTALL)
"""One of the blocks that `pem_blocks` returns."""
WEAKNESSES = {
    "EE_KEY_TOO_SMALL": "its key is too short for this machine's OpenSSL: RSA needs 2048 bits or more",
    "CA_KEY_TOO_SMALL": "an issuer's key in it is too short for this machine's OpenSSL: RSA needs 2048 bits or more",
    "CA_MD_TOO_WEAK": "it is signed with a hash that is broken, as MD5 and SHA-1 are; have it signed with SHA-256",
}
MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""The last is said of a key of another type, which has a place of its own in a context."""
ORDER = "its certificates are in the wrong order: the one that the key is of comes first, then that of its issuer"
NOTHING = ("NO_START_LINE", "NO_CERTIFICATE_OR_CRL_FOUND")
T = TypeVar("T")
AsFile = Callable[[bytes], AbstractContextManager[str]]


def read_pem(document: Document, path: Path, message: str, source: FilePath | SecretStr, on_read: OnRead) -> bytes:
    """The PEM blocks in a file or a text; none where it is no good, which is noted at `path` and begins with `message`.

    `on_read` is told of the file before it is read.
    """
    try:
        if isinstance(source, SecretStr):
            return pem_blocks(source.get_secret_value().encode("utf-8", "surrogatepass"))
        if path[-1] == "key_file":
            document.key_files[path] = source
        on_read(source)
        return pem_blocks(read_file(source, MAX_PEM))
    except (OSError, ValueError) as error:
        document.unreadable(path, message, error)
        return b""


def pem_blocks(content: bytes) -> bytes:
    """The PEM blocks in a file, one after the other; raises ValueError where one has lost its end or its beginning.

    Comments may be of any encoding and a byte order mark may come first, neither of which OpenSSL bears everywhere. A
    file that is cut off must not pass for a shorter one.
    """
    blocks, begun = [], None
    for boundary in BOUNDARY.finditer(content):
        if (boundary[1] == b"BEGIN") is not (begun is None) or boundary[2] != (begun or boundary)[2] or not boundary[2]:
            raise ValueError(UNPAIRED)
        if begun is None:
            begun = boundary
        else:
            blocks.append(content[begun.start() : boundary.end()] + b"\n")
            begun = None
    if begun:
        raise ValueError(UNPAIRED)
    return b"".join(blocks)


def trusts_nobody() -> bool:
    """Whether this machine has no certificates of authorities at all, which is where no such package is installed.

    Those of a folder are read when they are wanted, by names that are hashes.
    """
    paths = ssl.get_default_verify_paths()
    hashed = FilePath(paths.capath or "/nowhere").glob("[0-9a-f]" * 8 + ".[0-9]*")
    return not any(hashed) and not ssl.create_default_context().cert_store_stats()["x509_ca"]


def check_key(document: Document, path: Path, blocks: bytes) -> None:
    """Note at `path` a key that needs a passphrase."""
    if ENCRYPTED.search(blocks):
        document.problem(path, "the key is encrypted: use one without a passphrase")


def trust(load: Callable[..., T], blocks: bytes) -> T:
    """Have `load` take authorities from a `cafile`; raises OSError, and ValueError where it finds none."""
    try:
        with as_file(blocks) as file:
            return load(cafile=file)
    except ssl.SSLError as error:
        raise ValueError(f"no PEM certificates in it{in_parentheses(error)}") from None


def use_certificate(context: ssl.SSLContext, blocks: bytes, key: bytes, mismatch: str, neither: str) -> None:
    """Show a certificate chain, and prove it by its key; raises OSError, and ValueError with one of the two texts.

    `mismatch` says that the key is another one's, `neither` that the blocks are no certificate or no key.
    """
    try:
        load_chain(context, blocks, key)
    except ssl.SSLError as error:
        if error.reason in WEAKNESSES:
            raise ValueError(WEAKNESSES[error.reason]) from None
        if error.reason in MISMATCHES:
            raise ValueError(ORDER if fits_a_later_one(blocks, key) else mismatch) from None
        raise ValueError(f"{neither}{in_parentheses(error)}") from None


def load_chain(context: ssl.SSLContext, blocks: bytes, key: bytes) -> None:
    """Show a certificate chain; raises OSError, of which ssl.SSLError is one."""
    with as_file(blocks) as cert_file, as_file(key) as key_file:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(cert_file, key_file, password="")


def fits_a_later_one(blocks: bytes, key: bytes) -> bool:
    """Whether a key is that of a certificate that is not the first."""
    for block in BLOCK.findall(blocks)[1:]:
        with contextlib.suppress(ssl.SSLError):
            load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), block, key)
            return True
    return False


def in_parentheses(error: ssl.SSLError) -> str:
    """OpenSSL's own reason, where it has one that says more than that there is nothing."""
    if not error.reason or error.reason in NOTHING:
        return ""
    return f" (OpenSSL: {error.reason.replace('_', ' ').lower()})"


@contextlib.contextmanager
def file_in_memory(content: bytes) -> Iterator[str]:
    """A file with this in it, as OpenSSL reads only files."""
    number = os.memfd_create("pem")
    try:
        with open(number, "wb", closefd=False) as stream:
            stream.write(content)
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


@contextlib.contextmanager
def file_on_disk(content: bytes) -> Iterator[str]:
    """The same where there are no files in memory."""
    with tempfile.NamedTemporaryFile() as stream:
        stream.write(content)
        stream.flush()
        yield stream.name


as_file: AsFile = file_in_memory if hasattr(os, "memfd_create") else file_on_disk  # disks may be read-only
