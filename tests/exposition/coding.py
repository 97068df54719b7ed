"""The blocks of a page in a content coding, as whoever writes an answer makes them."""

from collections.abc import Iterable, Iterator

from frs_exporter.exposition.coding import Block, Coder, Encoding


def coded(blocks: Iterable[Block], encoding: Encoding) -> Iterator[bytes]:
    """What is sent for each block, and what is left at the end."""
    coder = Coder(encoding)
    yield from map(coder.code, blocks)
    yield coder.end()
