"""COCO's JSON of keypoints, with a video and a track for each annotation, as PoseTrack18 has it.

    images       id, file_name, and the video: `video_id` and `frame_id`, or `vid_id` (PoseTrack18)
    annotations  image_id, track_id, bbox (x, y, width, height), keypoints (x, y, visibility, ...)
    categories   id, name, keypoints (names of the joints)
    videos       id, name; optional

Frames and pixels count from 0. A joint whose visibility is 0 was not seen: NaN here.

Source: https://cocodataset.org/#format-data; https://posetrack.net, "PoseTrack18".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..common.errors import SourceError
from ..common.validation import shown
from .npy_tracks import JOINTS, Tracks
from .pose import JOINT_NAMES

MAX_BYTES = 256 << 20
_MAX_FRAMES = 1_000_000
_MAX_COORDINATE = 1e6
_PERSON = "person"


@dataclass(frozen=True)
class CocoVideo:
    """A video of such a file, read.

    Attributes:
        name: its name, which becomes the video id.
        folder: the folder of its pictures, as the file names say; "" if they say none.
        numbered: whether its frames are the numbers in the pictures' names, which may begin at 1.
        tracks: its detections; `frame_count` is the last image's frame plus 1.
        left_out: number of annotations that were left out, by the reason.
    """

    name: str
    folder: str
    numbered: bool
    tracks: Tracks
    left_out: Counter[str]


@dataclass(eq=False)
class _Rows:
    """What is collected of a video."""

    name: str
    numbered: bool
    folder: str = ""
    frames: dict[Any, int] = field(default_factory=dict)  # by the image's id
    found: dict[tuple[int, int], tuple[list[float], NDArray[np.float64]]] = field(
        default_factory=dict
    )
    left_out: Counter[str] = field(default_factory=Counter)

    def finish(self) -> CocoVideo:
        keys = sorted(self.found)
        frame, person = np.array(keys, np.int64).reshape(-1, 2).T
        tracks = Tracks(
            frame=frame,
            person=person,
            bbox=np.array([self.found[k][0] for k in keys], np.float64).reshape(-1, 4),
            keypoints=np.array([self.found[k][1] for k in keys]).reshape(-1, JOINTS, 2),
            frame_count=max(self.frames.values()) + 1,
            detections=len(keys),
        )
        return CocoVideo(self.name, self.folder, self.numbered, tracks, self.left_out)


def read_coco_videos(path: Path) -> list[CocoVideo]:
    """Reads all videos of a file, in the order of their first images.

    Raises:
        SourceError: the file is not valid; the message names the entry.
    """
    raw = _parse(path)
    lists = {name: _list(path, raw, name) for name in ("images", "annotations")}
    by_image = _read_images(path, raw, lists["images"])
    categories = _categories(path, raw)
    for index, entry in enumerate(lists["annotations"]):
        where = f"{path}, annotations[{index}]"
        image = _value(where, entry, "image_id", (int, str))
        if image not in by_image:
            _fail(where, f"expected image_id to be the id of an image, got {shown(image)}")
        _add(where, by_image[image], by_image[image].frames[image], entry, categories)
    return [rows.finish() for rows in dict.fromkeys(by_image.values())]


def _add(
    where: str, rows: _Rows, frame: int, entry: Mapping[str, Any], categories: _Categories
) -> None:
    """Adds an annotation to its video, or counts it as left out."""
    why, order = categories.look_up(where, entry)
    if not why and entry.get("iscrowd"):
        why = "iscrowd"
    if not why and "bbox" not in entry:
        why = "no bbox"
    if why:
        rows.left_out[why] += 1
        return
    person = _value(where, entry, "track_id", (int,))
    if not 0 <= person < 2**31 - 1:
        _fail(where, f"expected track_id from 0, got {shown(person)}")
    if (frame, person) in rows.found:
        _fail(where, f"expected each track_id once in an image, found {person} twice")
    x, y, width, height = _numbers(where, entry, "bbox", 4)
    if not (width > 0 and height > 0):
        _fail(where, f"expected a bbox with a width and a height above 0, got {entry['bbox']}")
    joints = np.full((JOINTS, 2), np.nan)
    if entry.get("keypoints"):
        given = np.array(_numbers(where, entry, "keypoints", 3 * len(order))).reshape(-1, 3)
        for row, joint in zip(given, order, strict=True):
            if joint is not None and row[2] > 0:
                joints[joint] = row[:2]
    rows.found[frame, person] = ([x, y, x + width, y + height], joints)


class _Categories:
    """Which categories are people, and which joint of COCO's each of their joints is."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.orders: dict[Any, Sequence[int | None]] = {}

    def look_up(self, where: str, entry: Any) -> tuple[str, Sequence[int | None]]:
        """Why an annotation is left out ("" if it is not), and the order of its joints."""
        if not self.names:
            return "", range(JOINTS)
        category = _value(where, entry, "category_id", (int, str))
        if category not in self.names:
            _fail(where, f"expected category_id to be that of a category, got {shown(category)}")
        name = self.names[category]
        return ("" if name == _PERSON else f"category {name}"), self.orders[category]


def _categories(path: Path, raw: Mapping[str, Any]) -> _Categories:
    found = _Categories()
    entries = _list(path, raw, "categories") if "categories" in raw else []
    for index, entry in enumerate(entries):
        where = f"{path}, categories[{index}]"
        category = _value(where, entry, "id", (int, str))
        found.names[category] = _value(where, entry, "name", (str,))[:40]
        names = entry.get("keypoints") or JOINT_NAMES
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            _fail(where, f"expected keypoints as a list of names, got {shown(names)}")
        known = {name: joint for joint, name in enumerate(JOINT_NAMES)}
        # PoseTrack18 has a neck and a top of the head, and no eyes.
        found.orders[category] = [known.get(n.lower().replace("_", " ")) for n in names[:1000]]
    return found


def _read_images(
    path: Path, raw: Mapping[str, Any], images: Sequence[Any]
) -> dict[int | str, _Rows]:
    """The video of each image, by the image's id."""
    names = {}
    for index, entry in enumerate(_list(path, raw, "videos") if "videos" in raw else []):
        where = f"{path}, videos[{index}]"
        names[_value(where, entry, "id", (int, str))] = _value(where, entry, "name", (str,))
    by_video: dict[int | str, _Rows] = {}
    by_image: dict[int | str, _Rows] = {}
    taken: set[tuple[Any, int]] = set()
    for index, entry in enumerate(images):
        where = f"{path}, images[{index}]"
        image = _value(where, entry, "id", (int, str))
        kind = "video_id" if "video_id" in entry else "vid_id"
        video = _value(where, entry, kind, (int, str))
        file_name = _value(where, entry, "file_name", (str,)) if "file_name" in entry else ""
        inside = PurePosixPath(file_name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in file_name or "\0" in file_name:
            _fail(where, f"expected file_name below a folder, got {shown(file_name)}")
        if kind == "video_id":
            frame = _value(where, entry, "frame_id", (int,))
        else:  # there, frame_id has the number of the video in it
            numbers = re.findall(r"[0-9]{1,18}", inside.stem)
            frame = int(numbers[-1]) if numbers else -1
        if not 0 <= frame < _MAX_FRAMES:
            _fail(where, f"expected a frame from 0 to {_MAX_FRAMES - 1:,}, got {shown(frame)}")
        if image in by_image or (video, frame) in taken:
            _fail(where, f"expected each image once, found id {shown(image)}, frame {frame} twice")
        taken.add((video, frame))
        rows = by_video.setdefault(video, _Rows(names.get(video, str(video)), kind == "vid_id"))
        rows.folder = rows.folder or "/".join(inside.parent.parts)
        rows.frames[image] = frame
        by_image[image] = rows
    return by_image


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        raw = json.loads(content)
        if not isinstance(raw, dict):
            raise ValueError(f"there is a {type(raw).__name__} at the top")
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{path}: expected JSON of COCO, an object with images and annotations ({error}). Get "
            "the file again."
        ) from error
    return raw


def _list(path: Path, raw: Mapping[str, Any], name: str) -> list[Any]:
    found = raw.get(name)
    if not isinstance(found, list):
        _fail(str(path), f"expected a list {name}, got {shown(found)}")
    return found


def _value(where: str, entry: Any, name: str, kinds: tuple[type, ...]) -> Any:
    if not isinstance(entry, dict):
        _fail(where, f"expected an object, got {shown(entry)}")
    value = entry.get(name)
    if not isinstance(value, kinds) or isinstance(value, bool):
        expected = " or ".join("a text" if kind is str else "a whole number" for kind in kinds)
        _fail(where, f"expected {name} as {expected}, got {shown(value)}")
    return value


def _numbers(where: str, entry: Mapping[str, Any], name: str, count: int) -> list[float]:
    values = entry[name]
    if not (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        and all(abs(v) < _MAX_COORDINATE for v in values)  # NaN is not
    ):
        _fail(where, f"expected {name} as {count} numbers of pixels, got {shown(values)}")
    return [float(value) for value in values]


def _fail(where: str, what: str) -> NoReturn:
    raise SourceError(f"{where}: {what}. Correct it there.")


def coco_annotation(
    number: int, image: int, person: int, bbox: NDArray[np.float64], pose: NDArray[np.float64]
) -> dict[str, Any]:
    """The annotation of one detection, as `read_coco_videos` reads it.

    Args:
        number: its id.
        image: the id of its image.
        person: the person in the video.
        bbox: x1, y1, x2, y2 in pixels, `[4]`.
        pose: x, y in pixels, `[17, 2]`; NaN for a joint that was not seen.
    """
    x1, y1, x2, y2 = bbox.tolist()
    seen = np.flatnonzero(np.isfinite(pose).all(axis=1))
    joints = np.zeros((JOINTS, 3))
    joints[seen] = np.column_stack([pose[seen], np.full(len(seen), 2)])
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "track_id": person,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "num_keypoints": len(seen),
        "keypoints": joints.ravel().tolist(),
    }


def coco_category() -> dict[str, Any]:
    """The category of people, with the names of their joints."""
    names = [name.replace(" ", "_") for name in JOINT_NAMES]
    return {"id": 1, "name": _PERSON, "supercategory": _PERSON, "keypoints": names}
