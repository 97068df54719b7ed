"""What a fleet costs against its size, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing

INCHES = (9.0, 3.0)
LABELLED = 2
"""The largest sizes, whose points are apart."""


@dataclass(frozen=True)
class Point:
    """What a size costs: percent of a core with a scrape each 15 s, MiB, and bytes of a gzipped page."""

    projects: int
    percent: float
    mib: float
    page: int


def draw(points: Sequence[Point], file: Path) -> None:
    """Write the chart; the same points are the same bytes."""
    sizes = [point.projects for point in points]
    shown = (
        ("CPU, percent of a core", [point.percent for point in points]),
        ("memory, MiB", [point.mib for point in points]),
        ("gzipped page, MB", [point.page / 1e6 for point in points]),
    )
    with mpl.rc_context({"svg.hashsalt": "frs", "svg.fonttype": "none", "font.size": 9}):
        drawing = Drawing(figsize=INCHES, layout="constrained")
        for axes, (title, values) in zip(drawing.subplots(1, len(shown)), shown, strict=True):
            axes.plot(sizes, values, marker="o", color="tab:blue")
            for size, value in [*zip(sizes, values, strict=True)][-LABELLED:]:
                axes.annotate(f"{value:.3g}", (size, value), textcoords="offset points", xytext=(-4, 6), ha="right")
            axes.set(title=title, xlabel="projects", ylim=(0, 1.15 * values[-1]))
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.grid(alpha=0.3)
        drawing.savefig(file, format="svg", metadata={"Date": None})
