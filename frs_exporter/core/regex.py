"""Regular expressions as Prometheus has them (pure)."""

import functools
from importlib import import_module
from typing import Any


@functools.cache
def pattern(text: str) -> Any:
    """A regular expression of RE2: no name makes it take long. Raises ValueError."""
    re2 = import_module("re2")  # 3 MiB with the library of C++: for those who have such expressions
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        problem = error.args[0]
        raise ValueError(problem.decode("utf-8", "replace") if isinstance(problem, bytes) else str(problem)) from None
