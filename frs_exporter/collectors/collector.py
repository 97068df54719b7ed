"""What a collector is: its families, how it asks, and what its failures tell."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from frs_exporter.errors import ApiError, Reason
from frs_exporter.model import Api, Family, Findings, Sample, Target

Get = Callable[[Api, str], Awaitable[Any]]
"""The JSON at a path of an API, asked in the name of the target: a collector's only door to the world."""

Samples = tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Collector:
    """A record of functions: `collect(get, target, last)` raises ApiError; `last` are the samples of the last success.

    `told(target, error)` are samples that a failure itself proves; `api` is the one that a poll makes one request of.
    """

    api: Api
    families: tuple[Family, ...]
    collect: Callable[[Get, Target, Samples], Awaitable[Findings]]
    told: Callable[[Target, ApiError], Samples]


def wrong_shape(where: str, wanted: str, found: object) -> ApiError:
    """The failure of JSON that is not what the API promises; `where` is its JSON path, values are never told."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return ApiError(Reason.PAYLOAD, f"{where}: wanted {wanted}, found {names.get(type(found), 'a number')}", status=200)
