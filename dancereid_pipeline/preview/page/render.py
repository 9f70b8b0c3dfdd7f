"""Renders a dataset as one HTML file, which needs no other file."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...common.reasons import advice
from ...formats.pose import BONES, JOINT_NAMES
from .dataset_rows import PageData, see
from .figures import figures
from .findings import findings
from .people import people_grid
from .timelines import WIDTH, timelines
from .words import counted

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = ("draw.js", "people.js", "large.js")  # in this order; they share one scope


@dataclass(frozen=True)
class Split:
    """A split in the head of the page.

    Attributes:
        name: name of the split.
        images, people: how many the dataset has; of a stream, how many were read.
        built: number of images in the build; None if there is no coverage.
        expected: number of images that the annotation lists; None if it is unknown.
        expected_people: number of people in the catalogue; None if there is no coverage.
    """

    name: str
    images: int
    people: int
    built: int | None = None
    expected: int | None = None
    expected_people: int | None = None


def render(dataset: Any, people: int | None = None, split: str | None = None) -> str:
    """Renders the page of a dataset; arguments and errors are those of `preview`."""
    data = see(dataset, split)
    grid, splits = people_grid(data, people), _splits(data)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = "\n".join((_TEMPLATES / name).read_text("utf-8") for name in _SCRIPTS)
    return environment.get_template("page.html").render(
        style=Markup((_TEMPLATES / "page.css").read_text("utf-8")),  # noqa: S704  # our own
        script=Markup(script),  # noqa: S704  # our own
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=data,
        rows=data.rows,
        people=len(np.unique(data.rows.person)),
        splits=splits,
        # Each split has one of four signs on the whole page.
        signs={split.name: index % 4 for index, split in enumerate(splits)},
        coverage=data.coverage,
        advice=advice,
        counted=counted,
        findings=findings(data),
        grid=grid,
        timelines=timelines(data.rows),
        timeline_width=WIDTH,
        figures=figures(data, grid.brightness),
        about={
            "height": data.image_size[0],
            "width": data.image_size[1],
            "joints": JOINT_NAMES,
            "bones": BONES,
        },
    )


def _splits(data: PageData) -> list[Split]:
    """The splits of the dataset, then those of the build that have no image."""
    built = data.coverage.splits if data.coverage else {}
    empty = [name for name, images in built.items() if not images]
    return [_split(data, number, name) for number, name in enumerate((*data.rows.splits, *empty))]


def _split(data: PageData, number: int, name: str) -> Split:
    people = data.rows.person[data.rows.split == number]
    split = Split(name, len(people), len(np.unique(people)))
    if data.coverage is None:
        return split
    outcomes = [outcome for outcome in data.coverage.outcomes if name in outcome.splits]
    expected = [outcome.expected for outcome in outcomes]
    return replace(
        split,
        built=sum(outcome.images for outcome in outcomes),
        expected=None if None in expected else sum(e for e in expected if e is not None),
        expected_people=sum(outcome.expected_people for outcome in outcomes),
    )
