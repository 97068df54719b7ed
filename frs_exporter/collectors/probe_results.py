"""What probes have told of a project, and what remembers it when the process ends."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from frs_exporter.collectors.endpoint_state import EndpointState
from frs_exporter.core.model import Target


class ProbeResult(NamedTuple):
    """What probes of a sub-service have told: whether it is on, None for nothing, when that was, and the newest code.

    Times are in Unix seconds; `sent` is how many were sent, the newest at `sent_at`; the next one is `due` then.
    """

    subservice: str
    on: bool | None = None
    code: str = ""
    at: float = 0.0
    sent_at: float = 0.0
    sent: int = 0
    due: float = 0.0


Results = tuple[ProbeResult, ...]


class ProbeMemory(Protocol):
    """Remembers probes for all who share it: together they send no more than the config of one allows."""

    async def results(self, target: Target, endpoint: EndpointState) -> Results:
        """What is known of the probes that a project wants; what is of its endpoint is noted there."""
        ...

    @property
    def problem(self) -> str:
        """Why it cannot be remembered that a probe is sent, so that none is; empty where it can."""
        ...

    async def claim(self, target: Target, subservice: str, *, verify: bool = False) -> ProbeResult | None:
        """What is known of a probe that is to be sent now; None where another has sent it, or found out why not.

        To `verify` it is to send one that is suspect.

        That it is sent will outlive the process.
        """
        ...

    def uninterrupted(self) -> AbstractContextManager[None]:
        """What is done in here is finished, though nobody may want the poll any more."""
        ...

    def take_back(self, target: Target, claimed: ProbeResult) -> None:
        """Remember that a claimed probe was not sent after all."""
        ...

    def end(self, target: Target, result: ProbeResult, endpoint: EndpointState) -> Awaitable[None]:
        """Remember how a claimed probe has ended, and what is so at its endpoint; done as `note` is."""
        ...

    def note(self, target: Target, endpoint: EndpointState) -> Awaitable[None]:
        """Remember what is so at a project's endpoint; done when it will outlive the process."""
        ...
