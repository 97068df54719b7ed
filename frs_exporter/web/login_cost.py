"""What a login costs on this machine, told where a hash costs more than anybody means."""

import re
import time
from collections.abc import Iterator, Mapping
from importlib import import_module

HIGHEST = 14
"""The highest cost that is not warned of: about a second of CPU for each login that is not known yet."""
MEASURED = 6
"""A cost that takes milliseconds; each step more takes twice as long (bcrypt's own definition of the cost)."""
UNITS = (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))


def cost_of(hashed: str) -> int:
    """The cost of a bcrypt hash, 0 for what is none."""
    match = re.match(r"\$2[abxy]?\$(\d\d)\$", hashed)
    return int(match[1]) if match else 0


def measured_seconds() -> float:
    """The seconds that one login of cost MEASURED takes here."""
    bcrypt = import_module("bcrypt")  # for those who have logins
    salt = bcrypt.gensalt(MEASURED)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        bcrypt.hashpw(b"x", salt)
        times.append(time.perf_counter() - started)
    return min(times)


def seconds_per_login(cost: int, measured: float) -> float:
    """The seconds that one login takes where one of cost MEASURED takes so many."""
    return float(measured * 2 ** (cost - MEASURED))


def readable(seconds: float) -> str:
    """A time in the largest unit of which there are two: `34 hours`."""
    name, unit = next((name, unit) for name, unit in UNITS if seconds >= 2 * unit or unit == 1.0)
    return f"{max(1, round(seconds / unit))} {name}"


def cost_notices(users: Mapping[str, str]) -> Iterator[str]:
    """A notice for each user whose hash costs more than HIGHEST."""
    dear = {name: cost for name, hashed in users.items() if (cost := cost_of(hashed)) > HIGHEST}
    measured = measured_seconds() if dear else 0.0
    for name, cost in dear.items():
        takes = readable(seconds_per_login(cost, measured))
        yield (
            f"basic_auth_users.{name}: the hash has cost {cost}: each login, right or wrong, computes for about {takes}"
            f" on this machine, and all other logins wait meanwhile; use a cost of 10 to 12"
        )
