"""The image, built and run: it may do nothing, writes nothing, is healthy, and stops when it is told to."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from frs_exporter import __version__
from tests.e2e.conftest import ROOT, eventually
from tests.machines.container import Container, Image

pytestmark = pytest.mark.timeout(1200)  # the first one to run waits for a Debian to be made
DEMO = ["demo", "--web.listen-address=:10377"]
TMP = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]}
STATE = {
    "destination": "/var/lib/frs-exporter",
    "type": "tmpfs",
    "source": "tmpfs",
    "options": ["uid=65534", "mode=700"],
}
GET = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())"
WITHIN_SECONDS = 5
"""In which it stops, as the README promises."""


KILLED = """
import subprocess
from tests.machines.container import store
with store() as where:
    subprocess.Popen(where.inside("sh", "-c", "echo started && exec sleep MANY"), start_new_session=True).wait(SECONDS)
"""
"""Tests that run a process in a store, until they are killed."""


@pytest.fixture(scope="module")
def demo(image: Image) -> Iterator[Container]:
    container = Container(image, "demo", DEMO, [TMP, STATE])
    container.start()
    try:
        eventually(lambda: health(container) == 0)
        yield container
    finally:
        container.remove()


def health(container: Container) -> int:
    """What the health check of the image ends with."""
    kind, *command = container.image.facts["Healthcheck"]["Test"]
    assert kind == "CMD"
    return container.runc("exec", container.name, *command, check=False).returncode


def get(container: Container, path: str) -> str:
    return container.says("/opt/frs-exporter/bin/python3", "-c", GET, f"http://127.0.0.1:10377{path}")


def test_nothing_runs_on_where_the_tests_are_killed() -> None:
    mark = f"{600 + time.monotonic() % 1:.9f}"
    program = KILLED.replace("MANY", mark).replace("SECONDS", "600")
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout
        assert tests.stdout.readline() == "started\n"
        eventually(lambda: running(mark))
        tests.kill()
    eventually(lambda: not running(mark))


def running(mark: str) -> list[str]:
    """The processes with an argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_text().split("\0")
        except OSError:  # it has ended
            continue
        found += [path.parent.name] if mark in arguments else []
    return found


def test_it_says_what_it_is(image: Image) -> None:
    assert image.config["User"] == "65534:65534"
    assert image.config["StopSignal"] == "SIGTERM"
    assert set(image.config["ExposedPorts"]) == {"10377/tcp"}
    assert set(image.config["Volumes"]) == {"/var/lib/frs-exporter"}
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == "abc"
    assert labels["org.opencontainers.image.created"] == "2026-01-02T03:04:05Z"


def test_code_is_a_layer_of_its_own_and_small(image: Image) -> None:
    """A new version is some megabytes to fetch, not all dependencies."""
    (_, base), (_, dependencies), (_, code), *state = image.layers()
    print(f"the base has {base / 1e6:.0f} MB, dependencies {dependencies / 1e6:.0f} MB, the code {code / 1e6:.1f} MB")
    assert len(state) == 1
    assert code < dependencies / 4
    assert dependencies + code < 100e6


def test_nothing_is_in_it_that_installs(image: Image) -> None:
    programs = image.store.run("ls", image.files + "/opt/frs-exporter/bin").stdout.split()
    assert "frs-exporter" in programs
    assert not [name for name in programs if name.startswith("pip")]
    assert image.store.run("ls", f"{image.files}/opt").stdout.split() == ["frs-exporter"]


def test_it_runs_as_nobody_without_any_right(demo: Container) -> None:
    status = dict(line.split(":", 1) for line in demo.says("cat", "/proc/1/status").splitlines())
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    assert demo.says("cat", "/proc/1/comm").strip() == "frs-exporter"
    assert demo.says("frs-exporter", "--version").strip().endswith(__version__)


def test_its_root_is_read_only(demo: Container) -> None:
    for path in ("/x", "/opt/frs-exporter/x", "/var/lib/x", "/src/x"):
        assert demo.runc("exec", demo.name, "touch", path, check=False).returncode == 1, path
    demo.says("touch", "/var/lib/frs-exporter/x")


def test_it_answers(demo: Container) -> None:
    assert get(demo, "/-/healthy") == "healthy\n"
    assert eventually(lambda: re.findall(r"^frs_up\{.*\} 1", get(demo, "/metrics"), re.MULTILINE))


def test_it_takes_little_memory(demo: Container) -> None:
    """The demo has a cloud in the same process."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", demo.says("cat", "/proc/1/status"))
    assert peak
    print(f"at most {int(peak[1]) / 1024:.0f} MiB")
    assert int(peak[1]) < 128 * 1024


def test_it_stops_when_it_is_told_to(image: Image) -> None:
    container = Container(image, "stops", DEMO, [TMP, STATE])
    container.start()
    try:
        eventually(lambda: health(container) == 0)
        started = time.monotonic()
        container.runc("kill", container.name, image.config["StopSignal"])
        assert container.process
        output, _ = container.process.communicate(timeout=30)
        assert (container.process.returncode, time.monotonic() - started < WITHIN_SECONDS) == (0, True), output
    finally:
        container.remove()


def test_without_a_config_it_ends_with_2_and_says_so(image: Image) -> None:
    container = Container(image, "without", [], [STATE])
    container.start()
    try:
        assert container.process
        output, _ = container.process.communicate(timeout=30)
        assert container.process.returncode == 2
        assert "/etc/frs-exporter/config.yaml" in output
    finally:
        container.remove()
