"""An npy file -> `Tracks`: the detections of a video, as columns.

The file is a 0-d object array that holds a pickled `{frame: {any key: detection}}`. A
detection is a dict with `id` (from 1), `box_pos` (x1, x2, y1, y2) and `pose_pos` (17 x 2; NaN for
a joint that was not seen). What is valid is defined once, in `_Columns`, for reading and writing.
"""

from __future__ import annotations

import gc
import pickle
import re
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..common.errors import TracksError
from ..common.files import replaced
from ..common.validation import checked_path
from . import safe_pickle as pickles
from .pickled_numpy import Plain, RawArray, UnsafePickleError
from .pose import JOINT_NAMES

JOINTS = len(JOINT_NAMES)
_FIELDS = ("id", "box_pos", "pose_pos")
_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 4096
_MAX_COORDINATE = 1e6
# The numbers of so many detections are checked together. Then the unwanted ones are dropped.
_CHECKED_AT_ONCE = 1024
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
        keypoints: x, y in source pixels, COCO order, float64 `[N, 17, 2]`. Both are NaN for a
            joint that was not seen.
        frame_count: number of frames of the clip that was tracked.
        scored: whether a pose had a third column, a score of each joint, which was dropped.
        detections: number of detections in the file, including those that are not kept.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    bbox: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    frame_count: int
    scored: bool = False
    detections: int = 0

    def take(self, rows: NDArray[np.int64]) -> Tracks:
        """The detections with these indices, in this order.

        Args:
            rows: int64 `[n]`.
        """
        return replace(
            self,
            frame=self.frame[rows],
            person=self.person[rows],
            bbox=self.bbox[rows],
            keypoints=self.keypoints[rows],
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
            f"{name}: refused to read its pickle: {error}. Pose tracks hold only plain data. Get "
            "the file again, from a source that you trust; if it is your own, convert the field."
        ) from error
    return columns.finish()


def sorted_detections(tracks: Tracks, rows: NDArray[np.int64], name: str) -> Tracks:
    """The detections with these indices, sorted by frame and then by person.

    Args:
        tracks: the detections.
        rows: int64 `[n]`.
        name: the tracks' name in errors.

    Raises:
        TracksError: a person is twice in a frame.
    """
    chosen = tracks.take(rows[np.lexsort((tracks.person[rows], tracks.frame[rows]))])
    twice = np.flatnonzero((np.diff(chosen.frame) == 0) & (np.diff(chosen.person) == 0))
    if twice.size:
        raise TracksError(
            f"{name}, frame {chosen.frame[twice[0]]}: expected each id once in a frame, found "
            f"{chosen.person[twice[0]] + 1} twice. Give one of the two another id."
        )
    return chosen


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


def write_tracks(
    path: str | PathLike[str], frames: Mapping[int, Mapping[Any, Mapping[str, Any]]]
) -> None:
    """Writes an npy file of tracks for your own videos: all of it, or nothing.

    It takes what a build can read, and nothing else.

    Args:
        path: the file; `~` is your home folder. A file that is there is replaced.
        frames: `{frame: {any key: {"id": ..., "box_pos": ..., "pose_pos": ...}}}`, with an entry
            for each frame of the clip, from 0. `id` is the number of the person in the video,
            from 1; `box_pos` is x1, x2, y1, y2; `pose_pos` is x, y of COCO's 17 joints, `[17, 2]`,
            NaN for a joint that was not seen. A third column of scores may be there; nobody
            reads it. Both are in pixels of the clip, as lists of numbers or NumPy arrays.

    Raises:
        OptionError: `path` is no path.
        TracksError: the tracks are not valid; the message names the frame and the detection.
        SourceError: the file cannot be written.
    """
    file = checked_path("path", path)
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    # Version 1.0 of the format: the header and the 10 bytes before it fill 128 bytes.
    header = header.ljust(128 - 10 - 1) + b"\n"
    array = np.empty((), object)
    array[()] = _as_dict(frames, depth=3)
    try:
        # Not numpy.save: its pickle protocol depends on NumPy's version.
        pickled = pickle.dumps(array, protocol=4)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise TracksError(
            f"{file}: cannot be written, since it is not plain data ({error})."
        ) from error
    content = _MAGIC + b"\x01\x00" + len(header).to_bytes(2, "little") + header + pickled
    name = f"{file} (not written)"
    tracks = read_tracks(content, name)
    # Reading allows it: people whom the annotation does not keep may be twice in a frame.
    sorted_detections(tracks, np.arange(len(tracks.frame)), name)
    with replaced(file) as unfinished:
        unfinished.write_bytes(content)


def _as_dict(value: Any, depth: int) -> Any:
    """Plain dicts for mappings of any kind, nested so deep; other values as they are."""
    if depth == 0 or not isinstance(value, Mapping):
        return value
    return {key: _as_dict(item, depth - 1) for key, item in value.items()}


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
        self._most = most
        self._detections = 0
        self._wanted = wanted
        self._scored = False
        self._frames = array("q")
        self._kept: tuple[array[Any], ...] = (array("q"), array("q"), array("d"), array("d"))
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
        self._frames.append(frame)
        if type(detections) is not dict:
            raise TracksError(
                f"{self._name}, frame {frame}: expected a dict of detections, "
                f"got {_shown(detections)}."
            )
        self._detections += len(detections)
        if self._detections > self._most:
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
        if numbers is None and field == "pose_pos":
            with_scores = _numbers(value, (JOINTS, 3))
            if with_scores is not None:
                self._scored = True
                numbers = with_scores[:, :2]
        if numbers is None:
            self._fail(frame, key, f"expected {field} as numbers {shape}, got {_shown(value)}")
        return numbers.tobytes()

    def _check_block(self) -> None:
        """Checks the numbers of the block, keeps its wanted detections, and starts the next."""
        frame = np.frombuffer(self._frame, np.int64)
        bbox = np.frombuffer(self._bbox, np.float64).reshape(-1, 4)
        pose = np.frombuffer(self._pose, np.float64).reshape(-1, JOINTS, 2)
        # Not `>=`, which is false for NaN: a joint may be NaN, a bbox may not.
        self._check_rows(~(np.abs(bbox) < _MAX_COORDINATE), "box_pos holds NaN or")
        self._check_rows(np.abs(pose) >= _MAX_COORDINATE, "pose_pos holds")
        pose[np.isnan(pose).any(axis=2)] = np.nan
        kept = np.isin(frame, frame if self._wanted is None else self._wanted)
        person = np.frombuffer(self._person, np.int64)
        bbox = bbox[:, [0, 2, 1, 3]]  # the file has x1, x2, y1, y2
        for column, numbers in zip(self._kept, (frame, person, bbox, pose), strict=True):
            column.frombytes(numbers[kept].tobytes())
        self._start_block()

    def _check_rows(self, bad: NDArray[np.bool_], what: str) -> None:
        """Refuses the first detection of the block that has a bad number."""
        rows = np.flatnonzero(bad.any(axis=tuple(range(1, bad.ndim))))
        if rows.size:
            frame, person = self._frame[rows[0]], self._person[rows[0]]
            what = f"{what} infinity, or a number too large for a pixel (id {person + 1})"
            self._fail(frame, self._keys[rows[0]], what)

    def finish(self) -> Tracks:
        """All wanted detections, in order of their frames."""
        if not self._frames:
            raise TracksError(
                f"{self._name}: expected a dict of frames, found an empty one. Get the file again."
            )
        self._check_block()
        numbers = np.sort(np.frombuffer(self._frames, np.int64))
        twice = numbers[1:][numbers[1:] == numbers[:-1]]
        if twice.size:
            raise TracksError(f"{self._name}: frame {twice[0]} is there twice. Keep one of them.")
        frame, person, bbox, keypoints = map(np.asarray, self._kept)
        tracks = Tracks(
            frame=frame.astype(np.int64, copy=False),
            person=person.astype(np.int64, copy=False),
            bbox=bbox.reshape(-1, 4),
            keypoints=keypoints.reshape(-1, JOINTS, 2),
            frame_count=int(numbers[-1]) + 1,
            scored=self._scored,
            detections=self._detections,
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
            return value.numbers(shape)
        if type(value) not in (list, tuple) or len(value) != shape[0]:
            return None
        if len(shape) == 1:
            plain = all(type(number) in (int, float) for number in value)
            return np.array(value, np.float64) if plain else None
        rows = [_numbers(row, shape[1:]) for row in value]
        return None if any(row is None for row in rows) else np.array(rows)
    except (ValueError, OverflowError):
        return None


def _shown(value: Any) -> str:
    """A short text of a value from a pickle, for an error. It is safe for nested lists."""
    if type(value) in (int, float, str, bytes, bool, type(None)):
        return repr(value)[:40]
    if type(value) is RawArray:
        return str(value)
    if type(value) in (list, tuple, dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {value.kind}" if type(value) is Plain else "something else"
