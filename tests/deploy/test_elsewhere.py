"""What the page about other engines shows, as they take it: each file and command, by the engine if it can be had."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.artifacts import DEPLOY, RULES
from tests.e2e.conftest import ROOT, Programs, eventually, fetch, missing, query, tool
from tests.e2e.test_prometheus import start_newest

PAGE = (DEPLOY / "prometheus/elsewhere.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILES = {
    text.split()[1]: text
    for kind, text in BLOCK.findall(PAGE)
    if re.match(r"(#|//) \S+\.(yaml|yml|alloy)$", text, re.M)
}
COMMANDS = [
    shlex.split(line)
    for kind, text in BLOCK.findall(PAGE)
    if kind == "sh"
    for line in text.replace("\\\n", "").splitlines()
]
TRIED = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", PAGE, re.MULTILINE))
NOT_RUN = {"thanos": "Thanos, Mimir", "mimirtool": "Thanos, Mimir"}
"""By program: the row of the page that says that it was not run."""

OPERATOR = ROOT / ".tools/node_modules/@kubernetes-models/prometheus-operator/monitoring.coreos.com"
KINDS = {"ScrapeConfig": "v1alpha1", "Probe": "v1"}
OBJECTS = [name for name, text in FILES.items() if "apiVersion: monitoring.coreos.com/" in text]
PROMETHEUS_NAMES = {
    "jobName": "job_name",
    "scrapeInterval": "scrape_interval",
    "scrapeTimeout": "scrape_timeout",
    "staticConfigs": "static_configs",
    "httpSDConfigs": "http_sd_configs",
    "refreshInterval": "refresh_interval",
    "relabelings": "relabel_configs",
    "targetLabel": "target_label",
}
"""How Prometheus calls the fields of a ScrapeConfig that the page uses; the others have the same name."""


def test_the_page_shows_files_of_each_engine_and_is_linked() -> None:
    endings = {"scrapeconfig.yaml", "scrapeconfig-probe.yaml", "probe.yaml", "vmagent.yml", "otel.yaml", "frs.alloy"}
    assert set(FILES) == endings
    assert "(elsewhere.md)" in (DEPLOY / "prometheus/README.md").read_text()
    assert "(elsewhere.zh-CN.md)" in (DEPLOY / "prometheus/README.md").read_text()


def test_the_versions_of_the_page_are_those_that_are_tried() -> None:
    lines = [line.split() for line in (ROOT / "tests/tools/engines").read_text().splitlines() if line[0] != "#"]
    newest = {package: ".".join(version.split(".")[:2]) for package, version, *_ in lines}
    assert newest["promtool"] == newest["prometheus"]
    assert TRIED["Prometheus"] == f"2.42, {newest['prometheus']}"
    assert TRIED["Alertmanager"] == f"0.25, {newest['prometheus-alertmanager']}"
    assert TRIED["VictoriaMetrics, vmagent, vmalert"] == newest["victoria-metrics"]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the operator's API has, made of its types: no other names are allowed."""
    if not OPERATOR.is_dir():
        missing("the types of the Prometheus operator are not installed: run tests/install-tools")
    file = tmp_path_factory.mktemp("types") / "specs.ts"
    imports = [f'import {{ I{kind} }} from "{OPERATOR / version / kind}";' for kind, version in KINDS.items()]
    fields = [f"{kind}: I{kind};" for kind in KINDS]
    file.write_text("\n".join((*imports, "export interface Objects {", *fields, "}")))
    command = [tool("typescript-json-schema"), str(file), "Objects", "--ignoreErrors", "--noExtraProps", "--required"]
    made: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return made


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_have_fields_that_the_operator_knows(name: str, schema: dict[str, Any]) -> None:
    document = yaml.safe_load(FILES[name])
    jsonschema.validate({document["kind"]: document}, {**schema, "required": []})
    document["spec"]["jobname"] = "a field that there is not"
    with pytest.raises(jsonschema.ValidationError, match="jobname"):
        jsonschema.validate({document["kind"]: document}, {**schema, "required": []})


def renamed(value: Any) -> Any:
    """A part of a ScrapeConfig with Prometheus' names."""
    if isinstance(value, list):
        return [renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {PROMETHEUS_NAMES.get(name, name): renamed(each) for name, each in value.items()}


def job_of(document: dict[str, Any]) -> dict[str, Any]:
    """The job that the operator makes of an object: as it is in its source, and not in its documents."""
    spec = document["spec"]
    relabelings: list[dict[str, Any]] = [{"target_label": "job", "replacement": spec["jobName"]}]
    if document["kind"] == "ScrapeConfig":
        made: dict[str, Any] = renamed(spec)
        relabelings += made.pop("relabel_configs", [])
    else:
        static, prober = spec["targets"]["staticConfig"], spec["prober"]
        made = {"metrics_path": prober["path"], "static_configs": [{"targets": static["static"]}]}
        made["static_configs"][0]["labels"] = static["labels"]
        made |= {"scrape_interval": spec["interval"], "scrape_timeout": spec["scrapeTimeout"]}
        relabelings += [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": prober["url"]},
        ]
    return {**made, "job_name": document["metadata"]["name"], "relabel_configs": relabelings}


def test_prometheus_scrapes_as_the_operators_objects_and_the_collector_say(programs: Programs) -> None:
    _, config = programs.simulator("--projects=7")
    _, url = programs.daemon(config)
    eventually(lambda: fetch(f"{url}/-/ready") == "ready\n")
    projects = {project["name"] for project in yaml.safe_load(config.read_text())["projects"]}
    documents = [yaml.safe_load(FILES[name]) for name in OBJECTS]
    for document in documents:
        document["spec"]["jobName"] = document["metadata"]["name"]
    (of_the_collector,) = yaml.safe_load(FILES["otel.yaml"])["receivers"]["prometheus"]["config"]["scrape_configs"]
    text = yaml.safe_dump({"scrape_configs": [*map(job_of, documents), of_the_collector]})
    text = re.sub(r"(frs-exporter\.example\.com|localhost):10377", url.removeprefix("http://"), text)
    _, server = start_newest(programs, re.sub(r"\b(1m|15s)\b", "1s", text))

    told = {
        "frs-exporter": projects,
        "frs-exporter-projects": projects,
        "frs-projects": {"vision-prod", "door-access"},
        of_the_collector["job_name"]: projects,
    }
    counts = {job: len(names) for job, names in told.items()}
    by_job = "count by (job) (frs_up)"
    eventually(lambda: {s["metric"]["job"]: int(s["value"][1]) for s in query(server, by_job)} == counts)
    for job, names in told.items():
        series = [each["metric"] for each in query(server, f'frs_up{{job="{job}"}}')]
        assert {labels["project"] for labels in series} == names
        assert {labels.get("namespace") for labels in series} == {None if job == "frs" else "frs-exporter"}
        if job.endswith("projects"):
            assert all(labels["instance"] == labels["project"] for labels in series)
    assert {each["value"][1] for each in query(server, "up")} == {"1"}


def test_the_collector_leaves_names_as_they_are() -> None:
    """Its own default adds units and types to them."""
    exporters = yaml.safe_load(FILES["otel.yaml"])["exporters"]
    assert exporters["prometheusremotewrite"]["add_metric_suffixes"] is False


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_have_flags_that_the_program_knows(command: list[str], tmp_path: Path) -> None:
    program, *arguments = command
    if program in NOT_RUN:
        assert TRIED[NOT_RUN[program]] == "not run"
        return
    (tmp_path / "vmagent.yml").write_text(FILES["vmagent.yml"])
    shutil.copy(RULES, tmp_path)
    dry = [tool(program, newest=True), *arguments, "-dryRun"]
    done = subprocess.run(dry, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_rules_are_within_the_limits_of_mimir() -> None:
    """Of a tenant to whom nobody has allowed more."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    assert len(groups) <= 70
    assert max(len(group["rules"]) for group in groups) <= 20
