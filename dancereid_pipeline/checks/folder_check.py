"""Reads a data folder, and says all that is wrong or doubtful in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from ..catalogue.catalogue import CONFIGS, OWN, OWN_CATALOGUE, Catalogue, Video
from ..common.errors import AnnotationError, CatalogueError, SourceError, VideoError
from ..common.package_files import project_file
from ..common.progress import progress
from ..common.report import Report
from ..common.store_path import AnyPath
from ..common.validation import checked_path, ids_or_none, one_of, path_or_none
from ..formats.annotation import VideoAnnotation, not_listed, read_videos
from ..formats.npy_tracks import Tracks, read_tracks
from ..inputs.data_folder import (
    CLIP_SUFFIXES,
    Clips,
    TracksFiles,
    clips_below,
    open_clip_at,
    tracks_files_below,
)
from ..inputs.file_matching import PassedOver
from .clip_checks import check_size, rate_multiple
from .detections import doubts, kept_detections
from .finding import BBOX_KINDS, Finding
from .moves import move_findings

if TYPE_CHECKING:
    from .doubtful_page import DoubtfulPage

_NOT_DECODED = (
    "No clip was opened: only a build, or decode (--decode), finds clips that are broken or do not "
    "fit."
)
_DECODED = "A few frames of each clip were decoded: only a build decodes all that it needs."
_DECODED_FRAMES = 5  # spread over the annotated frames of a video


@dataclass(frozen=True)
class Wrong:
    """What keeps a video, or the whole folder, from being used.

    Attributes:
        video_id: the video; "" if it is not one video alone.
        what: the reason, as in a coverage; or "catalogue", "annotation", "clips" or "tracks".
        message: where, what was expected, what was found, what to do.
    """

    video_id: str
    what: str
    message: str

    def __str__(self) -> str:
        name = f"{self.video_id}: {self.what}." if self.video_id else f"{self.what}:"
        return f"{name} {self.message}"


@dataclass(frozen=True, repr=False)
class FolderCheck(Report):
    """What was found in a data folder. `print` shows it as a report.

    Attributes:
        folder: path of the folder.
        catalogue: path of the catalogue.
        config: name of the config.
        videos: ids of the videos that were checked.
        wrong: what keeps a video, or the whole folder, from being used.
        doubtful: what does not keep a video from being used, but should be looked at.
        passed_over: clips and tracks that belong to no video, and files with a video's id that
            are neither.
        decoded: whether a few frames of each clip were decoded.
    """

    folder: Path
    catalogue: Path
    config: str
    videos: tuple[str, ...]
    wrong: tuple[Wrong, ...] = ()
    doubtful: tuple[Finding, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    decoded: bool = False

    @property
    def in_order(self) -> tuple[str, ...]:
        """Ids of the videos in which nothing is wrong or doubtful."""
        faulty = {w.video_id for w in self.wrong} | {d.video_id for d in self.doubtful}
        return tuple(video_id for video_id in self.videos if video_id not in faulty)

    def __str__(self) -> str:
        lines = [
            f"{self.folder}: {len(self.in_order)} of {len(self.videos)} videos of "
            f"'{self.config}' are in order (catalogue {self.catalogue})"
        ]
        for name, entries in (
            ("wrong", self.wrong),
            ("doubtful", [f"{finding.video_id}: {finding}" for finding in self.doubtful]),
            ("passed over", self.passed_over),
        ):
            if entries:
                lines += ["", f"{name} ({len(entries)}):"]
                # A file's name may have line breaks.
                lines += [f"  {' '.join(str(entry).split())}" for entry in entries]
        lines += ["", _DECODED if self.decoded else _NOT_DECODED]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Indented JSON."""
        found = {
            "folder": str(self.folder),
            "catalogue": str(self.catalogue),
            "config": self.config,
            "videos": self.videos,
            "in_order": self.in_order,
            "wrong": [asdict(one) for one in self.wrong],
            "doubtful": [{**asdict(one), "advice": one.advice} for one in self.doubtful],
            "passed_over": [{"path": one.path, "why": one.why} for one in self.passed_over],
        }
        return json.dumps(found, indent=2)


def check(
    folder: str | Path,
    *,
    config: str | None = None,
    catalogue: str | Path | None = None,
    videos: Sequence[str] | None = None,
    decode: bool = False,
    page: str | Path | None = None,
) -> FolderCheck:
    """Says all that is wrong or doubtful in a data folder.

    It reads the catalogue, the annotation and all tracks, and looks which files are there.

    Args:
        folder: the data folder: what `load_dataset` takes as `data_dir`.
        config: check the videos of this config. If None, it is "own" where a catalogue is named
            or the folder has `catalogue.csv`, else "paper".
        catalogue: path of the catalogue. If None, it is the config's: `catalogue.csv` in the
            folder for config "own".
        videos: check only these video ids.
        decode: also open each clip: compare its length and size with the tracks, and decode a
            few of its annotated frames.
        page: write a page of HTML there, with pictures of all frames from which people jump, may be
            swapped or are twice in a frame, or have their joints outside the bbox. Its button
            saves what you tick as doubtful.json; `dancereid check --drop` reads that.

    Returns:
        What was found; printed, a report.

    Raises:
        OptionError: an option has a value that is not allowed.
        SourceError: the folder is not there.
    """
    path, config, catalogue_path = resolve_folder(folder, config, catalogue)
    chosen_ids = ids_or_none("videos", videos)
    page_path = None if page is None else checked_path("page", page)
    shown = None if page is None else _new_page()
    try:
        rows, faults = Catalogue.read_rows(catalogue_path)
    except CatalogueError as error:
        return FolderCheck(path, catalogue_path, config, (), (Wrong("", "catalogue", str(error)),))
    wrong = [Wrong("", "catalogue", str(fault)) for fault in faults]
    chosen = [video for video in rows if video.splits_in(config)]
    if not faults:
        chosen = rows.choose(config, chosen_ids)
    elif chosen_ids is not None:  # those that are unknown may be in the rows that are wrong
        chosen = [video for video in chosen if video.video_id in chosen_ids]
    inputs = _Inputs(path, rows, known_rows=not faults)
    found = [
        one
        for video in progress(chosen, desc="Checking", unit=" videos")
        for one in inputs.check(video, decode=decode, page=shown)
    ]
    if shown is not None and page_path is not None:
        shown.write(page_path)
    return FolderCheck(
        path,
        catalogue_path,
        config,
        tuple(video.video_id for video in chosen),
        (*wrong, *inputs.wrong, *(one for one in found if isinstance(one, Wrong))),
        tuple(one for one in found if isinstance(one, Finding)),
        tuple(inputs.passed_over),
        decode,
    )


def resolve_folder(
    folder: str | Path, config: str | None, catalogue: str | Path | None
) -> tuple[Path, str, Path]:
    """The absolute path of a data folder, its config and its catalogue; arguments as for `check`.

    Raises:
        OptionError: an option has a value that is not allowed.
        SourceError: the folder is not there.
    """
    path = checked_path("folder", folder).absolute()
    if not path.is_dir():
        raise SourceError(f"{path} is not a folder. Expected a data folder, with videos/ and npy/.")
    given = path_or_none("catalogue", catalogue)
    if config is None:
        config = OWN if given or (path / OWN_CATALOGUE).is_file() else "paper"
    one_of("config", config, CONFIGS)
    return path, config, _catalogue_path(path, config, given)


def _catalogue_path(folder: Path, config: str, given: str | None) -> Path:
    if given is not None:
        return checked_path("catalogue", given)
    if config == OWN:
        return folder / OWN_CATALOGUE
    return project_file("demo/video_data.csv" if config == "demo" else "video_data.csv")


class _Inputs:
    """The clips, the tracks and the annotation in a folder, as far as they can be read.

    Args:
        folder: the data folder.
        catalogue: the valid rows of the catalogue.
        known_rows: whether these are all rows.

    Attributes:
        wrong: what is wrong with the folder as a whole, or with the annotation.
        passed_over: files that belong to no video.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, *, known_rows: bool) -> None:
        self.wrong: list[Wrong] = []
        self.passed_over: list[PassedOver] = []
        self._clips: Clips | None = None
        self._tracks: TracksFiles | None = None
        self._annotation: dict[str, VideoAnnotation | AnnotationError] | None = None
        try:
            self._clips = clips_below(folder, catalogue)
        except OSError as error:
            self.wrong.append(Wrong("", "clips", f"{folder}: cannot be read ({error})."))
        try:
            self._tracks = tracks_files_below(folder, catalogue)
        except SourceError as error:
            self.wrong.append(Wrong("", "tracks", str(error)))
        try:
            self._annotation, _ = read_videos(folder / "annotation.json", catalogue)
        except (AnnotationError, SourceError) as error:
            self.wrong.append(Wrong("", "annotation", str(error)))
        ids = {i for video in catalogue for i in (video.video_id, video.download_id)}
        # What seems to belong to no video of the catalogue may belong to a row that is wrong.
        for video_id, of_video in (self._annotation or {}).items():
            if isinstance(of_video, AnnotationError) and (known_rows or video_id in ids):
                self.wrong.append(Wrong(video_id, "annotation", str(of_video)))
        for files in (self._clips, self._tracks):
            others = files.passed_over if files is not None and known_rows else []
            self.passed_over += [file for file in others if _matters(file, ids)]

    def check(
        self, video: Video, *, decode: bool, page: DoubtfulPage | None
    ) -> Iterator[Wrong | Finding]:
        """What is wrong or doubtful with the files of a video."""
        clip = tracks = None
        try:
            clip = self._clips.find(video) if self._clips is not None else None
        except VideoError as error:
            yield _wrong(video, error)
        annotation = (self._annotation or {}).get(video.video_id)
        if self._annotation is not None and annotation is None:
            yield _wrong(video, not_listed(video.video_id))
        of_video = annotation if isinstance(annotation, VideoAnnotation) else None
        try:
            tracks = self._read_tracks(video, of_video)
        except VideoError as error:
            yield _wrong(video, error)
        if tracks is None or of_video is None:
            return
        try:
            kept = kept_detections(tracks, of_video, 1, f"Tracks of {video.video_id}")
            found = doubts(video.video_id, tracks, kept, of_video, 1)
            yield from found
            if not BBOX_KINDS.intersection(finding.kind for finding in found):
                yield from move_findings(video.video_id, kept)
            if decode and clip is not None:
                _decode_some(clip, tracks, kept)
            if page is not None and clip is not None:
                page.add(video.video_id, clip, tracks, kept)
        except VideoError as error:
            yield _wrong(video, error)

    def _read_tracks(self, video: Video, annotation: VideoAnnotation | None) -> Tracks | None:
        """The tracks in annotated frames; None if the folder has none that can be read."""
        if self._tracks is None:
            return None
        file = self._tracks.find(video)
        frames = np.empty(0, np.int64) if annotation is None else annotation.any_frames(1)
        return read_tracks(file.read(), str(file), frames=frames)


def _decode_some(path: AnyPath, tracks: Tracks, kept: Tracks) -> None:
    """Compares a clip with its tracks, and decodes a few annotated frames.

    Raises:
        VideoError: it is no video, it does not fit, or one of these frames is damaged.
    """
    with open_clip_at(path) as clip:
        multiple = rate_multiple(clip.frame_count, tracks.frame_count, str(path))
        frames = np.unique(kept.frame)
        if not len(frames):
            return
        some = frames[np.linspace(0, len(frames) - 1, _DECODED_FRAMES).astype(int)]
        for _, decoded in clip.read((some * multiple).tolist()):
            check_size((decoded.width, decoded.height), kept.bbox, str(path))
            decoded.bgr(0, decoded.height, 0, decoded.width)


def _new_page() -> DoubtfulPage:
    # Here, not above: without a page, OpenCV need not be imported.
    from .doubtful_page import DoubtfulPage

    return DoubtfulPage()


def _wrong(video: Video, error: VideoError) -> Wrong:
    return Wrong(video.video_id, error.reason.value, str(error))


def _matters(file: PassedOver, ids: set[str]) -> bool:
    """Whether a file that is passed over may be a clip or tracks: by its ending, or by an id."""
    ending = PurePath(file.path).suffix.lower()
    return ending in {*CLIP_SUFFIXES, ".npy"} or any(i.lower() in file.name.lower() for i in ids)
