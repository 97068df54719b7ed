"""What docs/stability.md promises stays as it is until somebody says so: metrics, settings, flags, alerts."""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs import build
from docs.settings import settings
from frs_exporter.cli.main import COMMANDS, command
from frs_exporter.core.errors import Reason
from frs_exporter.core.hints import exit_codes
from frs_exporter.polling.exporter import PAGE_FAMILIES
from tests.deploy.artifacts import rules

PROMISED = Path(__file__).parent / "golden/promised.txt"

FOR_TRYING = {"demo", "simulate"}
"""Commands that nobody's operation builds on."""


def promised() -> Iterator[str]:
    """A line for each thing that users build on."""
    families = [(family.name, family.type, family.labels) for family in PAGE_FAMILIES]
    for name, kind, labels in [*families, *(family[:3] for family in build.own_families())]:
        yield f"metric {name} {kind} {','.join(labels)}".rstrip()
    yield from (f"reason {reason}" for reason in Reason)
    yield from (f"setting {path} {kind}".rstrip() for path, kind, _, _ in settings(str))
    for name in set(COMMANDS) - FOR_TRYING:
        options = [option for option in command(name).params if isinstance(option, click.Option)]
        yield from (f"flag {name} {flag} {option.envvar}" for option in options for flag in option.opts)
    yield from (f"exit code {number}" for number in exit_codes())
    for alert, rule in rules("alert").items():
        yield f"alert {alert} {rule['labels']['severity']}"


def test_what_was_promised_is_there_and_what_is_new_is_promised() -> None:
    """A line that goes breaks somebody's rules or config: see docs/stability.md. GOLDEN=write writes all anew."""
    lines = sorted(set(promised()))
    if os.environ.get("GOLDEN") == "write":
        PROMISED.write_text("\n".join(lines) + "\n")
    assert lines == PROMISED.read_text().splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "metric frs_up gauge project,collector",
        "metric frs_exporter_api_requests_total counter",
        "reason throttled",
        "setting defaults.poll_interval duration",
        "flag serve --config.file",
        "exit code 2",
        "alert FrsExporterDown critical",
    ],
)
def test_each_kind_is_promised(line: str) -> None:
    assert any(each.startswith(line) for each in PROMISED.read_text().splitlines())
