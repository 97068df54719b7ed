"""A Debian to boot or to build on, from the mirror that this machine uses, kept as a tar file in .tools."""

import fcntl
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from pathlib import Path

from tests.e2e.conftest import ROOT, missing
from tests.machines.needs import TOOLS, install

SUITE = os.environ.get("SUITE", "trixie")
PACKAGES = ("systemd", "systemd-sysv", "python3", "python3-venv", "libstdc++6", "dbus", "libbpf1")
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
PATIENCE = 900
"""Seconds for a mirror that is slow."""


def packed() -> Path:
    """The tar file; it is made when there is none, by one process, and without a mirror the test cannot go on."""
    tar, stamp = (TOOLS / f"debian-{SUITE}.{kind}" for kind in ("tar", "packages"))
    with alone("tree"):
        if not tar.exists() or not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
            install("mmdebstrap")
            make(tar)
            stamp.write_text(" ".join(PACKAGES))
    return tar


def make(tar: Path) -> None:
    """The tar file of a smallest Debian with systemd and Python."""
    mirror = mirror_of_debian()
    with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
        made = Path(folder) / tar.name
        leave_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        proxies = [f"--aptopt={line}" for line in apt("config", "dump").splitlines() if "::Proxy" in line]
        options = ["--mode=root", "--variant=essential", f"--include={','.join(PACKAGES)}", *leave_out, *proxies]
        done = subprocess.run(
            ["mmdebstrap", *options, SUITE, str(made), f"deb [signed-by={KEYS}] {mirror} {SUITE} main"],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
            missing(f"no Debian {SUITE} from {mirror}: {' '.join(errors)[-300:]}")
        made.rename(tar)


def mirror_of_debian() -> str:
    """The address from which this machine has its own packages of Debian."""
    for record in apt("get", "indextargets", "Created-By: Packages").split("\n\n"):
        fields = message_from_string(record)
        if (fields["Origin"], fields["Label"], fields["Component"]) == ("Debian", "Debian", "main"):
            return str(fields["Repo-URI"])
    return missing("apt knows no mirror of Debian: run apt-get update on Debian")


def apt(program: str, *arguments: str) -> str:
    """What one of apt's programs prints."""
    if shutil.which(f"apt-{program}") is None:
        missing("there is no apt: this test needs a Debian")
    return subprocess.run([f"apt-{program}", *arguments], capture_output=True, text=True, check=True).stdout


def wheels(python: str) -> Path:
    """A folder with the wheels of the locks for a Python, fetched with this machine's own settings of pip."""
    folder = TOOLS / f"wheels-{python}"
    locks = [ROOT / "requirements" / name for name in ("run.txt", "build.txt")]
    with alone("wheels"):
        stamp, wanted = folder / "locks", "".join(lock.read_text() for lock in locks)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            fetched = subprocess.run(
                [
                    *(str(ROOT / ".venv/bin/python"), "-m", "pip", "download", "--quiet", f"--dest={folder}"),
                    *("--require-hashes", "--only-binary=:all:", "--no-deps", f"--python-version={python}"),
                    *(f"--requirement={lock}" for lock in locks),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if fetched.returncode:
                missing(f"no wheels for Python {python}: {fetched.stderr.strip()[-300:]}")
            stamp.write_text(wanted)
    return folder


def python_of(tar: Path) -> str:
    """The Python of a tree that is packed, like 3.13."""
    with tarfile.open(tar) as file:
        return Path(file.getmember("./usr/bin/python3").linkname).name.removeprefix("python")


@contextmanager
def alone(what: str) -> Iterator[None]:
    """One process at a time makes what two need."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f".{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
