"""Content codings: an answer is packed block by block, and what comes again only once (pure).

DEFLATE (RFC 1951) is a row of blocks, each of which may be packed on its own: without a look at what came before it,
and up to the end of a byte. Such a part is the same bytes wherever it stands, in any gzip member (RFC 1952). Only the
member's trailer tells of all: how long it is, and a CRC, which that of a part is combined into without its text.
"""

from dataclasses import dataclass
from typing import Protocol

from isal import isal_zlib

LEVEL = 1
"""isal's level 1 makes pages as small as zlib's level 6 does, in a tenth of the time."""
RAW = -15
"""DEFLATE without a header, with the largest window (zlib's windowBits)."""
HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
"""Of a gzip member: DEFLATE, no name and no time, packed fast, by an unknown system (RFC 1952, 2.3)."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A content coding."""

    name: str

    def matches(self, coding: str, parameters: str) -> int:
        """How specifically a coding of an Accept-Encoding header names this one; 0 is not at all."""
        return {self.name: 2, "*": 1}.get(coding, 0)


IDENTITY = Encoding("identity")
GZIP = Encoding("gzip")
ENCODINGS = (GZIP, IDENTITY)


@dataclass(frozen=True, slots=True)
class Packed:
    """DEFLATE that may stand anywhere: whole blocks, which are not the last, of a text of `size` bytes with a CRC."""

    data: bytes
    crc: int
    size: int


class Part(Protocol):
    """A block that keeps how it is packed for the next answer."""

    def plain(self) -> bytes:
        """Its text."""

    def packed(self) -> Packed:
        """The same, packed."""


Block = bytes | Part


def pack(text: bytes) -> Packed:
    """Pack a text so that it may stand anywhere."""
    packing = isal_zlib.compressobj(LEVEL, wbits=RAW)
    data = packing.compress(text) + packing.flush(isal_zlib.Z_FULL_FLUSH)
    return Packed(data, isal_zlib.crc32(text), len(text))


def unpack(part: Packed) -> bytes:
    """The text of what was packed."""
    return bytes(isal_zlib.decompressobj(wbits=RAW).decompress(part.data))


class Coder:
    """Puts one answer into a content coding, block by block."""

    def __init__(self, encoding: Encoding) -> None:
        self._gzip = Gzip() if encoding is GZIP else None

    def code(self, block: Block) -> bytes:
        """What can be sent so far; it may be nothing."""
        if self._gzip:
            return self._gzip.text(block) if isinstance(block, bytes) else self._gzip.part(block.packed())
        return block if isinstance(block, bytes) else block.plain()

    def end(self) -> bytes:
        """What is left when there are no more blocks."""
        return self._gzip.end() if self._gzip else b""


class Gzip:
    """One gzip member of texts, which are packed as they come, and of parts, which have been before."""

    def __init__(self) -> None:
        self._packing = isal_zlib.compressobj(LEVEL, wbits=RAW)
        self._open = False
        """Whether a text is being packed, of which not all was handed out."""
        self._start = HEADER
        self._crc = self._size = 0

    def text(self, text: bytes) -> bytes:
        """What can be sent of a text, and of those before it; it may be nothing."""
        self._open = True
        self._crc = isal_zlib.crc32(text, self._crc)
        self._size += len(text)
        return self._begun() + bytes(self._packing.compress(text))

    def part(self, part: Packed) -> bytes:
        """What is to be sent of texts before it, and the part."""
        self._crc = isal_zlib.crc32_combine(self._crc, part.crc, part.size)
        self._size += part.size
        # A full flush also forgets: a text that comes later must not refer to what stands this side of the part.
        before = self._packing.flush(isal_zlib.Z_FULL_FLUSH) if self._open else b""
        self._open = False
        return self._begun() + bytes(before) + part.data

    def end(self) -> bytes:
        """The last block, and the trailer."""
        trailer = self._crc.to_bytes(4, "little") + (self._size % (1 << 32)).to_bytes(4, "little")
        return self._begun() + bytes(self._packing.flush()) + trailer

    def _begun(self) -> bytes:
        start, self._start = self._start, b""
        return start
