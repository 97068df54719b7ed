"""Who waits for a turn to use a secret."""

import asyncio
from dataclasses import dataclass


@dataclass(slots=True)
class Place:
    """Somebody in the line: for which project, since when, and the future that gets when its attempt has begun."""

    project: str
    since: float
    begun: asyncio.Future[float]
