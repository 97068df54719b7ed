"""What is imported: nothing that is never used, and what few use only when somebody does."""

import contextlib
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from frs_exporter.runtime.offload import run_offloaded

modules: dict[str, ModuleType] = {}
"""What was imported when it was wanted: `sys.modules` lists a module already while it is still being imported."""


async def imported(name: str) -> ModuleType:
    """A module, imported in a thread when it is first wanted; raises ImportError and OSError."""
    if name not in modules:
        modules[name] = await run_offloaded(import_module, name)
    return modules[name]


@contextlib.contextmanager
def hidden(name: str) -> Iterator[None]:
    """Have an optional package not be found: whoever imports it if it is there does without.

    A name in `sys.modules` with None is not looked for (https://docs.python.org/3/reference/import.html).
    """
    if name in sys.modules:  # nothing is saved any more
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
