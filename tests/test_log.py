"""The log's lines: what they look like, that each is counted, and that no traceback shows a secret."""

import asyncio
import base64
import gc
import json
import logging
from collections import Counter
from typing import Any

import pytest
import structlog

from frs_exporter.errors import Reason
from frs_exporter.log import log_to_stderr
from frs_exporter.steps import telling
from tests.cloud.test_proxy_login import BOTH, FAILURES, PASSWORD, failure, status
from tests.conftest import CloudContext, StartProxy, account, proxied, run_virtual, secrets_of
from tests.polling.test_poller import Polled


def told_by(format: str, counted: Counter[str], capsys: pytest.CaptureFixture[str]) -> str:
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
    written = capsys.readouterr().err
    assert counted == {"info": 1, "error": 2}
    assert not [secret for secret in secrets if secret in written]
    return written


def test_logfmt(counted: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    up, error, foreign = told_by("logfmt", counted, capsys).splitlines()
    assert up.split(" ", 1)[1] == "level=info msg=up project=p1"
    assert 'msg="unexpected error in a poll" project=p1 exception="Traceback' in error
    assert "ValueError: cannot send 'x-auth-token: ***" in error
    assert foreign.endswith('level=error msg="Error handling request from 10.0.0.1"')


def test_json(counted: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    entries: list[dict[str, Any]] = [json.loads(line) for line in told_by("json", counted, capsys).splitlines()]
    assert [(entry["level"], entry["msg"]) for entry in entries[:2]] == [
        ("info", "up"),
        ("error", "unexpected error in a poll"),
    ]
    assert "test_log.py" in entries[1]["exception"]


def test_what_a_library_says_of_an_exception_is_blanked_of_secrets(
    counted: Counter[str], capsys: pytest.CaptureFixture[str]
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
    written = capsys.readouterr().err
    assert "Task exception was never retrieved" in written
    assert "http://***@proxy:3128 is no URL" in written
    assert "hunter2" not in written


def test_the_traceback_of_a_poll_that_quotes_its_token_shows_none(
    counted: Counter[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with CloudContext(account("token", "t1")) as cloud:

            def broken(*_: Any) -> Any:
                raise ValueError(f"{next(iter(cloud.world.tokens))} {owner.login} password: {owner.password}")

            (owner,) = cloud.world.accounts
            monkeypatch.setattr("frs_exporter.collectors.subscription.parse", broken)
            polls = await Polled.started(cloud)
            await asyncio.sleep(5)
            await polls.poller.stop()
            written = capsys.readouterr().err
            assert "Traceback" in written
            assert "unexpected error in a poll" in written
            assert not [secret[:20] for secret in secrets_of(cloud.world) if secret in written]

    log_to_stderr("debug", "logfmt", lambda level: counted.update([level]))
    run_virtual(main())


@pytest.mark.usefixtures("counted")
async def test_no_line_no_step_and_no_repr_holds_a_login(
    start_proxy: StartProxy, capsys: pytest.CaptureFixture[str]
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
            with telling(steps.append):
                error = await failure(options, f"{scheme}://face.example", 0.2)
            assert error.reason is not Reason.INTERNAL
            steps.append(f"{error} {error!r} {error.__cause__!r}")
    written = capsys.readouterr().err
    assert "msg=request" in written
    text = "\n".join(steps) + written
    assert f"the proxy {proxy.address}" in text
    for secret in (PASSWORD, header, "jdoe"):
        assert secret not in text
