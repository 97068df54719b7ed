"""The locks are what pyproject.toml asks for, of exact versions with hashes, and name no place to get them from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
RUN = PROJECT["dependencies"]
WANTED = {
    "run.txt": RUN,
    "dev.txt": [*RUN, *PROJECT["optional-dependencies"]["dev"]],
    "build.txt": PYPROJECT["build-system"]["requires"],
    **{f"{group}.txt": wanted for group, wanted in PYPROJECT["dependency-groups"].items()},
}
HASH = re.compile(r" +--hash=sha256:[0-9a-f]{64}")


def text_of(file: str) -> str:
    return (ROOT / "requirements" / file).read_text()


def entries(file: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a lock with their hashes; what is no comment is one or the other."""
    joined = re.sub(r" *#.*\n", "", text_of(file)).replace("\\\n", "\0")
    found = [line.split("\0") for line in joined.splitlines()]
    return [(Requirement(first), hashes) for first, *hashes in found]


def is_for(requirement: Requirement, python: str, machine: str) -> bool:
    """Whether something is asked for with a Python on Linux."""
    environment = {name: str(value) for name, value in default_environment().items()}
    environment |= {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine}
    environment |= {"implementation_name": "cpython", "sys_platform": "linux"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned(file: str, python: str, machine: str) -> dict[str, str]:
    """The version of each package that a lock has for a Python on Linux."""
    chosen = [entry for entry, _ in entries(file) if is_for(entry, python, machine)]
    versions: dict[str, str] = {
        canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in chosen
    }
    assert len(versions) == len(chosen), "one version of each"
    return versions


def test_the_folder_has_these_locks_alone() -> None:
    assert {path.name for path in (ROOT / "requirements").iterdir()} == set(WANTED)


@pytest.mark.parametrize("file", WANTED)
def test_every_requirement_is_one_version_with_hashes(file: str) -> None:
    assert entries(file)
    for requirement, hashes in entries(file):
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert not requirement.url
        assert hashes, requirement
        assert all(HASH.fullmatch(line.rstrip()) for line in hashes), requirement


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", WANTED)
def test_a_lock_has_what_is_asked_for_in_the_range_that_is_asked_for(file: str, python: str, machine: str) -> None:
    versions = pinned(file, python, machine)
    for requirement in map(Requirement, WANTED[file]):
        if not is_for(requirement, python, machine):
            continue  # no wheels are made for it, which pyproject.toml says
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_tests_run_with_the_versions_that_are_installed_and_built_with(python: str) -> None:
    run, dev, build = (pinned(file, python, "x86_64") for file in ("run.txt", "dev.txt", "build.txt"))
    assert run.items() <= dev.items()
    assert all(dev.get(name, version) == version for name, version in build.items())


@pytest.mark.parametrize("file", WANTED)
def test_a_lock_says_how_it_was_made_and_for_what_and_not_where_from(file: str) -> None:
    text = text_of(file)
    assert f"make lock  (CPython {PYTHONS[0]} to {PYTHONS[-1]}, Linux on x86-64 and arm64)\n" in text
    words = set(re.findall(r"[\w.-]*[a-z]\.[a-z]{2,}[\w.-]*", text))
    assert words <= {"pyproject.toml", "dev.txt", "run.txt"}, "no host names"
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "no options"


def test_the_same_pythons_everywhere() -> None:
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={PYTHONS[0]}")
    assert f"\nPYTHONS := {' '.join(PYTHONS)}\n" in (ROOT / "Makefile").read_text()
    assert PYPROJECT["tool"]["mypy"]["python_version"] == PYTHONS[0]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{PYTHONS[0].replace('.', '')}"
    (base,) = re.findall(r"^ARG PYTHON=python:(3\.\d+)-slim-\w+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert base in PYTHONS


def test_everything_is_installed_from_the_locks() -> None:
    """By make, in the image, as a service and by hand: hashes are checked, and no build tools come from elsewhere."""
    for file in ("Makefile", "deploy/docker/Dockerfile", "deploy/systemd/README.md", "README.md", "README.zh-CN.md"):
        text = (ROOT / file).read_text().replace("\\\n", "")
        commands = re.findall(r"^.*\bpip\b.*(?: -r requirements/| \.(?: |$)).*$", text, re.MULTILINE | re.IGNORECASE)
        assert commands, file
        for command in commands:
            locked = "--require-hashes" in command and "--only-binary=:all:" in command
            assert locked if " -r " in command else "--no-deps --no-build-isolation" in command, command
