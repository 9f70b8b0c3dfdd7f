"""Small data folders in the dataset's own formats, and what an example amounts to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from dancereid_pipeline.formats.npy_tracks import write_tracks
from tests.support.data.clips import X264, write_clip

SIZE = (96, 64)  # width, height


def detection(person: int, frame: int, **changes: Any) -> dict[str, Any]:
    """A detection of `person` (from 0) inside a picture of SIZE."""
    x, y = 5.0 + 20 * (person % 4) + frame % 7, 4.0 + 3 * (person % 4)
    values = {
        "id": person + 1,
        "box_pos": np.array([x, x + 18.5, y, y + 40.25]),
        "box_score": 0.9,
        "pose_pos": np.linspace((x, y), (x + 18.5, y + 40.25), 17),
        "pose_score": np.ones(17),
    }
    return {**values, **changes}


def tracks(frames: int, people: Iterable[int] = (0, 1)) -> dict[int, dict[int, dict[str, Any]]]:
    """Every one of `people` in every frame."""
    return {f: {p: detection(p, f) for p in people} for f in range(frames)}


def write_folder(
    folder: Path,
    videos: Mapping[str, Iterable[int]],
    *,
    frames: int = 30,
    splits: Mapping[str, str] | None = None,
) -> Path:
    """Writes a whole data folder with a catalogue of its own.

    Args:
        folder: where; made.
        videos: the people in each video, by id inside the video.
        frames: of each clip, all annotated.
        splits: a video's split, "test" where not given.

    Returns:
        The folder; its catalogue is `catalogue.csv`.
    """
    (folder / "videos").mkdir(parents=True)
    (folder / "npy").mkdir()
    rows, annotation = ["video_id,people,split"], {}
    for row, (video_id, people) in enumerate(videos.items()):
        people = list(people)
        write_clip(
            folder / "videos" / f"{row:03d}_{video_id}.mp4", frames, options=X264["b_frames"]
        )
        write_tracks(folder / "npy" / f"333_00_{video_id}_matching.npy", tracks(frames, people))
        rows.append(f"{video_id},{len(people)},{(splits or {}).get(video_id, 'test')}")
        annotation[video_id] = {str(person): list(range(frames)) for person in people}
    (folder / "catalogue.csv").write_text("\n".join(rows) + "\n")
    (folder / "annotation.json").write_text(json.dumps(annotation))
    return folder


def content(example: Mapping[str, Any]) -> str:
    """A hash of all that an example holds, read without decoding its images."""
    digest = hashlib.sha256()
    for name in sorted(example):
        value = example[name]
        for image in value if name == "images" else [value]:
            if isinstance(image, Mapping) and "bytes" in image:
                digest.update(f"{name}={image['path']}:".encode() + image["bytes"])
            elif isinstance(image, Mapping):  # the people of a frame
                digest.update(f"{name}={content(image)};".encode())
            else:
                digest.update(f"{name}={np.asarray(image).tolist()!r};".encode())
    return digest.hexdigest()


def encoded(dataset: Any) -> Any:
    """A split, built or streamed, with its images as bytes."""
    for column, feature in dataset.features.items():
        image = datasets.Image(decode=False)
        if isinstance(feature, datasets.Image):
            dataset = dataset.cast_column(column, image)
        elif column == "images":
            dataset = dataset.cast_column(column, datasets.Sequence(image))
    return dataset


def contents(dataset: Any) -> list[str]:
    """The hashes of all examples of a split, built or streamed, in order."""
    return [content(example) for example in encoded(dataset)]


def load(folder: Path, cache: str, **options: object) -> datasets.DatasetDict:
    """Loads a folder that `write_folder` made."""
    return datasets.load_dataset(
        "dancereid",
        data_dir=str(folder),
        catalogue=str(folder / "catalogue.csv"),
        cache_dir=cache,
        **options,
    )


def all_contents(ds: Mapping[str, Any]) -> dict[str, list[str]]:
    """The hashes of all examples, by split."""
    return {split: contents(ds[split]) for split in ds}


def prepared_files(folder: Path) -> dict[str, bytes]:
    """All files in a folder, but for locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }
