"""The figures, each with the number that matters written out.

Drawn by matplotlib as SVG: a few kilobytes each, without a script, and its text stays text. The
alternatives (Vega, Plotly) would bring megabytes of script into every page.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from ...formats.pose import JOINT_NAMES
from .dataset_rows import Seen
from .measures import box_heights, cut_at_edge, outside

# Stand-ins, which the SVG has as CSS variables, so that a figure follows the page's theme.
_COLOURS = {"#010203": "var(--bar)", "#010204": "var(--faint)", "#010205": "var(--rule)"}
_BAR, _TEXT, _RULE = _COLOURS
_STYLE = {
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _TEXT,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Figure:
    """A plot and what it says.

    Attributes:
        title: what is drawn.
        number: the one that matters.
        meaning: what the number is.
        text: the rest of it, for all, and for those who do not see the plot.
        svg: the plot.
    """

    title: str
    number: str
    meaning: str
    text: str
    svg: str


def figures(seen: Seen, brightness: NDArray[np.float64]) -> list[Figure]:
    """All figures.

    Args:
        seen: the dataset.
        brightness: of the crops that the page shows, 0 to 255.
    """
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # its stubs list every name there is
        return [
            _images_a_person(seen),
            _box_heights(seen),
            _cut(seen),
            _outside(seen),
            _brightness(brightness),
        ]


def _images_a_person(seen: Seen) -> Figure:
    images = np.unique(seen.rows.person, return_counts=True)[1]
    return Figure(
        "Images a person",
        f"{np.median(images):,.0f}",
        f"images is the median of {len(images):,} people",
        f"They have from {images.min():,} to {images.max():,}.",
        _histogram(images, "images", "people"),
    )


def _box_heights(seen: Seen) -> Figure:
    heights = box_heights(seen.rows)
    low, middle, high = np.percentile(heights, (5, 50, 95))
    return Figure(
        "Box heights",
        f"{middle:,.0f} px",
        "is the median height of a person in the video",
        f"Nine in ten lie between {low:,.0f} and {high:,.0f} pixels; "
        f"{np.mean(heights < seen.image_size[0]):.0%} are smaller than a crop "
        f"({seen.image_size[0]} pixels) and were enlarged.",
        _histogram(heights, "pixels of the video", "images"),
    )


def _cut(seen: Seen) -> Figure:
    cut, known = cut_at_edge(seen.rows)
    names = list(seen.rows.videos)
    shares = np.array([cut[seen.rows.video == video].mean() for video in range(len(names))])
    worst = int(shares.argmax())
    most = f"Most in {names[worst]}: {shares[worst]:.0%}. " if shares[worst] else ""
    return Figure(
        "Crops cut at the frame's edge",
        f"{cut.mean():.1%}",
        "of the boxes reach an edge of the picture, so a part of the person may be missing",
        f"{most}The data does not say how large the pictures are: edges on the left and at the top "
        f"count everywhere, those on the right and below only where boxes show them "
        f"(all four in {known} of {len(names)} videos).",
        _histogram(100 * shares, "% of a video's boxes", "videos", limits=(0, 100)),
    )


def _outside(seen: Seen) -> Figure:
    shares = 100 * outside(seen.rows, seen.image_size).mean(axis=0)
    worst = int(shares.argmax())
    most = (
        f"Most often the {JOINT_NAMES[worst]}, {shares[worst]:.1f}%." if shares[worst] else "None."
    )
    canvas, axes = _canvas("% outside", "")
    canvas.set_figheight(3.4)
    axes.barh(range(len(JOINT_NAMES)), shares, color=_BAR, height=0.62)
    axes.set_yticks(range(len(JOINT_NAMES)), JOINT_NAMES, fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.set_xlim(0, max(1.0, 1.1 * shares.max()))
    return Figure(
        "Joints outside their crop",
        f"{shares.mean():.1f}%",
        "of all joints lie outside the crop they belong to",
        most,
        _svg(canvas),
    )


def _brightness(brightness: NDArray[np.float64]) -> Figure:
    low, middle, high = np.percentile(brightness, (5, 50, 95))
    return Figure(
        "Brightness",
        f"{middle:.0f}",
        "of 255 is the median crop's mean brightness",
        f"Of the {len(brightness):,} crops on this page; nine in ten lie between {low:.0f} and "
        f"{high:.0f}.",
        _histogram(brightness, "mean brightness, 0 black to 255 white", "crops", limits=(0, 255)),
    )


def _histogram(
    values: NDArray[Any], label: str, counted: str, limits: tuple[float, float] | None = None
) -> str:
    finite = values[np.isfinite(values)]
    low, high = limits or (float(finite.min(initial=0)), float(finite.max(initial=1)))
    canvas, axes = _canvas(label, counted)
    axes.hist(finite, bins=24, range=(low, high), color=_BAR, rwidth=0.86)
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)
    return _svg(canvas)


def _canvas(x_label: str, y_label: str) -> tuple[Canvas, Any]:
    canvas = Canvas(figsize=(4, 2.5), layout="constrained")
    axes = canvas.subplots()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return canvas, axes


def _svg(canvas: Canvas) -> str:
    """The plot as an element to stand in a page."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Names inside come from this: the same in every run, and no figure's are another's.
    with mpl.rc_context({"svg.hashsalt": canvas.axes[0].get_xlabel()}):
        canvas.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would rule the whole page
    # All else is called alike in every plot ("figure_1").
    pointed_at = set(re.findall(r"#([mp][0-9a-f]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in pointed_at else "", svg)
    for stand_in, variable in _COLOURS.items():
        svg = svg.replace(stand_in, variable)
    return svg.replace("<svg ", '<svg aria-hidden="true" ', 1)
