"""The dashboards: in step with their code, as Grafana's own types want them, asking for what there is.

Grafana itself is not run: nothing that can be installed here ships its server.
"""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest

from deploy.grafana.chinese import TEXTS, twin
from tests.deploy.artifacts import (
    CHINESE_DASHBOARDS,
    DASHBOARDS,
    dashboard,
    exposed_metrics,
    metrics_named,
    panels,
    queries,
    recorded_named,
    rules,
)
from tests.e2e.conftest import ROOT, tool

TYPES = ROOT / ".tools/node_modules/@grafana/schema/dist/types"
ALL = {path.stem: dashboard(path) for path in DASHBOARDS}
CHINESE = {path.stem: dashboard(path) for path in CHINESE_DASHBOARDS}
KINDS = sorted({panel["type"] for document in ALL.values() for panel in panels(document)})
EVERY = [pytest.param(document, id=document["uid"]) for document in (*ALL.values(), *CHINESE.values())]
QUERIES = [
    pytest.param(expression, target, id=where)
    for document in ALL.values()
    for where, expression, target in queries(document)
]


def schema_of(kind: str, file: str, *flags: str) -> dict[str, Any]:
    """A JSON Schema made of Grafana's types in a file; null is a type of its own."""
    command = [tool("typescript-json-schema"), str(TYPES / file), kind, "--strictNullChecks", "--ignoreErrors", *flags]
    made = subprocess.run(command, check=True, capture_output=True)
    document: dict[str, Any] = json.loads(made.stdout)
    return document


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    """The schema of a dashboard, which leaves open what the kinds of panels have for themselves."""
    return schema_of("Dashboard", "index.d.ts", "--required")


@pytest.fixture(scope="session", params=KINDS)
def own_schema(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A kind of panel, and the schema of what it has for itself: all of it has defaults, none of it other names."""
    kind: str = request.param
    file = f"raw/composable/{kind.replace('-', '')}/panelcfg/x/types.gen.d.ts"
    return kind, schema_of("*", file, "--noExtraProps")


def test_there_are_dashboards_of_the_fleet_of_a_project_and_of_the_exporter() -> None:
    assert set(ALL) == {"fleet", "project", "exporter"}
    assert {document["uid"] for document in ALL.values()} == {f"frs-{name}" for name in ALL}
    assert len({document["title"] for document in ALL.values()}) == len(ALL)


def test_what_is_committed_is_what_the_code_renders(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.grafana.build", "--folder", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT)
    assert {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.glob("*/*")} == {
        f"{path.parent.name}/{path.name}": path.read_text() for path in (*DASHBOARDS, *CHINESE_DASHBOARDS)
    }, "run python -m deploy.grafana.build"


@pytest.mark.parametrize("document", EVERY)
def test_dashboards_are_as_grafanas_own_types_want_them(schema: dict[str, Any], document: dict[str, Any]) -> None:
    jsonschema.validate(document, schema)


def test_panels_are_as_the_types_of_their_kind_want_them(own_schema: tuple[str, dict[str, Any]]) -> None:
    kind, definitions = own_schema
    both = (*ALL.values(), *CHINESE.values())
    own = [panel for document in both for panel in panels(document) if panel["type"] == kind]
    options, fields = ({**definitions, "$ref": f"#/definitions/{name}"} for name in ("Options", "FieldConfig"))
    for panel in own:
        jsonschema.validate(panel.get("options", {}), options)
        if custom := panel["fieldConfig"]["defaults"].get("custom"):
            jsonschema.validate(custom, fields)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**own[0].get("options", {}), "colour": "red"}, options)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("panels", 0, "gridPos", "h"), "8"),
        (("panels", 0, "type"), None),
        (("templating", "list", 0, "name"), 5),
        (("links", 0, "tooltip"), None),
        (("schemaVersion",), "41"),
    ],
)
def test_a_planted_mistake_is_found(schema: dict[str, Any], path: tuple[Any, ...], wrong: Any) -> None:
    document: Any = copy.deepcopy(ALL["fleet"])
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


@pytest.mark.parametrize("document", EVERY)
def test_a_dashboard_can_be_provisioned_and_heeds_its_variables(document: dict[str, Any]) -> None:
    assert document["id"] is None
    assert "__inputs" not in document
    variables = {each["name"]: each for each in document["templating"]["list"]}
    assert list(variables) == ["datasource", "cluster", "job", "instance", "project"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    one = document["uid"].startswith("frs-project")
    for name in ("cluster", "job", "instance", "project"):
        several = name != "project" or not one
        assert (variables[name].get("multi", False), variables[name].get("allValue")) == (
            several,
            ".*" if several else None,
        )
    (link,) = document["links"]
    assert (link["type"], link["tags"], link["includeVars"]) == ("dashboards", document["tags"], True)
    off, on = document["annotations"]["list"]
    assert [(mark["expr"][-4:], mark["iconColor"]) for mark in (off, on)] == [("== 0", "red"), ("== 1", "green")]
    assert all(mark["titleFormat"].startswith(mark["name"]) for mark in (off, on))


@pytest.mark.parametrize("document", EVERY)
def test_every_panel_says_what_it_shows_and_in_which_unit(document: dict[str, Any]) -> None:
    shown = panels(document)
    assert len(shown) >= 14
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    for panel in shown:
        assert re.fullmatch(r"[A-Z].*[.]|.*[\u4e00-\u9fff].*。", panel["description"]), panel["title"]
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        names = [target["refId"] for target in panel["targets"]]
        assert all(names)
        assert len(set(names)) == len(names)
        for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
            assert source == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("document", EVERY)
def test_panels_do_not_cover_each_other(document: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in document["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.parametrize(("expression", "target"), QUERIES)
def test_every_query_is_promql_about_metrics_that_exist(expression: str, target: dict[str, Any]) -> None:
    promql_parser.parse(expression)
    assert metrics_named(expression) <= exposed_metrics()
    assert recorded_named(expression) <= rules("record").keys()
    assert metrics_named(expression) or recorded_named(expression) or "ALERTS" in expression
    assert "{}" not in expression
    assert {"$cluster", "$job"} <= set(re.findall(r"\$\w+", target["expr"])), "whoever has several exporters chooses"
    for label in re.findall(r"{{(\w+)}}", target.get("legendFormat", "")):
        assert re.search(rf"\b{label}\b", expression), "a legend needs its label in the result"


def test_names_in_tables_lead_to_the_projects_dashboard() -> None:
    for language in (ALL, CHINESE):
        urls = re.findall(r'"url": "(/d/[^"?]+)', json.dumps(language["fleet"]))
        assert set(urls) == {f"/d/{language['project']['uid']}"}


@pytest.mark.parametrize("name", ALL)
def test_in_chinese_all_is_the_same_but_texts(name: str) -> None:
    """So that what is tried of the queries in English holds for both."""
    english, chinese = ALL[name], CHINESE[name]
    assert masked(english) == masked(chinese)
    for one, other in zip(queries(english), queries(chinese), strict=True):
        legends = [re.findall(r"{{\w+}}", target.get("legendFormat", "")) for _, _, target in (one, other)]
        assert legends[0] == legends[1]


@pytest.mark.parametrize("document", [pytest.param(document, id=name) for name, document in CHINESE.items()])
def test_in_chinese_nothing_to_read_is_english(document: dict[str, Any]) -> None:
    said = set(texts(document))
    assert len(said) > 60
    named = r"{{\w+}}|frs-exporter explain|FRS|[Ee]xporter|Token|ID|CPU|API|Web|5xx|4xx|cloud_eye|pricing|warning"
    named += r"|frs|iam|ces|ecs|balance|credit|bonus|deposit"
    english = [text for text in said if re.search(r"[A-Za-z]", re.sub(named, "", text))]
    assert not english


def test_each_language_links_to_its_own_dashboards() -> None:
    for language, end in ((ALL, ""), (CHINESE, "-zh")):
        assert {document["uid"] for document in language.values()} == {f"frs-{name}{end}" for name in ALL}
        for document in language.values():
            assert document["tags"] == document["links"][0]["tags"] == [f"frs-exporter{end}"]


def test_every_chinese_text_is_used() -> None:
    said = {text for document in ALL.values() for text in texts(document)}
    assert said >= TEXTS.keys(), TEXTS.keys() - said


@pytest.mark.parametrize("field", ["title", "legendFormat"])
def test_a_text_without_a_chinese_one_is_no_dashboard(field: str) -> None:
    document = copy.deepcopy(ALL["fleet"])
    panels(document)[0]["targets"][0][field] = panels(document)[0][field] = "Nobody has translated this"
    with pytest.raises(KeyError, match="Nobody has translated this"):
        twin(document)


FOR_READERS = ("title", "description", "legendFormat", "label", "text", "name", "titleFormat")


def masked(node: Any, name: str = "") -> Any:
    """A part of a dashboard without what is for readers, and without what tells the two languages apart."""
    if isinstance(node, dict):
        columns = name == "renameByName"
        return {key: masked(value, "title" if columns else key) for key, value in node.items()}
    if isinstance(node, list):
        return [masked(value, name) for value in node]
    if name in (*FOR_READERS, "uid", "tags", "url") or (name == "options" and isinstance(node, str)):
        return ""
    return node


def texts(node: Any, name: str = "") -> Iterator[str]:
    """What there is to read in a part of a dashboard; names of variables are none of it."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key != "name" or name == "renameByName" or "titleFormat" in node:
                yield from texts(value, "title" if name == "renameByName" else key)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif name in FOR_READERS and node:
        yield node
