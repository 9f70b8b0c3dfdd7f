"""The folder of a trained model: weights, what they are weights of, and how they came about.

    model.safetensors   the encoder's weights
    model.json          its design
    result.json         method, data, versions, scores
    log.jsonl           a line an epoch
    curves.png          the lines as curves
    pictures/           of ST-ReIDNet: what the generator draws, after each epoch
    README.md           a model card
    unfinished.pt       a training that was stopped; not there once it is finished

No file of it is read as a pickle that could run code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..common.errors import SourceError
from ..common.files import replaced, write_json
from .encoder import Design, Encoder, check_weights

WEIGHTS, DESIGN, RESULT, LOG = "model.safetensors", "model.json", "result.json", "log.jsonl"
UNFINISHED, PICTURES, CURVES, CARD = "unfinished.pt", "pictures", "curves.png", "README.md"


def save_model(folder: Path, encoder: Encoder) -> None:
    """Writes weights and design."""
    tensors = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    with replaced(folder / WEIGHTS) as unfinished, _written(unfinished):
        save_file(tensors, unfinished)
    write_json(folder / DESIGN, asdict(encoder.design))


def load_model(folder: Path) -> Encoder:
    """Reads what `save_model` wrote. It may be a stranger's.

    Raises:
        SourceError: it is not there, or broken.
    """
    try:
        design = _read_design(folder / DESIGN)
        with torch.device("meta"):  # shapes alone: they may need more memory than there is
            shapes = Encoder(design).state_dict()
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise SourceError(
            f"{folder}: expected a model that dancereid train wrote, with a {DESIGN} ({error}). "
            "Name a folder of --output of a training that is finished."
        ) from error
    tensors = read_tensors(folder / WEIGHTS)
    check_weights(shapes, tensors, str(folder / WEIGHTS))
    encoder = Encoder(design)
    encoder.load_state_dict({name: tensors[name] for name in shapes})
    return encoder


def _read_design(path: Path) -> Design:
    """The design in a file.

    Raises:
        TypeError: it holds something else.
    """
    given = json.loads(path.read_text("utf-8"))
    design = Design(**given)
    for name, kind in get_type_hints(Design).items():
        if type(getattr(design, name)) is not kind:
            raise TypeError(f"'{name}' is {getattr(design, name)!r}, not {kind.__name__}")
    return design


def read_result(folder: Path) -> dict[str, Any]:
    """The result of a finished training.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        result = json.loads((folder / RESULT).read_text("utf-8"))
        if not isinstance(result, dict):
            raise TypeError(f"it holds {type(result).__name__}")
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(
            f"{folder / RESULT}: expected the result of a training ({error}). Remove the folder "
            "and train again."
        ) from error
    return result


def facts_of(folder: Path) -> dict[str, Any]:
    """What a training depends on, finished or not; read without its weights.

    Raises:
        SourceError: it cannot be read.
    """
    if not (folder / UNFINISHED).exists():
        return read_result(folder)
    facts: dict[str, Any] = json.loads(load_state(folder, mmap=True)["facts"])
    return facts


def read_tensors(path: Path) -> dict[str, Any]:
    """The tensors of a safetensors file, by name.

    Raises:
        SourceError: there is no such file, or it is none.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise SourceError(
            f"{path}: expected weights in a safetensors file ({error}). Name such a file; others "
            "could run code, and are not read."
        ) from error


def warm_start(encoder: Encoder, path: Path) -> None:
    """Loads a backbone's weights: from a folder that `train` wrote, or a file of timm.

    Raises:
        SourceError: they do not fit.
    """
    file = path / WEIGHTS if path.is_dir() else path
    tensors = read_tensors(file)
    own = {n.removeprefix("backbone."): t for n, t in tensors.items() if n.startswith("backbone.")}
    shapes = encoder.backbone.state_dict()
    check_weights(shapes, own or tensors, str(file))
    encoder.backbone.load_state_dict({name: (own or tensors)[name] for name in shapes})


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Writes the state of a training, all of it or nothing."""
    with replaced(folder / UNFINISHED) as unfinished, _written(unfinished):
        torch.save(state, unfinished)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Neither library raises an `OSError` where the disk refuses."""
    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        raise OSError(f"{path.name} cannot be written: {error}") from error


def load_state(folder: Path, *, mmap: bool = False) -> dict[str, Any]:
    """Reads what `save_state` wrote.

    Args:
        folder: the folder.
        mmap: read tensors only when they are used.

    Raises:
        SourceError: it is not there, or broken.
    """
    path = folder / UNFINISHED
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # what torch raises for broken files is not listed
        raise SourceError(
            f"{path}: cannot be read ({error}). Remove the folder and train again."
        ) from error
    return state
