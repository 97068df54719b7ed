"""What is published: the source distribution has what the tests need, the wheel has what its users need."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

import frs_exporter

ROOT = Path(__file__).parents[1]
NAME = f"frs_exporter-{frs_exporter.__version__}"


def run(*command: str | Path, cwd: Path, umask: int = -1, **environment: str) -> str:
    """What a command prints, without an environment that would lead it to the repository; it must not fail."""
    alone = {"PATH": os.environ["PATH"], **environment}
    words = list(map(str, command))
    done = subprocess.run(
        words, cwd=cwd, env=alone, umask=umask, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(target: str, source: Path, folder: Path, umask: int = -1, **environment: str) -> Path:
    """A distribution, by the build backend itself: nothing is fetched."""
    hatchling = (sys.executable, "-m", "hatchling")
    run(*hatchling, "build", "-t", target, "-d", folder, cwd=source, umask=umask, **environment)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody has who unpacked the source distribution."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / NAME


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", unpacked, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed where nothing else of the project is; its dependencies are those that the tests have."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    uv = (sys.executable, "-m", "uv", "--offline", "--no-cache", "--quiet")
    run(*uv, "pip", "install", "--no-deps", "--python", python, wheel, cwd=folder)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    where = run(python, "-c", "import frs_exporter; print(frs_exporter.__file__)", cwd=folder)
    assert where.startswith(site)
    return folder / "bin/frs-exporter"


def names_in(sdist: Path) -> set[str]:
    """The files in a source distribution, as they are called in the repository."""
    with tarfile.open(sdist) as archive:
        return {member.name.removeprefix(f"{NAME}/") for member in archive.getmembers() if not member.isdir()}


def test_the_source_distribution_is_the_whole_project(sdist: Path, unpacked: Path, tmp_path: Path) -> None:
    """All that is in git, and so all that the tests need; made of itself it is the same."""
    names = names_in(sdist)
    assert names_in(build("sdist", unpacked, tmp_path)) == names
    assert not {name for name in names if "__pycache__" in name or name.startswith((".venv", ".tools"))}
    if (ROOT / ".git").exists():
        tracked = run("git", "-c", "core.quotePath=off", "ls-files", cwd=ROOT).splitlines()
        assert {name for name in tracked if (ROOT / name).exists()} <= names


def test_the_wheel_is_the_packages_and_nothing_else(wheel: Path) -> None:
    about = {f"{NAME}.dist-info/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt", "RECORD")}
    found = (path for name in ("frs_exporter", "frs_simulator") for path in (ROOT / name).rglob("*"))
    files = (path for path in found if path.is_file() and path.suffix != ".pyc")
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == {
            *about,
            f"{NAME}.dist-info/licenses/LICENSE",
            *(str(path.relative_to(ROOT)) for path in files),
        }


def test_a_build_repeats_itself(wheel: Path, unpacked: Path, sdist: Path, tmp_path: Path) -> None:
    """Byte by byte, from another folder and at another time, for a user with another umask, time zone and locale."""
    copy = shutil.copytree(unpacked, tmp_path / "copy", symlinks=True)
    for path in (path for path in copy.rglob("*") if not path.is_symlink()):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path)
    habits = {"TZ": "Asia/Shanghai", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    assert build("wheel", copy, tmp_path / "wheel", umask=0o077, **habits).read_bytes() == wheel.read_bytes()
    assert build("sdist", copy, tmp_path / "sdist", umask=0o077, **habits).read_bytes() == sdist.read_bytes()


def addresses(wheel: Path) -> list[str] | None:
    about = zipfile.Path(wheel, f"{NAME}.dist-info/")
    return importlib.metadata.PathDistribution(about).metadata.get_all("Project-URL")


def test_a_build_has_the_addresses_of_the_repository_that_it_is_told(
    unpacked: Path, wheel: Path, tmp_path: Path
) -> None:
    """The wheel that somebody makes of its source distribution has them, too; without one there are none."""
    assert addresses(wheel) is None
    told = "https://github.com/someone/frs/"
    with tarfile.open(build("sdist", unpacked, tmp_path / "sdist", REPOSITORY_URL=told)) as archive:
        archive.extractall(tmp_path, filter="data")
    assert addresses(build("wheel", tmp_path / NAME, tmp_path / "wheel")) == [
        "Homepage, https://github.com/someone/frs",
        "Documentation, https://github.com/someone/frs/blob/HEAD/docs/README.md",
        "Changelog, https://github.com/someone/frs/blob/HEAD/CHANGELOG.md",
        "Issues, https://github.com/someone/frs/issues",
        "Security, https://github.com/someone/frs/security/policy",
    ]


def test_no_build_has_an_address_that_is_none(unpacked: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"REPOSITORY_URL is not like https://\S+: github\.com/someone/frs\n"):
        build("wheel", unpacked, tmp_path, REPOSITORY_URL="github.com/someone/frs")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_installed_user_begins_with_the_example(language: str, program: Path, tmp_path: Path) -> None:
    """Prints it, edits it, checks it: nothing of the repository is needed."""
    example = run(program, "config-example", cwd=tmp_path, LANG=f"{language}.UTF-8")
    assert example == (ROOT / f"frs_exporter/config/example.{language}.yaml").read_text()
    for name in ("frs-password", "frs-sk"):
        (tmp_path / name).write_text("secret\n")
    (tmp_path / "config.yaml").write_text(example.replace("/run/secrets/", ""))
    check = (program, "--config.check", "--config.file=config.yaml")
    good = run(*check, cwd=tmp_path, HUAWEI_AK="AK")
    assert good == "config.yaml: good: 2 projects, 4 jobs, 1 discovery rule, 2 credentials in use\n"


def test_who_has_no_config_is_sent_to_the_example(program: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    for arguments in ((), ("--config.file=empty.yaml",)):
        done = subprocess.run([program, *arguments], cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "frs-exporter config-example" in done.stderr


def test_the_changelog_begins_with_this_version_and_how_to_come_to_it() -> None:
    """Below what is not released yet, if there is something."""
    text = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## (\d\S+) / \d{4}-\d\d-\d\d\n\n### Upgrade notes\n", text, re.MULTILINE)
    assert newest
    assert str(Version(newest[1])) == frs_exporter.__version__
    assert re.findall(r"^## (.+)$", text[: newest.start()], re.MULTILINE) in ([], ["Unreleased"])
    chart = (ROOT / "deploy/helm/frs-exporter/Chart.yaml").read_text()
    assert f"\nversion: {newest[1]}\n" in chart
