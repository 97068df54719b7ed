"""How often a project's APIs are called: the same numbers for the same minute, and a month of them at no cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE, HOUR = 60, 3600

METRICS = ("api_calls", "error_4xx", "error_5xx", "average_latency")
DAY_CURVE = (1, 1, 1, 1, 1, 2, 4, 8, 10, 8, 7, 8, 9, 7, 7, 7, 8, 9, 6, 4, 3, 2, 1, 1)
"""How busy each hour of a day is in China: people come to work, and leave."""


@dataclass
class Traffic:
    """Calls by API, each with how many there are in a minute of the busiest hour.

    A minute is told `delay` seconds after its end. Times in Unix seconds.
    """

    calls: Mapping[str, int] = field(default_factory=dict)
    delay: float = 45.0

    def minute(self, metric: str, api: str, start: int) -> float | None:
        """What there was in the minute that begins then; None for nothing at all."""
        wave = DAY_CURVE[(start + 8 * HOUR) // HOUR % 24]
        position = start // MINUTE % 60
        match metric:
            case "api_calls":
                return self.calls[api] * wave // 10 + position % 3
            case "error_4xx":
                return float(position % 5 == 0)
            case "error_5xx":
                return float(position == 30)
            case _:
                return 80.0 + 12 * wave + position

    def rolled_up(self, metric: str, api: str, start: int, period: int, rollup: str) -> float | None:
        """Minutes rolled up over a period that begins then; each hour's minutes are alike, so that months are quick."""
        if period == MINUTE:
            return self.minute(metric, api, start)
        if period % HOUR == 0 and start % HOUR == 0:
            values = [self.hour(metric, api, time) for time in range(start, start + period, HOUR)]
        else:
            values = [self.minute(metric, api, time) for time in range(start, start + period, MINUTE)]
        known = [value for value in values if value is not None]
        if not known:
            return None
        return sum(known) / (len(known) if rollup == "average" else 1)

    def hour(self, metric: str, api: str, start: int) -> float | None:
        """The sum of an hour, or the average of what is no count."""
        wave = DAY_CURVE[(start + 8 * HOUR) // HOUR % 24]
        match metric:
            case "api_calls":
                return 60 * (self.calls[api] * wave // 10) + 60
            case "error_4xx":
                return 12
            case "error_5xx":
                return 1
            case _:
                return 80.0 + 12 * wave + 29.5

    def known_until(self, now: float) -> float:
        """Until when minutes are told at `now`."""
        return now - self.delay
