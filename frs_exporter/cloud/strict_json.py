"""JSON as the standard has it: no NaN, no infinities, no name twice in an object, no number beyond reason."""

import json
import math
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

MAX_DIGITS = 100


def decode(body: bytes | bytearray, names: Collection[str] = ()) -> Any:
    """The value of a JSON text; raises ValueError with what is wrong with it.

    If there are `names`, objects have no others: of a long list, what nobody wants would take most of the memory.
    """
    try:
        return (decoder(partial(some_of, names)) if names else DECODER).decode(
            body.decode(json.detect_encoding(body), "surrogatepass")
        )  # as json.loads() does
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(problem(body, error)) from None


def problem(body: bytes | bytearray, error: ValueError) -> str:
    """What is wrong, in words that quote nothing of the body."""
    start = body.lstrip()[:1]
    if not start:
        return "it is empty"
    # Portals and firewalls answer so in the cloud's place, often with a 200.
    if start == b"<":
        return "it is a page of HTML"
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of `pairs`; raises ValueError when a name occurs twice: which one counts is anybody's guess."""
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names


def some_of(names: Collection[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of `pairs` with those of the names that it has; raises ValueError as `unique` does."""
    return {name: value for name, value in unique(pairs).items() if name in names}


def refuse(constant: str) -> float:
    """JSON has no NaN and no infinities; raises ValueError."""
    raise ValueError(f"{constant} is not a JSON number")


def whole(text: str) -> int:
    """A whole number of a length that numbers have; raises ValueError."""
    if len(text) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(text)


def finite(text: str) -> float:
    """A number that a float can hold; raises ValueError."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def decoder(hook: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> json.JSONDecoder:
    """A strict decoder that makes its objects so."""
    # Python takes NaN, which JSON has not (RFC 8259, 6), and of equal names the last; others refuse (RFC 8259, 4).
    return json.JSONDecoder(object_pairs_hook=hook, parse_constant=refuse, parse_float=finite, parse_int=whole)


DECODER = decoder(unique)
