"""The image and the compose stack: linted, and their steps done by hand; tests/machines builds and runs the image."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import frs_exporter
from frs_exporter.cli.main import command
from frs_exporter.cli.serve import DEFAULT_ADDRESS
from tests.deploy.artifacts import DEPLOY
from tests.e2e.conftest import ROOT, Programs, eventually, fetch, free_port, tool

DOCKER = DEPLOY / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
STEPS = [
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in re.sub(r"#.*\n", "", DOCKERFILE).replace("\\\n", "").splitlines()
    if line
]
COMPOSE = sorted(DOCKER.glob("compose*.yaml"))
PORT = DEFAULT_ADDRESS.removeprefix(":")


def let_in() -> list[Path]:
    """What the build may see, of what is there."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    everything, *allowed = [line for line in lines if not line.startswith("#")]
    assert everything == "*"
    assert allowed.pop() == "**/__pycache__"
    return [ROOT / pattern.removeprefix("!") for pattern in allowed]


def merged(base: Any, over: Any) -> Any:
    """Two compose files as one: mappings are merged, lists joined, but a command is replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        both = {key: merged(base[key], over[key]) for key in base.keys() & over.keys() if key != "command"}
        return {**base, **over, **both}
    return base + over if isinstance(base, list) and isinstance(over, list) else over


def test_hadolint_has_nothing_to_say() -> None:
    linted = subprocess.run([tool("hadolint"), str(DOCKER / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_the_image_runs_as_nobody_and_says_what_it_is() -> None:
    last = dict(STEPS[[index for index, (step, _) in enumerate(STEPS) if step == "FROM"][-1] :])
    assert last["USER"] == "65534:65534"
    assert last["EXPOSE"] == PORT
    assert last["ENTRYPOINT"] == '["frs-exporter"]'
    assert last["HEALTHCHECK"].endswith('CMD ["frs-exporter", "health"]')
    labels = re.findall(r"org\.opencontainers\.image\.(\w+)=", DOCKERFILE)
    assert labels == ["title", "description", "licenses", "version", "revision", "created"]
    assert {value for step, value in STEPS if step == "FROM"} == {
        *("${PYTHON} AS dependencies", "dependencies AS package", "${PYTHON}")
    }, "one base to pin"


def test_the_base_has_a_new_python_and_the_libc_that_all_wheels_are_for() -> None:
    """google-re2 has no wheel for musl, which is the libc of Alpine."""
    (base,) = [value.removeprefix("PYTHON=") for step, value in STEPS if step == "ARG" and value.startswith("PYTHON=")]
    found = re.fullmatch(r"python:3\.(\d+)-slim-[a-z]+", base)
    assert found, base
    assert int(found[1]) >= 13


def test_dependencies_are_locked_and_in_a_layer_before_the_code() -> None:
    """So a new version of the code leaves the layer of dependencies, the large one, as it is."""
    first, package, last = stages()
    assert [value for step, value in first if step == "COPY"] == ["requirements/run.txt requirements/"]
    installs = [part for step, value in (*first, *package) if step == "RUN" for part in value.split("&&")]
    locked = [part.split() for part in installs if " -r requirements/" in part]
    assert len(locked) == 2
    assert all({"--require-hashes", "--only-binary=:all:"} <= set(words) for words in locked)
    copied = [value.split()[0] for step, value in last if step == "COPY"]
    assert copied[:2] == ["--from=dependencies", "--from=package"]


def stages() -> list[list[tuple[str, str]]]:
    """The steps of each stage."""
    found: list[list[tuple[str, str]]] = []
    for step in STEPS:
        if step[0] == "FROM":
            found.append([])
        elif found:
            found[-1].append(step)
    return found


def test_the_build_sees_what_it_copies_and_no_secret() -> None:
    seen = {str(path.relative_to(ROOT)) for path in let_in()}
    copied = {name for step, value in STEPS if step == "COPY" and "--from" not in value for name in value.split()[:-1]}
    assert copied == seen
    assert all(path.exists() for path in let_in())
    assert not seen & {"config.yaml", ".git", ".venv", "tests", "deploy", "."}


def test_what_the_build_does_makes_an_exporter_that_may_do_nothing_and_writes_nothing(programs: Programs) -> None:
    """The builder's own steps in a folder, then the program as the image would run it."""
    source, made = programs.folder / "src", programs.folder / "opt/frs-exporter"
    source.mkdir()
    for path in let_in():
        (source / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, source / path.relative_to(ROOT))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for step in (value for name, value in STEPS if name == "RUN"):
        script = step.replace("/package", f"{programs.folder}/package").replace("/opt/", f"{programs.folder}/opt/")
        subprocess.run(["sh", "-ec", script], cwd=source, check=True, capture_output=True, env=environment)
    package = Path(f"{programs.folder}/package{made}")
    assert {path.name for path in (package / "lib").glob("python*/site-packages/*")} == {
        *("frs_exporter", "frs_simulator", f"frs_exporter-{frs_exporter.__version__}.dist-info")
    }, "the layer of the code is the code alone"
    shutil.copytree(package, made, dirs_exist_ok=True)
    subprocess.run(["chmod", "-R", "a=rX", str(made)], check=True)
    assert stat.S_IMODE(Path(f"{programs.folder}/package/var/lib/frs-exporter").stat().st_mode) == 0o700
    shutil.rmtree(source)
    before = {path: path.stat().st_mtime for path in made.rglob("*")}
    # Without capabilities even root may write only where that is allowed.
    like_nobody = ["setpriv", "--bounding-set=-all", "--no-new-privs"] if os.getuid() == 0 else []
    exporter = [*like_nobody, "env", "PYTHONDONTWRITEBYTECODE=1", str(made / "bin/frs-exporter")]
    port = free_port()
    process = programs.start(*exporter, "demo", f"--web.listen-address=127.0.0.1:{port}")
    eventually(lambda: process.popen.poll() is not None or fetch(f"http://127.0.0.1:{port}/-/healthy"))
    health = subprocess.run([*exporter, "health", f"--url=http://127.0.0.1:{port}"], check=False)
    assert health.returncode == 0, process.log
    assert "frs_up" in fetch(f"http://127.0.0.1:{port}/metrics")
    assert process.stop()[0] == 0
    assert {path: path.stat().st_mtime for path in made.rglob("*")} == before
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([*like_nobody, "touch", str(made / "x")], check=True, stderr=subprocess.DEVNULL)
    assert not (made / "bin/pip").exists()


@pytest.mark.parametrize("files", [COMPOSE[-1:], COMPOSE[:1], COMPOSE], ids=["demo", "config", "both"])
def test_compose_files_are_as_the_specification_wants_them(files: list[Path], tmp_path: Path) -> None:
    document: Any = {}
    for path in reversed(files):
        document = merged(document, yaml.safe_load(path.read_text()))
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(document))
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(tmp_path / "compose.yaml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_stack_mounts_what_is_there_and_opens_nothing_to_others() -> None:
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    assert set(services) == {"exporter", "prometheus", "alertmanager", "grafana"}
    for name, service in services.items():
        for mount in service.get("volumes", ()):
            assert mount["type"] == "volume" or ((DOCKER / mount["source"]).exists() and mount["read_only"]), mount
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert re.fullmatch(r"frs-exporter|[\w/]+:v?\d+\.\d+\.\d+", service["image"]), name
    assert (DOCKER / services["exporter"]["build"]["context"] / services["exporter"]["build"]["dockerfile"]).exists()


def test_commands_are_those_of_the_program() -> None:
    name, *flags = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]["exporter"]["command"]
    assert command(name).make_context(name, flags).params["addresses"] == [(None, int(PORT))]
    (config,) = yaml.safe_load((DOCKER / "compose.config.yaml").read_text())["services"]["exporter"]["command"]
    assert f"FRS_CONFIG_FILE={config.removeprefix('--config.file=')} " in dict(STEPS)["ENV"]
    assert command("serve").make_context("serve", [config]).params["config_file"][0].startswith("/etc/frs-exporter/")


def test_state_outlives_the_container() -> None:
    """In a volume even if nobody asks for one; with a name where a new container takes the place of the old one."""
    last = dict(STEPS[[index for index, (step, _) in enumerate(STEPS) if step == "FROM"][-1] :])
    assert f"STATE_DIRECTORY={last['VOLUME']} " in last["ENV"]
    assert last["COPY"].split() == ["--from=package", "--chown=65534:65534", "/package/var/lib", "/var/lib"]
    config = yaml.safe_load((DOCKER / "compose.config.yaml").read_text())
    mount = config["services"]["exporter"]["volumes"][-1]
    assert mount == {"type": "volume", "source": "state", "target": last["VOLUME"]}
    assert "state" in config["volumes"]
    assert f"-v frs-state:{last['VOLUME']} " in (DOCKER / "README.md").read_text()


def test_prometheus_and_alertmanager_take_their_configs() -> None:
    for call in (
        [tool("promtool"), "check", "config", "--syntax-only", str(DOCKER / "prometheus.yml")],
        [tool("amtool"), "check-config", str(DOCKER / "alertmanager.yml")],
    ):
        checked = subprocess.run(call, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_the_stack_and_the_examples_agree() -> None:
    """The same inhibitions; rules, dashboards and the data source where they are mounted."""
    ours, example = (
        yaml.safe_load((DEPLOY / path).read_text())
        for path in ("docker/alertmanager.yml", "prometheus/alertmanager.yml")
    )
    assert ours["inhibit_rules"] == example["inhibit_rules"]
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    targets = {mount["target"]: mount["source"] for each in services.values() for mount in each.get("volumes", ())}
    (rules,) = yaml.safe_load((DOCKER / "prometheus.yml").read_text())["rule_files"]
    assert (DOCKER / targets[os.path.dirname(rules)] / os.path.basename(rules)).exists()
    provisioning = DOCKER / targets["/etc/grafana/provisioning"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/frs.yaml").read_text())["providers"]
    assert list((DOCKER / targets[provider["options"]["path"]]).glob("*.json"))
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DOCKER / targets[os.path.dirname(home)] / os.path.basename(home)).exists()
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
