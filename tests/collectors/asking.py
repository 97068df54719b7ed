"""Cloud Eye as a collector sees it, without a network: what the simulator answers, at a time of choice."""

import json
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from frs_exporter.collectors import ApiClient, EndpointStates
from frs_exporter.collectors.collector import Get
from frs_exporter.core.errors import ApiError, Failure, Reason
from frs_exporter.core.model import Api, Sample
from frs_exporter.exposition.render import lines
from frs_exporter.polling.probe_memory import ProbesOnDisk
from frs_simulator import Project
from frs_simulator.cloud_eye import Question, answer, list_metrics, page_of
from frs_simulator.traffic import HOUR, Traffic

T = TypeVar("T")


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waits")


def client_of(get: Get, clock: Callable[[], float] = lambda: 0.0) -> ApiClient:
    """What a collector gets whose requests are answered so; nothing outlives it."""
    return ApiClient(get, get, clock, EndpointStates(lambda: 0.0), ProbesOnDisk(None, clock))


def page(samples: tuple[Sample, ...]) -> list[str]:
    """The lines of samples."""
    return b"".join(lines("gate-1", samples).values()).decode().splitlines()


@dataclass
class Minutes(Traffic):
    """Traffic of which each minute is written down, and when it is told: at once or from `arrivals` on."""

    values: Mapping[tuple[str, str, int], float] = field(default_factory=dict)
    arrivals: Mapping[int, float] = field(default_factory=dict)
    delay: float = 0.0
    now: float = 0.0
    _indexed: Mapping[tuple[str, str, int], float] | None = None
    _by_hour: Mapping[tuple[str, str, int], Mapping[int, float]] = field(default_factory=dict)

    def minute(self, metric: str, api: str, start: int) -> float | None:
        if self.arrivals.get(start, 0.0) > self.now:
            return None
        return self.values.get((metric, api, start))

    def hour(self, metric: str, api: str, start: int) -> float | None:
        minutes = self._hours.get((metric, api, start), {})
        told = [value for time, value in minutes.items() if self.arrivals.get(time, 0.0) <= self.now]
        return sum(told) if told else None

    @property
    def _hours(self) -> Mapping[tuple[str, str, int], Mapping[int, float]]:
        """The minutes by hour: of most hours of a month there are none, and each is asked for again and again."""
        if self._indexed is not self.values:
            self._indexed, self._by_hour = self.values, by_hour(self.values)
        return self._by_hour


def by_hour(values: Mapping[tuple[str, str, int], float]) -> Mapping[tuple[str, str, int], Mapping[int, float]]:
    """The values of minutes by the hour that each is of."""
    hours = defaultdict[tuple[str, str, int], dict[int, float]](dict)
    for (metric, api, start), value in values.items():
        hours[metric, api, start // HOUR * HOUR][start] = value
    return hours


@dataclass
class CloudEye:
    """Answers for one project; `failing` answers fail, `asked` is what it was asked."""

    traffic: Traffic
    now: float
    failing: int = 0
    asked: list[Any] = field(default_factory=list)

    @property
    def client(self) -> ApiClient:
        """What a collector gets of it."""
        return client_of(self.get, lambda: self.now)

    async def get(self, api: Api, path: str, body: Any = None) -> Any:
        """What the simulator answers."""
        assert api is Api.CES
        self.asked.append(body or path)
        if self.failing:
            self.failing -= 1
            raise ApiError(Failure(Reason.SERVER, "no", status=503, code="503"))
        if isinstance(self.traffic, Minutes):
            self.traffic.now = self.now
        project = Project("p", "cn-north-4", None, traffic=self.traffic)
        if body is None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
            return page_of(list(list_metrics(project)), query)
        question = Question.model_validate(json.loads(json.dumps(body)))
        return {"metrics": [answer(metric, question, self.traffic, self.now) for metric in question.metrics]}
