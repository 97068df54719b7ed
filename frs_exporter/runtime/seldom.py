"""Log lines about what may happen many times a second: each event is logged once a minute."""

import asyncio
from collections.abc import Callable

QUIET = 60.0
"""Seconds in which an event that was logged is not logged again."""


class SeldomLog:
    """Remembers when each event was logged last; used on a running event loop."""

    def __init__(self) -> None:
        self._quiet_until: dict[str, float] = {}

    def write(self, log: Callable[..., object], event: str, **details: object) -> None:
        """Have `log` write an event with details, unless it has done so within a minute."""
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until.get(event, now):
            log(event, **details)
            self._quiet_until[event] = now + QUIET
