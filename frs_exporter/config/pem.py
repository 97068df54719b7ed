"""Certificates and keys out of the bytes of a file: what stands around PEM blocks is nothing to us (RFC 7468, 2)."""

import contextlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator

BOUNDARY = re.compile(rb"-----(BEGIN|END) ([^-\r\n]+-----)?")
"""The line around a block, which has no second part where the file ends in it."""
ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED", re.MULTILINE)
UNPAIRED = "a BEGIN line and an END line in it do not belong together: part of it is missing"


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


def is_encrypted(blocks: bytes) -> bool:
    """Whether a key in these PEM blocks needs a passphrase."""
    return ENCRYPTED.search(blocks) is not None


def trust(context: ssl.SSLContext, blocks: bytes) -> None:
    """Believe the certificates in these PEM blocks; raises ssl.SSLError where there are none, and OSError."""
    with as_file(blocks) as file:
        context.load_verify_locations(file)


def use_certificate(context: ssl.SSLContext, blocks: bytes, key: bytes) -> None:
    """Show a certificate chain, and prove it by its key; raises ssl.SSLError where they are no such, and OSError."""
    with as_file(blocks) as cert_file, as_file(key) as key_file:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(cert_file, key_file, password="")


@contextlib.contextmanager
def as_file(content: bytes) -> Iterator[str]:
    """A file with this in it, as OpenSSL reads only files; in memory where that can be, as disks may be read-only."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("pem")
        try:
            with open(number, "wb", closefd=False) as stream:
                stream.write(content)
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
    else:
        with tempfile.NamedTemporaryFile() as stream:
            stream.write(content)
            stream.flush()
            yield stream.name
