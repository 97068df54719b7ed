"""Defends the process: clocks that jump, a process that stands still, storms of signals, python -O, a full disk."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from frs_exporter.core.errors import Reason
from tests.conftest import account, run_virtual, virtual_now
from tests.e2e.conftest import EXPORTER, Programs, eventually, fetch, free_port, tool
from tests.e2e.test_unattended import replace_file
from tests.polling.living import POLLS, UP, living
from tests.web.test_guard import login, users

HOUR = 3600.0
YEAR = 365 * 24 * HOUR
NAMES = ("t1", "t2", "k1", "k2")


class Clock:
    """The machine's own, which somebody sets."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return virtual_now() + self.offset


@pytest.mark.parametrize("jump", [10.0, -10.0, HOUR, -HOUR, 2 * 24 * HOUR, -2 * 24 * HOUR, 30 * YEAR, -50 * YEAR])
def test_when_everybodys_clock_jumps_all_goes_on(tmp_path: Path, jump: float) -> None:
    """Nothing waits for the old time, nothing is hurried, and nobody is locked."""

    async def main() -> None:
        clock, accounts = Clock(), (account("token", "t1", "t2"), account("ak_sk", "k1", "k2"))
        async with living(tmp_path, *accounts, now=clock.now) as alive:
            await asyncio.sleep(200)
            for offset in (jump, 0.0):
                clock.offset = alive.world.clock_offset = offset
                await asyncio.sleep(130)
                before, asked = alive.shown(), alive.asked()
                await asyncio.sleep(HOUR)
                after = alive.shown()
                assert all(after[UP % name] for name in NAMES)
                assert all(50 < after[POLLS % name] - before[POLLS % name] < 70 for name in NAMES)
                assert alive.asked() - asked < 70 * len(NAMES)
                assert not any(Reason.INTERNAL in state.errors for state in alive.exporter.states.values())
                assert sum(lock.times for lock in alive.world.locks.values()) == 0

    run_virtual(main())


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -50 * YEAR])
def test_when_only_our_clock_jumps_nobody_is_locked_and_all_is_well_when_it_is_right_again(
    tmp_path: Path, jump: float
) -> None:
    """Signatures hold the time and are refused; what is bought with a password goes on."""

    async def main() -> None:
        clock, accounts = Clock(), (account("token", "t1", "t2"), account("ak_sk", "k1", "k2"))
        async with living(tmp_path, *accounts, now=clock.now) as alive:
            await asyncio.sleep(200)
            clock.offset = jump
            await asyncio.sleep(5 * HOUR)
            shown = alive.shown()
            assert [shown[UP % name] for name in NAMES] == [1, 1, 0, 0]
            clock.offset = 0.0
            await asyncio.sleep(2 * HOUR)
            assert all(alive.shown()[UP % name] for name in NAMES)
            assert sum(lock.times for lock in alive.world.locks.values()) == 0

    run_virtual(main())


def polls(page: str) -> int:
    return sum(int(float(number)) for number in re.findall(r"(?m)^frs_polls_total{.*} (\S+)$", page))


def all_up(page: str) -> bool:
    return len(re.findall(r"(?m)^frs_up{.*} 1\.0$", page)) == 4


def test_a_process_that_stood_still_goes_on_where_it_was(programs: Programs) -> None:
    """What is due is polled once, and not once for each time that was missed."""
    _, config = programs.simulator("--projects=4", "--poll-interval=1s")
    daemon, url = programs.daemon(config)
    eventually(lambda: all_up(fetch(f"{url}/metrics")))
    before = polls(fetch(f"{url}/metrics"))
    for _ in range(3):
        daemon.popen.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        daemon.popen.send_signal(signal.SIGCONT)
    page = fetch(f"{url}/metrics")
    assert polls(page) - before <= 4 * 5
    assert fetch(f"{url}/-/healthy") == "healthy\n"
    eventually(lambda: polls(fetch(f"{url}/metrics")) > before + 12 and all_up(fetch(f"{url}/metrics")))
    assert daemon.stop()[0] == 0
    assert "level=error" not in daemon.log
    assert "Traceback" not in daemon.log


HARMLESS = (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT, signal.SIGPIPE)


def test_a_storm_of_signals_is_a_few_reloads_and_one_end(programs: Programs) -> None:
    _, config = programs.simulator("--projects=4", "--poll-interval=1s")
    daemon, url = programs.daemon(config)
    eventually(lambda: all_up(fetch(f"{url}/metrics")))
    for number in range(1000):
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.popen.send_signal(HARMLESS[number % len(HARMLESS)])
        if number % 250 == 0:
            replace_file(config, config.read_text() + f"# {number}\n")
            assert fetch(f"{url}/-/healthy") == "healthy\n"
    eventually(lambda: "config_last_reload_successful 1.0" in fetch(f"{url}/metrics"))
    assert all_up(fetch(f"{url}/metrics"))
    end = time.monotonic() + 5
    while daemon.popen.poll() is None and time.monotonic() < end:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            daemon.popen.send_signal(number)
    assert daemon.popen.poll() == 0
    assert daemon.log.count("msg=stopping") == 1
    assert daemon.log.count('msg="config reloaded"') <= 300
    assert "level=error" not in daemon.log
    assert "Traceback" not in daemon.log


def test_nothing_hangs_on_assertions(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter leaves them out with -O: what is refused is refused, what is told is told."""
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(programs.folder / "compiled"))  # or each process compiles all anew
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    _, config = programs.simulator("--projects=4", "--poll-interval=1s")
    (programs.folder / "web.yml").write_text(users(alice="correct"))
    port = free_port()
    flags = (f"--config.file={config}", "--state.directory=none")
    where = (f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={programs.folder / 'web.yml'}")
    daemon = programs.start(sys.executable, "-O", *EXPORTER[1:], *flags, *where)
    url, right = f"http://127.0.0.1:{port}", login("alice", "correct")
    eventually(lambda: all_up(fetch(f"{url}/metrics", **right)))
    assert fetch(f"{url}/metrics", **login("alice", "wrong")) == "user or password is missing or wrong\n"
    assert fetch(f"{url}/probe?project=nobody", **right).startswith("no such project")
    config.write_text(config.read_text().replace("region: ", "regoin: "))
    request = urllib.request.Request(f"{url}/-/reload", method="POST", headers=right)
    with pytest.raises(urllib.error.HTTPError, match="500") as refused:
        urllib.request.urlopen(request, timeout=30)
    with refused.value as answer:
        assert b"regoin" in answer.read()
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.log
    check = [sys.executable, "-O", *EXPORTER[1:], "check", *flags]
    run = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert "regoin" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.programs
def test_a_full_disk_keeps_nobody_from_polling_and_what_is_to_be_kept_is_kept_later(programs: Programs) -> None:
    """A wrong password is to be remembered where there is no room for it: it is tried once all the same."""
    state = programs.folder / "state"
    state.mkdir(mode=0o700)
    _, config = programs.simulator("--projects=4", "--poll-interval=1s")
    config.write_text(re.sub(r"password: .*", "password: wrong", config.read_text()))
    port = free_port()
    fill = 'mount -t tmpfs -o size=16k,mode=700 tmpfs "$1" && { cat /dev/zero > "$1/full"; } 2> /dev/null'
    script = f'{fill}; test -s "$1/full" && shift && exec "$@"'
    unshare = [tool("unshare"), "--map-root-user", "--mount", "sh", "-c", script, "sh", str(state)]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk of its own")
    flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", f"--state.directory={state}")
    daemon, url = programs.start(*unshare, *EXPORTER, *flags), f"http://127.0.0.1:{port}"
    refused = 'credential_rejected{credential="acme"} 1.0'
    eventually(lambda: refused in fetch(f"{url}/metrics"))
    eventually(lambda: 'frs_up{project="vip-lounge",collector="subscription"} 1.0' in fetch(f"{url}/metrics"))
    there = Path(f"/proc/{daemon.popen.pid}/root{state}")
    assert not (there / "state.json").exists() or b"acme" not in (there / "state.json").read_bytes()
    os.unlink(there / "full")
    folder = os.open(there, os.O_RDONLY)  # it outlives the process
    try:
        assert daemon.stop()[0] == 0
        with open(os.open("state.json", os.O_RDONLY, dir_fd=folder)) as stream:
            assert len(stream.read()) > 100
    finally:
        os.close(folder)
    assert daemon.log.count("No space left on device") == 1
    assert "Traceback" not in daemon.log
