"""What probes have told of a project, and what remembers it when the process ends."""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

from frs_exporter.collectors.endpoint_state import EndpointState
from frs_exporter.core.model import Target


class ProbeResult(NamedTuple):
    """What probes of a sub-service have told: whether it is on, None for nothing, when that was, and the newest code.

    Times are in Unix seconds; `due` is when the next one may be sent, `sent` how many were.
    """

    subservice: str
    on: bool | None = None
    code: str = ""
    at: float = 0.0
    due: float = 0.0
    sent: int = 0


Results = tuple[ProbeResult, ...]


class ProbeMemory(Protocol):
    """Remembers probes for all who share it: together they send no more than the config of one allows."""

    async def results(self, target: Target, endpoint: EndpointState) -> Results:
        """What is known of the probes that a project wants; what is of its endpoint is noted there."""
        ...

    async def claim(self, target: Target, subservice: str) -> ProbeResult | None:
        """What is known of a probe that is to be sent now; None where another has sent it, or found out why not.

        That it is sent will outlive the process.
        """
        ...

    def note(self, target: Target, result: ProbeResult, endpoint: EndpointState) -> Awaitable[None]:
        """Remember this; done when it will outlive the process."""
        ...
