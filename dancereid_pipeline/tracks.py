"""An npy file -> `Tracks`: who was detected where, as columns.

The file is a 0-d object array holding a pickled `{frame: {any: detection}}`; a
detection has `id` (from 1), `box_pos` (x1, x2, y1, y2) and `pose_pos` (17 x 2).
"""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import pickles
from .errors import TracksError

JOINTS = 17
_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 4096


@dataclass(frozen=True)
class Tracks:
    """All detections of one video, frame by frame.

    Attributes:
        frame: 0-based, ascending, int64 `[N]`.
        person: id inside the video, from 0, int64 `[N]`.
        box: x1, y1, x2, y2 in source pixels, float64 `[N, 4]`.
        keypoints: x, y in source pixels, COCO order, float64 `[N, 17, 2]`.
        frame_count: frames of the clip that was tracked.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    box: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    frame_count: int


def read_tracks(content: bytes, name: str) -> Tracks:
    """Reads an npy file of tracks; nothing in it is run.

    Args:
        content: the file's bytes.
        name: what to call it in errors.

    Raises:
        TracksError: naming the frame and the detection.
    """
    start = _check_header(content, name)
    try:
        root = pickles.load(content[start:])
        frames = root.data[0] if _is_object_scalar(root) else None
    except pickles.UnsafePickleError as error:
        raise TracksError(
            f"{name}: refused to read its pickle: {error}. Pose tracks hold numbers only; get the "
            "file again from where you trust it."
        ) from error
    if type(frames) is not dict or not frames:
        raise TracksError(
            f"{name}: expected a dict of frames in a 0-d object array, found something else."
        )
    return _columns(frames, name)


def write_tracks(path: Path, frames: Mapping[int, Mapping[Any, Mapping[str, Any]]]) -> None:
    """Writes an npy file of tracks: the inverse of `read_tracks`, for data of one's own.

    Args:
        path: the file.
        frames: `{frame: {any: {"id": from 1, "box_pos": (x1, x2, y1, y2), "pose_pos": 17 x 2}}}`
            with an entry for every frame of the clip, numbers and NumPy arrays as values.
    """
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    # Version 1.0 of the format: the header and what stands before it fill 128 bytes.
    header = header.ljust(128 - 10 - 1) + b"\n"
    content = np.empty((), object)
    content[()] = dict(frames)
    # numpy.save would do, but for the pickle protocol, which changes with NumPy's version.
    pickled = pickle.dumps(content, protocol=4)
    path.write_bytes(_MAGIC + b"\x01\x00" + len(header).to_bytes(2, "little") + header + pickled)


def _check_header(content: bytes, name: str) -> int:
    """Checks the npy header; returns where the pickle starts."""
    wide = content[6:7] in (b"\x02", b"\x03")
    start = 12 if wide else 10
    length = int.from_bytes(content[8:start], "little")
    if content[:6] != _MAGIC or length > _MAX_HEADER or len(content) <= start + length:
        raise TracksError(
            f"{name}: expected an npy file, found {len(content):,} bytes starting "
            f"{content[:8]!r}. It may be cut off, or a web page saved as npy."
        )
    try:
        header = ast.literal_eval(content[start : start + length].decode("latin-1").strip())
        descr, shape = header["descr"], header["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise TracksError(f"{name}: its npy header is broken. Get the file again.") from error
    if descr not in ("|O", "O") or shape != ():
        raise TracksError(
            f"{name}: expected one pickled object (dtype '|O', shape ()), its header says "
            f"{str(descr)[:20]!r}, {str(shape)[:40]}."
        )
    return start + length


def _is_object_scalar(root: Any) -> bool:
    return (
        type(root) is pickles.RawArray
        and root.shape == ()
        and root.dtype is None
        and type(root.data) is list
        and len(root.data) == 1
    )


def _columns(frames: dict[Any, Any], name: str) -> Tracks:
    frame_column: list[int] = []
    persons: list[int] = []
    boxes: list[Any] = []
    poses: list[Any] = []
    for frame, key, detection in _detections(frames, name):
        try:
            person, box, pose = detection["id"], detection["box_pos"], detection["pose_pos"]
        except KeyError as error:
            _fail(name, frame, key, f"{error} is missing; it needs id, box_pos and pose_pos")
        if type(person) is not int or not 1 <= person < 2**31:
            _fail(name, frame, key, f"expected an id from 1, got {_shown(person)}")
        frame_column.append(frame)
        persons.append(person - 1)
        boxes.append(_array(box, (4,), name, frame, key, "box_pos"))
        poses.append(_array(pose, (JOINTS, 2), name, frame, key, "pose_pos"))
    n = len(persons)
    box_column = np.array(boxes, np.float64).reshape(n, 4)
    return Tracks(
        frame=np.array(frame_column, np.int64),
        person=np.array(persons, np.int64),
        box=box_column[:, [0, 2, 1, 3]],  # stored as x1, x2, y1, y2
        keypoints=np.array(poses, np.float64).reshape(n, JOINTS, 2),
        frame_count=max(frames) + 1,
    )


def _detections(frames: dict[Any, Any], name: str) -> Iterator[tuple[int, Any, dict[Any, Any]]]:
    """(frame, key, detection), frames ascending, detections in the file's order."""
    for frame in frames:
        if type(frame) is not int or not 0 <= frame < 2**31:
            raise TracksError(
                f"{name}: expected frames as whole numbers from 0, got {_shown(frame)}."
            )
    for frame in sorted(frames):
        detections = frames[frame]
        if type(detections) is not dict:
            raise TracksError(
                f"{name}, frame {frame}: expected a dict of detections, got {_shown(detections)}."
            )
        for key, detection in detections.items():
            if type(detection) is not dict:
                _fail(name, frame, key, f"expected a dict, got {_shown(detection)}")
            yield frame, key, detection


def _array(
    value: Any, shape: tuple[int, ...], name: str, frame: int, key: Any, field: str
) -> NDArray[np.float64]:
    """The numbers of one field, checked: their shape, and that each is finite."""
    try:
        raw = value.numbers() if type(value) is pickles.RawArray else np.array(value)
        if raw.dtype.kind not in "iuf":
            raise TypeError
        array = raw.astype(np.float64, copy=False)
    except (pickles.UnsafePickleError, TypeError, ValueError, RecursionError):
        _fail(name, frame, key, f"expected {field} as numbers {shape}, got {_shown(value)}")
    if array.shape != shape:
        _fail(name, frame, key, f"expected {field} of shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        _fail(name, frame, key, f"{field} holds NaN or infinity")
    return array


def _fail(name: str, frame: int, key: Any, what: str) -> NoReturn:
    raise TracksError(f"{name}, frame {frame}, detection {_shown(key)}: {what}.")


def _shown(value: Any) -> str:
    """A value in an error: short, and safe for one that is nested 10,000 deep."""
    if type(value) in (int, float, str, bytes, bool, type(None)):
        return repr(value)[:40]
    return f"a {type(value).__name__}"
