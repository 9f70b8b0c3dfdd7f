"""Videos in the format of another dataset or tool -> a data folder in our formats."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..catalogue.catalogue import OWN_CATALOGUE, REQUIRED, SPLIT_NAME, VIDEO_ID, Catalogue
from ..checks.folder_check import FolderCheck, check
from ..common.errors import OptionError, SourceError
from ..common.files import beside, usable
from ..common.progress import progress
from ..common.report import Report
from ..common.validation import checked_path, one_of, shown
from ..formats.annotation import write_annotation
from ..formats.npy_tracks import Tracks, write_tracks
from .coco_files import read_coco_files
from .imported_video import ImportedVideo
from .mot_folder import read_mot_folder

FORMATS = ("mot", "coco")


@dataclass(frozen=True)
class TakenVideo:
    """A video that was imported.

    Attributes:
        video_id: the video id.
        split: its split.
        people: number of its people.
        detections: number of its detections.
        left_out: number of lines that were left out of it, by the reason.
    """

    video_id: str
    split: str
    people: int
    detections: int
    left_out: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lost = "".join(f"; left out {n:,} ({why})" for why, n in sorted(self.left_out.items()))
        people = f"{self.people} {'person' if self.people == 1 else 'people'}"
        return f"{self.video_id}: {self.split}, {people}, {self.detections:,} detections{lost}"


@dataclass(frozen=True, repr=False)
class Imported(Report):
    """A data folder that was made. `print` shows it as a report.

    Attributes:
        folder: its path.
        videos: the videos that it has.
        left_out: the reason why a video is not in it, by its name.
        check: what is wrong or doubtful in the folder.
    """

    folder: Path
    videos: tuple[TakenVideo, ...]
    left_out: dict[str, str]
    check: FolderCheck

    def __str__(self) -> str:
        lines = [f"imported ({len(self.videos)}):", *(f"  {video}" for video in self.videos)]
        if self.left_out:
            lines += ["", f"left out ({len(self.left_out)}):"]
            lines += [f"  {name}: {why}" for name, why in self.left_out.items()]
        return "\n".join([*lines, "", str(self.check)])

    def to_json(self) -> str:
        """Indented JSON."""
        videos = [vars(video) for video in self.videos]
        found = {"folder": str(self.folder), "videos": videos, "left_out": self.left_out}
        return json.dumps({**found, "check": json.loads(self.check.to_json())}, indent=2)


def import_data(
    source: str | Path,
    output: str | Path,
    *,
    source_format: str = "mot",
    split: str | None = None,
    results: str | Path | None = None,
) -> Imported:
    """Makes a data folder of videos in another format, and checks it.

    The folder has tracks, annotation and catalogue in our formats, and links to the clips, which
    are not copied. Load it with `load_dataset("own", data_dir=output)`.

    Args:
        source: the folder to import; for "coco" it may be a file.
        output: the folder to make. It gets its name when it is complete.
        source_format: "mot": folders in the layout of MOTChallenge or DanceTrack. They have no
            poses, so all joints are NaN: not seen. "coco": JSON of COCO with tracks, as
            PoseTrack18 has it.
        split: the split of all videos; None for the one that the folder around each says.
        results: mot only: import a tracker's results from this folder (`NAME.txt` for each
            sequence), instead of the ground truth.

    Returns:
        What was taken and what was left out; and what `check` finds in the folder.

    Raises:
        OptionError: an option has a value that is not allowed.
        SourceError: a file is not valid (the message names the line), nothing is there to import,
            or the output is there already.
    """
    one_of("source_format", source_format, FORMATS)
    if split is not None and not (isinstance(split, str) and SPLIT_NAME.fullmatch(split)):
        raise OptionError(
            f"split: expected a name of letters from a to z, as train or test, got {shown(split)}."
        )
    folder, target = checked_path("source", source), checked_path("output", output).absolute()
    results_folder = None if results is None else checked_path("results", results)
    if results is not None and source_format != "mot":
        raise OptionError(f"results: is an option of format mot, not of {source_format}.")
    for given in (folder, results_folder):
        is_file = given is folder and source_format == "coco" and folder.is_file()
        if given is not None and not given.is_dir() and not is_file:
            raise SourceError(f"{given} is not a folder. Name the folder to import.")
    if os.path.lexists(target):
        raise SourceError(f"{target} is there already. Name another folder; nothing was written.")
    with usable(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with beside(target) as unfinished:
            found = (
                read_mot_folder(folder.absolute(), split, results_folder)
                if source_format == "mot"
                else read_coco_files(folder.absolute(), split)
            )
            videos, left_out = _write(found, unfinished, folder)
            unfinished.rename(target)
    return Imported(target, videos, left_out, check(target))


def _write(
    found: Iterator[ImportedVideo | tuple[str, str]], folder: Path, source: Path
) -> tuple[tuple[TakenVideo, ...], dict[str, str]]:
    """Writes the folder, video by video."""
    for name in ("videos", "npy"):
        (folder / name).mkdir(parents=True)
    taken: list[TakenVideo] = []
    left_out: dict[str, str] = {}
    annotation: dict[str, dict[int, Any]] = {}
    for video in progress(found, desc="Importing", unit=" videos"):
        if not isinstance(video, ImportedVideo):
            left_out.update([video])
            continue
        if not VIDEO_ID.fullmatch(video.video_id):  # it becomes part of file names
            raise SourceError(
                f"{source}: expected names of videos of up to 100 letters, digits, '-', '_' or "
                f"'.', got {video.video_id[:110]!r}. Rename it in the source; nothing was written."
            )
        people = _frames_of_people(video.tracks)
        if not people:
            left_out[video.video_id] = "it has no people"
            continue
        stem = f"{len(taken):03d}_{video.video_id}"
        annotation[video.video_id] = people
        write_tracks(folder / "npy" / f"{stem}.npy", _as_frames(video.tracks))
        if video.clip is not None:
            _link(video.clip, folder / "videos" / f"{stem}{_ending(video.clip)}")
        count = len(video.tracks.frame)
        taken.append(TakenVideo(video.video_id, video.split, len(people), count, video.left_out))
    if not taken:
        whys = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise SourceError(f"{source}: nothing can be imported ({whys}).")
    write_annotation(folder / "annotation.json", annotation)
    _write_catalogue(folder / OWN_CATALOGUE, taken)
    return tuple(taken), left_out


def _frames_of_people(tracks: Tracks) -> dict[int, NDArray[np.int64]]:
    """The frames of each person."""
    order = np.argsort(tracks.person, kind="stable")
    people, starts = np.unique(tracks.person[order], return_index=True)
    frames = np.split(tracks.frame[order], starts[1:])
    return dict(zip(people.tolist(), frames, strict=False))


def _as_frames(tracks: Tracks) -> dict[int, dict[int, dict[str, Any]]]:
    """What `write_tracks` takes."""
    unseen = np.full(tracks.keypoints.shape[1:], np.nan)  # one for all
    frames: dict[int, dict[int, dict[str, Any]]] = {i: {} for i in range(tracks.frame_count)}
    columns = tracks.frame.tolist(), tracks.person.tolist(), tracks.bbox.tolist(), tracks.keypoints
    for frame, person, (x1, y1, x2, y2), pose in zip(*columns, strict=True):
        frames[frame][person] = {
            "id": person + 1,
            "box_pos": [x1, x2, y1, y2],
            "pose_pos": unseen if np.isnan(pose).all() else pose,
        }
    return frames


def _ending(clip: Path) -> str:
    return "" if clip.is_dir() else clip.suffix


def _link(clip: Path, path: Path) -> None:
    """Makes a link to a clip; a copy where the system allows no links."""
    try:
        path.symlink_to(clip.absolute(), target_is_directory=clip.is_dir())
    except OSError:
        if clip.is_dir():
            shutil.copytree(clip, path)
        else:
            shutil.copy(clip, path)


def _write_catalogue(path: Path, videos: list[TakenVideo]) -> None:
    """Writes the catalogue.

    Raises:
        SourceError: two videos have the same name, or a name is no video id.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(REQUIRED)
        rows.writerows((v.video_id, v.people, v.split) for v in videos)
    _, faults = Catalogue.read_rows(path)
    if faults:
        raise SourceError(
            f"The names of the sequences cannot be used as video ids: {faults[0]} Rename them "
            "in the source; nothing was written."
        )
