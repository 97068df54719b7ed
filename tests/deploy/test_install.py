"""The steps with which the documents install the exporter, done as they are written."""

import os
import re
import subprocess
from pathlib import Path

import frs_exporter
from tests.e2e.conftest import ROOT

PLACE = "/opt/frs-exporter"


def steps(document: str) -> list[str]:
    """The commands of a document that make a virtual environment and put the exporter into it."""
    return re.findall(rf"^(?:python3 -m venv {PLACE}|{PLACE}/bin/pip .*)$", (ROOT / document).read_text(), re.MULTILINE)


def test_what_the_documents_say_installs_the_exporter(tmp_path: Path) -> None:
    commands = steps("README.md")
    assert len(commands) == 3
    assert steps("README.zh-CN.md") == steps("deploy/systemd/README.md") == commands
    script = "\n".join(commands).replace(PLACE, str(tmp_path))
    uncompiled = {**os.environ, "PIP_NO_COMPILE": "0"}  # which takes a third of the time; pip wants a 0 for yes here
    done = subprocess.run(["sh", "-ec", script], cwd=ROOT, env=uncompiled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [tmp_path / "bin/frs-exporter", "--version"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == f"frs_exporter, version {frs_exporter.__version__}\n"
