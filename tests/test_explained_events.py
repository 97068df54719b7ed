"""What `explain` knows of our own log: each warning and error that the source writes, so that none is forgotten."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from frs_exporter.core.hints import ExitCode, Hint, hints
from frs_exporter.core.pasted import entries_of
from tests.messages import FILLED_IN, assigned, name_of, texts
from tests.test_cli import run

PACKAGE = Path(__file__).parents[1] / "frs_exporter"
LEVELS = {"warning", "error", "exception", "critical"}
ELSEWHERE = {
    *("notice", "notice.text", "text"),  # of a config or the process: test_hints.py takes those from the source
    *("event", "cause[0]"),  # what a function is given, or is put together: its callers are looked at
}
REASONED = {"credential rejected", "discovery failed", "x not renewed"}
"""Events with a reason, as `down` is: that is what is explained, if it is pasted along."""
SILENT = {"up"}
"""No warning, though it is written as the warnings of jobs are."""
EVENT_AT = {"write": 1, "_rendered": 1, "_complain": 0, "report": 0}
"""Our own functions that write or hand on an event, and which argument it is."""
OTHERS = {"self._reporter.report", "steps.report", "self._tools.log.report", "self._writer.write"}
"""Functions of the same names that do something else."""

WRITES = re.compile(rf"\blog\b|\b_tell\(|cannot listen|\b({'|'.join(EVENT_AT)})\(")
"""What a module has that writes an event: most have none, and all who collect tests look through them."""


@cache
def events() -> dict[str, str]:
    """All events that the package writes as warnings or errors, each with its module; `x` for what is filled in."""
    found: dict[str, str] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        if WRITES.search(text := file.read_text()):
            found |= dict.fromkeys(events_of(ast.parse(text)), str(file.relative_to(PACKAGE)))
    return found


def events_of(tree: ast.Module) -> Iterator[str]:
    """The events of a module, as its calls have them; one that cannot be told from the source must be known."""
    constants = assigned([node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], {})
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        arguments = [(call, it) for call in ast.walk(function) if isinstance(call, ast.Call) for it in event_of(call)]
        known = constants | assigned([function], constants) if arguments else {}
        for call, argument in arguments:
            found = [text for text in texts(argument, known) if text != FILLED_IN]
            assert found or ast.unparse(argument) in ELSEWHERE, ast.unparse(call)
            yield from (text for text in found if text not in SILENT)


def event_of(call: ast.Call) -> list[ast.expr]:
    """The argument of a call that is an event of the log, or why the exporter cannot listen; none for other calls."""
    written, name = ast.unparse(call.func), name_of(call.func)
    if written.startswith(("(log.", "getattr(log,")) or (written.startswith("log.") and name in LEVELS):
        return call.args[:1]
    if name in EVENT_AT and written not in OTHERS and (name != "write" or "log" in written):
        return call.args[EVENT_AT[name] :][:1]
    if name == "_tell" and len(call.args) > 2 and isinstance(call.args[1], ast.Tuple):
        return call.args[1].elts[:1]
    if name == "ClickException" and "cannot listen" in ast.unparse(call):
        return call.args[:1]
    return []


def lines_with(event: str) -> list[str]:
    """An event as the log has it, in both formats."""
    quoted = f'"{event}"' if " " in event else event
    return [f"ts=2026-11-26T07:05:00Z level=error msg={quoted} file=x", json.dumps({"level": "error", "msg": event})]


def test_the_source_is_read_as_it_logs() -> None:
    """What this test stands on."""
    assert {
        *("idle connections closed", "connections refused", "slow readers dropped", "web config gives protection up"),
        *("projects found but not watched: their names are taken", "cannot listen on x: x", "x not reloaded", "note"),
        *("state is not kept", "unexpected error in a reload", "log lines dropped", *REASONED),
    } <= set(events())
    assert len(events()) > 25


@pytest.mark.parametrize("event", events())
def test_each_warning_and_error_of_the_log_has_one_explanation(event: str) -> None:
    texts = [] if event == "note" else [event, f"Error: {event}"]
    for line in (*texts, *lines_with(event)):
        (found,) = entries_of(line)
        assert isinstance(found, Hint)


@pytest.mark.parametrize("hint", [hint for hint in hints().values() if hint.log], ids=lambda hint: hint.name)
def test_each_explanation_is_of_an_event_that_there_is(hint: Hint) -> None:
    lines = [line for event in events() for line in lines_with(event)]
    for fragment in hint.says:
        assert any(Hint("", (fragment,), hint.means, hint.why, "", False, False).fits(line) for line in lines), fragment


def test_what_is_told_with_an_event_comes_first() -> None:
    """A mistake in a config, a code or a reason say more."""
    for line, name in (
        ('msg="config not reloaded" problem="c.yaml:1:1: x: unknown key" problems=1 retried=false', "unknown-key"),
        ('msg="credential rejected" credential=a held_seconds=1860 reason=auth status=401', "auth"),
        ("msg=down project=a reason=token code=APIGW.0307 status=401", "APIG.0307"),
        (
            'msg=down reason=auth message="IAM wants totp for a login, as login protection is on"',
            "login-protection",
        ),
        ("Error: cannot listen on 0.0.0.0:10377: Address already in use", "cannot-listen"),
    ):
        (found,) = entries_of(line)
        assert not isinstance(found, ExitCode)
        assert found.name == name


def test_the_explanation_says_that_it_is_of_the_log() -> None:
    shown = run("explain", 'msg="connections refused"')
    assert shown.exit_code == 0
    assert shown.stdout.startswith("connections-refused (log): ")
    listed = run("explain").stdout
    assert listed.index("Warnings and errors of the log") < listed.index("  connections-refused ")
