"""What `make dist` makes: installed by pip with the lock alone, it works; its bill is the lock; its sums are right."""

import gzip
import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import frs_exporter
from deploy.debian.build import package
from deploy.debian.manpage import manual
from deploy.release.build import BILL, SUMS, TOOLS, bare, bill_of_materials, distributions, run, sums
from tests.e2e.conftest import ROOT, eventually, fetch, free_port, missing, tool

LOCK = ROOT / "requirements/run.txt"
TIME = 1_700_000_000
ALONE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    distributions(ROOT, folder, TIME)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the lock and the wheel."""
    (wheel,) = dist.glob("*.whl")
    return bare(tmp_path_factory.mktemp("bare") / "environment", LOCK, wheel)


@pytest.fixture(scope="module")
def bill(installed: Path) -> str:
    if not TOOLS.exists():
        missing("cyclonedx-py is not installed: run make .venv/release")
    return bill_of_materials(ROOT, installed, TIME)


def test_all_files_have_the_time_of_the_commit(dist: Path) -> None:
    """So that one commit makes the same bytes, whenever and wherever it is built."""
    (wheel,), (source,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        assert {one.date_time for one in packed.infolist()} == {time.gmtime(TIME)[:6]}
    with tarfile.open(source) as unpacked:
        assert {one.mtime for one in unpacked} == {TIME}
    assert int.from_bytes(source.read_bytes()[4:8], "little") == TIME, "that of the compressed file (RFC 1952)"


def printed(program: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run([program, *arguments], cwd=cwd, env=ALONE, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Where the demo serves, and its process."""
    port = free_port()
    command = [str(installed.with_name("frs-exporter")), "demo", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**ALONE, "HOME": str(tmp_path)}, stderr=subprocess.PIPE, text=True
    ) as process:
        yield f"http://127.0.0.1:{port}", process
        process.kill()


def test_the_wheel_works_with_the_lock_alone(installed: Path, tmp_path: Path) -> None:
    program = installed.with_name("frs-exporter")
    assert printed(program, "--version", cwd=tmp_path) == f"frs_exporter, version {frs_exporter.__version__}\n"
    assert printed(program, "config-example", cwd=tmp_path) == (ROOT / "config.example.yaml").read_text()


def test_the_demo_starts_and_stops(demo: tuple[str, "subprocess.Popen[str]"]) -> None:
    url, process = demo
    eventually(lambda: "frs_subscribed{" in fetch(f"{url}/metrics"))
    process.terminate()
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert "Traceback" not in log


def code(python: Path) -> set[str]:
    """The files of the project in an environment."""
    (site,) = python.parents[1].glob("lib/python3*/site-packages")
    found = (path for name in ("frs_exporter", "frs_simulator") for path in (site / name).rglob("*"))
    return {str(path.relative_to(site)) for path in found if path.is_file() and path.suffix != ".pyc"}


def test_the_source_distribution_is_installed_by_pip(dist: Path, installed: Path, tmp_path: Path) -> None:
    """With the locked build tools; it becomes what the wheel is."""
    (source,) = dist.glob("*.tar.gz")
    python = bare(tmp_path / "environment", ROOT / "requirements/build.txt", "--no-build-isolation", source)
    assert len(code(installed)) > 100
    assert code(python) == code(installed)


def test_the_bill_has_what_is_installed_and_nothing_else(bill: str, installed: Path) -> None:
    materials = json.loads(bill)
    listed = {canonicalize_name(one["name"]): one["version"] for one in materials["components"]}
    script = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
    words = run(installed, "-c", script, cwd=ROOT).split()
    found = {canonicalize_name(name): version for name, _, version in (word.partition("==") for word in words)}
    assert found.pop(canonicalize_name("frs-exporter")) == materials["metadata"]["component"]["version"]
    assert listed == found
    assert all(one["licenses"] for one in materials["components"])
    assert {"serialNumber"}.isdisjoint(materials)
    assert str(installed.parents[1]) not in bill


def test_the_bill_repeats_itself(bill: str, installed: Path) -> None:
    """At another time and by another process."""
    assert bill_of_materials(ROOT, installed, TIME) == bill


@pytest.mark.parametrize("url", ["https://github.com/someone/frs", ""])
def test_the_debian_package_has_a_manual_page_and_the_repository_as_its_home_page(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there is a repository. Shown of one that has nothing in /opt."""
    if not TOOLS.exists():
        missing("nfpm is not installed: run make .venv/release")
    dpkg_deb = tool("dpkg-deb")
    monkeypatch.setenv("REPOSITORY_URL", url)
    (tmp_path / "stage").mkdir()
    made = package(tmp_path / "stage", tmp_path, "3.13", "1.0.0~rc1", TIME)
    assert made.name.startswith("frs-exporter_1.0.0.rc1_"), "with a ~ GitHub would rename it"
    assert run(dpkg_deb, "--field", made, "Version", cwd=tmp_path) == "1.0.0~rc1\n"
    assert run(dpkg_deb, "--field", made, "Homepage", cwd=tmp_path).strip() == url
    assert run(dpkg_deb, "--field", made, "Package", cwd=tmp_path) == "frs-exporter\n"
    run(dpkg_deb, "--extract", made, tmp_path / "installed", cwd=tmp_path)
    page = (tmp_path / "installed/usr/share/man/man8/frs-exporter.8.gz").read_bytes()
    assert gzip.decompress(page).decode() == manual(TIME)


def test_who_builds_without_a_repository_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for url, said in (("", True), ("https://github.com/someone/frs", False)):
        monkeypatch.setenv("REPOSITORY_URL", url)
        distributions(ROOT, tmp_path, TIME)
        assert ("REPOSITORY_URL is not set" in capfd.readouterr().err) is said


@pytest.mark.parametrize("module", ["deploy.release.build", "deploy.debian.build"])
def test_an_address_that_is_none_is_one_line(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", module, str(tmp_path), "3.13"]
    wrong = {**os.environ, "REPOSITORY_URL": "github.com/someone/frs"}
    done = subprocess.run(command, cwd=ROOT, env=wrong, capture_output=True, text=True, check=False)
    said = "REPOSITORY_URL is not like https://github.com/OWNER/REPOSITORY: github.com/someone/frs\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_the_sums_are_those_of_the_files(dist: Path, bill: str) -> None:
    (dist / BILL).write_text(bill)
    (dist / SUMS).write_text(sums(dist))
    check = ["sha256sum", "--check", "--strict", SUMS]
    assert subprocess.run(check, cwd=dist, capture_output=True, check=True).stdout.count(b": OK\n") == 3
    (dist / BILL).write_text(bill + " ")
    assert subprocess.run(check, cwd=dist, capture_output=True, check=False).returncode == 1
