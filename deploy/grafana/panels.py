"""The vocabulary of our dashboards: kinds of panels, and queries that heed the variables."""

import re
from collections.abc import Iterable

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
EXPORTER = 'cluster=~"$cluster", job=~"$job", instance=~"$instance"'
PROJECTS = 'project=~"$project"'
"""Grafana writes the values of a variable as regular expressions where several may be chosen, and only there."""
ONE_PROJECT = 'project="$project"'
"""Where one is chosen it is a name, in which characters mean nothing else: `lab c++` is no regular expression."""
ACCOUNT = "cluster, namespace, job, instance, account"
"""The labels of an account: by these, and what is the account's, go joins of what it has."""
IDENTITY = "cluster, namespace, job, instance"
"""The labels of an exporter, by all of which joins must go: two clusters may have the same instance."""
OWN = re.compile(r"frs_exporter_|process_|up|(\w+:)?frs_(account|packages?|voucher)_")
"""How metrics begin that are an exporter's own, or an account's, not a project's; recorded ones have a level before."""

Steps = tuple[tuple[float | None, str], ...]
GOOD_IF_NONE: Steps = ((None, "green"), (1, "red"))
FULLNESS: Steps = ((None, "green"), (0.8, "orange"), (0.95, "red"))
"""As the alerts have it."""
DAYS_LEFT: Steps = ((None, "red"), (7, "green"))
"""As the alerts have it."""
LEFT: Steps = ((None, "red"), (0.05, "orange"), (0.2, "green"))
GOOD_IF_PAID: Steps = ((None, "green"), (0.01, "red"))
PLAIN: Steps = ((None, "text"),)

YUAN = "currency:¥"
COUNTED_BY_MINUTES = "2m"
"""The step for counters that grow once a minute; Grafana takes four such steps for $__rate_interval."""
NEWEST = common.ReduceDataOptions().calcs(["lastNotNull"])

Texts = dict[str, tuple[str, str]]
"""What values mean, and in which colour."""
ON_OFF: Texts = {"0": ("off", "red"), "1": ("on", "green")}
ON_OFF_UNKNOWN: Texts = {**ON_OFF, "2": ("unknown", "orange")}
UP_DOWN: Texts = {"0": ("down", "red"), "1": ("up", "green")}

Kind = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel | statetimeline.Panel


def chosen(expression: str, projects: str) -> str:
    """An expression whose empty or begun selectors, `frs_up{}`, keep to what is chosen in the variables."""

    def selected(match: re.Match[str]) -> str:
        name, more = match[1], match[2]
        where = EXPORTER if OWN.match(name) else f"{EXPORTER}, {projects}"
        return f"{name}{{{where}{', ' if more != '}' else ''}{more}"

    return re.sub(r"\b([\w:]+)\{(.)", selected, expression)


def query(expression: str, legend: str = "", *, now: bool = False) -> prometheus.Dataquery:
    """A query over the time that is shown, or of now as a table; what is chosen is put in when it is rendered."""
    built = prometheus.Dataquery().ref_id("A").expr(expression).datasource(SOURCE)
    if now:
        return built.instant().format(PromQueryFormat.TABLE)
    return built.range().legend_format(legend)


def described(panel: Kind, title: str, description: str, unit: str, size: tuple[int, int]) -> Kind:
    """What every panel has; `size` is its width, of 24, and its height."""
    width, height = size
    return panel.title(title).description(description).unit(unit).datasource(SOURCE).span(width).height(height)


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Colours from these values on."""
    return dashboard.ThresholdsConfig().steps([model.Threshold(value=value, color=color) for value, color in steps])


def mapping(texts: Texts) -> list[model.ValueMapping]:
    """Values as texts and colours."""
    results = {
        value: model.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(texts.items())
    }
    return [model.ValueMap(options=results)]


def number(title: str, description: str, expression: str, *, steps: Steps = PLAIN, unit: str = "short") -> stat.Panel:
    """One number as it is now, in the colours of these steps."""
    panel = stat.Panel().graph_mode(shapes.BigValueGraphMode.NONE).color_mode(shapes.BigValueColorMode.VALUE)
    panel.reduce_options(NEWEST)
    described(panel, title, description, unit, (4, 4))
    return panel.thresholds(thresholds(steps)).with_target(query(expression, now=True))


def state(title: str, description: str, expression: str, texts: Texts) -> stat.Panel:
    """One state as it is now, in words."""
    return number(title, description, expression).mappings(mapping(texts))


def lines(
    title: str,
    description: str,
    queries: Iterable[tuple[str, str]],
    *,
    unit: str = "short",
    size: tuple[int, int] = (12, 8),
    stacked: bool = False,
    least: float | None = 0,
    step: str = "",
) -> timeseries.Panel:
    """Values over time: expressions with their legends, on an axis from `least` on, and at most one in `step`."""
    panel = timeseries.Panel().fill_opacity(30 if stacked else 8).line_width(1)
    panel.legend(
        common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM).calcs(["lastNotNull"])
    )
    panel.tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
    if least is not None:
        panel.min(least)
    if stacked:
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    described(panel, title, description, unit, size)
    for number, (expression, legend) in enumerate(queries):
        target = query(expression, legend).ref_id(chr(ord("A") + number))
        panel.with_target(target.interval(step) if step else target)
    return panel


def states(title: str, description: str, expression: str, legend: str, texts: Texts) -> statetimeline.Panel:
    """States over time, a row for each series."""
    panel = statetimeline.Panel().merge_values(True).show_value(shapes.VisibilityMode.NEVER).row_height(0.8)
    panel.mappings(mapping(texts)).color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel.thresholds(thresholds(PLAIN))
    described(panel, title, description, "short", (12, 8))
    return panel.with_target(query(expression, legend))


def bars(title: str, description: str, expression: str, legend: str, *, unit: str, steps: Steps) -> bargauge.Panel:
    """Values of now beside each other, from none to all where the unit is a ratio."""
    panel = (
        bargauge.Panel().orientation(shapes.VizOrientation.HORIZONTAL).display_mode(shapes.BarGaugeDisplayMode.BASIC)
    )
    panel.reduce_options(NEWEST).min(0)
    if unit == "percentunit":
        panel.max(1)
    described(panel, title, description, unit, (12, 8))
    panel.thresholds(thresholds(steps))
    return panel.with_target(query(expression, legend).instant())


def rows(
    title: str,
    description: str,
    expression: str,
    columns: dict[str, str],
    *,
    size: tuple[int, int] = (12, 8),
    value: str = "",
    unit: str = "short",
) -> table.Panel:
    """A table of now: labels by the titles of their columns, and the value if it has a title."""
    panel = described(table.Panel(), title, description, unit, size)
    assert isinstance(panel, table.Panel)
    names = {**columns, **({"Value": value} if value else {})}
    options = {
        "excludeByName": {"Time": True, **({} if value else {"Value": True})},
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": names,
    }
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options=options))
    return to_project(panel.with_target(query(expression, now=True)), columns.get("project", "Project"))


def matrix(title: str, description: str, expression: str, by: tuple[str, str], size: tuple[int, int]) -> table.Panel:
    """A table of now: on, off and unknown by two labels, of rows and of columns."""
    row, column = by
    panel = described(table.Panel(), title, description, "short", size)
    assert isinstance(panel, table.Panel)
    options = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    panel.with_transformation(model.DataTransformerConfig(id_val="groupingToMatrix", options=options))
    first = f"{row}\\{column}"
    renamed = {"excludeByName": {}, "indexByName": {}, "renameByName": {first: "Project"}}
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options=renamed))
    panel.mappings(mapping(ON_OFF_UNKNOWN)).thresholds(thresholds(PLAIN)).no_value("–")
    cell = model.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"})
    panel.override_by_regexp("^(?!Project$).*", [cell])
    return to_project(panel.with_target(query(expression, now=True)), "Project")


def to_project(panel: table.Panel, column: str) -> table.Panel:
    """Let the names in a column lead to the project's own dashboard."""
    kept = "${datasource:queryparam}&${cluster:queryparam}&${job:queryparam}&${__url_time_range}"
    url = f"/d/frs-project?{kept}&var-project=${{__value.raw:percentencode}}"
    link = {"title": "Look at this project", "url": url}
    return panel.override_by_name(column, [model.DynamicConfigValue(id_val="links", value=[link])])


def variable(name: str, label: str, values: str, *, several: bool = True) -> dashboard.QueryVariable:
    """A variable whose values Prometheus tells; all of them, if several may be chosen."""
    built = dashboard.QueryVariable(name).label(label).query(values).datasource(SOURCE)
    built.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    if several:
        everything = model.VariableOption(selected=True, text="All", value="$__all")
        built.multi(True).include_all(True).all_value(".*").current(everything)
    return built
