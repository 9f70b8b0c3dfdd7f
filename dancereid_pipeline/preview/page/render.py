"""A dataset -> one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...build.coverage import Coverage
from ...common.reasons import advice
from ...formats.pose import BONES, JOINT_NAMES
from .dataset_rows import Seen, see
from .figures import figures
from .findings import findings
from .people import build_wall
from .timelines import WIDTH, timelines

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = ("draw.js", "wall.js", "large.js")  # one scope, in this order


@dataclass(frozen=True)
class Split:
    """A split at the head of the page.

    Attributes:
        name: of it.
        images, people: that are here; of a stream, that were looked at.
        built: images of the build, None where no coverage tells.
        expected: images that its annotation asks for, None where nothing tells.
        expected_people: of the catalogue, None where no coverage tells.
    """

    name: str
    images: int
    people: int
    built: int | None = None
    expected: int | None = None
    expected_people: int | None = None


def render(dataset: Any, people: int | None = None, split: str | None = None) -> str:
    """The page of a dataset.

    Args:
        dataset: a split, or a mapping of splits; built or a stream.
        people: rows of the wall at most; None for as many as a page holds.
        split: only this one.

    Raises:
        DanceReIDError: it cannot be looked at.
    """
    seen = see(dataset, split)
    wall, splits = build_wall(seen, people), _splits(seen)
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
        seen=seen,
        rows=seen.rows,
        people=len(np.unique(seen.rows.person)),
        splits=splits,
        # Of four signs, the one that stands for a split wherever it is drawn.
        signs={split.name: place % 4 for place, split in enumerate(splits)},
        coverage=seen.coverage,
        advice=advice,
        findings=findings(seen),
        wall=wall,
        timelines=timelines(seen.rows),
        timeline_width=WIDTH,
        figures=figures(seen, wall.brightness),
        about={
            "height": seen.image_size[0],
            "width": seen.image_size[1],
            "joints": JOINT_NAMES,
            "bones": BONES,
        },
    )


def _splits(seen: Seen) -> list[Split]:
    """What is here of each split, and those of which not one image could be built."""
    rows, found = seen.rows, seen.coverage
    here = {}
    for number, name in enumerate(rows.splits):
        of_split = rows.split == number
        here[name] = Split(name, int(of_split.sum()), len(np.unique(rows.person[of_split])))
    if found is None:
        return list(here.values())
    empty = [name for name, images in found.splits.items() if not images]
    return [_against(found, here.get(name) or Split(name, 0, 0)) for name in [*here, *empty]]


def _against(found: Coverage, split: Split) -> Split:
    outcomes = [outcome for outcome in found.outcomes if split.name in outcome.splits]
    expected = [outcome.expected for outcome in outcomes]
    return Split(
        split.name,
        split.images,
        split.people,
        built=sum(outcome.images for outcome in outcomes),
        expected=None if None in expected else sum(e for e in expected if e is not None),
        expected_people=sum(outcome.expected_people for outcome in outcomes),
    )
