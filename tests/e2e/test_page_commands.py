"""Every command in the README and in docs/, in both languages, run as it is written, against one simulator."""

import os
import re
import signal
import subprocess
import sys
from functools import reduce
from pathlib import Path

import yaml

from tests.e2e.conftest import ROOT, Programs, eventually, fetch, free_port, tool

FIRST_HOUR = "first-hour"
PAGES = (
    *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")),
    *sorted(page for page in (ROOT / "docs").glob("*.md") if not page.name.startswith(FIRST_HOUR)),
)
"""All but those of the first hour, which have a test of their own."""
INSTALLED = "tests/deploy/test_install.py::test_what_the_documents_say_installs_the_exporter"
ELSEWHERE = {
    "make demo": "tests/e2e/test_daemon.py::test_make_demo",
    "python3 -m venv /opt/frs-exporter": INSTALLED,
    "/opt/frs-exporter/bin/pip install": INSTALLED,
}
"""How commands begin that another test runs, and which."""
DRY = (
    *("make check", "make test", "make lock", "make bench", "make soak", "make fuzz", "make audit", "make dist"),
    *("make deb", "make deploy", "make docs"),
)
"""What takes minutes, asks registries, or writes into the checkout: make is asked what it would do."""
OF_A_RELEASE = (
    *("cosign ", "sha256sum ", "gh ", "git checkout v", "REPOSITORY_URL=", "diff dist/SHA256SUMS "),
    *("apt install ./frs-exporter_1", "tar -xzf frs_exporter-1"),
    "helm -n frs-exporter upgrade --install frs-exporter oci:",
)
"""What can be tried once there is a release, as docs/releasing.md says."""
SERVES = "frs-exporter --config.file=config.yaml"
CODES = {"check --config.file=config.yaml --require": 1}
"""Exit codes that are not 0: of the simulator's projects not all are well."""


def commands(page: Path) -> list[str]:
    """The commands of a page without comments, each in one line."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [" ".join(re.sub(r"\s#\s.*", "", line).split()) for line in lines if line.strip()]


ALL = list(dict.fromkeys(command for page in PAGES for command in commands(page)))


def test_commands_that_are_not_run_here_are_run_elsewhere_or_known_to_make() -> None:
    for begin, test in ELSEWHERE.items():
        assert any(command.startswith(begin) for command in ALL), begin
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text()
    asked = [command for command in ALL if command.startswith(DRY)]
    assert len(asked) >= len(DRY)
    for command in asked:
        dry = ["make", "--dry-run", "--question", "-C", str(ROOT), *command.split()[1:]]
        run = subprocess.run(dry, capture_output=True, text=True, check=False)
        assert run.returncode < 2, (command, run.stderr)


def test_what_the_pages_say_to_type_works(programs: Programs) -> None:
    port = free_port()
    _, config = programs.simulator(f"--listen-address=127.0.0.1:{port}")
    text, filled = config.read_text(), values(port, config.read_text())
    own = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{Path(tool('curl')).parent}:{os.environ['PATH']}",
        "FRS_STATE_DIRECTORY": str(config.parent / "state"),
        "FRS_ENDPOINT": f"http://127.0.0.1:{port}",
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": f"http://127.0.0.1:{port}",
    }
    here = [command for command in ALL if not command.startswith((*ELSEWHERE, *DRY, *OF_A_RELEASE))]
    assert len(here) >= 8
    exports = ""
    for typed in (reduce(lambda command, value: command.replace(*value), filled.items(), command) for command in here):
        if typed.startswith("export "):
            exports = typed
        elif typed == SERVES:
            serves(own, config.parent)
        else:
            script = f"{exports}\n{typed}"
            run = subprocess.run(
                ["sh", "-ec", script], cwd=config.parent, env=own, capture_output=True, text=True, check=False
            )
            expected = next((code for part, code in CODES.items() if part in typed), 0)
            assert run.returncode == expected, (typed, run.stdout, run.stderr)
        if typed.startswith("curl -d"):
            subprocess.run([tool("curl"), "-sS", "-X", "DELETE", typed.split()[-1]], capture_output=True, check=True)
        if typed.endswith("> config.yaml"):  # "then edit it"
            example = "example.zh.yaml" if "--lang=zh" in typed else "example.en.yaml"
            assert config.read_text() == (ROOT / "frs_exporter/config" / example).read_text()
            config.write_text(text)


def values(port: int, config: str) -> dict[str, str]:
    """What a reader puts in place of what the pages have, for a simulator at this port with this config."""
    document = yaml.safe_load(config)
    keys = document["credentials"]["globex"]["ak_sk"]
    (project, *_) = [project for project in document["projects"] if project["credential"] == "globex"]
    return {
        "/opt/frs-exporter/bin/": "",
        ":PORT": f":{port}",
        "=NAME": "=vision-prod",
        "_AK=...": f"_AK={keys['access_key']}",
        "_SK=...": f"_SK={keys['secret_key']}",
        "d3f8e6476fbf416689f209e168ef4d31 --region cn-north-4": f"{project['project_id']} --region {project['region']}",
    }


def serves(environment: dict[str, str], folder: Path) -> None:
    """Run the exporter as it is written until it is ready, and stop it."""
    address = f"127.0.0.1:{free_port()}"
    daemon = subprocess.Popen(
        ["sh", "-c", f"exec {SERVES}"],
        cwd=folder,
        env=environment | {"FRS_WEB_LISTEN_ADDRESS": address},
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: fetch(f"http://{address}/-/ready") == "ready\n")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=10) == 0
    finally:
        daemon.kill()
        daemon.wait()
