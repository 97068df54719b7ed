"""What is nested too deeply is refused before it is composed."""

from typing import Any

import yaml

MAX_DEPTH = 20
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_depth(text: str) -> None:
    """Refuse what is nested too deeply for libyaml's composer, which would overflow its stack; raises YAMLError.

    The parser reads ahead and has a limit of its own, at which it gives up before it has reported what it read. So what
    stands before its error is parsed alone: this bound answers first, whatever the parser's is.
    """
    place, error = deep_place(text)
    if place is None and error is not None:
        place, _ = deep_place(text[: error.index])
    if place is not None:
        raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=place)


def deep_place(text: str) -> tuple[yaml.Mark | None, yaml.Mark | None]:
    """Where a text is nested too deeply, or else where the parser stopped with an error, which composing will raise."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return event.start_mark, None  # type: ignore[return-value]
    except yaml.MarkedYAMLError as error:
        return None, error.problem_mark
    return None, None
