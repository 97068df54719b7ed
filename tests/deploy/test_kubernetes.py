"""Kustomize and the Helm chart: what they render is valid, safe, the same, and fits the exporter."""

import base64
import copy
import functools
import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from deploy.kubernetes.build import build
from frs_exporter import __version__
from frs_exporter.cli.main import command
from frs_exporter.cli.serve import DEFAULT_ADDRESS
from frs_exporter.config.load import load
from tests.deploy.artifacts import loaded
from tests.deploy.objects import (
    CHART,
    DEPLOY,
    KUSTOMIZE,
    Object,
    Objects,
    anywhere,
    built,
    container,
    headless,
    helm,
    kustomize,
    merged,
    nested,
    objects,
    packaged,
    pod,
    refusal,
    run,
    the,
    workload,
)
from tests.e2e.conftest import EXPORTER, Programs, eventually, fetch, tool
from tests.root import without_root

RULES = loaded(DEPLOY / "prometheus/frs.rules.yml")["groups"]
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
README = (KUSTOMIZE / "README.md").read_text()
MOUNTED = "/etc/frs-exporter"
OPERATORS = {"ServiceMonitor", "PrometheusRule"}
CUSTOM = OPERATORS | {"HTTPRoute"}
SAME: Mapping[str, dict[str, Any]] = {"single": {}, "sharded": {"shards": 3}}
"""Each overlay, and the values with which the chart gives the same."""

# Every field of values.yaml with a value that is not its default, all good for Kubernetes.
TEXTS = {"sentinel.example.com/name": "sentinel-text"}
SECRET_KEY = {"name": "sentinel-secret", "key": "sentinel-key"}
FIELDS: Mapping[str, Any] = {
    "nameOverride": "sentinel-name",
    "fullnameOverride": "sentinel-full",
    "namespaceOverride": "sentinel-namespace",
    "commonLabels": TEXTS,
    "global.imageRegistry": "global-sentinel.example.com:5000",
    "global.imagePullSecrets": [{"name": "global-sentinel"}],
    "image.registry": "sentinel.example.com",
    "image.repository": "sentinel/image",
    "image.tag": "9.9.9-sentinel",
    "image.digest": "sha256:" + 64 * "a",
    "image.pullPolicy": "Always",
    "imagePullSecrets": [{"name": "sentinel"}],
    "shards": 77,
    "updateStrategy": {"type": "OnDelete"},
    "revisionHistoryLimit": 77,
    "config": "sentinel: !env SENTINEL\nother: !file sentinel\n",
    "existingConfigMap": "sentinel-config-map",
    "restartOnConfigChange": True,
    "existingSecret": "sentinel-secret",
    "secrets": {"sentinel-file": "sentinel password"},
    "secretOptional": True,
    "state.existingClaim": "sentinel-claim",
    "extraArgs": ["--config.auto-reload-interval=17s"],
    "extraEnv": [{"name": "SENTINEL", "value": "sentinel"}],
    "envFrom": [{"secretRef": {"name": "sentinel"}}],
    "logLevel": "debug",
    "logFormat": "json",
    "webConfig.existingSecret": "sentinel-web",
    "webConfig.key": "sentinel.yml",
    "webConfig.tls": False,
    "externalUrl": "https://sentinel.example.com/sentinel",
    "routePrefix": "/sentinel",
    "resources": {"limits": {"cpu": "777m"}, "claims": [{"name": "sentinel"}]},
    "probes.startup": {"failureThreshold": 777},
    "probes.liveness": {"periodSeconds": 777},
    "probes.readiness": {"exec": {"command": ["sentinel"]}},
    "annotations": TEXTS,
    "podAnnotations": TEXTS,
    "podLabels": TEXTS,
    "nodeSelector": TEXTS,
    "tolerations": [{"key": "sentinel", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "topologySpreadConstraints": [{"maxSkew": 77, "topologyKey": "sentinel", "whenUnsatisfiable": "ScheduleAnyway"}],
    "priorityClassName": "sentinel",
    "terminationGracePeriodSeconds": 77,
    "podSecurityContext": {"supplementalGroups": [777]},
    "securityContext": {"procMount": "Unmasked"},
    "extraVolumes": [{"name": "sentinel", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "sentinel", "mountPath": "/sentinel"}],
    "extraContainers": [{"name": "sentinel", "image": "sentinel"}],
    "extraPodSpec": {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.77"]}},
    "extraManifests": ["{kind: Sentinel, metadata: {name: '{{ .Release.Name }}-sentinel'}}"],
    "serviceAccount.create": False,
    "serviceAccount.name": "sentinel",
    "serviceAccount.annotations": TEXTS,
    "service.port": 17777,
    "service.annotations": TEXTS,
    "service.labels": TEXTS,
    "webService.enabled": True,
    "webService.type": "NodePort",
    "webService.port": 7777,
    "webService.annotations": TEXTS,
    "webService.labels": TEXTS,
    "ingress.enabled": True,
    "ingress.className": "sentinel",
    "ingress.annotations": TEXTS,
    "ingress.labels": TEXTS,
    "ingress.hosts": ["sentinel.example.com"],
    "ingress.path": "/sentinel",
    "ingress.pathType": "Exact",
    "ingress.tls": [{"secretName": "sentinel"}],
    "route.enabled": True,
    "route.annotations": TEXTS,
    "route.labels": TEXTS,
    "route.parentRefs": [{"name": "sentinel"}],
    "route.hostnames": ["*.sentinel.example.com"],
    "route.path": "/sentinel",
    "route.filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["sentinel"]}}],
    "serviceMonitor.enabled": False,
    "serviceMonitor.namespace": "sentinel",
    "serviceMonitor.labels": TEXTS,
    "serviceMonitor.annotations": TEXTS,
    "serviceMonitor.interval": "77s",
    "serviceMonitor.scrapeTimeout": "17s",
    "serviceMonitor.jobLabel": "sentinel",
    "serviceMonitor.selector": TEXTS,
    "serviceMonitor.scheme": "https",
    "serviceMonitor.tlsConfig": {"serverName": "sentinel.example.com", "ca": {"secret": SECRET_KEY}},
    "serviceMonitor.basicAuth": {"username": SECRET_KEY, "password": SECRET_KEY},
    "serviceMonitor.relabelings": [{"targetLabel": "sentinel", "replacement": "sentinel"}],
    "serviceMonitor.extraRelabelings": [{"targetLabel": "sentinel", "replacement": "another"}],
    "serviceMonitor.metricRelabelings": [{"regex": "sentinel", "action": "labeldrop"}],
    "serviceMonitor.extraEndpoint": {"proxyUrl": "http://sentinel.example.com"},
    "serviceMonitor.extraSpec": {"sampleLimit": 7777},
    "language": "zh",
    "prometheusRule.enabled": False,
    "prometheusRule.labels": TEXTS,
    "prometheusRule.annotations": TEXTS,
    "prometheusRule.runbookUrl": "https://sentinel.example.com/runbooks",
    "prometheusRule.pageUrl": "https://sentinel.example.com/frs",
    "prometheusRule.selector": 'sentinel="x"',
    "prometheusRule.clusterLabel": "sentinel",
    "prometheusRule.languages": ["zh-CN"],
    "prometheusRule.additionalRuleLabels": {"sentinel": "sentinel-text"},
    "prometheusRule.thresholds": {"scheduleLagSeconds": 77},
    "prometheusRule.alerts": {"FrsApiSlow": {"severity": "sentinel"}},
    "prometheusRule.extraGroups": [{"name": "sentinel", "rules": [{"record": "a:b:c", "expr": "sum(sentinel)"}]}],
    "dashboards.enabled": False,
    "dashboards.label": "sentinel",
    "dashboards.labelValue": "sentinel",
    "dashboards.namespace": "sentinel",
    "dashboards.annotations": TEXTS,
    "networkPolicy.enabled": False,
    "networkPolicy.ingressFrom": [{"namespaceSelector": {"matchLabels": TEXTS}}],
    "networkPolicy.extraEgress": [{"ports": [{"port": 7777, "protocol": "TCP"}]}],
    "helmTest.enabled": False,
    "helmTest.resources": {"limits": {"cpu": "777m"}},
    "podDisruptionBudget.enabled": False,
    "podDisruptionBudget.maxUnavailable": 77,
}
PEOPLE = {
    "externalUrl": "https://frs.example.com/frs",
    "ingress": {"enabled": True},
    "route": {"enabled": True, "parentRefs": [{"name": "gateway", "namespace": "gateways"}]},
}
"""Everything by which people reach the exporter."""
NEEDS: Mapping[str, Any] = {
    **dict.fromkeys((path for path in FIELDS if path.startswith(("ingress.", "route.", "webService."))), PEOPLE),
    **{f"{name}.enabled": merged(PEOPLE, {name: {"enabled": False}}) for name in ("ingress", "route")},
    "webService.enabled": {},
    "webConfig.key": {"webConfig": {"existingSecret": "web"}},
    "webConfig.tls": {"webConfig": {"existingSecret": "web"}},
}
"""Without these a field means nothing."""
SHOWN: Mapping[str, Any] = {
    "secrets": {"sentinel-file": base64.b64encode(b"sentinel password").decode()},
    "dashboards.label": {"sentinel": "1"},
    "ingress.hosts": {"host": "sentinel.example.com"},
    "extraManifests": {"kind": "Sentinel", "metadata": {"name": "frs-exporter-sentinel"}},
    "language": "Prometheus 无法抓取 FRS exporter。",
    "prometheusRule.selector": 'frs_exporter_schedule_lag_seconds{sentinel="x"}',
    "prometheusRule.clusterLabel": "(sentinel, namespace",
    "prometheusRule.languages": "Prometheus 无法抓取 FRS exporter。",
    "prometheusRule.thresholds": "_seconds > 77",
    "prometheusRule.alerts": {"severity": "sentinel"},
}
"""What the output has of them, where that is not the value."""
KINDS = {"dashboards": "ConfigMap", "webService": "Service", "route": "HTTPRoute", "helmTest": "Pod"}
"""What a part of the values makes, where that has another name."""
LARGE = ("dashboards", "prometheusRule")
"""Parts of the values whose output is nearly all there is."""
SMALL = {part: {"enabled": False} for part in LARGE}
"""Without them Helm takes half the time, and the output is a twentieth."""
ALONE = (
    *("existingConfigMap", "existingSecret", "webConfig.tls", "serviceAccount.create", "externalUrl"),
    *("updateStrategy", "serviceMonitor.selector", "extraManifests"),
)
"""What goes with others of these fields only badly, or hides them."""
EVERYTHING = merged(*(nested(p, v) for p, v in FIELDS.items() if p not in ALONE and not p.endswith(".enabled")))
ONE = merged(EVERYTHING, PEOPLE, {"shards": 1})
"""The same for one exporter, which people reach."""
RENDERED: Mapping[str, Callable[[], Objects]] = {
    **{overlay: functools.partial(kustomize, overlay) for overlay in SAME},
    "helm": helm,
    "helm with everything": lambda: helm(EVERYTHING),
    "helm with everything for one": lambda: helm(ONE),
}


def fields(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all fields that a schema knows."""
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from fields(inner, f"{path}{name}.")
        elif path or name != "enabled":
            yield path + name


def at(values: Any, path: str) -> Any:
    return functools.reduce(lambda value, name: value[name], path.split("."), values)


SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


# In step


def test_the_copies_of_rules_are_those_of_their_sources(tmp_path: Path) -> None:
    build(tmp_path)
    made = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(made) == 2
    for file in made:
        kept = DEPLOY / file.relative_to(tmp_path)
        assert kept.read_bytes() == file.read_bytes(), "run make deploy"


def test_the_versions_are_the_exporters() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__
    for found in (kustomize("single"), helm()):
        assert container(found)["image"] == f"frs-exporter:{__version__}"
        own = [one for one in found.values() if one["kind"] != "Namespace"]
        assert {one["metadata"]["labels"]["app.kubernetes.io/version"] for one in own} == {__version__}


def comparable(found: Objects) -> Objects:
    """Objects without what one tool alone has: Helm's labels and test, the Namespace, how the checksum is made."""
    found = {key: one for key, one in copy.deepcopy(found).items() if one["kind"] not in ("Namespace", "Pod")}
    for one in found.values():
        for label in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
            one["metadata"]["labels"].pop(label, None)
    annotations = workload(found)["metadata"]["annotations"]
    assert re.fullmatch(r"config-\w{10}|[0-9a-f]{64}", annotations["checksum/config"])
    annotations["checksum/config"] = "of the config"
    return found


@pytest.mark.parametrize("overlay", SAME)
def test_kustomize_and_helm_give_the_same_objects(overlay: str) -> None:
    by_kustomize, by_helm = comparable(kustomize(overlay)), comparable(helm(SAME[overlay]))
    assert by_kustomize.keys() == by_helm.keys()
    for key, one in by_kustomize.items():
        assert one == by_helm[key]


def test_each_overlay_is_the_base_in_a_namespace() -> None:
    base, single = objects(built(KUSTOMIZE / "base")), kustomize("single")
    namespace = single.pop(("Namespace", "frs-exporter"))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for one in single.values():
        assert one["metadata"].pop("namespace") == "frs-exporter"
    assert single == base


# Valid


def test_helm_has_nothing_to_say_about_the_chart() -> None:
    told = run(tool("helm"), "lint", "--strict", str(packaged()))
    assert "1 chart(s) linted, 0 chart(s) failed" in told
    assert "WARNING" not in told


VERSIONS = [f"1.{minor}" for minor in range(27, int(kubernetes_validate.latest_version().split(".")[1]) + 1)]


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(version: str) -> None:
    """From the chart's kubeVersion on; custom resources have checks of their own."""
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == ">=1.27.0-0"
    for one in lists_of_objects():
        kubernetes_validate.validate(one, version, strict=True)


@functools.cache
def lists_of_objects() -> list[Object]:
    """All that is rendered and of Kubernetes itself, a list for each kind: its schemas are read anew for each list."""
    found: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for one in map(json.loads, different_objects()):
        found[one["kind"], one["apiVersion"]].append(one)
    return [{"kind": f"{kind}List", "apiVersion": api, "items": items} for (kind, api), items in found.items()]


def different_objects() -> frozenset[str]:
    """The same as JSON; many overlays have the same objects."""
    everything = [render() for render in RENDERED.values()]
    assert all({kind for kind, _ in found} >= OPERATORS for found in everything)
    assert {kind for kind, _ in everything[-1]} >= CUSTOM | {"Ingress", "Pod"}
    return frozenset(json.dumps(one) for found in everything for (kind, _), one in found.items() if kind not in CUSTOM)


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


TEXT = {"type": "string"}
DURATION = {"type": "string", "pattern": r"^(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?$"}
KEY = {**closed(name=TEXT, key=TEXT, optional={"type": "boolean"}), "required": ["key"]}
ACTIONS = ["replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"]
RELABELINGS = {
    "type": "array",
    "items": closed(
        sourceLabels={"type": "array", "items": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"}},
        **dict.fromkeys(("separator", "targetLabel", "regex", "replacement"), TEXT),
        modulus={"type": "integer"},
        action={"enum": ACTIONS},
    ),
}
TLS_VERSION = {"type": "string", "pattern": "^TLS1[0-3]$"}
TLS = closed(
    **dict.fromkeys(("ca", "cert"), closed(secret=KEY, configMap=KEY)),
    **dict.fromkeys(("caFile", "certFile", "keyFile", "serverName"), TEXT),
    **dict.fromkeys(("minVersion", "maxVersion"), TLS_VERSION),
    keySecret=KEY,
    insecureSkipVerify={"type": "boolean"},
)
ENDPOINT = closed(
    **dict.fromkeys(("port", "path", "proxyUrl"), TEXT),
    **dict.fromkeys(("interval", "scrapeTimeout"), DURATION),
    **dict.fromkeys(("relabelings", "metricRelabelings"), RELABELINGS),
    scheme={"enum": ["http", "https"]},
    tlsConfig=TLS,
    basicAuth=closed(username=KEY, password=KEY),
)
SELECTOR = closed(matchLabels={"type": "object", "additionalProperties": TEXT})
SERVICE_MONITOR = closed(
    selector=SELECTOR,
    endpoints={"type": "array", "items": {**ENDPOINT, "required": ["port"]}},
    namespaceSelector=closed(matchNames={"type": "array", "items": TEXT}),
    jobLabel=TEXT,
    sampleLimit={"type": "integer"},
)
"""As monitoring.coreos.com/v1 has it, as far as we use it."""


@pytest.mark.parametrize("render", RENDERED.values(), ids=list(RENDERED))
def test_the_service_monitor_finds_the_port_of_the_service(render: Callable[[], Objects]) -> None:
    found = render()
    monitor, service = the("ServiceMonitor", found), headless(found)
    jsonschema.validate(monitor["spec"], {**SERVICE_MONITOR, "required": ["selector", "endpoints"]})
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    where = monitor["spec"].get("namespaceSelector", {"matchNames": [monitor["metadata"].get("namespace")]})
    assert where == {"matchNames": [service["metadata"].get("namespace")]}
    (endpoint,), (port,) = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert port["targetPort"] in [one["name"] for one in container(found)["ports"]]
    assert service["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("render", RENDERED.values(), ids=list(RENDERED))
def test_prometheus_takes_the_rules(render: Callable[[], Objects], tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(the("PrometheusRule", render())["spec"]))
    assert "SUCCESS" in run(tool("promtool"), "check", "rules", str(tmp_path / "rules.yml"))


@pytest.mark.parametrize("render", RENDERED.values(), ids=list(RENDERED))
def test_objects_are_small_enough_to_be_applied(render: Callable[[], Objects]) -> None:
    """`kubectl apply` keeps a copy in an annotation; those of an object may have 256 KiB."""
    assert all(len(json.dumps(one)) < 250_000 for one in render().values())


# The same rules and dashboards


def test_rules_survive_byte_for_byte() -> None:
    for found in (kustomize("single"), helm()):
        assert the("PrometheusRule", found)["spec"]["groups"] == RULES


def test_only_the_address_of_runbooks_is_replaced() -> None:
    url = "https://wiki.example.com/x: #a/frs".replace(" ", "")
    groups = the("PrometheusRule", helm({"prometheusRule": {"runbookUrl": url}}))["spec"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert alerts
    assert all(rule["annotations"]["runbook_url"].startswith(f"{url}#") for rule in alerts)
    text = json.dumps(groups).replace(url, "https://runbooks.example.com/frs-exporter")
    assert json.loads(text) == RULES


def test_pages_are_linked_to_where_people_reach_them() -> None:
    groups = the("PrometheusRule", helm({"prometheusRule": {"pageUrl": "https://frs.example.com/x/"}}))["spec"][
        "groups"
    ]
    links = [rule["annotations"].get("page_url") for group in groups for rule in group["rules"] if "alert" in rule]
    assert all(link.startswith("https://frs.example.com/x/") and "//" not in link[8:] for link in links if link)
    text = json.dumps(groups).replace("https://frs.example.com/x/", "http://{{ $labels.instance }}/")
    assert json.loads(text) == RULES


def test_dashboards_survive_byte_for_byte() -> None:
    for found in (kustomize("single"), helm()):
        maps = [one for one in found.values() if "grafana_dashboard" in one["metadata"]["labels"]]
        assert [one["metadata"]["labels"]["grafana_dashboard"] for one in maps] == ["1"] * len(DASHBOARDS)
        kept = {name: text for one in maps for name, text in one["data"].items()}
        assert kept == {file.name: file.read_text() for file in DASHBOARDS}


def test_in_chinese_they_are_those_of_the_chinese_files_and_the_same_of_both_tools(tmp_path: Path) -> None:
    by_kustomize = own_overlay(tmp_path, "projects: []\n", shown("components/chinese"))
    image = {"repository": "registry.example.com/frs-exporter"}
    by_helm = helm({"language": "zh", "config": "projects: []\n", "image": image})
    assert comparable(by_kustomize) == comparable(by_helm)
    spec = the("PrometheusRule", by_helm)["spec"]
    assert spec == yaml.safe_load((DEPLOY / "prometheus/frs.rules.zh-CN.yml").read_text())
    maps = [one for one in by_helm.values() if "grafana_dashboard" in one["metadata"]["labels"]]
    kept = {name: text for one in maps for name, text in one["data"].items()}
    assert kept == {file.name: file.read_text() for file in (DEPLOY / "grafana/dashboards-zh-CN").glob("*.json")}
    assert by_helm.keys() == helm().keys(), "one language in place of the other, not beside it"


# Values


def test_the_schema_and_the_values_know_the_same_fields() -> None:
    known = list(fields(SCHEMA))
    assert sorted(known) == sorted(FIELDS)
    for path in known:
        at(VALUES, path)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)
    text = (CHART / "values.yaml").read_text()
    assert all(re.search(rf"^ *{name}:", text, re.MULTILINE) for path in known for name in path.split("."))


def needed(path: str) -> dict[str, Any]:
    """Values with which a field means something, and as little as can be is rendered."""
    others = {} if path.startswith((*LARGE, "language")) else SMALL
    return merged(others, NEEDS.get(path, {}))


@pytest.mark.parametrize("path", FIELDS)
def test_every_value_reaches_the_output(path: str) -> None:
    """What others complain about most in charts are values that are silently ignored."""
    value, needs = FIELDS[path], needed(path)
    before, after = helm(needs), helm(merged(needs, nested(path, value)))
    assert after != before
    if not isinstance(value, bool):
        assert not anywhere(before, SHOWN.get(path, value))
        assert anywhere(after, SHOWN.get(path, value))


@pytest.mark.parametrize("path", [path for path, value in FIELDS.items() if path.endswith((".enabled", ".create"))])
def test_what_is_switched_off_is_not_there(path: str) -> None:
    on, off = (helm(merged(needed(path), nested(path, value))) for value in (at(VALUES, path) or True, False))
    name = path.partition(".")[0]
    assert {its.casefold() for its, _ in on.keys() - off.keys()} == {KINDS.get(name, name).casefold()}


BAD_VALUES: Mapping[str, tuple[dict[str, Any], str]] = {
    "an unknown name": ({"replicas": 3}, "additional properties 'replicas' not allowed"),
    "an unknown name deeper": ({"image": {"name": "x"}}, "additional properties 'name' not allowed"),
    "a config that is no text": ({"config": {"projects": []}}, "at '/config': got object, want string"),
    "an empty config": ({"config": ""}, "at '/config'"),
    "no shard": ({"shards": 0}, "at '/shards': minimum: got 0, want 1"),
    "shards as text": ({"shards": "3"}, "at '/shards': got string, want integer"),
    "a level that is none": ({"logLevel": "trace"}, "value must be one of 'debug', 'info', 'warning', 'error'"),
    "a label that is a number": ({"commonLabels": {"a": 1}}, "at '/commonLabels/a': got number, want string"),
    "one argument": ({"extraArgs": "--x"}, "at '/extraArgs': got string, want array"),
    "a tag that is a number": ({"image": {"tag": 1.0}}, "at '/image/tag': got number, want string"),
    "half a digest": ({"image": {"digest": "sha256:abc"}}, "at '/image/digest'"),
    "a secret that is a number": ({"secrets": {"a": 1}}, "at '/secrets/a': got number, want string"),
    "a secret with a path": ({"secrets": {"a/b": "x"}}, "a/b"),
    "a field of the pod that is the chart's": ({"extraPodSpec": {"volumes": []}}, "volumes"),
    "a field of the endpoint that is the chart's": ({"serviceMonitor": {"extraEndpoint": {"port": "x"}}}, "port"),
    "an interval without a unit": ({"serviceMonitor": {"interval": "30"}}, "at '/serviceMonitor/interval'"),
    "a language that is none": ({"language": "de"}, "value must be one of 'en', 'zh'"),
    "a budget that blocks a drain": ({"podDisruptionBudget": {"maxUnavailable": 0}}, "minimum: got 0, want 1"),
    "a probe that is none": ({"probes": {"health": {}}}, "additional properties 'health' not allowed"),
    "a path without a slash": ({"routePrefix": "frs"}, "at '/routePrefix'"),
    "two secrets": ({"secrets": {"a": "x"}, "existingSecret": "y"}, "secrets and existingSecret are both set"),
}


@pytest.mark.parametrize(("values", "message"), BAD_VALUES.values(), ids=list(BAD_VALUES))
def test_bad_values_are_refused(values: dict[str, Any], message: str) -> None:
    assert message in refusal(values)


def test_the_chart_may_be_a_part_of_another() -> None:
    """Helm then adds a field `global` to the values."""
    assert helm({"global": {"anything": 1}}) == helm()


def test_fields_of_the_pod_and_the_endpoint_have_one_value() -> None:
    """What `extraPodSpec`, `extraEndpoint` and `extraSpec` refuse is what the chart sets."""
    full = helm(EVERYTHING)
    taken = set(SCHEMA["properties"]["extraPodSpec"]["propertyNames"]["not"]["enum"])
    assert pod(full).keys() == taken | EVERYTHING["extraPodSpec"].keys()
    spec = the("ServiceMonitor", full)["spec"]
    known = SCHEMA["properties"]["serviceMonitor"]["properties"]
    extra = EVERYTHING["serviceMonitor"]
    taken = set(known["extraEndpoint"]["propertyNames"]["not"]["enum"])
    assert spec["endpoints"][0].keys() == taken | extra["extraEndpoint"].keys()
    assert spec.keys() == set(known["extraSpec"]["propertyNames"]["not"]["enum"]) | extra["extraSpec"].keys()


def test_the_names_of_a_long_release_fit() -> None:
    """A StatefulSet's name and eleven characters become a label, which has 63."""
    found = helm(release="r" * 53)
    assert len(workload(found)["metadata"]["name"]) <= 52
    found = helm({"fullnameOverride": "f" * 70}, release="1234")
    assert len(workload(found)["metadata"]["name"]) <= 52
    assert headless(found)["spec"]["selector"]["app.kubernetes.io/instance"] == "1234"


def test_a_probe_that_is_null_is_left_out() -> None:
    assert "startupProbe" not in container(helm({"probes": {"startup": None}}))


# Safe


RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected"}


@pytest.mark.parametrize("overlay", SAME)
@pytest.mark.parametrize("by", ["kustomize", "helm"])
def test_pods_fulfil_the_restricted_standard(overlay: str, by: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, rule by rule."""
    found = kustomize(overlay) if by == "kustomize" else helm(SAME[overlay])
    spec = pod(found)
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    for volume in spec["volumes"]:
        assert volume.keys() - {"name"} <= RESTRICTED_VOLUMES | {"secret"}
    whole = spec["securityContext"]
    assert whole["runAsNonRoot"] is True
    assert whole["runAsUser"] == 65534
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"sysctls", "windowsOptions", "seLinuxOptions", "appArmorProfile"} & whole.keys()
    assert not {"initContainers", "ephemeralContainers"} & spec.keys()
    for one in spec["containers"]:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert all("hostPort" not in port for port in one["ports"])
        assert "cpu" not in one["resources"]["limits"]
    assert spec["automountServiceAccountToken"] is False
    assert the("ServiceAccount", found)["automountServiceAccountToken"] is False


def test_config_and_secrets_are_mounted_so_that_they_change() -> None:
    """What is mounted by subPath stays as it was; a Secret that is missing is waited for."""
    for found in (kustomize("single"), helm(EVERYTHING)):
        assert all("subPath" not in mount for mount in container(found)["volumeMounts"])
    (secrets,) = (volume["secret"] for volume in pod(helm())["volumes"] if volume["name"] == "secrets")
    assert secrets == {"secretName": "frs-exporter-secrets", "optional": False, "defaultMode": 0o440}


@pytest.mark.parametrize("overlay", SAME)
def test_state_outlives_the_container_and_a_check_within_the_pod_finds_it(overlay: str) -> None:
    """In a folder of the exporter's own, which it makes: an emptyDir may be changed by everybody, of which it warns."""
    found = kustomize(overlay)
    (folder,) = (one["mountPath"] for one in container(found)["volumeMounts"] if not one.get("readOnly"))
    assert {"name": "STATE_DIRECTORY", "value": f"{folder}/state"} in container(found)["env"]
    (volume,) = (volume for volume in pod(found)["volumes"] if volume["name"] == "state")
    assert volume == {"name": "state", "emptyDir": {"sizeLimit": "64Mi"}}
    assert f"STATE_DIRECTORY={folder} " in (DEPLOY / "docker/Dockerfile").read_text()


@pytest.mark.parametrize("overlay", SAME)
def test_state_may_outlive_the_pod(overlay: str, tmp_path: Path) -> None:
    """As the README shows it, and in the chart."""
    patched = own_overlay(tmp_path, "projects: []\n", shown("claimName: frs-exporter-state"), overlay)
    for found in (patched, helm(merged(SAME[overlay], {"state": {"existingClaim": "frs-exporter-state"}}))):
        (volume,) = (volume for volume in pod(found)["volumes"] if volume["name"] == "state")
        assert volume == {"name": "state", "persistentVolumeClaim": {"claimName": "frs-exporter-state"}}


def test_the_network_policy_lets_in_one_port_and_out_to_names_and_https() -> None:
    spec = the("NetworkPolicy", kustomize("single"))["spec"]
    assert spec["ingress"] == [{"ports": [{"port": 10377, "protocol": "TCP"}]}]
    ports = [(port["protocol"], port["port"]) for rule in spec["egress"] for port in rule["ports"]]
    assert ports == [("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353), ("TCP", 443)]
    assert spec["policyTypes"] == ["Ingress", "Egress"]


def selectors(found: Objects) -> list[Object]:
    """All labels by which something is selected."""
    specs = {kind: one["spec"] for (kind, _), one in found.items() if "spec" in one}
    chosen = [specs[kind]["selector"]["matchLabels"] for kind in (workload(found)["kind"], "PodDisruptionBudget")]
    chosen += [specs["ServiceMonitor"]["selector"]["matchLabels"], specs["NetworkPolicy"]["podSelector"]["matchLabels"]]
    return [*chosen, headless(found)["spec"]["selector"]]


def test_selectors_stay_as_they_are_in_later_versions(tmp_path: Path) -> None:
    """Those of a StatefulSet cannot be changed: an upgrade would fail."""
    shutil.copytree(CHART, tmp_path / "frs-exporter")
    chart = tmp_path / "frs-exporter/Chart.yaml"
    chart.write_text(re.sub(r'ersion: "?[\d][\w.-]*"?', 'ersion: "9.9.9"', chart.read_text()))
    later = helm({"commonLabels": {"app.kubernetes.io/name": "other"}, "podLabels": TEXTS}, chart=chart.parent)
    assert headless(later)["metadata"]["labels"]["app.kubernetes.io/version"] == "9.9.9"
    expected = {"app.kubernetes.io/name": "frs-exporter", "app.kubernetes.io/instance": "frs-exporter"}
    for found in (later, helm(), kustomize("sharded")):
        assert selectors(found) == [expected] * 5
        assert expected.items() <= workload(found)["spec"]["template"]["metadata"]["labels"].items()


# Fits the exporter


def test_flags_port_and_shards_are_the_exporters() -> None:
    flags = {flag for option in command("serve").params for flag in option.opts}
    for found in (kustomize("single"), kustomize("sharded"), helm(EVERYTHING)):
        assert {argument.split("=")[0] for argument in container(found)["args"]} <= flags
    for found in (kustomize("sharded"), helm(EVERYTHING)):
        spec = the("StatefulSet", found)["spec"]
        env = {one["name"]: one for one in container(found)["env"]}
        assert env["FRS_TOTAL_SHARDS"]["value"] == str(spec["replicas"])
        assert env["FRS_SHARD"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
        assert spec["serviceName"] == headless(found)["metadata"]["name"]
    for found in (kustomize("single"), helm()):
        (port,) = container(found)["ports"]
        assert f":{port['containerPort']}" == DEFAULT_ADDRESS


def test_more_files_are_joined_as_the_charts_readme_shows() -> None:
    block, *_ = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    given = container(helm(yaml.safe_load(block)))
    options = command("serve").make_context("serve", given["args"]).params
    assert options["config_file"] == (f"{MOUNTED}/config/config.yaml", f"{MOUNTED}/teams")
    assert {"name": "teams", "mountPath": f"{MOUNTED}/teams", "readOnly": True} in given["volumeMounts"]


def test_a_check_within_the_pod_finds_the_config() -> None:
    for found in (kustomize("single"), helm()):
        (file,) = command("serve").make_context("serve", container(found)["args"]).params["config_file"]
        assert {"name": "FRS_CONFIG_FILE", "value": file} in container(found)["env"]


def mount(found: Objects, folder: Path) -> Path:
    """The config's volume as the kubelet writes it, with links, and a file for each secret that it names."""
    (text,) = found["ConfigMap", "frs-exporter-config"]["data"].values()
    (folder / "config/..data").mkdir(parents=True)
    (folder / "secrets").mkdir()
    (folder / "config/..data/config.yaml").write_text(text.replace(MOUNTED, str(folder)))
    (folder / "config/config.yaml").symlink_to("..data/config.yaml")
    for name in re.findall(rf"!file {MOUNTED}/secrets/(\S+)", text):
        (folder / "secrets" / name).write_text(re.sub(r"\W", "", name) + "\n")
    return folder / "config/config.yaml"


@pytest.mark.parametrize("values", [{}, {"webConfig": {"existingSecret": "web"}}])
def test_nothing_is_mounted_within_what_is_mounted(values: dict[str, Any]) -> None:
    """Kubelets make such folders, others that run pods may not: each volume of an API's object is read-only."""
    folders = [Path(each["mountPath"]) for each in container(helm(values))["volumeMounts"]]
    assert len(folders) >= 2
    assert not [(one, other) for one in folders for other in folders if one in other.parents]


@pytest.mark.parametrize("overlay", SAME)
def test_the_exporter_takes_config_arguments_and_environment_of_each_pod(overlay: str, tmp_path: Path) -> None:
    found = helm(SAME[overlay])
    config = load(str(mount(found, tmp_path / "etc")))
    assert [target.project for target in config.targets] == ["vision-prod"]
    assert config.notices == ()
    arguments = [one.replace(MOUNTED, str(tmp_path / "etc")) for one in container(found)["args"]]
    for number in range(shards := workload(found)["spec"]["replicas"]):
        pods = {"FRS_SHARD": f"frs-exporter-{number}", "FRS_TOTAL_SHARDS": str(shards)} if shards > 1 else {}
        command = [*EXPORTER, *arguments, "--config.check"]
        checked = subprocess.run(command, env=os.environ | pods, capture_output=True, text=True, check=False)
        assert (checked.returncode, without_root(checked.stderr)) == (0, "")


@pytest.mark.parametrize("prefix", ["", "/frs"])
def test_probes_and_the_service_monitor_ask_for_what_is_there(prefix: str, tmp_path: Path) -> None:
    found = helm({"externalUrl": f"https://monitoring.example.com{prefix}"})
    probes = [container(found)[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")]
    assert probes == [f"{prefix}/-/healthy", f"{prefix}/-/healthy", f"{prefix}/-/ready"]
    programs = Programs(tmp_path)
    try:
        _, config = programs.simulator()
        flags = [one for one in container(found)["args"] if one.startswith(("--log", "--web.external-url"))]
        _, url = programs.daemon(config, *flags)
        eventually(lambda: {fetch(url + path) for path in probes} == {"healthy\n", "ready\n"})
        (endpoint,) = the("ServiceMonitor", found)["spec"]["endpoints"]
        assert "frs_up{" in fetch(url + endpoint["path"])
    finally:
        programs.stop()


@pytest.mark.parametrize(("tls", "scheme"), [(True, "https"), (False, "http")])
def test_tls_is_used_by_all_who_ask(tls: bool, scheme: str) -> None:
    found = helm({"webConfig": {"existingSecret": "web", "tls": tls}})
    assert f"--web.config.file={MOUNTED}/web/web-config.yml" in container(found)["args"]
    assert {"name": "web", "mountPath": f"{MOUNTED}/web", "readOnly": True} in container(found)["volumeMounts"]
    assert the("ServiceMonitor", found)["spec"]["endpoints"][0]["scheme"] == scheme
    for name in ("startup", "liveness", "readiness"):
        assert container(found)[f"{name}Probe"]["httpGet"]["scheme"] == scheme.upper()


def test_the_probes_that_the_charts_readme_shows_are_good() -> None:
    """For a web config with logins."""
    _, block, *_ = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    found = helm(yaml.safe_load(block))
    for (kind, _), one in found.items():
        if kind not in CUSTOM:
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)
    jsonschema.validate(the("ServiceMonitor", found)["spec"], SERVICE_MONITOR)
    probes = [container(found)[f"{name}Probe"] for name in ("startup", "liveness", "readiness")]
    assert all("httpGet" not in probe for probe in probes)
    program, name, *arguments = probes[1]["exec"]["command"]
    assert program == "frs-exporter"
    assert command(name).make_context(name, arguments).params["unverified"] is True


@pytest.mark.parametrize("overlay", SAME)
def test_the_component_for_tls_is_what_the_chart_does(overlay: str, tmp_path: Path) -> None:
    config = kustomize("single")["ConfigMap", "frs-exporter-config"]["data"]["config.yaml"]
    by_kustomize = comparable(own_overlay(tmp_path, config, shown("components/web-config"), overlay))
    monitor = {"tlsConfig": {"serverName": "frs-exporter.frs-exporter.svc"}}
    image = {"repository": "registry.example.com/frs-exporter"}
    values = {"webConfig": {"existingSecret": "frs-exporter-web"}, "serviceMonitor": monitor, "image": image}
    assert by_kustomize == comparable(helm(merged(SAME[overlay], values)))


# A change of the config


def test_a_change_of_the_config_changes_the_checksum_and_restarts_only_if_that_is_wanted() -> None:
    def annotations(**values: Any) -> tuple[str | None, str | None]:
        one = workload(helm(values))
        pods = one["spec"]["template"]["metadata"]["annotations"]
        return one["metadata"].get("annotations", {}).get("checksum/config"), pods.get("checksum/config")

    first, second = (annotations(config=text) for text in ("projects: []\n", "projects: [1]\n"))
    assert first[0] != second[0]
    assert first[1] is second[1] is None
    assert annotations(config="projects: []\n", restartOnConfigChange=True) == (None, first[0])
    assert annotations(existingConfigMap="mine") == (None, None)
    before, after = (pod(helm({"config": text})) for text in ("a", "b"))
    assert before == after


def shown(what: str) -> str:
    """The one example of YAML in the README with this in it."""
    (block,) = (text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if what in text)
    return str(block)


def own_overlay(folder: Path, config: str, more: str = "", of: str = "single") -> Objects:
    """The overlay that the README shows, with one's own config."""
    for part in ("kubernetes", "grafana"):
        shutil.copytree(DEPLOY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    mine = folder / "kubernetes/overlays/mine"
    mine.mkdir()
    (mine / "exporter.yaml").write_text(config)
    (mine / "kustomization.yaml").write_text(shown("behavior: replace").replace("../single #", f"../{of} #") + more)
    return objects(run(tool("kubectl"), "kustomize", str(mine)))


def test_an_overlay_of_ones_own_has_its_config_and_its_checksum(tmp_path: Path) -> None:
    found, other = (own_overlay(tmp_path / config, f"projects: [{config}]\n") for config in ("a", "b"))
    assert found["ConfigMap", "frs-exporter-config"]["data"] == {"config.yaml": "projects: [a]\n"}
    checksums = [
        workload(one)["metadata"]["annotations"]["checksum/config"] for one in (kustomize("single"), found, other)
    ]
    assert len(set(checksums)) == 3
    assert pod(found) == pod(other)
    assert found.keys() == kustomize("single").keys()


def test_the_readme_shows_how_to_restart_at_each_change_and_to_leave_the_operator_out(tmp_path: Path) -> None:
    patches = shown("$patch: delete")
    found, other = (own_overlay(tmp_path / config, f"projects: [{config}]\n", patches) for config in ("a", "b"))
    assert not CUSTOM & {kind for kind, _ in found}
    checksums = {
        workload(one)["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for one in (found, other)
    }
    assert len(checksums) == 2
