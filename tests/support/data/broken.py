"""A data folder that `write_folder` made, with what people get wrong in their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dancereid_pipeline.formats.npy_tracks import write_tracks


def npy_of(folder: Path, video_id: str) -> Path:
    """The tracks of a video."""
    return folder / "npy" / f"333_00_{video_id}_matching.npy"


def change_detections(
    folder: Path, video_id: str, change: Callable[[dict[str, Any]], object]
) -> None:
    """Changes each detection of a video."""
    path = npy_of(folder, video_id)
    frames = np.load(path, allow_pickle=True).item()
    for detections in frames.values():
        for detection in detections.values():
            change(detection)
    write_tracks(path, frames)


def write_corners(folder: Path, video_id: str) -> None:
    """Writes the bboxes of a video as x1, y1, x2, y2."""
    change_detections(
        folder, video_id, lambda d: d.update(box_pos=np.asarray(d["box_pos"])[[0, 2, 1, 3]])
    )


def change_annotation(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the annotation."""
    path = folder / "annotation.json"
    annotation = json.loads(path.read_text())
    change(annotation)
    path.write_text(json.dumps(annotation))
