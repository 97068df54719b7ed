"""The Helm chart for those who run many clusters: what they set, what they get wrong, what a cluster does not know."""

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from deploy.helm.build import with_table
from frs_exporter.cli.main import command
from frs_exporter.cli.web_options import layout_of
from tests.deploy.objects import (
    APIS,
    CHART,
    DEPLOY,
    Objects,
    container,
    headless,
    helm,
    kustomize,
    merged,
    packaged,
    pod,
    refusal,
    rendered,
    run,
    the,
    workload,
)
from tests.e2e.conftest import tool

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
PEOPLE = {
    "externalUrl": "https://mon.example.com:8443/frs/",
    "ingress": {"enabled": True, "className": "nginx", "tls": [{"secretName": "tls", "hosts": ["mon.example.com"]}]},
    "route": {"enabled": True, "parentRefs": [{"name": "gateway", "namespace": "gateways"}]},
}
OPERATORS = {"ServiceMonitor", "PrometheusRule"}


def kinds(found: Objects) -> set[str]:
    return {kind for kind, _ in found}


def options() -> Iterator[tuple[str, str]]:
    """Each flag of the exporter, and each of its variables, with the option's name."""
    for option in command("serve").params:
        assert isinstance(option, click.Option)
        for flag in (*option.opts, *option.secondary_opts):
            if flag.startswith("--"):
                yield flag, str(option.name)
        yield str(option.envvar), str(option.name)


# Flags that the chart sets itself


MINE = {"config_file", "reread_interval", "lifecycle"}
"""What is left to users: what the chart neither sets nor relies on, and more files beside its own."""


def test_each_flag_and_its_variable_is_the_users_or_the_charts() -> None:
    validator = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["notOurs"], "$defs": SCHEMA["$defs"]})
    for name, option in options():
        mine = option in MINE and name != "FRS_CONFIG_FILE"
        for value in (name, f"{name}=x") if name.startswith("--") else (name,):
            errors = [error.message for error in validator.iter_errors(value)]
            assert bool(errors) is not mine, value
            assert mine or len(errors) == 1
    for value in ("--help", "--version", "STATE_DIRECTORY"):
        assert list(validator.iter_errors(value))
    assert not list(validator.iter_errors("FRS_PASSWORD"))


def test_what_the_chart_itself_sets_is_refused_and_the_message_names_the_value() -> None:
    """Also as a variable: with another external URL all probes ask for paths that are not there."""
    given = ["--web.external-url=https://x/frs", "--shard=1", "--config.check", "--config.file=more"]
    told = refusal({"extraArgs": given, "extraEnv": [{"name": "FRS_WEB_EXTERNAL_URL", "value": "https://x/frs"}]})
    assert "at '/extraArgs/0': value must be 'the value externalUrl in place of --web.external-url'" in told
    assert "at '/extraArgs/1': value must be 'the value shards in place of --shard'" in told
    assert "at '/extraArgs/2': value must be 'anything but --config.check" in told
    assert "at '/extraEnv/0/name': value must be 'the value externalUrl in place of" in told
    assert "/extraArgs/3" not in told


# Paths


def served(found: Objects) -> str:
    """The path that all others begin with, as the exporter sees it."""
    given = command("serve").make_context("serve", list(container(found)["args"])).params
    return layout_of(given["telemetry_path"], given["route_prefix"], given["external_url"]).prefix


@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        ({"externalUrl": "https://mon.example.com"}, ""),
        ({"externalUrl": "https://mon.example.com:8443/frs/"}, "/frs"),
        ({"externalUrl": "http://[2001:db8::1]/a/b"}, "/a/b"),
        ({"externalUrl": "https://mon.example.com/frs", "routePrefix": "/"}, ""),
        ({"externalUrl": "https://mon.example.com/frs", "routePrefix": "/inner"}, "/inner"),
        ({"shards": 2, "routePrefix": "/frs/"}, "/frs"),
    ],
)
def test_all_who_ask_ask_where_the_exporter_serves(values: dict[str, Any], prefix: str) -> None:
    found = helm(merged(values, {"dashboards": {"enabled": False}}))
    assert served(found) == prefix
    probes = [container(found)[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")]
    assert probes == [f"{prefix}/-/healthy", f"{prefix}/-/healthy", f"{prefix}/-/ready"]
    (endpoint,) = the("ServiceMonitor", found)["spec"]["endpoints"]
    assert endpoint["path"] == f"{prefix}/metrics"
    (url,) = the("Pod", found)["spec"]["containers"][0]["args"]
    assert url == f"--url=http://frs-exporter.frs-exporter.svc:10377{prefix}"


def test_people_reach_the_exporter_where_alerts_lead_them() -> None:
    found = helm(PEOPLE)
    capital = {"externalUrl": "https://Mon.Example.com:8443/frs/"}
    assert the("Ingress", helm(merged(PEOPLE, capital))) == the("Ingress", found)
    alerts = json.dumps(the("PrometheusRule", found)["spec"])
    assert "https://mon.example.com:8443/frs/project?name=" in alerts
    assert "http://{{ $labels.instance }}" not in alerts
    web = found["Service", "frs-exporter-web"]
    (port,) = web["spec"]["ports"]
    assert web["spec"]["selector"] == headless(found)["spec"]["selector"]
    (rule,) = the("Ingress", found)["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"]) == ("mon.example.com", "/frs")
    assert path["backend"]["service"] == {"name": "frs-exporter-web", "port": {"name": port["name"]}}
    route = the("HTTPRoute", found)["spec"]
    assert route == {
        "parentRefs": [{"name": "gateway", "namespace": "gateways"}],
        "hostnames": ["mon.example.com"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/frs"}}],
                "backendRefs": [{"name": "frs-exporter-web", "port": port["port"]}],
            }
        ],
    }


def test_nobody_is_scraped_twice_where_there_is_a_second_service() -> None:
    """A ServiceMonitor selects both by their labels, and of them the ports of one name."""
    found = helm(PEOPLE)
    (port,) = found["Service", "frs-exporter-web"]["spec"]["ports"]
    (endpoint,) = the("ServiceMonitor", found)["spec"]["endpoints"]
    assert endpoint["port"] != port["name"]


TOO_MANY = {"shards": 2, "ingress": {"enabled": True, "hosts": ["x.example.com"]}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (merged(PEOPLE, {"shards": 2}), "externalUrl is the address of one exporter"),
        (TOO_MANY, "ingress leads to one exporter, and there are several shards"),
        ({"ingress": {"enabled": True}}, "ingress needs a host: set externalUrl, or its own"),
        (
            {"externalUrl": "https://x.example.com", "route": {"enabled": True}},
            "at '/route/parentRefs': minItems: got 0, want 1",
        ),
        ({"externalUrl": "mon.example.com/frs"}, "at '/externalUrl'"),
        (
            {"externalUrl": "https://192.0.2.1/frs", "ingress": {"enabled": True}},
            "ingress needs a name, and 192.0.2.1 is none: set externalUrl to one, or its own",
        ),
        (merged(PEOPLE, {"ingress": {"enabled": False}, "externalUrl": "https://[::1]:8443/frs"}), "and ::1 is none"),
    ],
)
def test_ways_that_lead_nowhere_are_refused(values: dict[str, Any], message: str) -> None:
    assert message in refusal(values)


# One and several


def test_one_exporter_moves_when_its_node_is_lost_and_several_are_numbered() -> None:
    """A StatefulSet waits for people: https://kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod/."""
    for found in (kustomize("single"), helm()):
        spec = the("Deployment", found)["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
        assert not {"FRS_SHARD", "FRS_TOTAL_SHARDS"} & {one["name"] for one in container(found)["env"]}
    for found in (kustomize("sharded"), helm({"shards": 3})):
        assert "Deployment" not in kinds(found)
        assert the("StatefulSet", found)["spec"]["updateStrategy"] == {"type": "RollingUpdate"}


@pytest.mark.parametrize(("shards", "field"), [(1, "strategy"), (2, "updateStrategy")])
def test_how_pods_are_replaced_can_be_set_of_one_and_of_several(shards: int, field: str) -> None:
    own = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    assert workload(helm({"shards": shards, "updateStrategy": own}))["spec"][field] == own


@pytest.mark.parametrize("shards", [1, 2])
def test_instance_is_the_same_for_each_pod_that_comes_after_another(shards: int, tmp_path: Path) -> None:
    """By Prometheus itself: also where one exporter becomes the first of several."""
    overlay = kustomize("single" if shards == 1 else "sharded")
    (endpoint,) = the("ServiceMonitor", helm({"shards": shards}))["spec"]["endpoints"]
    assert endpoint["relabelings"] == the("ServiceMonitor", overlay)["spec"]["endpoints"][0]["relabelings"]
    names = ["frs-exporter-0", "frs-exporter-1"] if shards > 1 else ["frs-exporter-7d9f8b6c5-x2v4k", "frs-exporter-a-b"]
    found = [labels(tmp_path, endpoint["relabelings"], name) for name in names]
    assert [one["instance"] for one in found] == (
        ["frs/frs-exporter-0", "frs/frs-exporter-1"] if shards > 1 else ["frs/frs-exporter-0"] * 2
    )
    assert ("pod" in found[0]) is (shards > 1)


def labels(folder: Path, relabelings: list[dict[str, Any]], name: str) -> dict[str, str]:
    """The labels that a pod of that name gets; the operator's own come before these relabelings."""
    known = {"pod_name": name, "namespace": "frs", "service_name": "frs-exporter"}
    target = {f"__meta_kubernetes_{label}": value for label, value in known.items()}
    snakes = [{re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", k): v for k, v in one.items()} for one in relabelings]
    job = {
        "job_name": "frs",
        "static_configs": [{"targets": ["192.0.2.1:10377"], "labels": {**target, "pod": name}}],
        "relabel_configs": snakes,
    }
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job]}))
    config = str(folder / "prometheus.yml")
    told = json.loads(run(tool("promtool"), "check", "service-discovery", "--timeout=500ms", config, "frs"))
    found: dict[str, str] = told[0]["labels"]
    return found


# Clusters that know less, and charts that have this one as a part


def test_without_the_operator_the_defaults_install_and_all_can_be_had_by_force() -> None:
    """`helm template`, as GitOps has it, knows no cluster."""
    assert not OPERATORS & kinds(helm(apis=()))
    assert kinds(helm(apis=APIS[:1])) & OPERATORS == {"ServiceMonitor"}
    forced = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    assert helm(forced, apis=()) == helm()
    refused = refusal({"serviceMonitor": {"enabled": "yes"}})
    assert "at '/serviceMonitor/enabled': value must be one of true, false, 'auto'" in refused


def test_the_chart_may_be_a_conditional_part_of_another_and_several_times(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    shutil.copy(packaged(), parent / "charts")
    part = {"name": "frs-exporter", "version": "1.0.0-rc.1", "condition": "frs-exporter.enabled"}
    parts = [part, {**part, "alias": "frs-eu", "condition": "frs-eu.enabled"}]
    chart = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": parts}
    (parent / "Chart.yaml").write_text(json.dumps(chart))
    both = helm({"frs-exporter": {"enabled": True}, "frs-eu": {"enabled": True}, "global": {"x": 1}}, chart=parent)
    one = helm({"frs-exporter": {"enabled": True}, "frs-eu": {"enabled": False}}, chart=parent)
    assert {name for kind, name in both if kind == "Deployment"} == {"frs-exporter", "frs-exporter-frs-eu"}
    assert {name for kind, name in one if kind == "Deployment"} == {"frs-exporter"}
    assert rendered('{"frs-exporter": {"enabled": false}, "frs-eu": {"enabled": false}}', chart=parent).strip() == ""


def test_the_dashboards_in_the_package_are_files_and_the_ones_that_grafana_gets() -> None:
    """In the source they are links, so that there is one of each."""
    with tarfile.open(packaged()) as archive:
        members = {one.name.partition("/files/")[2]: one for one in archive if "/files/dashboards" in one.name}
        assert all(one.isfile() for one in members.values())
        texts = {name: archive.extractfile(one).read() for name, one in members.items()}  # type: ignore[union-attr]
    kept = {
        f"{folder}/{file.name}": file for folder in FOLDERS for file in (DEPLOY / "grafana" / folder).glob("*.json")
    }
    assert texts == {name: file.read_bytes() for name, file in kept.items()}
    assert all((CHART / "files" / name).is_symlink() for name in kept)


FOLDERS = ("dashboards", "dashboards-zh-CN")


def test_a_copy_without_links_says_so_instead_of_leaving_dashboards_out(tmp_path: Path) -> None:
    """As Flux makes of a Git repository."""
    copy = shutil.copytree(CHART, tmp_path / "chart", symlinks=True)
    for link in [file for file in copy.rglob("*") if file.is_symlink()]:
        link.unlink()
    arguments = [tool("helm"), "template", "x", str(copy)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert "files/dashboards is empty" in done.stderr
    run(*arguments, "--set=dashboards.enabled=false")


# What a platform team asks for


def test_all_objects_are_in_the_namespace_that_is_set() -> None:
    values = {"namespaceOverride": "other", "extraManifests": [{"kind": "Extra", "metadata": {"name": "x"}}]}
    found = helm(merged(PEOPLE, values))
    del found["Extra", "x"]
    assert {one["metadata"]["namespace"] for one in found.values()} == {"other"}
    assert "namespaceSelector" not in the("ServiceMonitor", found)["spec"]
    elsewhere = the("ServiceMonitor", helm({"serviceMonitor": {"namespace": "monitoring"}}))
    assert elsewhere["metadata"]["namespace"] == "monitoring"
    assert elsewhere["spec"]["namespaceSelector"] == {"matchNames": ["frs-exporter"]}


def test_a_registry_of_all_charts_comes_before_the_charts_own() -> None:
    own = {"image": {"registry": "own.example.com"}, "imagePullSecrets": [{"name": "own"}]}
    mirror = {
        "global": {"imageRegistry": "mirror.example.com:5000", "imagePullSecrets": [{"name": "mirror"}], "other": 1}
    }
    for values, registry, secrets in (
        (own, "own.example.com", [{"name": "own"}]),
        (merged(own, mirror), "mirror.example.com:5000", [{"name": "mirror"}, {"name": "own"}]),
    ):
        found = helm(values)
        for spec in (pod(found), the("Pod", found)["spec"]):
            assert spec["containers"][0]["image"].startswith(f"{registry}/frs-exporter:")
            assert spec["imagePullSecrets"] == secrets


def test_extra_objects_are_left_alone_and_extra_texts_are_templates() -> None:
    rule = {"kind": "PrometheusRule", "metadata": {"name": "x"}, "spec": {"text": "{{ $labels.project }}"}}
    text = "kind: ExternalSecret\nmetadata: {name: '{{ include \"frs-exporter.secretName\" . }}'}\n"
    found = helm({"extraManifests": [rule, text]})
    assert found["PrometheusRule", "x"] == rule
    assert found["ExternalSecret", "frs-exporter-secrets"]


def test_relabelings_of_ones_own_come_after_the_charts_or_in_their_place() -> None:
    own = [{"targetLabel": "a", "replacement": "b"}]
    more, other = (
        the("ServiceMonitor", helm({"serviceMonitor": {name: own}}))["spec"]["endpoints"][0]["relabelings"]
        for name in ("extraRelabelings", "relabelings")
    )
    charts = the("ServiceMonitor", helm())["spec"]["endpoints"][0]["relabelings"]
    assert (more, other) == ([*charts, *own], own)


def test_helm_test_asks_the_exporter_and_is_let_in_but_is_none_itself() -> None:
    closed = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    found = helm({"networkPolicy": {"ingressFrom": closed}, "webConfig": {"existingSecret": "web"}})
    test = the("Pod", found)
    own = test["metadata"]["labels"]
    assert test["metadata"]["annotations"]["helm.sh/hook"] == "test"
    chosen = workload(found)["spec"]["selector"]["matchLabels"]
    assert not chosen.items() <= own.items()
    (rule,) = the("NetworkPolicy", found)["spec"]["ingress"]
    assert rule["from"][0] == closed[0]
    assert rule["from"][1]["podSelector"]["matchLabels"].items() <= own.items()
    (tester,) = test["spec"]["containers"]
    assert tester["command"] == ["frs-exporter", "health"]
    given = command("health").make_context("health", list(tester["args"])).params
    assert given["unverified"] is True
    assert str(given["url"]) == "https://frs-exporter.frs-exporter.svc:10377"
    for field in ("securityContext", "serviceAccountName", "automountServiceAccountToken"):
        assert test["spec"][field] == pod(found)[field]
    assert tester["securityContext"] == container(found)["securityContext"]


def test_no_name_is_too_long_for_what_kubernetes_makes_of_it() -> None:
    """A release has 53 characters; a Service's name, a host in DNS and labels have 63."""
    long = helm(merged(PEOPLE, {"nameOverride": "n" * 63}), release="r" * 53)
    for (kind, name), one in long.items():
        assert len(name) <= (63 if kind in ("Service", "Pod") else 253)
        assert all(len(value) <= 63 for value in one["metadata"]["labels"].values())


def test_openshift_chooses_the_user_itself() -> None:
    """As the README of deploy/kubernetes has it: its range of users is the namespace's."""
    found = helm({"podSecurityContext": dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))})
    for one in (pod(found), the("Pod", found)["spec"]):
        assert one["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_nothing_asks_for_rights_in_the_cluster() -> None:
    assert not {kind for kind in kinds(helm(PEOPLE)) if "Role" in kind or kind in ("Namespace", "ClusterPolicy")}


def test_ten_mistakes_are_told_at_once_each_with_its_place() -> None:
    told = refusal(
        {
            "replicas": 3,
            "shards": "3",
            "namespaceOverride": "Team_A",
            "externalUrl": "mon.example.com",
            "extraArgs": ["--log.level=debug"],
            "ingress": {"hosts": ["https://x"], "paths": []},
            "serviceMonitor": {"enabled": "yes", "interval": "30"},
            "webService": {"type": "Headless"},
            "revisionHistoryLimit": -1,
        }
    )
    places = ("/shards", "/namespaceOverride", "/externalUrl", "/extraArgs/0", "/ingress/hosts/0", "/ingress")
    for place in (*places, "/serviceMonitor/enabled", "/serviceMonitor/interval", "/webService/type"):
        assert f"at '{place}'" in told
    assert "additional properties 'replicas' not allowed" in told
    assert "at '/revisionHistoryLimit': minimum: got -1, want 0" in told


def test_a_value_left_blank_is_the_empty_one() -> None:
    """YAML takes a name with nothing behind it for null, which Helm takes for no such value at all."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def blank(given: dict[str, Any]) -> dict[str, Any]:
        """All values that are empty as shipped, with nothing behind their names."""
        inner = {name: blank(value) for name, value in given.items() if isinstance(value, dict) and value}
        return inner | {name: None for name, value in given.items() if value in ("", [], {})}

    made = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    left = blank(values)
    for name, value in made.items():
        left[name] |= value
    assert helm(left) == helm(made)


def test_what_must_be_there_and_is_left_blank_is_told_by_its_name() -> None:
    told = refusal({"shards": None, "helmTest": None, "service": {"port": None}, "image": {"repository": None}})
    assert "missing properties 'shards', 'helmTest'" in told
    assert "at '/service': missing property 'port'" in told
    assert "at '/image': missing property 'repository'" in told
    assert "config is empty: set it, or existingConfigMap" in refusal({"config": None})


# The README's table


def test_the_table_of_values_is_made_of_the_values() -> None:
    readme = (CHART / "README.md").read_text()
    assert with_table(readme) == readme, "run python deploy/helm/build.py"
    for name in yaml.safe_load((CHART / "values.yaml").read_text()):
        assert re.search(rf"^\| `{name}[.`]", readme, re.MULTILINE), name
