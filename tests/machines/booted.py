"""A machine of namespaces: systemd as its first process on a tree of its own, with a loopback that is its own, too."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.e2e.conftest import ROOT
from tests.machines.needs import NAMESPACES, unified_cgroups
from tests.machines.tree import packed, python_of, wheels

# The tree is in memory, which goes with the last process. Within /proc nothing of this machine may be set.
# LoadCredential= needs mounts that are shared.
BOOT = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=2g,mode=755 tmpfs /mnt
tar --extract --file="$1" --directory=/mnt
cd /mnt
for service in $4; do ln -s /dev/null etc/systemd/system/$service.service; done
mkdir -p src wheels
mount --rbind "$2" src && mount -o remount,bind,ro src
mount --bind "$3" wheels && mount -o remount,bind,ro wheels
mount -t proc proc proc
mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
ln -s pts/ptmx dev/ptmx && ln -s /proc/self/fd dev/fd
mkdir -p old
pivot_root . old
cd /
umount -l /old
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --unit=basic.target --show-status=0
"""
UNWANTED = (
    *("ldconfig", "systemd-journal-catalog-update", "systemd-journal-flush", "systemd-modules-load"),
    *("systemd-remount-fs", "systemd-sysusers", "systemd-update-done"),
)
"""Services of the tree that have nothing to do here, or only at its first boot."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that has booted, by the number of its first process."""

    init: int

    def run(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What a shell of root says within."""
        namespaces = ["nsenter", f"--target={self.init}", "--all", "--"]
        clean = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        done = subprocess.run(
            [*namespaces, "/bin/sh", "-euc", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
            env={**clean, "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"},
        )
        if check and done.returncode:
            journal = self.run("journalctl --lines=30 --no-pager", check=False).stdout
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}\n{journal}")
        return done

    def says(self, command: str) -> str:
        """What a command prints, which must succeed."""
        return self.run(command).stdout.strip()

    def properties(self, unit: str, *names: str) -> Mapping[str, str]:
        """What systemd tells of a unit."""
        lines = self.says(f"systemctl show {unit} --property={','.join(names)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of root within."""
        file = Path(f"/proc/{self.init}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)


@contextmanager
def booted() -> Iterator[Machine]:
    """A machine with the sources at /src and their wheels at /wheels; nothing of it stays."""
    tar = packed()
    fetched = wheels(python_of(tar))
    with tempfile.TemporaryFile("w+") as log, cgroup() as own:
        # Whoever kills the tests kills the machine.
        begin = ["setpriv", "--pdeathsig=KILL", "unshare", *NAMESPACES, "--fork", "--kill-child=KILL"]
        # The group of the machine is its own from the first process on: what the namespace then calls the root.
        enter = ["sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(own)]
        process = subprocess.Popen(
            [*enter, *begin, "sh", "-c", BOOT, "boot", str(tar), str(ROOT), str(fetched), " ".join(UNWANTED)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield started(process, log)
        finally:
            process.kill()
            process.wait()
            ended(own)


def started(process: "subprocess.Popen[bytes]", log: IO[str]) -> Machine:
    """The machine once it has booted."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children and "systemd" in os.path.basename(os.readlink(f"/proc/{children[0]}/exe")):
            machine = Machine(int(children[0]))
            state = machine.run("systemctl is-system-running --wait", check=False)
            if state.stdout.strip() in ("running", "degraded"):
                return machine
        time.sleep(0.1)
    log.seek(0)
    raise AssertionError(f"the machine has not booted: {log.read()[-2000:]}")


@contextmanager
def cgroup() -> Iterator[Path]:
    """A group of this machine's for all processes of the other one."""
    parent = unified_cgroups()
    assert parent
    own = Path(tempfile.mkdtemp(prefix="frs-machine-", dir=parent))
    try:
        yield own
    finally:
        ended(own)
        for folder in sorted((path for path in own.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        own.rmdir()


def ended(group: Path) -> None:
    """Wait until no process of a group is left."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        processes = [int(number) for file in group.rglob("cgroup.procs") for number in file.read_text().split()]
        if not processes:
            return
        for process in processes:
            with_signal(process)
        time.sleep(0.05)
    raise AssertionError(f"processes outlive their machine: {processes}")


def with_signal(process: int) -> None:
    """Kill a process that may have gone."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
