"""Plots what the dashboards would show into screenshots/: `python -m tests.deploy.plot [MINUTES]`."""

import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.deploy.artifacts import CHINESE_DASHBOARDS, DASHBOARDS, filled_in
from tests.deploy.stack import Stack, stack
from tests.e2e.conftest import ROOT, query, query_range

FOLDER = ROOT / "screenshots"
COLUMN, ROW = 0.8, 0.4
"""Inches of one of a dashboard's 24 columns, and of a row."""

CHINESE_FONTS = {"WenQuanYi Micro Hei", "Noto Sans CJK SC"}
mpl.rcParams["font.family"] = ["DejaVu Sans", *sorted(CHINESE_FONTS & set(font_manager.get_font_names()))]

COLORS = {"green": "#3a9d4f", "orange": "#e08a1e", "red": "#d0342c", "text": "#222222"}
UNITS = {"percentunit": (100, " %"), "s": (1, " s"), "bytes": (2**-20, " MiB"), "currency:¥": (1, " ¥")}


class Line(NamedTuple):
    """A series of a panel: its legend, its labels, and its points, (second since the start, value)."""

    legend: str
    labels: dict[str, str]
    points: list[tuple[float, float]]


class History:
    """What Prometheus knows since a time."""

    def __init__(self, prometheus: str, start: float) -> None:
        self.prometheus = prometheus
        self.start = start

    def lines(self, target: dict[str, Any]) -> list[Line]:
        """The series of a query, of now if it is an instant one."""
        expression = filled_in(target["expr"])
        if target.get("instant"):
            found = [{**series, "values": [series["value"]]} for series in query(self.prometheus, expression)]
        else:
            found = query_range(self.prometheus, expression, self.start)
        return [
            Line(
                legend(target.get("legendFormat", ""), series["metric"]),
                series["metric"],
                [(at - self.start, float(value)) for at, value in series["values"]],
            )
            for series in found
        ]


def legend(template: str, labels: dict[str, str]) -> str:
    """A template with its labels filled in."""
    return re.sub(r"{{(\w+)}}", lambda name: labels.get(name[1], ""), template)


def shown(panel: dict[str, Any], value: float) -> tuple[str, str]:
    """A value as the panel writes it, and its colour."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings", ()):
        if meaning := mapping["options"].get(f"{value:g}"):
            return meaning["text"], COLORS[meaning["color"]]
    steps = defaults.get("thresholds", {"steps": []})["steps"]
    color = [step["color"] for step in steps if step["value"] is None or value >= step["value"]] or ["text"]
    factor, unit = UNITS.get(defaults.get("unit", ""), (1, ""))
    return f"{value * factor:.4g}{unit}", COLORS[color[-1]]


def draw_stat(axes: Axes, panel: dict[str, Any], lines: list[Line]) -> None:
    """One number, large."""
    text, color = shown(panel, lines[0].points[-1][1]) if lines else ("No data", COLORS["text"])
    axes.axis("off")
    axes.text(0.5, 0.45, text, fontsize=22, color=color, ha="center", va="center")


def draw_timeseries(axes: Axes, panel: dict[str, Any], lines: list[Line]) -> None:
    """Lines, or what they add up to."""
    defaults = panel["fieldConfig"]["defaults"]
    below: dict[float, float] = {}
    for line in lines:
        times = [at for at, _ in line.points]
        if "stacking" in defaults["custom"]:
            bottoms = [below.get(at, 0.0) for at in times]
            tops = [bottom + value for bottom, (_, value) in zip(bottoms, line.points, strict=True)]
            axes.fill_between(times, bottoms, tops, alpha=0.4, label=line.legend)
            below.update(zip(times, tops, strict=True))
        else:
            last = shown(panel, line.points[-1][1])[0]
            axes.plot(times, [value for _, value in line.points], linewidth=1, label=f"{line.legend}  {last}")
    if "min" in defaults:
        axes.set_ylim(bottom=defaults["min"])
    axes.set_ylabel(defaults["unit"], fontsize=7)
    if lines:
        axes.legend(fontsize=6, loc="upper left", ncols=2)


def draw_state_timeline(axes: Axes, panel: dict[str, Any], lines: list[Line]) -> None:
    """A row of coloured time for each series."""
    for height, line in enumerate(lines):
        colors = [shown(panel, value)[1] for _, value in line.points]
        axes.broken_barh([(at, 2) for at, _ in line.points], (height - 0.4, 0.8), facecolors=colors)
    axes.set_yticks(range(len(lines)), [line.legend for line in lines])


def draw_bargauge(axes: Axes, panel: dict[str, Any], lines: list[Line]) -> None:
    """A bar for each series, the first on top."""
    values = [line.points[-1][1] for line in lines]
    axes.barh(range(len(lines)), values, color=[shown(panel, value)[1] for value in values], height=0.7)
    axes.set_yticks(range(len(lines)), [line.legend for line in lines])
    for height, value in enumerate(values):
        axes.text(value, height, f" {shown(panel, value)[0]}", fontsize=7, va="center")
    axes.set_xlim(0, panel["fieldConfig"]["defaults"].get("max"))
    axes.invert_yaxis()


def draw_table(axes: Axes, panel: dict[str, Any], lines: list[Line]) -> None:
    """Labels by columns, or on and off by two labels."""
    axes.axis("off")
    options = {change["id"]: change["options"] for change in panel["transformations"]}
    if by := options.get("groupingToMatrix"):
        rows, columns = (sorted({line.labels[by[f]] for line in lines}) for f in ("rowField", "columnField"))
        values = {(line.labels[by["rowField"]], line.labels[by["columnField"]]): line.points[-1][1] for line in lines}
        heads = ["Project", *columns]
        cells = [
            [row, *(shown(panel, values[row, c])[0] if (row, c) in values else "–" for c in columns)] for row in rows
        ]
    else:
        titles, order = options["organize"]["renameByName"], options["organize"]["indexByName"]
        columns = sorted(titles, key=order.__getitem__)
        heads = [titles[column] for column in columns]
        cells = [
            [
                shown(panel, line.points[-1][1])[0] if column == "Value" else line.labels.get(column, "")
                for column in columns
            ]
            for line in lines
        ]
    if not cells:
        axes.text(0.5, 0.5, "No data", ha="center", va="center")
        return
    table = axes.table(cells, colLabels=heads, loc="upper left", cellLoc="left")
    table.auto_set_font_size(False)
    table.set_fontsize(7)


DRAW = {
    "stat": draw_stat,
    "timeseries": draw_timeseries,
    "state-timeline": draw_state_timeline,
    "bargauge": draw_bargauge,
    "table": draw_table,
}


def picture(document: dict[str, Any], history: History) -> Figure:
    """A dashboard, each panel in its place."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in document["panels"])
    figure = Figure(figsize=(24 * COLUMN, height * ROW))
    marks = [(mark["iconColor"], history.lines({"expr": mark["expr"]})) for mark in document["annotations"]["list"]]
    for panel in document["panels"]:
        at = panel["gridPos"]
        if panel["type"] == "row":
            figure.text(0.01, 1 - (at["y"] + 0.8) / height, panel["title"], fontsize=13, weight="bold")
            continue
        corner = ((at["x"] + 1.6) / 24, 1 - (at["y"] + at["h"] - 0.9) / height)
        axes = figure.add_axes((*corner, (at["w"] - 2) / 24, (at["h"] - 2) / height))
        axes.set_title(panel["title"], fontsize=9, loc="left")
        axes.tick_params(labelsize=7)
        DRAW[panel["type"]](axes, panel, [line for target in panel["targets"] for line in history.lines(target)])
        if panel["type"] == "timeseries":
            for color, lines in marks:
                for line in lines:
                    axes.axvline(line.points[0][0], color=COLORS[color], linewidth=0.6, linestyle="--")
    return figure


def live(it: Stack, seconds: float) -> None:
    """Let something happen in each quarter of the time, and be over in the last."""
    quarter = seconds / 4
    time.sleep(quarter)
    it.order(project="vip-lounge", subscribed={"search": False})
    it.order(project="fleet-00001", fault={"status": 503, "code": "APIGW.0613"})
    it.order(project="fleet-00002", fault={"reset": True})
    time.sleep(quarter)
    it.order(project="vision-prod", faces={"visitors": 85_000})
    it.order(project="vip-lounge", fault={"status": 429, "code": "APIG.0308"})
    it.order(clock_offset=20)
    time.sleep(quarter)
    it.order(project="vip-lounge", subscribed={"search": True})
    for project in ("fleet-00001", "vip-lounge"):
        it.order(project=project, fault=None)
    it.order(clock_offset=0)
    time.sleep(quarter)


def main(minutes: float = 6.0) -> None:
    """Live for so long, then plot; dashboards of one project show vip-lounge."""
    FOLDER.mkdir(exist_ok=True)
    mpl.rcParams["axes.grid"] = True
    mpl.rcParams["grid.alpha"] = 0.3
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder), projects=13) as it:
        it.start_prometheus()
        start = time.time()
        live(it, minutes * 60)
        for path in (*DASHBOARDS, *CHINESE_DASHBOARDS):
            text = path.read_text().replace("$project", "vip-lounge") if path.stem == "project" else path.read_text()
            file = FOLDER / f"{path.parent.name}-{path.stem}.png"
            picture(json.loads(text), History(it.prometheus, start)).savefig(file, dpi=80)
            print(file.relative_to(ROOT))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
