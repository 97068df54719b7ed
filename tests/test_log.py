"""The log's lines: what they look like, that each is counted, and that no traceback shows a secret."""

import asyncio
import base64
import gc
import json
import logging
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import structlog

from frs_exporter.collectors import COLLECTORS
from frs_exporter.collectors.subscription import collect
from frs_exporter.core.errors import Reason
from frs_exporter.core.trace import Trace
from frs_exporter.runtime.log import log_to_stderr
from tests.cloud.test_proxy_login import BOTH, FAILURES, PASSWORD, failure, status
from tests.conftest import CloudContext, StartProxy, account, proxied, run_virtual, secrets_of
from tests.polling.test_poller import Polled


def written_by_now(capfd: pytest.CaptureFixture[str]) -> str:
    """What has come to standard error when the log is at its end."""
    logging.root.handlers[0].close()
    return capfd.readouterr().err


def told_by(format: str, counted: Counter[str], capfd: pytest.CaptureFixture[str]) -> str:
    """What the log says of an exception that quotes secrets."""
    log_to_stderr("info", format, lambda level: counted.update([level]))
    log = structlog.get_logger()
    log.debug("not written")
    log.info("up", project="p1")
    secrets = token, password, key = ("MIIQ" + "x" * 300, "hunter" + "2", "abc" + ";def")
    try:
        raise ValueError(f"cannot send 'x-auth-token: {token}' with password={password}\nand secret_key: '{key}'")
    except ValueError:
        log.exception("unexpected error in a poll", project="p1")
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "10.0.0.1")
    written = written_by_now(capfd)
    assert counted == {"info": 1, "error": 2}
    assert not [secret for secret in secrets if secret in written]
    return written


def test_logfmt(counted: Counter[str], capfd: pytest.CaptureFixture[str]) -> None:
    up, error, foreign = told_by("logfmt", counted, capfd).splitlines()
    assert up.split(" ", 1)[1] == "level=info msg=up project=p1"
    assert 'msg="unexpected error in a poll" project=p1 exception="Traceback' in error
    assert "ValueError: cannot send 'x-auth-token: ***" in error
    assert foreign.endswith('level=error msg="Error handling request from 10.0.0.1"')


def test_json(counted: Counter[str], capfd: pytest.CaptureFixture[str]) -> None:
    entries: list[dict[str, Any]] = [json.loads(line) for line in told_by("json", counted, capfd).splitlines()]
    assert [(entry["level"], entry["msg"]) for entry in entries[:2]] == [
        ("info", "up"),
        ("error", "unexpected error in a poll"),
    ]
    assert "test_log.py" in entries[1]["exception"]


@pytest.mark.uncounted
def test_what_a_library_says_of_an_exception_is_blanked_of_secrets(
    counted: Counter[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """asyncio quotes exceptions that nobody asked for, not only their traceback."""
    log_to_stderr("info", "logfmt", lambda level: counted.update([level]))

    async def fail() -> None:
        raise ValueError("http://user:hunter2@proxy:3128 is no URL\nx-auth-token: hunter2")

    async def main() -> None:
        await asyncio.wait([asyncio.create_task(fail())])
        gc.collect()

    asyncio.run(main())
    gc.collect()
    written = written_by_now(capfd)
    assert "Task exception was never retrieved" in written
    assert "http://***@proxy:3128 is no URL" in written
    assert "hunter2" not in written


def test_the_traceback_of_a_poll_that_quotes_its_token_shows_none(
    counted: Counter[str], capfd: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:

            async def broken(*arguments: Any) -> Any:
                await collect(*arguments)
                raise ValueError(f"{next(iter(cloud.world.tokens))} {owner.login} password: {owner.password}")

            (owner,) = cloud.world.accounts
            collectors = {"subscription": replace(COLLECTORS["subscription"], collect=broken)}
            polls = await Polled.started(cloud, collectors=collectors)
            await asyncio.sleep(5)
            await polls.poller.stop()
            written = written_by_now(capfd)
            assert "Traceback" in written
            assert "unexpected error in a poll" in written
            assert not [secret[:20] for secret in secrets_of(cloud.world) if secret in written]

    log_to_stderr("debug", "logfmt", lambda level: counted.update([level]))
    run_virtual(main())


@pytest.mark.usefixtures("counted")
async def test_no_line_no_step_and_no_repr_holds_a_login(
    start_proxy: StartProxy, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also not where the proxy itself sends it back."""
    log_to_stderr("debug", "logfmt", lambda _: None)
    header = base64.b64encode(rf"CORP\jdoe:{PASSWORD}".encode()).decode()
    back = f"CORP\\jdoe:{PASSWORD} http://CORP\\jdoe:{PASSWORD}@proxy {header}"
    echo = status(400, back, f"X-Request-Id: {PASSWORD}\r\nServer: {back}\r\nLocation: http://u:{PASSWORD}@x\r\n")
    steps: list[str] = []
    for serve in (echo, *(row[2] for row in FAILURES)):
        proxy = await start_proxy(serve)
        options = proxied(rf"http://CORP\jdoe:{PASSWORD}@{proxy.address}")
        steps.append(repr(options))
        for scheme in BOTH:
            error = await failure(options, f"{scheme}://face.example", 0.2, Trace(steps.append))
            assert error.reason is not Reason.INTERNAL
            steps.append(f"{error} {error!r}")
    written = written_by_now(capfd)
    assert "msg=request" in written
    text = "\n".join(steps) + written
    assert f"the proxy {proxy.address}" in text
    for secret in (PASSWORD, header, "jdoe"):
        assert secret not in text


def test_warnings_go_the_way_of_all_lines(counted: Counter[str], capfd: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info", "logfmt", lambda level: counted.update([level]))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # what pytest has put there is not what a process has
        logging.captureWarnings(True)
        warnings.warn("the shape of things to come", FutureWarning, stacklevel=1)
    (line,) = written_by_now(capfd).splitlines()
    assert "level=warning" in line
    assert "FutureWarning: the shape of things to come" in line
    assert counted == {"warning": 1}


def test_a_line_that_cannot_be_made_is_told_of(counted: Counter[str], capfd: pytest.CaptureFixture[str]) -> None:
    """What logging says of that itself goes to standard error past the writer, and waits for whoever reads it."""
    log_to_stderr("info", "logfmt", lambda level: counted.update([level]))
    logging.getLogger("a.library").warning("%d password=hunter2", "one")
    logging.getLogger("a.library").warning("two")
    first, second = written_by_now(capfd).splitlines()
    assert 'level=error msg="log line not formatted"' in first
    assert f"where={__file__}:" in first
    assert "TypeError: %d format" in first
    assert "hunter2" not in first
    assert second.endswith("level=warning msg=two")


PROGRAM = """
import sys, structlog
from frs_exporter.__main__ import main
from frs_exporter.cli.main import cli
from frs_exporter.runtime.log import log_to_stderr

@cli.command()
def many():
    log_to_stderr("info", "logfmt")
    for number in range(5000):
        structlog.get_logger().info("line", number=number)
    {end}

sys.argv = ["frs-exporter", "many"]
main()
"""


@pytest.mark.parametrize(
    ("end", "code", "last"),
    [
        ("pass", 0, []),
        ("sys.exit(3)", 3, []),
        ("import click; raise click.ClickException('no')", 1, ["Error: no"]),
        ("raise KeyError('token=abc')", 3, ["Traceback (most recent call last):", "KeyError: 'token=***'"]),
    ],
    ids=["end", "exit", "error", "crash"],
)
def test_all_is_written_however_a_process_ends_and_what_it_says_of_that_comes_last(
    end: str, code: int, last: list[str]
) -> None:
    command = [sys.executable, "-c", PROGRAM.format(end=end)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    lines = run.stderr.splitlines()
    assert run.returncode == code
    assert [line.partition("number=")[2] for line in lines[:5000]] == [str(number) for number in range(5000)]
    assert lines[5000 : 5000 + len(last[:1])] + lines[5001:][-1:] == last


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "raise KeyError"])
def test_a_process_ends_though_nobody_reads_what_it_says(end: str) -> None:
    command = [sys.executable, "-c", PROGRAM.format(end=end)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.wait(timeout=60) == {"pass": 0, "sys.exit(3)": 3, "raise KeyError": 3}[end]


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_without_a_standard_error_nothing_else_changes(stderr: str) -> None:
    command = ["sh", "-c", f'exec "$@" {stderr}', "sh", sys.executable, "-c", PROGRAM.format(end="sys.exit(3)")]
    run = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (3, b"", b"")
