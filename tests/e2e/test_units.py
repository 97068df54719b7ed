"""The units: systemd reads them without a word, and lets the exporter do little."""

import re
import subprocess
from pathlib import Path

import pytest

from frs_exporter.cli.main import command
from tests.e2e.conftest import EXPORTER, ROOT, Programs, eventually, fetch, free_port, tool

UNITS = ROOT / "deploy/systemd"
PROGRAM = "/opt/frs-exporter/bin/frs-exporter"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with a program that is there: systemd looks whether it is."""
    for name in ("frs-exporter.service", "frs-exporter.socket"):
        (tmp_path / name).write_text((UNITS / name).read_text().replace(PROGRAM, "/bin/true"))
    return tmp_path


def test_systemd_has_nothing_to_say_about_the_units(installed: Path) -> None:
    units = sorted(map(str, installed.iterdir()))
    checked = subprocess.run([tool("systemd-analyze"), "verify", *units], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_systemd_takes_the_drop_ins_of_the_readme(installed: Path) -> None:
    """What is too new for it, it says and ignores: why the unit does without. tests/machines has them at work."""
    folder = installed / "frs-exporter.service.d"
    folder.mkdir()
    blocks = re.findall(r"```ini\n(.*?)```", (UNITS / "README.md").read_text(), re.DOTALL)
    for number, block in enumerate(blocks):
        (folder / f"{number}.conf").write_text(block)
    assert "RestartSteps" in "".join(blocks)
    command = [tool("systemd-analyze"), "verify", str(installed / "frs-exporter.service")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0
    complaint = r".*(?:Unknown key (?:name )?'|Failed to parse service type, ignoring: )([\w-]+).*"
    told = {re.sub(complaint, r"\1", line) for line in checked.stderr.splitlines()}
    steps = {"RestartSteps", "RestartMaxDelaySec"}
    assert told in (steps | {"notify-reload"}, steps, set())


def test_state_is_kept_where_the_readme_says_and_only_a_mistake_ends_it() -> None:
    service, readme = ((UNITS / name).read_text() for name in ("frs-exporter.service", "README.md"))
    assert "StateDirectory=frs-exporter\nStateDirectoryMode=0700\n" in service
    assert "--state.directory=/var/lib/frs-exporter" in readme
    assert "Restart=always\nRestartSec=30s\nRestartPreventExitStatus=2\n" in service
    assert "StartLimit" not in service


def test_the_service_is_exposed_to_little(installed: Path) -> None:
    """Of 10; the README promises less than 1.5."""
    command = [tool("systemd-analyze"), "security", "--offline=true", "--threshold=15"]
    checked = subprocess.run(
        [*command, str(installed / "frs-exporter.service")], capture_output=True, text=True, check=False
    )
    overall = re.search(r"Overall exposure level for frs-exporter.service: ([\d.]+)", checked.stdout)
    assert overall, checked.stderr
    assert float(overall[1]) < 1.5
    assert checked.returncode == 0


def test_the_unit_uses_flags_and_facts_that_are_there() -> None:
    service = (UNITS / "frs-exporter.service").read_text()
    flags = {flag for option in command("serve").params for flag in option.opts}
    told = "".join(path.read_text() for path in UNITS.iterdir())
    assert set(re.findall(r"(?<![\w-])--(?:config|web|log|shard|state)[a-z.-]*[a-z]", told)) <= flags
    assert "Type=notify\n" in service
    assert "WatchdogSec=60s" in service
    assert "EnvironmentFile=-/etc/default/frs-exporter" in service
    (example,) = re.findall(r'^FRS_EXPORTER_FLAGS="(.*)"$', (UNITS / "frs-exporter.default").read_text(), re.MULTILINE)
    assert command("serve").make_context("serve", ["--config.file=x", *example.split()]).params["level"] == "info"


FORBID = """
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, Linux 6.3
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_no_memory_needs_to_be_writable_and_executable(programs: Programs) -> None:
    """MemoryDenyWriteExecute=yes: some foreign code needs such memory, ours and that of our libraries does not."""
    python = EXPORTER[0]
    if subprocess.run([python, "-c", FORBID, python, "-c", ""], check=False).returncode == 77:
        pytest.skip("this kernel cannot forbid it to a process (before 6.3)")
    _, config = programs.simulator()
    port = free_port()
    address = f"--web.listen-address=127.0.0.1:{port}"
    daemon = programs.start(python, "-c", FORBID, *EXPORTER, f"--config.file={config}", address)
    eventually(lambda: fetch(f"http://127.0.0.1:{port}/-/ready") == "ready\n")
    assert "frs_subscribed{" in fetch(f"http://127.0.0.1:{port}/metrics")
    assert "vision-prod" in fetch(f"http://127.0.0.1:{port}/")
    assert daemon.stop()[0] == 0
