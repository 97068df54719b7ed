"""How the billing service writes amounts, units, times and failures (pure).

Source: the API reference "customer operation capabilities" (api-oce), and the models of huaweicloudsdkbss 3.1.219.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from frs_exporter.collectors.collector import members, wrong_shape
from frs_exporter.core.error_body import vendor_code
from frs_exporter.core.errors import ApiError, classify

SUCCESS = "CBC.0000"
MAX_PAGES = 10
"""Of one list that are read."""
PER_UNIT = {1: Decimal(1), 2: Decimal(10), 3: Decimal(100)}
"""How many of a measure make a unit of the currency: yuan, jiao and fen, by measure_id."""
UNITS = {4: "hours", 10: "gb", 11: "mb", 14: "times"}
"""Of what is not money, by measure_id; 14 is a piece or a time."""
AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
LARGEST = Decimal(10) ** 13
"""Amounts from here on are none: they would not be exact on the page."""


def succeeded(data: Any) -> Any:
    """An answer as it is; raises ApiError for a failure, which may come with HTTP 200."""
    code = vendor_code(data.get("error_code")) if isinstance(data, dict) else ""
    if code and code != SUCCESS:
        # What is nested says nothing of it, and may be too deep to be written.
        said = {name: value for name, value in data.items() if not isinstance(value, dict | list)}
        raise ApiError(classify(200, json.dumps(said).encode(), {}, by_token=True))
    return data


async def items_of(name: str, query: Callable[[int], Awaitable[Any]]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The objects of an array on all pages, each with its path; `query` gets a page from an offset. Raises ApiError.

    How many there are in all is `total_count`, or of coupons `count`.
    """
    read = 0
    for _ in range(MAX_PAGES):
        data = succeeded(await query(read))
        items = members("$", data, name)
        for index, item in enumerate(items):
            where = f"$.{name}[{index}]"
            if not isinstance(item, dict):
                raise wrong_shape(where, "an object", item)
            yield where, item
        read += len(items)
        if not items or read >= (number_of(data, "count") or number_of(data, "total_count") or 0):
            break


def decimal(where: str, value: Any) -> Decimal | None:
    """A number, however it is written, None for null; raises ApiError."""
    if value is None:
        return None
    # What JSON says of an amount is what a float prints: that is exact to 15 digits.
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    number = Decimal(text) if AMOUNT.fullmatch(text) else LARGEST
    if number.copy_abs() >= LARGEST:
        raise wrong_shape(where, "an amount", value)
    return number


def amount(where: str, value: Any) -> Decimal | None:
    """A number from 0, however it is written, None for null; raises ApiError."""
    number = decimal(where, value)
    if number is not None and number < 0:
        raise wrong_shape(where, "an amount from 0", value)
    return number


def money(where: str, value: Any, measure: Any) -> Decimal | None:
    """An amount in units of the currency, None for null; raises ApiError. Without a measure it is in such units."""
    number = decimal(where, value)
    if measure is None or number is None:
        return number
    if isinstance(measure, bool) or not isinstance(measure, int | float) or measure not in PER_UNIT:
        raise wrong_shape(f"{where.rpartition('.')[0]}.measure_id", f"one of {', '.join(map(str, PER_UNIT))}", measure)
    return number / PER_UNIT[int(measure)]


def unit_of(measure: Any) -> str:
    """What something is counted in, as a label value."""
    known = isinstance(measure, int) and not isinstance(measure, bool)
    return UNITS.get(measure, f"measure_{measure}") if known and 0 <= measure < 10_000 else "unknown"


def unix_seconds(value: Any) -> float | None:
    """A time, `2025-11-29T15:59:59Z`, which is UTC; None for what is none."""
    try:
        time = datetime.fromisoformat(value)
        return time.timestamp() if time.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def number_of(item: Mapping[str, Any], name: str) -> int | None:
    """A code that is a whole number, None for anything else."""
    value = item.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
