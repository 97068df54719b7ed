"""What a collector is: its families, how it asks, what its failures tell, and what it costs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from frs_exporter.collectors.endpoint_state import EndpointStates
from frs_exporter.collectors.probe_results import ProbeMemory
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, CollectResult, Family, Sample, Target

MAX_LABEL = 128
"""Characters of a name from the wire that become a label value; the vendor's own names have at most 64."""
LARGEST = 2**53
"""Whole numbers beyond are not exact on the page."""

Samples = tuple[Sample, ...]


class Get(Protocol):
    """Asks the cloud in the name of a target."""

    async def __call__(self, api: Api, path: str, body: Any = None) -> Any:
        """The JSON at an encoded path and query of an API, for which JSON is posted if there is any."""


@dataclass(frozen=True, slots=True)
class ApiClient:
    """All that a collector has of the world: the cloud, the clock in Unix seconds, what is known of its endpoints.

    What `get` answers a collector whose answers repeat is not read again where it is that of before; what `get_more`
    answers always is.
    """

    get: Get
    get_more: Get
    now: Callable[[], float]
    endpoint_states: EndpointStates
    probe_memory: ProbeMemory


@dataclass(frozen=True, slots=True)
class Collector:
    """A record of functions: `collect(client, target, memory)` raises ApiError.

    `memory` is that of its last result, None before the first. `proven_samples(target, failure)` are what
    a failure itself proves. `demand(interval)` is how many requests per second it makes of `api` when it is polled
    every `interval` seconds. `repeatable` says that the same answer to its first request about the same target has the
    same result: then it is not read again. `of_account` says that it asks about accounts, and not about projects.
    """

    api: Api
    families: tuple[Family, ...]
    collect: Callable[[ApiClient, Target, Any], Awaitable[CollectResult]]
    proven_samples: Callable[[Target, Failure], Samples] = lambda target, failure: ()
    demand: Callable[[float], float] = lambda interval: 1 / interval
    repeatable: bool = False
    of_account: bool = False


def wrong_shape(where: str, wanted: str, found: object) -> ApiError:
    """The failure of JSON that is not what the API promises; `where` is its JSON path, values are never told."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    message = f"{where}: wanted {wanted}, found {names.get(type(found), 'a number')}"
    return ApiError(Failure(Reason.PAYLOAD, message, status=200))


def members(where: str, value: Any, name: str) -> list[Any]:
    """The array that an object has under a name; raises ApiError."""
    if not isinstance(value, dict):
        raise wrong_shape(where, "an object", value)
    if not isinstance(value.get(name), list):
        raise wrong_shape(f"{where}.{name}", "an array", value.get(name))
    return list(value[name])


def text(where: str, value: Any) -> str:
    """A string; raises ApiError."""
    if not isinstance(value, str):
        raise wrong_shape(where, "a string", value)
    return value


def number(where: str, value: Any) -> float:
    """A number that counts or measures something; raises ApiError."""
    if not is_number(value):
        raise wrong_shape(where, "a number from 0", value)
    return value


def whole_number(where: str, value: Any) -> float:
    """A number that counts things; raises ApiError."""
    if not is_number(value) or value % 1:
        raise wrong_shape(where, "a whole number from 0", value)
    return value + 0  # -0.0 is 0


def is_number(value: Any) -> TypeGuard[float]:
    """Whether something is a number from 0 that is exact on the page; Python takes true and false for such."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LARGEST


def label_value(name: str) -> str:
    """A name from the wire as a label value: what cannot be printed is shown as U+FFFD, and its length is bounded."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name[:MAX_LABEL])
