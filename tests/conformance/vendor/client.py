"""A client of the vendor's, which is asked in an environment and a process of its own."""

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


def typed(read: dict[str, Any]) -> Decimal | SimpleNamespace:
    """What was a decimal or a model in the client's process."""
    return Decimal(read["Decimal"]) if "Decimal" in read else SimpleNamespace(**read)


class VendorError(Exception):
    """The error that the client raised; `kind` is its class."""

    def __init__(self, kind: str, status_code: int, error_code: str) -> None:
        super().__init__(kind, status_code, error_code)
        self.kind, self.status_code, self.error_code = kind, status_code, error_code


class VendorClient:
    """The process that asks; importing takes it longer than all questions of a file, so it is asked them all."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, simulator: Simulator, operation: str, *, knows_account: bool = True, **fields: Any) -> Any:
        """What the client reads for the simulator's only account; raises VendorError where the client raises."""
        (owner,) = simulator.world.accounts
        account = {
            "url": simulator.url,
            "access_key": owner.access_key,
            "secret_key": owner.secret_key,
            "domain_id": owner.domain_id if knows_account else None,
        }
        question = {"account": account, "operation": operation, "fields": fields}
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
async def vendor_client(name: str) -> AsyncIterator[VendorClient]:
    """A started client, by the name that its program has here; without its environment as without a program."""
    stamp = ".venv/vendor"
    if not (ROOT / stamp).exists():
        missing(f"a client of the vendor's is not installed: run make {stamp}")
    process = await asyncio.create_subprocess_exec(
        ROOT / ".venv/others/vendor/bin/python",
        "-I",  # so that no file here is taken for a module
        Path(__file__).with_name(f"{name}.py"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        limit=LONGEST,
    )
    try:
        yield VendorClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
