"""The vendor's clients, which are asked in an environment and a process of their own."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from frs_simulator import Simulator
from tests.e2e.conftest import ROOT, missing

ENVIRONMENT = {"HOME": os.devnull}
"""No proxies, no logins of the developer's, and nothing that this process was told of the cloud."""
SECONDS = 60.0
LONGEST = 1 << 24
ANYWHERE = "anywhere"


def typed(read: dict[str, Any]) -> Decimal | SimpleNamespace:
    """What was a decimal or a model in the client's process."""
    return Decimal(read["Decimal"]) if "Decimal" in read else SimpleNamespace(**read)


class VendorError(Exception):
    """The error that a client raised; `kind` is its class, and the rest is None where there was no answer."""

    def __init__(
        self,
        kind: str,
        status_code: int | None,
        error_code: str | int | None,
        error_msg: str | None,
        request_id: str | None,
    ) -> None:
        super().__init__(kind, status_code, error_code, error_msg)
        self.kind, self.status_code, self.error_code = kind, status_code, error_code
        self.error_msg, self.request_id = error_msg, request_id


class VendorClients:
    """The process that asks; importing takes it longer than all questions of a file, so it is asked them all."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(
        self,
        simulator: Simulator,
        operation: str,
        *,
        subject: str | None,
        key: tuple[str, str] | None = None,
        region: str = ANYWHERE,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> Any:
        """What a client reads, as "bss.list_measure_units"; raises VendorError where it raises.

        `subject` is the project or account, by its id, None where the client is to find it. Without another `key` it
        has that of the simulator's first account.
        """
        owner = simulator.world.accounts[0]
        login = {
            "url": simulator.url,
            "region": region,
            "key": key or (owner.access_key, owner.secret_key),
            "subject": subject,
            "headers": headers or {},
        }
        question = {"login": login, "operation": operation, "fields": fields}
        assert self.process.stdin
        assert self.process.stdout
        async with asyncio.timeout(SECONDS):
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            line = await self.process.stdout.readline()
        assert line, "the client has ended: what it says is on standard error"
        told = json.loads(line, object_hook=typed)
        if hasattr(told, "error"):
            raise VendorError(**vars(told.error))
        return told.answer


@asynccontextmanager
async def vendor_clients(environment: str = "vendor") -> AsyncIterator[VendorClients]:
    """Started clients, of an environment that the Makefile makes; without it as without a program."""
    stamp = f".venv/{environment}"
    if not (ROOT / stamp).exists():
        missing(f"clients of the vendor's are not installed: run make {stamp}")
    process = await asyncio.create_subprocess_exec(
        ROOT / f".venv/others/{environment}/bin/python",
        "-I",  # so that no file here is taken for a module
        Path(__file__).with_name("ask.py"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        limit=LONGEST,
    )
    try:
        yield VendorClients(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
