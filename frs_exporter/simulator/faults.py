"""What can be made to go wrong, by API and project."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Fault:
    """A delay in seconds, then an answer like this; without a status the right answer follows."""

    delay: float = 0.0
    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


HANG = Fault(delay=86400.0)


@dataclass
class Faults:
    """The faults in force; a fault of one project comes before one of all (project id "")."""

    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)

    def set(self, api: str, fault: Fault | None, project_id: str = "") -> None:
        """Put a fault in force, or lift it."""
        if fault is None:
            self.faults.pop((api, project_id), None)
        else:
            self.faults[api, project_id] = fault

    async def strike(self, api: str, project_id: str) -> web.Response | None:
        """Do what is in force; an answer, if there is one, comes instead of the right one."""
        fault = self.faults.get((api, project_id)) or self.faults.get((api, ""))
        if fault is None:
            return None
        await asyncio.sleep(fault.delay)
        if fault.status is None:
            return None
        return web.Response(
            status=fault.status, text=fault.body, content_type="application/json", headers=fault.headers
        )
