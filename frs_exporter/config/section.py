"""What every section of a config file is: typed, frozen, and without names that nobody knows."""

from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


@cache
def sections_of(model: type[BaseModel]) -> frozenset[str]:
    """The names of the sections that a model has."""
    return frozenset(name for name, field in model.model_fields.items() if section(field.annotation))


def section(annotation: Any) -> Any:
    """The model of a section, optional or not; None where the annotation is of something else."""
    if type(None) in get_args(annotation):
        annotation = get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


class Model(BaseModel):
    """Nothing unknown is accepted, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def with_sections(cls, data: Any) -> Any:
        """A section in which every line is commented out is there all the same: its defaults hold."""
        if not isinstance(data, dict):
            return data
        empty: dict[str, Any] = {key: {} for key in sections_of(cls) if key in data and data[key] is None}
        return {**data, **empty} if empty else data
