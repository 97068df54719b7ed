"""What is fresh of a project's samples, by family (pure)."""

from collections.abc import Iterable, Mapping

from frs_exporter.core.model import Family, Sample

NOTHING: Mapping[tuple[str, ...], float] = {}


class Fresh:
    """The values of samples by the names of their families, and by labels: a name is looked up faster than a family."""

    __slots__ = ("_values",)

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._values: dict[str, dict[tuple[str, ...], float]] = {}
        for family, labels, value in samples:
            self._values.setdefault(family.name, {})[labels] = value

    def of(self, family: Family) -> Mapping[tuple[str, ...], float]:
        """The values of a family by labels."""
        return self._values.get(family.name, NOTHING)
