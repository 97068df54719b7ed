"""Copy the rules and dashboards to where kustomize and helm can reach them: neither reads outside its own folder."""

import shutil
from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[1]
RULES = Path("prometheus/frs.rules.yml")
DASHBOARDS = Path("grafana/dashboards")
BASE = Path("kubernetes/base/generated")
CHART = Path("helm/frs-exporter/files")

NOTICE = "# Made by build.py from deploy/{source}: change that, then run python deploy/kubernetes/build.py.\n"
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - prometheusrule.yaml
generatorOptions:
  # Names stay: Grafana's sidecar follows a change of the content.
  disableNameSuffixHash: true
  labels:
    grafana_dashboard: "1"
configMapGenerator:
"""


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are; of folded ones kustomize would change the ends of lines."""


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    """A text as YAML: a block if it has several lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def prometheus_rule(rules: str) -> str:
    """The rules as an object."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "frs-exporter"},
        "spec": yaml.safe_load(rules),
    }
    return NOTICE.format(source=RULES) + yaml.dump(rule, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def kustomization(dashboards: list[Path]) -> str:
    """A ConfigMap for each dashboard, as Grafana's sidecar wants them, and the rules."""
    entries = (
        f"  - name: frs-exporter-dashboard-{file.stem}\n    files: [dashboards/{file.name}]\n" for file in dashboards
    )
    return NOTICE.format(source=DASHBOARDS) + KUSTOMIZATION + "".join(entries)


def empty(folder: Path) -> Path:
    """A folder with nothing in it: what has no source any more goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def build(target: Path = DEPLOY) -> None:
    """Write the two folders of copies below `target`."""
    rules = (DEPLOY / RULES).read_text()
    dashboards = sorted((DEPLOY / DASHBOARDS).glob("*.json"))
    base, chart = empty(target / BASE), empty(target / CHART)
    (base / "prometheusrule.yaml").write_text(prometheus_rule(rules))
    (base / "kustomization.yaml").write_text(kustomization(dashboards))
    (chart / RULES.name).write_text(rules)
    for copies in (empty(base / "dashboards"), empty(chart / "dashboards")):
        for file in dashboards:
            shutil.copyfile(file, copies / file.name)


if __name__ == "__main__":
    build()
