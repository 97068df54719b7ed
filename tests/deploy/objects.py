"""What kustomize and the Helm chart make: objects by kind and name, and how to look into them."""

import copy
import functools
import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.rule_tests import ONE_THREAD
from tests.e2e.conftest import ROOT, tool

DEPLOY = ROOT / "deploy"
KUSTOMIZE = DEPLOY / "kubernetes"
CHART = DEPLOY / "helm/frs-exporter"
APIS = ("monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule")
"""Of the Prometheus operator, as Helm names them."""

Object = dict[str, Any]
Objects = dict[tuple[str, str], Object]


def run(*command: str, stdin: str = "") -> str:
    """What a program prints; it says nothing on standard error."""
    done = subprocess.run(command, input=stdin, env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def objects(text: str) -> Objects:
    """Objects by kind and name, of which none is there twice."""
    found = [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]
    named = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert len(named) == len(found)
    return named


@functools.cache
def built(overlay: Path) -> str:
    """What kustomize makes of a folder."""
    return run(tool("kubectl"), "kustomize", str(overlay))


def kustomize(name: str) -> Objects:
    """The objects of an overlay."""
    return objects(built(KUSTOMIZE / "overlays" / name))


@functools.cache
def package() -> tempfile.TemporaryDirectory[str]:
    """A folder with the chart as others get it; Helm tells of each link that it follows."""
    folder = tempfile.TemporaryDirectory(prefix="chart-")
    subprocess.run([tool("helm"), "package", str(CHART), "-d", folder.name], capture_output=True, check=True)
    return folder


def packaged() -> Path:
    """The chart as one file."""
    (file,) = Path(package().name).iterdir()
    return file


@functools.cache
def rendered(
    values: str, release: str = "frs-exporter", chart: Path | None = None, apis: tuple[str, ...] = APIS
) -> str:
    """What the chart makes in a cluster that knows these APIs beside its own."""
    known = [f"--api-versions={api}" for api in apis]
    command = [tool("helm"), "template", release, str(chart or packaged()), "-n", "frs-exporter", *known, "-f", "-"]
    return run(*command, stdin=values)


def helm(values: Mapping[str, Any] | None = None, **keywords: Any) -> Objects:
    """The objects of the chart with these values."""
    return objects(rendered(json.dumps(values or {}), **keywords))


def refusal(values: Mapping[str, Any]) -> str:
    """What Helm says to values that it does not take."""
    command = [tool("helm"), "template", "frs-exporter", str(packaged()), "-f", "-"]
    done = subprocess.run(
        command, input=json.dumps(values), env=ONE_THREAD, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


def nested(path: str, value: Any) -> dict[str, Any]:
    """The value at a path like `image.tag`."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping of several, which may be nested."""
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            deeper = isinstance(value, dict) and isinstance(whole.get(name), dict)
            whole[name] = merged(whole[name], value) if deeper else copy.deepcopy(value)
    return whole


def includes(whole: Any, part: Any) -> bool:
    """Whether all of one thing is in another: texts in texts or at their end, fields in fields, items in items."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and includes(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(includes(one, item) for one in whole) for item in part)
    if isinstance(part, str) and isinstance(whole, str):
        return part in whole if "sentinel" in part else whole.endswith(part)
    return bool(whole == part)


def anywhere(whole: Any, part: Any) -> bool:
    """Whether it is in there, however deep."""
    deeper = whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ()
    return includes(whole, part) or any(anywhere(one, part) for one in deeper)


def the(kind: str, found: Objects) -> Object:
    """The only object of a kind."""
    (one,) = (one for (its, _), one in found.items() if its == kind)
    return one


def workload(found: Objects) -> Object:
    """The Deployment or the StatefulSet."""
    (kind,) = {its for its, _ in found} & {"Deployment", "StatefulSet"}
    return the(kind, found)


def headless(found: Objects) -> Object:
    """The Service that is scraped."""
    (one,) = (one for (its, _), one in found.items() if its == "Service" and "clusterIP" in one["spec"])
    return one


def pod(found: Objects) -> Object:
    """The spec of the exporter's pods."""
    spec: Object = workload(found)["spec"]["template"]["spec"]
    return spec


def container(found: Objects) -> Object:
    """The exporter's own."""
    first: Object = pod(found)["containers"][0]
    return first
