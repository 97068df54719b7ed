"""The steps of CONTRIBUTING.md for a new collector, followed: one file, one line, and all else is there."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import frs_exporter
from frs_exporter.config.load import load
from frs_simulator import Simulator, World
from frs_simulator.server import config_text
from tests.conftest import account
from tests.e2e.conftest import eventually, fetch, free_port


def with_again(folder: Path) -> Path:
    """The folder of a copy of the program, with the file and the line."""
    package = folder / "frs_exporter"
    shutil.copytree(Path(frs_exporter.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("again.py"), package / "collectors")
    mapping = package / "collectors" / "__init__.py"
    text = mapping.read_text().replace("import billing, ", "import again, billing, ")
    mapping.write_text(text.replace("] = {\n", '] = {\n    "again": again.COLLECTOR,\n'))
    return folder


@contextlib.contextmanager
def page_of(folder: Path, config: Path) -> Iterator[str]:
    """The URL of the page of the program in a folder."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "frs_exporter", f"--config.file={config}", f"--web.listen-address={address}"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://{address}/metrics"
        finally:
            process.terminate()


async def test_one_file_and_one_line_make_a_collector(tmp_path: Path) -> None:
    world, config = World([account("ak_sk", "gate-1")]), tmp_path / "config.yaml"

    def value(page: str, name: str) -> float:
        """That of the project on the page, 0 where there is none."""
        start = f'{name}{{project="gate-1"}} '
        return sum(float(line.removeprefix(start)) for line in fetch(page).splitlines() if line.startswith(start))

    async with Simulator(world) as simulator:
        both = "  collectors: [subscription, again]\n  poll_interval: 1s\n"
        config.write_text(config_text(world, simulator.url).replace("  poll_interval: 10s\n", both))
        with page_of(with_again(tmp_path), config) as page:
            await asyncio.to_thread(eventually, lambda: value(page, "frs_times_asked_total") >= 3)
            assert await asyncio.to_thread(value, page, "frs_max_face_set_number_again") == 10


def test_without_the_line_the_config_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(json.dumps({"defaults": {"collectors": ["again"]}}))
    with pytest.raises(Exception, match="must be one of subscription, face_sets, cloud_eye"):
        load(str(tmp_path / "c.yaml"))
