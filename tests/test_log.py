"""The log's lines: what they look like, that each is counted, and that no traceback shows a secret."""

import asyncio
import gc
import json
import logging
from collections import Counter
from typing import Any

import pytest
import structlog

from frs_exporter.log import log_to_stderr
from tests.conftest import CloudContext, account, run_virtual, secrets_of
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
