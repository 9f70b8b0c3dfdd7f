"""annotation.json -> which detections are valid.

The file is `{video_id: {person: [frame, ...]}}`. `person` is a decimal string, frames count
from 0. A detection is valid if the annotation lists its frame for its person.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..catalogue.catalogue import Catalogue
from ..common.errors import AnnotationError, SourceError, VideoError
from ..common.files import replaced
from ..common.reasons import Reason
from ..common.store_path import AnyPath
from ..common.validation import checked_path

# The published file has 3 MB for 33 videos.
MAX_BYTES = 256 << 20
_SHAPE = 'Expected {"video id": {"person": [frame, ...]}}'


@dataclass(frozen=True)
class VideoAnnotation:
    """The valid detections of one video.

    Attributes:
        people: ids of the people in the video, ascending, gaps allowed, int64 `[P]`. The
            index of an id in this array plus the video's first id is the person id (global).
        frames: for each of them its valid frames, ascending, int64 `[n]`.
    """

    people: NDArray[np.int64]
    frames: tuple[NDArray[np.int64], ...]

    def count(self, stride: int) -> int:
        """The number of (person, frame) pairs whose frame is divisible by `stride`."""
        return sum(int(np.count_nonzero(frames % stride == 0)) for frames in self.frames)

    def any_frames(self, stride: int) -> NDArray[np.int64]:
        """The frames, divisible by `stride`, that are valid for at least one person.

        Returns:
            int64 `[n]`, ascending.
        """
        frames = np.unique(np.concatenate([np.empty(0, np.int64), *self.frames]))
        return frames[frames % stride == 0]


@dataclass(frozen=True)
class Annotation:
    """The annotation of all videos.

    Attributes:
        path: the file that it was read from.
        videos: the annotation of each video, by video id.
        fingerprint: sha256 of the file, hex.
    """

    path: AnyPath
    videos: dict[str, VideoAnnotation]
    fingerprint: str

    @classmethod
    def read(cls, path: AnyPath, catalogue: Catalogue) -> Annotation:
        """Reads and checks an annotation.

        Args:
            path: the JSON file.
            catalogue: must have each video of the file, with the same number of people.

        Raises:
            AnnotationError: the file is not valid; the message names the video, the person
                and the frame.
            SourceError: the file cannot be read.
        """
        found, fingerprint = read_videos(path, catalogue)
        videos = {}
        for video_id, annotation in found.items():
            if isinstance(annotation, AnnotationError):
                raise annotation
            videos[video_id] = annotation
        return cls(path, videos, fingerprint)


def read_videos(
    path: AnyPath, catalogue: Catalogue
) -> tuple[dict[str, VideoAnnotation | AnnotationError], str]:
    """Reads an annotation. The fault of one video does not hide the others.

    Args:
        path: the JSON file.
        catalogue: must have each video of the file, with the same number of people.

    Returns:
        The annotation of each video, or what is wrong with it, by video id; and the sha256 of the
        file, hex.

    Raises:
        AnnotationError: the file as a whole is not valid.
        SourceError: the file cannot be read.
    """
    content = _read_bytes(path)
    people = {video.video_id: video.people for video in catalogue}
    videos: dict[str, VideoAnnotation | AnnotationError] = {}
    for video_id, of_video in _parse(path, content).items():
        try:
            if video_id not in people:
                raise AnnotationError(
                    f"{path}: video {video_id[:40]!r} is not in the catalogue {catalogue.path}. "
                    "Add a row for it there, below the others so that their person ids stay the "
                    "same, or remove it from the annotation."
                )
            annotation = _video_annotation(f"{path}, video {video_id!r}", of_video)
            if len(annotation.people) != people[video_id]:
                raise AnnotationError(
                    f"{path}, video {video_id!r}: expected {people[video_id]} people, as in "
                    f"{catalogue.path}, found {len(annotation.people)}. Correct the number there, "
                    "or the annotation."
                )
            videos[video_id] = annotation
        except AnnotationError as error:
            videos[video_id] = error
    return videos, hashlib.sha256(content).hexdigest()


def write_annotation(
    path: str | PathLike[str], videos: Mapping[str, Mapping[int, Iterable[int]]]
) -> None:
    """Writes annotation.json for your own videos: all of it, or nothing.

    It takes what a build can read, and nothing else.

    Args:
        path: the file; `~` is your home folder. A file that is there is replaced.
        videos: `{video id: {person: frames}}`. A person in the video and the frames are whole
            numbers from 0; each frame is there once, in any order.

    Raises:
        OptionError: `path` is no path.
        AnnotationError: the annotation is not valid; the message names the video, the person and
            the frame.
        SourceError: the file cannot be written.
    """
    file = checked_path("path", path)
    name = f"{file} (not written)"
    if not isinstance(videos, Mapping):
        raise AnnotationError(f"{name}: got a {type(videos).__name__} at the top. {_SHAPE}.")
    plain: dict[str, dict[str, list[Any]]] = {}
    for video_id, people in videos.items():
        where = f"{name}, video {video_id!r}"
        if not isinstance(video_id, str) or not isinstance(people, Mapping):
            raise AnnotationError(f"{where}: expected a video id and its people. {_SHAPE}.")
        plain[video_id] = {str(person): _plain(frames) for person, frames in people.items()}
        _video_annotation(where, plain[video_id])
    with replaced(file) as unfinished:
        unfinished.write_text(json.dumps(plain) + "\n", "utf-8")


def _plain(frames: Any) -> Any:
    """The frames as a list of Python's numbers; what is no list stays, and is refused later."""
    if not isinstance(frames, Iterable) or isinstance(frames, str | bytes | Mapping):
        return frames
    return [int(f) if isinstance(f, np.integer) else f for f in frames]


def not_listed(video_id: str) -> VideoError:
    """The error for a video that the annotation does not list."""
    return VideoError(
        Reason.NO_ANNOTATION,
        f"The annotation does not list the video {video_id}. Add it there.",
    )


def _read_bytes(path: AnyPath) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(
            f"{path}: cannot read the annotation ({error.strerror or error}). Put annotation.json "
            "there, or point data_dir at the folder that holds it."
        ) from error
    if len(content) > MAX_BYTES:
        raise AnnotationError(
            f"{path}: expected an annotation of at most {MAX_BYTES:,} bytes, found more. Check "
            "that it is the right file."
        )
    return content


def _parse(path: AnyPath, content: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(content, object_pairs_hook=_unique_keys)
    except RecursionError:
        raise AnnotationError(f"{path}: lists or objects are nested too deep. {_SHAPE}.") from None
    except ValueError as error:
        raise AnnotationError(f"{path}: {error}. {_SHAPE}.") from error
    if not isinstance(raw, dict):
        raise AnnotationError(f"{path}: got a {type(raw).__name__} at the top. {_SHAPE}.")
    return raw


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the key {twice[:40]!r} is twice in one object")
    return keys


def _video_annotation(where: str, of_video: Any) -> VideoAnnotation:
    if not isinstance(of_video, dict):
        raise AnnotationError(f"{where}: got a {type(of_video).__name__}. {_SHAPE}.")
    by_id: dict[int, NDArray[np.int64]] = {}
    for person, frames in of_video.items():
        # No sign, no leading zero, and short enough for an int64: an id has only one spelling.
        if not (person.isascii() and person.isdigit() and person == str(int(person[:10]))):
            raise AnnotationError(
                f"{where}: expected a person's id as a decimal number, got {person[:40]!r}."
            )
        by_id[int(person)] = _frames(f"{where}, person {person}", frames)
    order = sorted(by_id)
    return VideoAnnotation(np.array(order, np.int64), tuple(by_id[person] for person in order))


def _frames(where: str, frames: Any) -> NDArray[np.int64]:
    if not isinstance(frames, list):
        raise AnnotationError(f"{where}: expected a list of frames, got a {type(frames).__name__}.")
    for frame in frames:
        # bool is an int in Python, but true is not a frame.
        if type(frame) is not int or not 0 <= frame < 2**31:
            shown = frame if isinstance(frame, int | float | str) else type(frame).__name__
            raise AnnotationError(
                f"{where}: expected frames as whole numbers from 0, got {str(shown)[:40]!r}."
            )
    column = np.sort(np.array(frames, np.int64))
    twice = column[1:][column[1:] == column[:-1]]
    if twice.size:
        raise AnnotationError(f"{where}: frame {twice[0]} is listed twice. List it once.")
    return column
