"""`make bench`: what a poll costs at 10,000 projects a minute, beside a bare GET of aiohttp at the same pace.

The exporter, the bare client and the server that answers both are processes of their own; the two take turns. Prints
milliseconds of CPU per poll and per GET, in each turn; exits with 1 when a poll costs more than three GETs.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from frs_simulator.world import digest
from tests.fleet import written

PROJECTS, CREDENTIALS = 10_000, 10
TURN, TURNS = 15.0, 3
"""Seconds of each measurement."""
FIRST_ROUND = 60.0
"""Seconds in which each project is polled for the first time, which costs a line of the log: that is not measured."""
RATIO = 3.0
TICKS = os.sysconf("SC_CLK_TCK")
ANSWER = json.dumps(
    {
        f"{name}_service": {"subscribe_status": True, "create_time": "2024-01-01 00:00:00"}
        for name in ("detect", "compare", "search", "live_detect")
    }
    | {"max_face_set_number": 10}
)

BARE = """
import asyncio, sys, aiohttp
async def main(url, pace, tick):
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        async def get():
            async with session.get(url) as response:
                await response.read()
        due, tasks = loop.time(), set()
        while True:
            due += tick
            await asyncio.sleep(max(0.0, due - loop.time()))
            for _ in range(round(pace * tick)):
                tasks.add(task := asyncio.create_task(get()))
                task.add_done_callback(tasks.discard)
asyncio.run(main(sys.argv[1], float(sys.argv[2]), 0.1))
"""

SERVER = """
import asyncio, sys
BODY = sys.argv[1].encode()
HEAD = f"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: {len(BODY)}\\r\\n\\r\\n".encode()
class Answers(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""
    def data_received(self, data):
        *requests, self.rest = (self.rest + data).split(b"\\r\\n\\r\\n")
        for _ in requests:
            self.transport.write(HEAD + BODY)
async def main():
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def fleet(projects: int, url: str) -> dict[str, object]:
    """A config whose limits are out of the way."""
    limit = {"rate": 1000, "concurrency": 100}
    return {
        "defaults": {"poll_interval": "1m", "collectors": ["subscription"]},
        "credentials": {f"k{n}": {"ak_sk": {"access_key": f"AK{n}", "secret_key": "sk"}} for n in range(CREDENTIALS)},
        "projects": [
            {
                "name": f"fleet-{number:05}",
                "project_id": digest("fleet", str(number)),
                "region": "cn-north-4",
                "credential": f"k{number % CREDENTIALS}",
            }
            for number in range(projects)
        ],
        "endpoints": dict.fromkeys(("frs", "iam", "ces"), url),
        "limits": dict.fromkeys(("frs", "iam", "ces"), limit),
    }


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A process of which nobody reads the log."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def cpu(pid: int) -> float:
    """The seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measured(pid: int, pace: float, seconds: float) -> float:
    """Milliseconds of CPU for each of what a process does at a pace."""
    before, started = cpu(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 1000 * (cpu(pid) - before) / (pace * (time.monotonic() - started))


async def turns(url: str, config: Path, projects: int, seconds: float, first_round: float) -> bool:
    """Warm up, measure in turns, print; whether the goal is met."""
    pace = projects / 60
    exporter = (sys.executable, "-m", "frs_exporter", f"--config.file={config}", "--web.listen-address=127.0.0.1:0")
    polls, gets = list[float](), list[float]()
    with process(*exporter) as polling, process(sys.executable, "-c", BARE, f"{url}/v1/x", str(pace)) as bare:
        await asyncio.sleep(first_round)
        for _ in range(TURNS):
            polls.append(await measured(polling.pid, pace, seconds))
            gets.append(await measured(bare.pid, pace, seconds))
    print(f"{projects:,} projects a minute:")
    print(f"  CPU per poll     {' '.join(f'{each:5.2f}' for each in polls)} ms")
    print(f"  CPU per bare GET {' '.join(f'{each:5.2f}' for each in gets)} ms, on a tick of 100 ms")
    return median(polls) <= RATIO * median(gets)


def main(projects: int = PROJECTS, seconds: float = TURN, first_round: float = FIRST_ROUND) -> bool:
    """Run; whether the goal is met."""
    with tempfile.TemporaryDirectory() as folder, process(sys.executable, "-c", SERVER, ANSWER) as server:
        assert server.stdout
        url, config = f"http://127.0.0.1:{server.stdout.readline().strip()}", Path(folder) / "config.yaml"
        config.write_text(written(fleet(projects, url)))
        return asyncio.run(turns(url, config, projects, seconds, first_round))


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
