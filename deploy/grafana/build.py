"""The dashboards, written as code: `python -m deploy.grafana.build` renders them into the folders beside this file."""

import argparse
import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana import chinese, exporter, fleet, project
from deploy.grafana.panels import EXPORTER, ONE_PROJECT, PROJECTS, SOURCE, Kind, chosen, variable

TAG = "frs-exporter"
DASHBOARDS = {"fleet": fleet, "project": project, "exporter": exporter}


def build(name: str, title: str, about: str, rows: dict[str, list[Kind]]) -> dashboard.Dashboard:
    """A dashboard of these rows, with what all of them have: variables, links to the others, annotations."""
    built = dashboard.Dashboard(title).uid(f"frs-{name}").description(about).tags([TAG])
    built.time("now-6h", "now").refresh("1m").tooltip(model.DashboardCursorSync.CROSSHAIR).timezone("browser")
    add_variables(built, one_project=name == "project")
    link = dashboard.DashboardLink("FRS").type(model.DashboardLinkType.DASHBOARDS).tags([TAG]).tooltip("")
    built.link(link.keep_time(True).include_vars(True))
    for text, color, now in (("Switched off", "red", 0), ("Switched on", "green", 1)):
        changed = f"changes(frs_subscribed{{}}[3m]) > 0 and frs_subscribed{{}} == {now}"
        mark = dashboard.AnnotationQuery().name(text).datasource(SOURCE).enable(True).icon_color(color)
        built.annotation(mark.expr(changed))
    for row, panels in rows.items():
        if row:
            built.with_row(dashboard.Row(row))
        for panel in panels:
            built.with_panel(panel)
    return built


def add_variables(built: dashboard.Dashboard, *, one_project: bool) -> None:
    """The variables that the queries heed; names are those of whatever tells of projects or of itself."""
    ours = '{__name__=~"frs_exporter_build_info|frs_project_info|frs_account_info"'
    projects = f"label_values(frs_project_info{{{EXPORTER}}}, project)"
    built.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    built.with_variable(variable("cluster", "Cluster", f"label_values({ours}}}, cluster)"))
    built.with_variable(variable("job", "Job", f'label_values({ours}, cluster=~"$cluster"}}, job)'))
    exporters = f'label_values({ours}, cluster=~"$cluster", job=~"$job"}}, instance)'
    built.with_variable(variable("instance", "Exporter", exporters))
    built.with_variable(variable("project", "Project", projects, several=not one_project))


def rendered(built: dashboard.Dashboard) -> dict[str, Any]:
    """As Grafana takes it: without empty fields, an id for each panel, what is chosen, and what annotations say."""
    document: dict[str, Any] = json.loads(JSONEncoder().encode(built.build()), object_pairs_hook=without_none)
    (several,) = [each.get("multi", False) for each in document["templating"]["list"] if each["name"] == "project"]
    asked = [target for panel in document["panels"] for target in panel.get("targets", ())]
    for query in (*asked, *document["annotations"]["list"]):
        query["expr"] = chosen(query["expr"], PROJECTS if several else ONE_PROJECT)
    for number, panel in enumerate(document["panels"], start=1):
        panel["id"] = number
    for mark in document["annotations"]["list"]:
        mark |= {"step": "1m", "titleFormat": f"{mark['name']}: {{{{project}}}} {{{{subservice}}}}", "textFormat": ""}
    return {"id": None, **document}


def without_none(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields that say something: the value of a threshold that has none does, it is the lowest."""
    return {name: value for name, value in pairs if value is not None or name == "value"}


def main() -> None:
    """Render all dashboards in both languages into two folders, of which Grafana is to read one or both."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().folder
    for name, of in DASHBOARDS.items():
        document = rendered(build(name, of.TITLE, of.ABOUT, of.layout()))
        write(document, folder / f"dashboards/{name}.json")
        write(chinese.twin(document), folder / f"dashboards-zh-CN/{name}.json")


def write(document: dict[str, Any], file: Path) -> None:
    """Write a dashboard, always in the same order."""
    file.parent.mkdir(exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
    file.write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
