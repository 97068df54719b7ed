"""What a machine must have to boot another one in namespaces, and what it says where it has not."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.e2e.conftest import ROOT, missing

NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
TOOLS = ROOT / ".tools"
ALL_USERS = ["0", "0", str(2**32 - 1)]
"""What stands in uid_map where users are the machine's own."""


def cannot() -> str:
    """Why this machine cannot run another one, whatever is installed; empty if it can."""
    if os.getuid() != 0 or Path("/proc/self/uid_map").read_text().split() != ALL_USERS:
        return "this machine cannot run another one: only root may, and no root of a user namespace"
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "sh", "-c", "mount --make-rprivate / && mount -t tmpfs none /mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason told"])[-1]
        return f"this machine cannot run another one: no namespaces of its own ({reason})"
    if not unified_cgroups():
        return "this machine cannot run another one: no cgroup2 that may be written"
    return ""


def unified_cgroups() -> Path | None:
    """Where cgroup2 is mounted and may be written, in the cgroup of this process."""
    own = next((line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")), "")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        if right.startswith("cgroup2 "):
            folder = Path(left.split()[4] + own)
            if os.access(folder, os.W_OK) and os.statvfs(folder).f_flag & os.ST_RDONLY == 0:
                return folder
    return None


def install(*packages: str) -> None:
    """Have Debian packages installed whose programs, named alike, are not there; without them the test cannot go on."""
    absent = [name for name in packages if shutil.which(name) is None]
    if not absent:
        return
    done = subprocess.run([str(ROOT / "tests/install-tools"), *absent], capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"cannot be installed: {' '.join(absent)}: {done.stderr.strip()[-300:]}")
