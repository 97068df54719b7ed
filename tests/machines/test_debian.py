"""The Debian package on a Debian that was booted for it: installed, started, upgraded, removed and purged by dpkg."""

import os
from pathlib import Path

import pytest

import frs_exporter
from deploy.debian.build import debian_version, package, stage
from deploy.release.build import TOOLS, distributions
from tests.e2e.conftest import eventually, missing
from tests.machines.booted import Machine
from tests.machines.service import CONFIG, Service, beside_a_cloud
from tests.machines.tree import packed, python_of, wheels

pytestmark = pytest.mark.timeout(1200)  # the first one to run waits for a Debian to be made

VERSION = debian_version(frs_exporter.__version__)
LATER = f"{VERSION}+later"
TIME = 1_700_000_000


def build(folder: Path, *versions: str) -> dict[str, Path]:
    """Packages of one build that is done in a folder; of wheels that tests have fetched once."""
    python = python_of(packed())
    distributions(Path(frs_exporter.__file__).parents[1], folder / "dist", TIME)
    (wheel,) = (folder / "dist").glob("*.whl")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PIP_NO_INDEX", "1")
        environment.setenv("PIP_FIND_LINKS", str(wheels(python)))
        stage(folder / "stage", wheel, python, TIME)
    return {version: package(folder / "stage", folder, python, version, TIME) for version in versions}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The package, and the same as a later version."""
    if not TOOLS.exists():
        missing("nfpm is not installed: run make .venv/release")
    return build(tmp_path_factory.mktemp("debian"), VERSION, LATER)


@pytest.fixture(scope="module")
def service(machine: Machine, packages: dict[str, Path]) -> Service:
    """Installed without a config; then one is written."""
    said = install(machine, packages[VERSION])
    assert "write /etc/frs-exporter/config.yaml" in said
    assert machine.properties("frs-exporter", "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "disabled",
    }
    return beside_a_cloud(machine)


def install(machine: Machine, file: Path) -> str:
    """What dpkg says of a package that it installs."""
    Path(f"/proc/{machine.init}/root/root/{file.name}").write_bytes(file.read_bytes())
    return machine.says(f"dpkg --install /root/{file.name}")


def state_of(machine: Machine) -> str:
    return machine.run("dpkg-query --show --showformat='${Status}' frs-exporter", check=False).stdout


def test_a_build_repeats_itself(packages: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, in another folder and at another time, for a user with another umask, time zone and locale."""
    for name, value in {"TZ": "Asia/Shanghai", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "7"}.items():
        monkeypatch.setenv(name, value)
    before = os.umask(0o077)
    try:
        again = build(tmp_path, VERSION)
    finally:
        os.umask(before)
    assert again[VERSION].read_bytes() == packages[VERSION].read_bytes()


# In the order of a package's life, as each needs the one before.


def test_versions_are_ordered_as_debian_orders_them(machine: Machine) -> None:
    assert debian_version("1.0.0rc1") == "1.0.0~rc1"
    machine.run("dpkg --compare-versions 1.0.0~rc1 lt 1.0.0")


def test_it_is_installed_and_starts_when_there_is_a_config(service: Service) -> None:
    service.machine.run("systemctl enable --now frs-exporter")
    eventually(service.is_up)
    assert service.known("UnitFileState", "ActiveState") == ["enabled", "active"]
    shown = service.machine.says("cd /tmp; frs-exporter --version")
    assert shown == f"frs_exporter, version {frs_exporter.__version__}"
    assert service.machine.says("find /opt/frs-exporter/lib -name '*.pyc' -print -quit")


def test_an_upgrade_restarts_it_and_keeps_what_the_administrator_wrote(
    service: Service, packages: dict[str, Path]
) -> None:
    (before,) = service.known("MainPID")
    config = service.machine.says(f"cat {CONFIG}")
    service.machine.run("echo FRS_LOG_LEVEL=debug >> /etc/default/frs-exporter")
    install(service.machine, packages[LATER])
    eventually(service.is_up)
    assert service.known("MainPID") != [before]
    assert service.machine.says(f"cat {CONFIG}") == config
    assert "FRS_LOG_LEVEL=debug" in service.machine.says("cat /etc/default/frs-exporter")


def test_who_has_stopped_it_finds_it_stopped_after_an_upgrade(service: Service, packages: dict[str, Path]) -> None:
    service.machine.run("systemctl stop frs-exporter")
    assert "it does not run; systemctl enable --now" in install(service.machine, packages[LATER])
    assert service.known("ActiveState") == ["inactive"]
    service.machine.run("systemctl start frs-exporter")
    eventually(service.is_up)


def test_a_removal_stops_it_and_keeps_config_and_state(service: Service) -> None:
    service.machine.run("dpkg --remove frs-exporter")
    assert state_of(service.machine) == "deinstall ok config-files"
    assert service.known("ActiveState") == ["inactive"]
    left = service.machine.says("find /opt/frs-exporter /usr/bin/frs-exporter 2>/dev/null || true")
    assert left == ""
    service.machine.run(f"test -s {CONFIG} && test -d /var/lib/private/frs-exporter")


def test_an_installation_after_a_removal_leaves_it_off_and_says_so(service: Service, packages: dict[str, Path]) -> None:
    assert "it does not run; systemctl enable --now" in install(service.machine, packages[LATER])
    assert service.known("UnitFileState", "ActiveState") == ["disabled", "inactive"]


def test_a_purge_takes_the_state_and_leaves_the_config(service: Service) -> None:
    service.machine.run("dpkg --purge frs-exporter")
    assert "installed" not in state_of(service.machine)
    gone = ("/var/lib/private/frs-exporter", "/var/lib/frs-exporter", "/etc/default/frs-exporter")
    for path in gone:
        service.machine.run(f"test ! -e {path} && test ! -L {path}")
    service.machine.run(f"test -s {CONFIG}")


def test_a_first_installation_starts_it_where_a_config_is_there(service: Service, packages: dict[str, Path]) -> None:
    assert "it does not run" not in install(service.machine, packages[VERSION])
    eventually(service.is_up)
    assert service.known("UnitFileState", "ActiveState") == ["enabled", "active"]
