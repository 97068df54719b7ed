"""Copy the rules and dashboards to where kustomize and helm can reach them: neither reads outside its own folder."""

import shutil
from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[1]
RULES, CHINESE_RULES = Path("prometheus/frs.rules.yml"), Path("prometheus/frs.rules.zh-CN.yml")
DASHBOARDS, CHINESE_DASHBOARDS = Path("grafana/dashboards"), Path("grafana/dashboards-zh-CN")
BASE = Path("kubernetes/base/generated")
COMPONENT = Path("kubernetes/components/chinese")
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
CHINESE_KUSTOMIZATION = """\
# Rules and dashboards in Chinese, in place of the English ones.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - path: prometheusrule.yaml
generatorOptions:
  disableNameSuffixHash: true
configMapGenerator:
"""


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are; of folded ones kustomize would change the ends of lines."""


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    """A text as YAML: a block if it has several lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def prometheus_rule(source: Path) -> str:
    """The rules of a file as an object."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "frs-exporter"},
        "spec": yaml.safe_load((DEPLOY / source).read_text()),
    }
    return NOTICE.format(source=source) + yaml.dump(rule, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def kustomization(text: str, source: Path, more: str = "") -> str:
    """A ConfigMap for each dashboard, as Grafana's sidecar wants them, and the rules; `more` is of each ConfigMap."""
    entries = (
        f"  - name: frs-exporter-dashboard-{file.stem}\n{more}    files: [dashboards/{file.name}]\n"
        for file in dashboards(source)
    )
    return NOTICE.format(source=source) + text + "".join(entries)


def dashboards(source: Path) -> list[Path]:
    """The dashboards in a folder."""
    return sorted((DEPLOY / source).glob("*.json"))


def empty(folder: Path) -> Path:
    """A folder with nothing in it: what has no source any more goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def build(target: Path = DEPLOY) -> None:
    """Write the folders of copies below `target`."""
    base, component, chart = (empty(target / folder) for folder in (BASE, COMPONENT, CHART))
    (base / "prometheusrule.yaml").write_text(prometheus_rule(RULES))
    (base / "kustomization.yaml").write_text(kustomization(KUSTOMIZATION, DASHBOARDS))
    copy(DASHBOARDS, base / "dashboards")
    (component / "prometheusrule.yaml").write_text(prometheus_rule(CHINESE_RULES))
    chinese = kustomization(CHINESE_KUSTOMIZATION, CHINESE_DASHBOARDS, "    behavior: replace\n")
    (component / "kustomization.yaml").write_text(chinese)
    copy(CHINESE_DASHBOARDS, component / "dashboards")
    for rules in (RULES, CHINESE_RULES):
        shutil.copyfile(DEPLOY / rules, chart / rules.name)
    for folder in (DASHBOARDS, CHINESE_DASHBOARDS):
        copy(folder, chart / folder.name)


def copy(source: Path, folder: Path) -> None:
    """Copy the dashboards of a folder into another, and nothing else."""
    empty(folder)
    for file in dashboards(source):
        shutil.copyfile(file, folder / file.name)


if __name__ == "__main__":
    build()
