"""`make deb`: the Debian package, of the wheel and the locked wheels of what it needs, for one minor version of Python.

They are in /opt/frs-exporter, where the unit looks for the program, and bind no other Python program
of the machine. The package is for the architecture of the machine that builds it.
"""

import gzip
import os
import re
import shutil
import string
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.debian.manpage import manual
from deploy.release.build import ROOT, SUMS, TOOLS, distributions, run, sums, time_of
from deploy.release.urls import repository
from frs_exporter import __version__

LAUNCHER = """#!/usr/bin/python3 -I
# Starts the exporter with the packages beside it, and none of the machine's or the caller's.
import sys

sys.path.insert(0, "/opt/frs-exporter/lib")
from frs_exporter.__main__ import main

sys.exit(main())
"""


def debian_version(version: str) -> str:
    """A version of Python as Debian orders it: a candidate comes before its release."""
    return re.sub(r"(?<=\d)(a|b|rc|\.dev)(?=\d)", r"~\1", version)


def stage(folder: Path, wheel: Path, python: str, time: int) -> None:
    """What becomes /opt/frs-exporter, the same wherever it is made."""
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
    )
    options = ("--only-binary=:all:", f"--python-version={python}", f"--target={folder / 'lib'}")
    run(*pip, *options, "--require-hashes", "-r", ROOT / "requirements/run.txt", cwd=ROOT)
    # By its name, as pip writes down the path of what is installed by its path.
    found = ("--no-index", f"--find-links={wheel.parent}", f"frs-exporter=={__version__}")
    run(*pip, *options, *found, cwd=ROOT)
    shutil.rmtree(folder / "lib/bin")  # programs of the packages, which are for another place
    program = folder / "bin/frs-exporter"
    program.parent.mkdir()
    program.write_text(LAUNCHER)
    for path in (folder, *folder.rglob("*")):  # whatever the umask is
        path.chmod(0o755 if path.is_dir() or path == program else 0o644)
        os.utime(path, (time, time))


def package(staged: Path, folder: Path, python: str, version: str, time: int) -> Path:
    """The package of what is staged."""
    major, minor = python.split(".")
    architecture = run("dpkg", "--print-architecture", cwd=ROOT).strip()
    words = {"ARCH": architecture, "VERSION": version, "PYTHON": python, "NEXT": f"{major}.{int(minor) + 1}"}
    text = (ROOT / "deploy/debian/nfpm.yaml").read_text()
    # GitHub would rename a file with a ~, and the sums would name one that is not there.
    made = folder / f"frs-exporter_{version.replace('~', '.')}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as place:
        config, page = Path(place, "nfpm.yaml"), Path(place, "frs-exporter.8.gz")
        page.write_bytes(gzip.compress(manual(time).encode(), mtime=0))
        words |= {"STAGE": str(staged), "ROOT": str(ROOT), "HOMEPAGE": repository(), "MANUAL": str(page)}
        config.write_text(string.Template(text).substitute(words))
        nfpm = (TOOLS / "nfpm", "package", "--packager=deb", f"--config={config}", f"--target={made}")
        run(*nfpm, cwd=ROOT, environment={"SOURCE_DATE_EPOCH": str(time)})
    return made


def main(folder: Path, python: str) -> None:
    """Make the package, and count it among the sums."""
    folder.mkdir(exist_ok=True)
    time = time_of(ROOT)
    with tempfile.TemporaryDirectory() as place:
        distributions(ROOT, Path(place, "dist"), time)
        (wheel,) = Path(place, "dist").glob("*.whl")
        stage(Path(place, "stage"), wheel, python, time)
        package(Path(place, "stage"), folder, python, debian_version(__version__), time)
    (folder / SUMS).write_text(sums(folder))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute(), sys.argv[2])
    except (subprocess.CalledProcessError, ValueError) as error:
        sys.exit(str(error))
