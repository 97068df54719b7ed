"""What docs/operations.md and its twin show of `check` and of a probe is what is printed, but for times and widths."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from frs_simulator import Simulator, World, demo_world
from frs_simulator.faults import Fault
from frs_simulator.server import config_text
from tests.web.serving import serving

ROOT = Path(__file__).parents[1]
PAGES = ("docs/operations.md", "docs/operations.zh-CN.md")
SHOWN = ("visitor-kiosk", "vip-lounge")
KEPT = ("name", "project_id", "region", "credential")
MASKS = {
    r"https?://[\w.:-]+": "URL",
    r"\d+\.\d{3} s": "N s",
    r"\b\d+ ms": "N ms",
    r"until \S+": "until TIME",
    r"(?m)^( *(?:Date|Server|X-Request-ID|Content-Length|request id):).*$": r"\1 X",
    r" {2,}": "  ",
}
"""What is another one each time, and the columns that are as wide as that."""


def masked(text: str) -> str:
    """A text without what differs each time."""
    for pattern, instead in MASKS.items():
        text = re.sub(pattern, instead, text)
    return text.strip()


def sample(page: str, first: str) -> str:
    """The block of a page that begins with these words."""
    (found,) = re.findall(rf"^```\n((?:{first}).*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def config_of(world: World, url: str) -> str:
    """A config of the projects that the pages show, with the usual collectors."""
    document = yaml.safe_load(config_text(world, url))
    found = {project["name"]: {key: project[key] for key in KEPT} for project in document["projects"]}
    kept = {key: document[key] for key in ("credentials", "endpoints")}
    return yaml.safe_dump({**kept, "projects": [found[name] for name in SHOWN]})


@pytest.mark.parametrize("page", PAGES)
async def test_a_check_prints_what_the_pages_show(page: str, tmp_path: Path) -> None:
    (asked,) = re.findall(r"frs-exporter (check --config\S+ --require \S+(?: --lang=\w+)?)", (ROOT / page).read_text())
    async with Simulator(demo_world()) as simulator:
        (tmp_path / "config.yaml").write_text(config_of(simulator.world, simulator.url))
        command = [sys.executable, "-m", "frs_exporter", *asked.split(), "--state.directory=none"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        ended = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, env=environment, capture_output=True, check=False
        )
    assert ended.returncode == 1
    assert masked(ended.stdout.decode()) == masked(sample(page, "Project|项目"))


@pytest.mark.parametrize("page", PAGES)
async def test_a_probe_tells_the_steps_that_the_pages_show(page: str) -> None:
    world = demo_world()
    (kiosk,) = [project for _, project in world.projects() if project.name == SHOWN[0]]
    world.faults.set("frs", Fault(status=403, code="APIGW.0302", message="no permission"), kiosk.id)
    async with Simulator(world) as simulator, serving(simulator, poll_interval=3600.0) as served:
        await served.ready()
        _, _, body = await served.get(f"/probe?project={SHOWN[0]}&collector=subscription&debug=true")
    assert masked(body.decode()) == masked(sample(page, "asked with"))
