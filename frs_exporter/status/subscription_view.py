"""What a person wants to know of a project's subscription, from fresh samples: what is on, and what is used (pure)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from frs_exporter.collectors.cloud_eye import LAST_USED, MONTH_CALLS, MONTH_COST
from frs_exporter.collectors.face_sets import CAPACITY, FACE_SETS, FACES
from frs_exporter.collectors.subscription import BY_SUBSCRIBE, CREATED, FROZEN, MAX_FACE_SETS, SOURCE, SUBSCRIBED
from frs_exporter.core.model import Family, Sample


@dataclass(frozen=True, slots=True)
class SubserviceView:
    """A sub-service; `subscribed` is None where nothing fresh tells, `since` and `last_used` are in Unix seconds.

    `source` is what tells: `subscribe`, `face_sets` or `probe`, None where nothing does. It was `last_used` with
    success, by Cloud Eye: it was on then, which says nothing of now.
    """

    subscribed: bool | None
    required: bool
    since: float | None
    source: str | None = None
    last_used: float | None = None


@dataclass(frozen=True, slots=True)
class UsageView:
    """What is used of a subscription; None where nothing fresh tells, the cost is that of the month so far in CNY.

    `fullest` is the face set that is next to be full, and `fullness` the part of it that is.
    """

    face_sets: int | None
    max_face_sets: int | None
    fullest: str | None
    fullness: float | None
    month_calls: int | None
    month_cost_cny: float | None

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return any(getattr(self, name) is not None for name in self.__slots__)


def is_frozen(samples: Sequence[Sample]) -> bool:
    """Whether the service says so."""
    return any(sample.family is FROZEN and sample.value for sample in samples)


def subservices(require: Sequence[str], samples: Sequence[Sample]) -> dict[str, SubserviceView]:
    """The sub-services told of, and those that must be on."""
    subscribed = {sample.labels[0]: bool(sample.value) for sample in samples if sample.family is SUBSCRIBED}
    since = {sample.labels[0]: sample.value for sample in samples if sample.family is CREATED}
    used = {sample.labels[0]: sample.value for sample in samples if sample.family is LAST_USED}
    told_by = sources(samples)

    def source(name: str) -> str | None:
        if name not in subscribed or BY_SUBSCRIBE.labels[0] in told_by:
            return told_by[0] if name in subscribed else None
        return "face_sets" if name == "search" else "probe"

    names = dict.fromkeys((*require, *subscribed, *used))
    return {
        name: SubserviceView(subscribed.get(name), name in require, since.get(name), source(name), used.get(name))
        for name in names
    }


def sources(samples: Sequence[Sample]) -> tuple[str, ...]:
    """What tells of the subscription."""
    return tuple(sample.labels[0] for sample in samples if sample.family is SOURCE)


def unusual(told_by: Sequence[str]) -> str:
    """What tells of the subscription where that is not `subscribe`, which tells all; else empty."""
    return "" if BY_SUBSCRIBE.labels[0] in told_by else ", ".join(told_by)


def usage(samples: Sequence[Sample]) -> UsageView:
    """What the samples tell of use."""
    of: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for sample in samples:
        of[sample.family.name][sample.labels] = sample.value

    def total(family: Family) -> float | None:
        return sum(of[family.name].values()) if of[family.name] else None

    def whole(number: float | None) -> int | None:
        return None if number is None else int(number)

    capacity = of[CAPACITY.name]
    filled = {name: faces / capacity[name] for name, faces in of[FACES.name].items() if capacity.get(name)}
    fullest = max(filled, key=lambda name: filled[name], default=None)
    return UsageView(
        face_sets=whole(total(FACE_SETS)),
        max_face_sets=whole(total(MAX_FACE_SETS)),
        fullest=fullest[0] if fullest else None,
        fullness=None if fullest is None else filled[fullest],
        month_calls=whole(total(MONTH_CALLS)),
        month_cost_cny=total(MONTH_COST),
    )
