"""`make dist`: the files of a release, the same byte by byte wherever one commit is built.

They are the wheel, the source distribution, the bill of materials of what is needed at run time (CycloneDX), and their
SHA-256 sums. The bill is made of an environment into which the lock and the wheel alone were installed, so it has
licenses and who needs whom; it is that of the Python which runs this.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

from deploy.release.urls import repository
from frs_exporter import __version__

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv/others/release/bin"
UV = Path(sys.executable).with_name("uv")
SUMS = "SHA256SUMS"
BILL = f"frs_exporter-{__version__}.cdx.json"
SPECIFICATION = "1.6"
WITHOUT_GIT = 1580601600
"""The time of what is built where no commit tells one: that of hatchling."""


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; raises CalledProcessError, and its stderr is seen."""
    words, variables = list(map(str, command)), {**os.environ, **(environment or {})}
    done = subprocess.run(words, cwd=cwd, env=variables, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def time_of(source: Path) -> int:
    """The time of the last commit, in seconds since 1970, which all files of the release get."""
    if not (source / ".git").exists():
        return WITHOUT_GIT
    return int(run("git", "log", "-1", "--format=%ct", cwd=source))


def distributions(source: Path, folder: Path, time: int) -> None:
    """Wheel and source distribution, by the build backend itself: nothing is fetched."""
    if not repository():
        print("REPOSITORY_URL is not set: the metadata has no addresses", file=sys.stderr)
    epoch = {"SOURCE_DATE_EPOCH": str(time)}
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=source, environment=epoch)


def bare(folder: Path, lock: Path, *distribution: str | Path) -> Path:
    """An environment of a lock and what else is named, as a user makes it; returns its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    locked = ("--require-hashes", "--only-binary=:all:", "-r", lock)
    try:
        run(UV, "pip", "install", "--quiet", "--python", python, *locked, cwd=folder)
    except subprocess.CalledProcessError:  # where only pip knows where packages are, as behind a mirror
        run(*pip, *locked, cwd=folder)
    if distribution:
        run(*pip, "--no-deps", "--no-index", *distribution, cwd=folder)
    return python


def bill_of_materials(source: Path, python: Path, time: int) -> str:
    """What an environment has, as CycloneDX, validated; without anything that is random."""
    project = (source / "pyproject.toml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        dated = Path(folder, "pyproject.toml")  # the tool looks for a version there alone
        dated.write_text(project.replace('dynamic = ["version", "urls"]', f'version = "{__version__}"'))
        options = (f"--pyproject={dated}", "--output-reproducible", f"--spec-version={SPECIFICATION}", "--validate")
        epoch = {"SOURCE_DATE_EPOCH": str(time)}
        return run(TOOLS / "cyclonedx-py", "environment", *options, python, cwd=source, environment=epoch)


def sums(folder: Path) -> str:
    """The sums of all files, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def main(folder: Path) -> None:
    """Make the files."""
    time = time_of(ROOT)
    distributions(ROOT, folder, time)
    (wheel,) = folder.glob("*.whl")
    with tempfile.TemporaryDirectory() as place:
        python = bare(Path(place), ROOT / "requirements/run.txt", wheel)
        (folder / BILL).write_text(bill_of_materials(ROOT, python, time))
    (folder / SUMS).write_text(sums(folder))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute())
    except (subprocess.CalledProcessError, ValueError) as error:
        sys.exit(str(error))
