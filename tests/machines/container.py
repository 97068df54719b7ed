"""The image, built by podman, and a container of it, run by runc; all in memory that only their mounts know."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ROOT
from tests.machines.tree import packed, python_of, wheels

DOCKERFILE = "deploy/docker/Dockerfile"
BASE, IMAGE = "localhost/base", "localhost/frs-exporter"
PODMAN = ("--cgroup-manager=cgroupfs", "--events-backend=none", "--root=/mnt/store", "--runroot=/mnt/run")
OVERLAY = """
mkdir -p /mnt/lower /mnt/upper /mnt/work /mnt/both
mount -t overlay overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work /mnt/both
umount /mnt/both
"""
HOLD = "mount -t tmpfs -o size=4g tmpfs /mnt && echo mounted && exec sleep infinity"
DEVICES = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
]


@dataclass(frozen=True)
class Store:
    """Where images are: a file system in memory at /mnt, in namespaces whose first process ends all in them."""

    process: int

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What a command says that sees the store."""
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, check=False, cwd=ROOT, timeout=600)
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def inside(self, *command: str) -> list[str]:
        """A command as one that sees the store."""
        return ["nsenter", f"--target={self.process}", "--mount", "--pid", f"--wdns={ROOT}", "--", *command]

    def podman(self, *arguments: str) -> str:
        """What podman prints."""
        return self.run("podman", *PODMAN, f"--storage-driver={self.driver}", *arguments).stdout.strip()

    @cached_property
    def driver(self) -> str:
        """Layers are mounted over each other where the kernel lets us, and copied elsewhere."""
        return "vfs" if self.run("sh", "-ec", OVERLAY, check=False).returncode else "overlay"


@contextmanager
def store() -> Iterator[Store]:
    """An empty store, of which nothing stays, nor any container, also where the tests are killed."""
    namespaces = ("--mount", "--pid", "--mount-proc", "--fork", "--kill-child=KILL")
    holder = subprocess.Popen(
        ["setpriv", "--pdeathsig=KILL", "unshare", *namespaces, "sh", "-c", HOLD],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "mounted\n"
        (first,) = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        yield Store(int(first))
    finally:
        holder.kill()
        holder.communicate()


@dataclass(frozen=True)
class Image:
    """What was built: what podman tells of it, and where its files are within the store."""

    store: Store
    facts: Mapping[str, Any]
    files: str

    @property
    def config(self) -> Mapping[str, Any]:
        """What the image says of how it is run."""
        config: Mapping[str, Any] = self.facts["Config"]
        return config

    def layers(self) -> list[tuple[str, int]]:
        """The bytes of each step that has any, the oldest first."""
        history = json.loads(self.store.podman("history", "--format=json", "--no-trunc", IMAGE))
        return [(step["CreatedBy"], int(step["size"])) for step in reversed(history) if int(step["size"])]


def build(where: Store, **arguments: str) -> Image:
    """The image of the Dockerfile on a Debian that has wheels at /wheels while it is built."""
    python = python_of(packed())
    settings = ("--change=ENV=PIP_NO_INDEX=1", "--change=ENV=PIP_FIND_LINKS=/wheels")
    where.podman("import", "--quiet", *settings, str(packed()), BASE)
    where.podman(
        *("build", "--quiet", "--isolation=chroot", "--network=host", "--format=docker", f"--tag={IMAGE}"),
        *(f"--volume={wheels(python)}:/wheels:ro", f"--file={DOCKERFILE}"),
        *(f"--build-arg={name}={value}" for name, value in {"PYTHON": BASE, **arguments}.items()),
        ".",
    )
    (facts,) = json.loads(where.podman("inspect", IMAGE))
    return Image(where, facts, where.podman("image", "mount", IMAGE))


@dataclass
class Container:
    """A container of an image that may do nothing: no capability, a root that is read only, a network of its own."""

    image: Image
    name: str
    command: list[str]
    mounts: list[dict[str, Any]] = field(default_factory=list)
    process: "subprocess.Popen[str] | None" = None

    def spec(self) -> dict[str, Any]:
        """What runc is told, from what the image says."""
        user, _, group = self.image.config["User"].partition(":")
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": int(user), "gid": int(group)},
                "args": [*self.image.config["Entrypoint"], *self.command],
                "env": self.image.config["Env"],
                "cwd": self.image.config.get("WorkingDir", "/"),
                "capabilities": {each: [] for each in ("bounding", "effective", "inheritable", "permitted", "ambient")},
                "noNewPrivileges": True,
            },
            "root": {"path": self.image.files, "readonly": True},
            "mounts": [*DEVICES, *self.mounts],
            "linux": {"namespaces": [{"type": each} for each in ("pid", "network", "ipc", "uts", "mount")]},
        }

    def start(self) -> None:
        """Run it; its output comes from `process`."""
        bundle = f"/mnt/bundles/{self.name}"
        self.image.store.run(
            "sh", "-c", f'mkdir -p {bundle} && printf %s "$1" > {bundle}/config.json', "sh", json.dumps(self.spec())
        )
        self.process = subprocess.Popen(
            self.image.store.inside("runc", "--root=/mnt/runc", "run", f"--bundle={bundle}", self.name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def runc(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What runc says of it."""
        return self.image.store.run("runc", "--root=/mnt/runc", *arguments, check=check)

    def says(self, *command: str) -> str:
        """What a command says within, which must succeed."""
        return self.runc("exec", self.name, *command).stdout

    def remove(self) -> None:
        """Kill it, if it still runs."""
        self.runc("delete", "--force", self.name, check=False)
        if self.process:
            self.process.kill()
            self.process.communicate()
