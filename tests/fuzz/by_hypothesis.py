"""How hypothesis makes inputs: those of the corpus with changes, pieces in a row, and bytes."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, corpus

Edit = tuple[int, int, bytes]
LONGEST = 4096
DEEPEST = 200
"""Brackets of a text in which values are copied: each may be a level."""


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=200)
    | st.sampled_from([-1, "1", "", 1e300, 10**6, "x" * 200, "\x1b[2J"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
"""Of JSON, and NaN and the like, which are none."""


def is_document(text: bytes) -> bool:
    """Whether it is a JSON text with places in it, which can be copied."""
    try:
        return text.count(b"[") + text.count(b"{") < DEEPEST and isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def edited(data: bytes, edit: Edit) -> bytes:
    """The input with some of its bytes replaced."""
    at, length, piece = edit
    start = at % (len(data) + 1)
    return (data[:start] + piece + data[start + length :])[:LONGEST]


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a JSON value: what it is in, and its name or index there."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(inner, dict | list):
            yield from nodes(inner)


def with_other_values(text: bytes, changes: Sequence[tuple[int, int, Any]]) -> bytes:
    """A JSON text in which some of the values are others, or copies of what stands elsewhere."""
    whole = json.loads(text)
    for at, elsewhere, value in changes:
        if places := list(nodes(whole)):
            around, name = places[at % len(places)]
            other, its_name = places[elsewhere % len(places)]
            around[name] = copy.deepcopy(other[its_name]) if elsewhere else value
    return json.dumps(whole).encode()


def inputs(seeds: Sequence[bytes], pieces: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Inputs like these, of such pieces."""
    piece = st.sampled_from(pieces) | st.binary(max_size=4)
    edit = st.tuples(st.integers(0, LONGEST), st.integers(0, 8) | st.integers(0, 200), piece)
    changed = st.builds(
        lambda seed, edits: reduce(edited, edits, seed), st.sampled_from(seeds), st.lists(edit, max_size=6)
    )
    spliced = st.builds(
        lambda one, other, at: one[: at % (len(one) + 1)] + other[at % (len(other) + 1) :],
        *(st.sampled_from(seeds), st.sampled_from(seeds), st.integers(0, LONGEST)),
    )
    texts = [seed for seed in seeds if is_document(seed)]
    change = st.tuples(st.integers(0, LONGEST), st.just(0) | st.integers(0, LONGEST), VALUES)
    written = st.builds(with_other_values, st.sampled_from(texts), st.lists(change, max_size=4)) if texts else changed
    return written | changed | spliced | st.lists(piece, max_size=30).map(b"".join) | st.binary(max_size=200)


def property_of(name: str, examples: int, check_input: Callable[[bytes], None]) -> Callable[[], None]:
    """A function that checks so many inputs as a target has them, and raises what is wrong."""
    seeds = [file.read_bytes() for file in corpus(name)]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(seeds, TARGETS[name].pieces))
    def check(data: bytes) -> None:
        check_input(data)

    return check
