"""Defends the days ahead: after many polls, scrapes, faults and reloads there is no more of anything than before."""

import asyncio
import gc
import os
import random
import re
import signal
import socket
import time
from pathlib import Path

from frs_exporter.config.load import Config
from frs_exporter.core.errors import ConfigError
from frs_simulator import Simulator
from frs_simulator.faults import HANG, Fault
from frs_simulator.world import World
from tests.attacks.test_requests import CLOSE, SMUGGLED, request, statuses
from tests.conftest import LIMITS, account
from tests.e2e.conftest import Process, Programs, eventually, fetch, free_port
from tests.e2e.test_unattended import polled, post
from tests.web.serving import Served, serving

FAULTS = (
    *(Fault(reset=True), Fault(garbage=True), Fault(truncate=True), HANG, Fault(status=503, code="APIGW.0613")),
    *(Fault(body="<html>"), Fault(status=429, headers={"Retry-After": "0"}), Fault(drip=0.01), Fault(code="FRS.0019")),
)
PATHS = ("/metrics", "/", "/?lang=zh&all=1", "/api/v1/status", "/sd", "/probe?project=t1&debug=true", "/nowhere")
STAGE = 4.0
"""Seconds of trouble between two looks at the process."""
ROUNDS = 8


def size(daemon: Process) -> tuple[int, int, int]:
    """Kilobytes that a process has in memory, its file descriptors and its threads."""
    status = Path(f"/proc/{daemon.popen.pid}/status").read_text()
    memory, threads = (int(number) for number in re.findall(r"(?m)^(?:VmRSS|Threads):\s+(\d+)", status))
    return memory, len(os.listdir(f"/proc/{daemon.popen.pid}/fd")), threads


def trouble(daemon: Process, url: str, cloud: str, rng: random.Random) -> None:
    """Something goes wrong, everybody looks at it, and the config is read again."""
    post(f"{cloud}/_simulator/faults", {"fault": rng.choice(FAULTS).model_dump(exclude_defaults=True)})
    for path in PATHS:
        fetch(url + path, Accept=rng.choice(("application/openmetrics-text", "text/plain")))
    for sent in (b"no\r\n\r\n", request(target=b"/metrics")):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as stranger:
            stranger.sendall(sent)
    daemon.popen.send_signal(signal.SIGHUP)
    assert post(f"{url}/-/reload", {})[0] == 200
    post(f"{cloud}/_simulator/faults", {"fault": None})


def test_a_process_in_trouble_is_as_large_as_before(programs: Programs) -> None:
    """Memory flattens, descriptors and threads are as many: hundreds of polls, scrapes and reloads, and each fault."""
    rng, port = random.Random(11), free_port()
    _, config = programs.simulator(f"--listen-address=127.0.0.1:{port}", "--projects=40", "--poll-interval=1s")
    config.write_text(f"{config.read_text().split('limits:')[0]}limits: {{frs: {{rate: 100}}, iam: {{rate: 100}}}}\n")
    daemon, url = programs.daemon(config, "--state.directory=none")
    eventually(lambda: polled(url) >= 2)
    sizes = []
    for _ in range(3):
        end = time.monotonic() + STAGE
        while time.monotonic() < end:
            trouble(daemon, url, f"http://127.0.0.1:{port}", rng)
        eventually(lambda: fetch(f"{url}/-/healthy") == "healthy\n")
        sizes.append(size(daemon))
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.log
    (_, *before), (warm, *_), (last, *after) = sizes
    assert last - warm < 4_000, sizes
    assert all(later <= earlier + 8 for earlier, later in zip(before, after, strict=True)), sizes


async def one_round(served: Served, world: World, rng: random.Random) -> None:
    """The same from within, with a config that changes for the better, for the worse, and back."""
    world.faults.set("frs", rng.choice(FAULTS), rng.choice(["", *(project.id for _, project in world.projects())]))
    await asyncio.gather(*(served.get(path, headers={"Accept-Encoding": rng.choice(("gzip", "br"))}) for path in PATHS))
    await asyncio.gather(*(statuses(served.port, bad) for bad in (b"no\r\n\r\n", request(CLOSE) + SMUGGLED)))
    some = tuple(rng.sample(served.config.targets, 5))
    for load in (Config(some, LIMITS), ConfigError(["c.yaml:1:1: wrong"]), served.config):
        served.source.loads.append(load)
        await served.get("/-/reload", method="POST")
    world.faults.faults.clear()


async def held() -> tuple[int, int]:
    """Tasks and objects that there are when nothing is under way but the polls."""
    await asyncio.sleep(1)
    samples = []
    for _ in range(5):
        await asyncio.sleep(0.1)
        gc.collect()
        samples.append((len(asyncio.all_tasks()), len(gc.get_objects())))
    return min(samples)


async def test_no_task_and_no_object_is_left_behind() -> None:
    rng = random.Random(11)
    owners = [account("token", "t1", "t2", "t3", "t4", "t5"), account("ak_sk", "k1", "k2", "k3", "k4", "k5")]
    async with Simulator(World(owners)) as simulator, serving(simulator, poll_interval=0.2, poll_timeout=0.1) as served:
        await served.ready()
        sizes = []
        for _ in range(3):
            for _ in range(ROUNDS):
                await one_round(served, simulator.world, rng)
            sizes.append(await held())
        assert served.exporter.not_healthy() == ""
    _, (tasks, objects), (tasks_after, objects_after) = sizes
    assert tasks_after <= tasks + 5, sizes
    assert objects_after - objects < 250 * ROUNDS, sizes  # a job that is left behind at each reload would be thousands
