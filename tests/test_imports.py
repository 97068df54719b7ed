"""A start imports what it needs: the rest comes when somebody uses it, and once."""

import subprocess
import sys

import pytest

from frs_exporter.core.sharing import shared
from frs_exporter.runtime.imports import hidden, imported

SELDOM = {
    "frs_exporter.web.status_page",
    "frs_exporter.cli.check",
    "frs_simulator",
    "bcrypt",
    "jinja2",
    "pygments",
    "re2",
    "rich",
}
"""For those who look at the page, check, simulate, or write regular expressions."""


def after(statement: str) -> set[str]:
    """The modules of a process that has done so."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split())


def test_a_start_imports_nothing_that_only_some_use() -> None:
    found = after("from importlib import import_module\nimport frs_exporter.cli.main as m\nm.command('serve')")
    assert "frs_exporter.polling.exporter" in found
    assert not found & SELDOM


def test_what_is_hidden_is_found_again_later() -> None:
    found = after(
        "from frs_exporter.runtime.imports import hidden\n"
        "with hidden('rich'):\n    import structlog\n    assert structlog.dev.rich is None\nimport rich.table"
    )
    assert "rich.table" in found


def test_what_is_there_already_is_not_hidden() -> None:
    with hidden("json"):
        import json  # noqa: PLC0415
    assert sys.modules["json"] is json


async def test_a_module_is_imported_when_it_is_wanted_and_once() -> None:
    sys.modules.pop("this", None)
    module = await imported("this")
    assert await imported("this") is module
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        await imported("frs_exporter.nothing")


def test_equal_values_are_one() -> None:
    first, second = tuple("ab"), tuple("ab")
    assert first is not second
    assert shared(first) is shared(second)
    assert shared(frozenset({"x"})) is shared(frozenset({"x"}))


@pytest.mark.parametrize(("collector", "needed"), [("subscription", False), ("cloud_eye", True)])
def test_what_a_poll_will_need_is_there_when_the_config_is_loaded(collector: str, needed: bool) -> None:
    """A poll that imports keeps the loop waiting, and fails where no file can be opened any more."""
    config = f"fleet_of(1, 1, ('{collector}',), None)"
    found = after(
        "from frs_exporter.cli.adhoc import build_config\nfrom frs_exporter.cli.plan import fleet_of\n"
        f"build_config({config})"
    )
    assert ("re2" in found) is needed
