"""What can be refused of a training before its data is loaded, which may take an hour."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..common.device import usable_device
from ..common.errors import OptionError, SourceError
from ..common.files import UNFINISHED as HALF_WRITTEN
from ..common.files import check_writable, usable
from ..common.validation import checked_path, one_of, require_extra, whole_number
from .methods import Recipe, recipe

SELECTIONS = ("last", "held-out", "published")
_MOST = 10**9
_MOST_RATE = 1e30  # float32 ends at 3.4e38


def check_training(
    output: str | Path,
    *,
    method: str,
    preset: str,
    backbone: str,
    weights: str | Path,
    epochs: int | None,
    steps: int | None,
    batch: int | None,
    lr: float | None,
    seed: int,
    device: str,
    select: str,
    resume: bool,
) -> tuple[Path, Recipe, dict[str, Any]]:
    """Checks the options of `train`, and the folder that it is to write.

    Returns:
        The folder; the recipe; and what the result says of both.

    Raises:
        DanceReIDError: an option is not valid; the folder cannot be written to, or it holds
            something else than this training.
    """
    require_extra("train", "torch", "safetensors")
    one_of("select", select, SELECTIONS)
    whole_number("seed", seed, 0, 2**32)
    usable_device(device)
    chosen = _changed(recipe(method, preset), epochs, batch, lr)
    if str(weights) == "none":
        # There is nothing to preserve in random weights.
        chosen = replace(chosen, backbone_lr=1.0)
    elif str(weights) != "hub" and not Path(weights).expanduser().exists():
        raise SourceError(
            f"weights: expected 'hub', 'none', or the path of a file or a folder, found nothing at "
            f"'{weights}'."
        )
    elif backbone == "small" and str(weights) == "hub":
        raise OptionError(
            "weights: the backbone 'small' has none on the Hub. Begin with 'none', or with a "
            "folder that a training wrote."
        )
    asked: dict[str, Any] = {
        "method": method,
        "preset": preset,
        "switches": list(chosen.switches),
        "backbone": backbone,
        "weights": str(weights),
        "select": select,
        "seed": seed,
        "recipe": asdict(chosen),
    }
    if steps is not None:
        asked["steps"] = whole_number("steps", steps, 1, _MOST)
    folder = checked_path("output", output)
    _check_folder(folder, asked, resume)
    return folder, chosen, asked


def _changed(chosen: Recipe, epochs: int | None, batch: int | None, lr: float | None) -> Recipe:
    """A recipe with what the options change in it."""
    if epochs is not None:
        chosen = replace(chosen, epochs=whole_number("epochs", epochs, 1, _MOST))
    if batch is not None:
        chosen = replace(chosen, batch=whole_number("batch", batch, 2, _MOST))
    if lr is not None:
        if not isinstance(lr, int | float) or not 0 <= lr <= _MOST_RATE:
            raise OptionError(f"lr: expected a number from 0 to {_MOST_RATE:g}, got {lr!r}.")
        chosen = replace(chosen, lr=float(lr))
    return chosen


def _check_folder(folder: Path, asked: dict[str, Any], resume: bool) -> None:
    """Refuses a folder that cannot be written to, or is not new and not of this training."""
    from .model_folder import LOG, PICTURES, RESULT, UNFINISHED, facts_of

    with usable(folder):
        check_writable(folder)
        there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    # All that a training leaves that was killed before it wrote its first state.
    there = {n for n in there if n not in (LOG, PICTURES) and not n.startswith(HALF_WRITTEN)}
    if not there:
        return
    if not there & {RESULT, UNFINISHED}:
        raise OptionError(
            f"{folder}: expected a new folder, or one with a training to resume, found "
            f"{', '.join(sorted(there)[:3])}. Name another folder."
        )
    if not resume:
        raise OptionError(
            f"{folder}: expected a new folder, found a training there. Continue it with --resume, "
            "or name another folder."
        )
    facts = facts_of(folder)
    check_same(folder, asked, facts)


def check_same(folder: Path, here: dict[str, Any], there: dict[str, Any]) -> None:
    """Refuses to continue another training.

    Args:
        folder: the folder of the training.
        here: what the training that was asked for depends on.
        there: the same of the training in the folder.

    Raises:
        OptionError: they differ.
    """
    # As JSON gives it back: it has no tuples.
    here, there = (_flat(json.loads(json.dumps(facts))) for facts in (here, there))
    others = [
        f"{name} {there.get(name)!r} and not {value!r}"
        for name, value in here.items()
        if value != there.get(name)
    ]
    if others:
        raise OptionError(
            f"{folder}: expected this training to resume, found another one, with "
            f"{', '.join(others)}. Repeat its options, or name another folder."
        )


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a training, with those of its recipe among them."""
    inner = facts.pop("recipe", None)
    return {**facts, **inner} if isinstance(inner, dict) else facts
