"""What is packed is what went in, however it is put together; a part is packed once, until it changes."""

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from frs_exporter.core.model import Family
from frs_exporter.exposition.coding import GZIP, IDENTITY, Block, Packed, pack, unpack
from frs_exporter.exposition.page import TEXT, Page
from tests.exposition.coding import coded

A, B = Family("frs_a", "gauge", "A.", ("project",)), Family("frs_b", "gauge", "B.", ("project",))
OWNERS = ("x", "y", "z")


@dataclass(frozen=True)
class Fixed:
    """A part that was packed before."""

    text: bytes
    kept: Packed

    def plain(self) -> bytes:
        return self.text

    def packed(self) -> Packed:
        return self.kept


def text_of(blocks: Iterable[Block]) -> bytes:
    return b"".join(block if isinstance(block, bytes) else block.plain() for block in blocks)


texts = st.binary(max_size=300) | st.text("ab\n", max_size=3000).map(str.encode)
parts = texts.map(lambda text: Fixed(text, pack(text)))


@given(st.lists(texts | parts, max_size=20))
def test_an_answer_is_what_went_in(blocks: list[Block]) -> None:
    packed = b"".join(coded(blocks, GZIP))
    assert gzip.decompress(packed) == text_of(blocks)
    reading = zlib.decompressobj(wbits=31)  # which reads one member, as some clients do
    assert reading.decompress(packed) == text_of(blocks)
    assert reading.eof
    assert not reading.unused_data
    assert b"".join(coded(blocks, IDENTITY)) == text_of(blocks)


def test_a_part_may_stand_in_several_answers_and_twice_in_one() -> None:
    part = Fixed(text := b"frs_up 1.0\n" * 500, pack(b"frs_up 1.0\n" * 500))
    answers: list[list[Block]] = [[part, part], [b"# HELP\n", part, b"# HELP\n" * 9, part, b""], [part, text, part]]
    for blocks in answers:
        assert gzip.decompress(b"".join(coded(blocks, GZIP))) == text_of(blocks)


def test_a_large_part_comes_back_whole() -> None:
    text = b"".join(b'frs_up{project="p-%d"} 1.0\n' % number for number in range(200_000))
    assert unpack(pack(text)) == text


@given(st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from((b"", b"1\n", b"2\n")), st.booleans())))
def test_a_page_tells_what_is_so_after_any_changes(changes: list[tuple[str, bytes, bool]]) -> None:
    page = Page((A, B))
    for owner, lines, scraped in changes:
        page.put(owner, {A.name: lines, B.name: b"b\n"} if lines else {B.name: b"b\n"})
        if scraped:
            before, plain = page.parts(TEXT, 0), page.parts(TEXT, 0)
            text = text_of(page.parts(TEXT, 0))
            assert gzip.decompress(b"".join(coded(page.parts(TEXT, 0), GZIP))) == text
            page.put("other", {A.name: b"other\n"})
            assert gzip.decompress(b"".join(coded(before, GZIP))) == text
            assert b"".join(coded(plain, IDENTITY)) == text
            page.drop("other")
    assert gzip.decompress(b"".join(coded(page.parts(TEXT, 0), GZIP))) == text_of(page.parts(TEXT, 0))


def kept(parts: Iterable[Block]) -> list[Packed]:
    return [part.packed() for part in parts if not isinstance(part, bytes)]


def test_lines_are_packed_again_only_when_one_of_them_is_another() -> None:
    page = Page((A, B))
    page.put("x", {A.name: b"1\n", B.name: b"1\n"}, until=5.0)
    first = kept(page.parts(TEXT, 0))
    page.put("x", {A.name: b"1\n", B.name: b"1\n"}, until=9.0)
    assert all(one is other for one, other in zip(first, kept(page.parts(TEXT, 0)), strict=True))
    page.put("x", {A.name: b"1\n", B.name: b"2\n"}, until=9.0)
    second = kept(page.parts(TEXT, 0))
    assert second[0] is first[0]
    assert second[1] == pack(b"2\n")
    page.put("x", {A.name: b"3\n", B.name: b"2\n"}, until=9.0)
    slow = page.parts(TEXT, 0)
    page.put("y", {A.name: b"1\n"})
    assert kept(slow) == [pack(b"3\n"), pack(b"2\n")]
    assert kept(page.parts(TEXT, 0)) == [pack(b"3\n1\n"), pack(b"2\n")]  # not what was packed of before
    assert kept(page.parts(TEXT, 9.0)) == [pack(b"1\n")]
