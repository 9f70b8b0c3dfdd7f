"""An npy file -> `Tracks`: the detections of a video, as columns.

The file is a 0-d object array that holds a pickled `{frame: {any key: detection}}`. A
detection is a dict with `id` (from 1), `box_pos` (x1, x2, y1, y2) and `pose_pos` (17 x 2).
"""

from __future__ import annotations

import gc
import pickle
import re
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..common.errors import TracksError
from . import safe_pickle as pickles
from .pickled_numpy import RawArray, UnsafePickleError
from .pose import JOINT_NAMES

JOINTS = len(JOINT_NAMES)
_FIELDS = ("id", "box_pos", "pose_pos")
_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 4096
_MAX_COORDINATE = 1e6
# The numbers of so many detections are checked together. Then the unwanted ones are dropped.
_CHECKED_AT_ONCE = 4096
# A detection takes at least so many bytes in a pickle, even if it shares its bbox and keypoints
# with others. A file that refers to one detection again and again could hold far more.
_BYTES_PER_DETECTION = 16
_HEADER = re.compile(
    rb"\{'descr': *'\|?O', *'fortran_order': *(?:False|True), *'shape': *\(\),? *\} *\n?"
)


@dataclass(frozen=True)
class Tracks:
    """Detections of one video, in order of their frames.

    Attributes:
        frame: the frame of each detection, from 0, ascending, int64 `[N]`.
        person: the person in the video, from 0, int64 `[N]`.
        bbox: x1, y1, x2, y2 in source pixels, float64 `[N, 4]`.
        keypoints: x, y in source pixels, COCO order, float64 `[N, 17, 2]`.
        frame_count: number of frames of the clip that was tracked.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    bbox: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    frame_count: int

    def take(self, rows: NDArray[np.int64]) -> Tracks:
        """The detections with these indices, in this order.

        Args:
            rows: int64 `[n]`.
        """
        return Tracks(
            self.frame[rows],
            self.person[rows],
            self.bbox[rows],
            self.keypoints[rows],
            self.frame_count,
        )


def read_tracks(content: bytes, name: str, *, frames: NDArray[np.integer] | None = None) -> Tracks:
    """Reads an npy file of tracks. Nothing in the file is executed.

    Args:
        content: the file's bytes.
        name: the file's name in errors.
        frames: keep only detections in these frames (the others are checked too); all
            detections if None.

    Raises:
        TracksError: the file is not valid; the message names the frame and the detection.
    """
    start = _check_header(content, name)
    columns = _Columns(name, frames, len(content) // _BYTES_PER_DETECTION)
    try:
        with _no_garbage_collection():
            for frame, detections in pickles.dict_items(content, start):
                columns.add_frame(frame, detections)
    except UnsafePickleError as error:
        raise TracksError(
            f"{name}: refused to read its pickle: {error}. Pose tracks hold only numbers. Get the "
            "file again, from a source that you trust."
        ) from error
    return columns.finish()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Turns Python's garbage collection off: it takes a fifth of the time, and finds nothing.

    It looks for cycles in hundreds of thousands of objects, and tracks have none.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_tracks(path: Path, frames: Mapping[int, Mapping[Any, Mapping[str, Any]]]) -> None:
    """Writes an npy file of tracks for your own videos.

    Args:
        path: the file.
        frames: `{frame: {any key: {"id": ..., "box_pos": ..., "pose_pos": ...}}}`, with an entry
            for each frame of the clip, from 0. `id` is the number of the person in the video,
            from 1; `box_pos` is x1, x2, y1, y2; `pose_pos` is x, y of COCO's 17 joints, `[17, 2]`.
            Both are in pixels of the clip, as lists of numbers or NumPy arrays.
    """
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    # Version 1.0 of the format: the header and the 10 bytes before it fill 128 bytes.
    header = header.ljust(128 - 10 - 1) + b"\n"
    content = np.empty((), object)
    content[()] = dict(frames)
    # Not numpy.save: its pickle protocol depends on NumPy's version.
    pickled = pickle.dumps(content, protocol=4)
    path.write_bytes(_MAGIC + b"\x01\x00" + len(header).to_bytes(2, "little") + header + pickled)


def _check_header(content: bytes, name: str) -> int:
    """Checks the npy header; returns the offset of the pickle."""
    wide = content[6:7] in (b"\x02", b"\x03")
    start = 12 if wide else 10
    length = int.from_bytes(content[8:start], "little")
    if content[:6] != _MAGIC or length > _MAX_HEADER or len(content) <= start + length:
        raise TracksError(
            f"{name}: expected an npy file, found {len(content):,} bytes that start with "
            f"{content[:8]!r}. It may be cut off, or a web page saved as npy. Get the file again."
        )
    header = content[start : start + length]
    if not _HEADER.fullmatch(header):
        raise TracksError(
            f"{name}: expected one pickled object (dtype '|O', shape ()), but the npy header says "
            f"{header[:80]!r}. Write it with dancereid.write_tracks, or get the file again."
        )
    return start + length


class _Columns:
    """Collects detections, frame by frame, in compact arrays, and makes `Tracks` from them."""

    def __init__(self, name: str, wanted: NDArray[np.integer] | None, most: int) -> None:
        self._name = name
        self._left = most
        self._wanted = wanted
        self._frames: set[int] = set()
        self._checked: list[Tracks] = []
        self._start_block()

    def _start_block(self) -> None:
        """Starts the next block of detections whose numbers are not checked yet."""
        self._keys: list[Any] = []  # for errors
        self._frame = array("q")
        self._person = array("q")
        self._bbox = array("d")
        self._pose = array("d")

    def add_frame(self, frame: Any, detections: Any) -> None:
        if type(frame) is not int or not 0 <= frame < 2**31:
            raise TracksError(
                f"{self._name}: expected frames as whole numbers from 0, got {_shown(frame)}."
            )
        if frame in self._frames:
            raise TracksError(f"{self._name}: frame {frame} is there twice. Keep one of them.")
        self._frames.add(frame)
        if type(detections) is not dict:
            raise TracksError(
                f"{self._name}, frame {frame}: expected a dict of detections, "
                f"got {_shown(detections)}."
            )
        self._left -= len(detections)
        if self._left < 0:
            raise TracksError(
                f"{self._name}, frame {frame}: the file has more detections than its size allows: "
                f"one takes at least {_BYTES_PER_DETECTION} bytes. Get the file again, from a "
                "source that you trust."
            )
        for key, detection in detections.items():
            self._add(frame, key, detection)
        if len(self._frame) >= _CHECKED_AT_ONCE:
            self._check_block()

    def _add(self, frame: int, key: Any, detection: Any) -> None:
        if type(detection) is not dict:
            self._fail(frame, key, f"expected a dict, got {_shown(detection)}")
        for field in _FIELDS:
            if field not in detection:
                self._fail(frame, key, f"{field!r} is missing; it needs id, box_pos and pose_pos")
        person = detection["id"]
        if type(person) is not int or not 1 <= person < 2**31:
            self._fail(frame, key, f"expected an id from 1, got {_shown(person)}")
        self._bbox.frombytes(self._doubles(frame, key, "box_pos", detection["box_pos"], (4,)))
        pose = self._doubles(frame, key, "pose_pos", detection["pose_pos"], (JOINTS, 2))
        self._pose.frombytes(pose)
        self._keys.append(key)
        self._frame.append(frame)
        self._person.append(person - 1)

    def _doubles(
        self, frame: int, key: Any, field: str, value: Any, shape: tuple[int, ...]
    ) -> bytes:
        """The bytes of a field as float64, in C order."""
        if type(value) is RawArray and (doubles := value.doubles(shape)) is not None:
            return doubles
        numbers = _numbers(value, shape)
        if numbers is None:
            self._fail(frame, key, f"expected {field} as numbers {shape}, got {_shown(value)}")
        if numbers.shape != shape:
            self._fail(frame, key, f"expected {field} of shape {shape}, got {numbers.shape}")
        return numbers.tobytes()

    def _check_block(self) -> None:
        """Checks the numbers of the block, keeps its wanted detections, and starts the next."""
        frame = np.frombuffer(self._frame, np.int64)
        bbox = np.frombuffer(self._bbox, np.float64).reshape(-1, 4)
        pose = np.frombuffer(self._pose, np.float64).reshape(-1, JOINTS * 2)
        for field, numbers in (("box_pos", bbox), ("pose_pos", pose)):
            # Not `>=`, which is false for NaN.
            bad = np.flatnonzero(~(np.abs(numbers) < _MAX_COORDINATE).all(axis=1))
            if bad.size:
                what = f"{field} holds NaN, infinity, or a number too large for a pixel"
                self._fail(frame[bad[0]], self._keys[bad[0]], what)
        kept = np.isin(frame, frame if self._wanted is None else self._wanted)
        self._checked.append(
            Tracks(
                frame=frame[kept],
                person=np.frombuffer(self._person, np.int64)[kept],
                bbox=bbox[kept][:, [0, 2, 1, 3]],  # the file has x1, x2, y1, y2
                keypoints=pose[kept].reshape(-1, JOINTS, 2),
                frame_count=0,
            )
        )
        self._start_block()

    def finish(self) -> Tracks:
        """All wanted detections, in order of their frames."""
        if not self._frames:
            raise TracksError(
                f"{self._name}: expected a dict of frames, found an empty one. Get the file again."
            )
        self._check_block()
        frame = np.concatenate([block.frame for block in self._checked])
        tracks = Tracks(
            frame=frame,
            person=np.concatenate([block.person for block in self._checked]),
            bbox=np.concatenate([block.bbox for block in self._checked]),
            keypoints=np.concatenate([block.keypoints for block in self._checked]),
            frame_count=max(self._frames) + 1,
        )
        in_order = bool((frame[1:] >= frame[:-1]).all())
        return tracks if in_order else tracks.take(np.argsort(frame, kind="stable"))

    def _fail(self, frame: int, key: Any, what: str) -> NoReturn:
        raise TracksError(
            f"{self._name}, frame {frame}, detection {_shown(key)}: {what}. Correct it there, or "
            "get the file again."
        )


def _numbers(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """The numbers of an array, or of lists of this shape, as float64; None for anything else."""
    try:
        if type(value) is RawArray:
            raw = value.numbers()
            return raw.astype(np.float64) if raw.dtype.kind in "iuf" else None
        if type(value) not in (list, tuple) or len(value) != shape[0]:
            return None
        if len(shape) == 1:
            plain = all(type(number) in (int, float) for number in value)
            return np.array(value, np.float64) if plain else None
        rows = [_numbers(row, shape[1:]) for row in value]
        return np.stack([row for row in rows if row is not None])
    except (UnsafePickleError, ValueError, OverflowError):
        return None


def _shown(value: Any) -> str:
    """A short text of a value, for an error. It is safe for lists that are nested 10,000 deep."""
    if type(value) in (int, float, str, bytes, bool, type(None)):
        return repr(value)[:40]
    return f"a {type(value).__name__}" + (f" of {len(value)}" if type(value) is list else "")
