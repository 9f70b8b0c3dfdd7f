"""The figures of a page: each is a plot, with its most important number as text.

Matplotlib draws them as SVG: a few kilobytes each, without a script, and their text stays text.
Vega or Plotly would add megabytes of script to every page.
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
from .dataset_rows import PageData
from .measures import bbox_heights, cut_at_edge, outside, unseen
from .words import counted

# In the SVG these colours become CSS variables, so that a figure follows the theme of the page.
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
    """A plot and its text.

    Attributes:
        title: what the plot shows.
        number: the most important number.
        meaning: what this number is.
        text: other facts, also for readers who cannot see the plot.
        svg: the plot, an `<svg>` element.
    """

    title: str
    number: str
    meaning: str
    text: str
    svg: str


def figures(data: PageData, brightness: NDArray[np.float64]) -> list[Figure]:
    """Draws all figures.

    Args:
        data: what the page shows.
        brightness: mean brightness of each crop on the page, 0 to 255.
    """
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # its stubs list every known name
        return [
            _images_per_person(data),
            _images_per_video(data),
            _bbox_heights(data),
            _cut(data),
            _outside(data),
            _brightness(brightness),
        ]


def _images_per_person(data: PageData) -> Figure:
    images = np.unique(data.rows.person, return_counts=True)[1]
    return Figure(
        "Images per person",
        f"{np.median(images):,.0f}",
        f"is the median of {counted(len(images), 'person', 'people')}",
        f"Minimum: {images.min():,}. Maximum: {images.max():,}.",
        _histogram(images, "images", "people"),
    )


def _images_per_video(data: PageData) -> Figure:
    images = np.bincount(data.rows.video)
    return Figure(
        "Images per video",
        f"{np.median(images):,.0f}",
        f"is the median of {counted(len(images), 'video')}",
        f"Minimum: {images.min():,}. Maximum: {images.max():,}.",
        _histogram(images, "images of a video", "videos"),
    )


def _bbox_heights(data: PageData) -> Figure:
    heights = bbox_heights(data.rows)
    low, middle, high = np.percentile(heights, (5, 50, 95))
    return Figure(
        "Bbox heights",
        f"{middle:,.0f} px",
        "is the median height of a person in the video",
        f"Nine in ten are between {low:,.0f} and {high:,.0f} pixels; "
        f"{np.mean(heights < data.image_size[0]):.0%} are smaller than a crop "
        f"({data.image_size[0]} pixels) and were enlarged.",
        _histogram(heights, "pixels of the video", "images"),
    )


def _cut(data: PageData) -> Figure:
    cut, known = cut_at_edge(data.rows, data.frame_sizes)
    names = list(data.rows.videos)
    shares = np.array([cut[data.rows.video == video].mean() for video in range(len(names))])
    worst = int(shares.argmax())
    most = f"Most in {names[worst]}: {shares[worst]:.0%}. " if shares[worst] else ""
    unknown = (
        f"All edges are known in {known:,} of {counted(len(names), 'video')}. In the others, the "
        "right and the bottom edge count only where bboxes show them."
    )
    return Figure(
        "Crops cut at the frame's edge",
        f"{cut.mean():.1%}",
        "of the bboxes reach an edge of the frame, so a part of the person may be missing",
        most + ("" if known == len(names) else unknown),
        _histogram(100 * shares, "% of a video's bboxes", "videos", limits=(0, 100)),
    )


def _outside(data: PageData) -> Figure:
    missing = unseen(data.rows)
    seen = np.maximum(np.sum(~missing, axis=0), 1)
    outer = outside(data.rows, data.image_size).sum(axis=0)
    shares = 100 * outer / seen
    worst = int(shares.argmax())
    most = (
        f"Most often the {JOINT_NAMES[worst]}, {shares[worst]:.1f}%." if shares[worst] else "None."
    )
    if missing.any():
        most += f" Joints not seen: {missing.sum():,} of {missing.size:,}."
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
        f"{100 * outer.sum() / seen.sum():.1f}%",
        "of all joints that were seen are outside their crop"
        if missing.any()
        else "of all joints are outside their crop",
        most,
        _svg(canvas),
    )


def _brightness(brightness: NDArray[np.float64]) -> Figure:
    low, middle, high = np.percentile(brightness, (5, 50, 95))
    return Figure(
        "Brightness",
        f"{middle:.0f}",
        "of 255 is the median crop's mean brightness",
        f"On this page: {counted(len(brightness), 'crop')}. Nine in ten are between "
        f"{low:.0f} and {high:.0f}.",
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
    """The plot as an element of a page."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Makes ids in the SVG that are the same in every run, and differ between figures.
    with mpl.rc_context({"svg.hashsalt": canvas.axes[0].get_xlabel()}):
        canvas.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would style the whole page
    # All other ids are the same in every plot ("figure_1").
    pointed_at = set(re.findall(r"#([mp][0-9a-f]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in pointed_at else "", svg)
    for stand_in, variable in _COLOURS.items():
        svg = svg.replace(stand_in, variable)
    return svg.replace("<svg ", '<svg aria-hidden="true" ', 1)
