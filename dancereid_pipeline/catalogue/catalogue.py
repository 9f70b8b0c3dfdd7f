"""The catalogue: the videos, the person ids of each, and the splits of each.

Person ids and splits come from the catalogue alone. They never depend on which files are on
disk or can be fetched: the first id of a video is the number of people in the rows above it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..common.errors import CatalogueError, OptionError
from ..common.package_files import project_file
from ..common.store_path import AnyPath, input_path

# The splits in this order, and others after them.
SPLITS = ("train", "validation", "trainval", "test", "extra")
# Layouts without a split for validation have all of these in one.
TRAINING_SPLITS = SPLITS[:3]
# Data of one's own. `datasets` knows only configs that a builder lists, so it has one name.
OWN = "own"
OWN_CATALOGUE = "catalogue.csv"  # its catalogue in a data folder
# The splits of each config; of "own", those that its catalogue names. "published" follows the query
# list of the published generator. A card lists the configs in this order; without a name, the first
# one is loaded.
CONFIGS: dict[str, tuple[str, ...]] = {
    "paper": ("trainval", "test"),
    "full": ("trainval", "test", "extra"),
    "published": ("trainval", "test"),
    "demo": ("trainval", "test"),
    OWN: (),
}
REQUIRED = ("video_id", "people", "split")
# It begins the names of shards. `datasets` joins the splits of "all".
SPLIT_NAME = re.compile(r"(?!all$)[a-z]{1,30}")
VIDEO_ID = re.compile(r"[\w.-]{1,100}")
_MAX_PEOPLE = 2**31 - 1  # person ids are int32


@dataclass(frozen=True)
class Video:
    """One row of the catalogue.

    Attributes:
        row: index of the row, from 0; part of the clip's file name.
        video_id: the id in the annotation and in the names of the tracks.
        download_id: the id on YouTube now; another one if the video was uploaded again.
        people: number of people in the video.
        first_id: the person id (global) of its first person.
        split: "trainval", "test" or "extra"; in data of one's own, any name.
        published_splits: the splits in which the published query list has it: none to two.
        frames: number of frames of the clip that was annotated; None if unknown.
        annotated: number of annotated (person, frame) pairs; None if unknown.
        annotated_every_5th: the same for frames divisible by 5, the paper's setting.
        tracklets_every_5th: number of tracklets in these frames, by the default options.
        frames_every_5th: number of these frames that have an annotated person.
        style: style of the dance, or "".
    """

    row: int
    video_id: str
    download_id: str
    people: int
    first_id: int
    split: str
    published_splits: tuple[str, ...] = ()
    frames: int | None = None
    annotated: int | None = None
    annotated_every_5th: int | None = None
    tracklets_every_5th: int | None = None
    frames_every_5th: int | None = None
    style: str = ""

    @property
    def clip_stem(self) -> str:
        """The clip's file name without its ending, e.g. `000_ZhuDSdmby8k`."""
        return f"{self.row:03d}_{self.video_id}"

    @property
    def person_ids(self) -> range:
        """The person ids (global) of its people."""
        return range(self.first_id, self.first_id + self.people)

    def splits_in(self, config: str) -> tuple[str, ...]:
        """The splits of a config that have this video: none, one, or (published only) two."""
        if config == "published":
            return self.published_splits
        return (self.split,) if config == OWN or self.split in CONFIGS[config] else ()

    def expected_images(self, stride: int) -> int | None:
        """The number of images at this stride if the catalogue has it, else None."""
        return {1: self.annotated, 5: self.annotated_every_5th}.get(stride)


@dataclass(frozen=True)
class Catalogue:
    """All videos, in row order.

    Attributes:
        path: the CSV file it was read from.
        videos: the rows.
        fingerprint: sha256 of the file, hex.
    """

    path: AnyPath
    videos: tuple[Video, ...]
    fingerprint: str

    @classmethod
    def read(cls, path: str | AnyPath | None = None) -> Catalogue:
        """Reads and checks a catalogue.

        Args:
            path: a CSV file with a header, or its address in a store. It needs the columns
                `video_id`, `people` and `split`. It may have the other attributes of `Video` as
                columns too (`published_splits`: names with a space between). Other columns are
                ignored. DanceReID's own catalogue if None.

        Raises:
            CatalogueError: it is not valid; the message names the line and the column.
        """
        catalogue, faults = cls.read_rows(path)
        if faults:
            raise faults[0]
        return catalogue

    @classmethod
    def read_rows(cls, path: str | AnyPath | None = None) -> tuple[Catalogue, list[CatalogueError]]:
        """Reads a catalogue. The fault of one row does not hide those of the others.

        Args:
            path: as for `read`.

        Returns:
            The catalogue with the valid rows; and what is wrong. If anything is, the person ids
            are not to be used.

        Raises:
            CatalogueError: the file as a whole is not valid.
        """
        path = project_file("video_data.csv") if path is None else input_path("catalogue", path)
        content = _read_bytes(path)
        videos: list[Video] = []
        faults: list[CatalogueError] = []
        for row, (line, fields) in enumerate(_rows(path, content)):
            first_id = videos[-1].person_ids.stop if videos else 0
            try:
                if isinstance(fields, CatalogueError):
                    raise fields
                videos.append(_video(path, line, fields, row, first_id))
            except CatalogueError as error:
                faults.append(error)
        if not videos and not faults:
            raise CatalogueError(
                f"{path}: expected a row for each video below the header, found none. Add them."
            )
        faults += _repeated(path, videos)
        return cls(path, tuple(videos), hashlib.sha256(content).hexdigest()), faults

    def __iter__(self) -> Iterator[Video]:
        return iter(self.videos)

    def __len__(self) -> int:
        return len(self.videos)

    def splits(self, config: str) -> tuple[str, ...]:
        """The splits of a config, in order, whether they have videos or not."""
        return CONFIGS[config] or in_order(video.split for video in self.videos)

    def choose(self, config: str, video_ids: Iterable[str] | None = None) -> list[Video]:
        """The videos of a config, in row order; if `video_ids` is given, only these.

        Raises:
            OptionError: an id is not in the config, or no video is.
        """
        videos = [v for v in self.videos if v.splits_in(config)]
        if not videos:
            raise OptionError(
                f"{self.path}: expected rows in the splits of '{config}' {CONFIGS[config]}, found "
                "none. Fill the column "
                + ("'published_splits'" if config == "published" else "'split'")
                + f", or load another config ('{OWN}' has all splits)."
            )
        if video_ids is None:
            return videos
        wanted = set(video_ids)
        unknown = sorted(wanted - {v.video_id for v in videos})
        if unknown or not wanted:
            raise OptionError(
                f"videos={sorted(wanted)!r}: expected ids of '{config}' in {self.path}; "
                f"{unknown!r} are not among them. Known: {', '.join(v.video_id for v in videos)}."
            )
        return [v for v in videos if v.video_id in wanted]


def in_order(splits: Iterable[str]) -> tuple[str, ...]:
    """The splits, each once: those of `SPLITS` in their order, then others by name."""
    found = set(splits)
    return (*(s for s in SPLITS if s in found), *sorted(found.difference(SPLITS)))


def _read_bytes(path: AnyPath) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise CatalogueError(
            f"{path}: cannot read the catalogue ({error}). Expected a CSV file "
            f"with the columns {', '.join(REQUIRED)}."
        ) from error


def _rows(path: AnyPath, content: bytes) -> Iterator[tuple[int, dict[str, str] | CatalogueError]]:
    """Yields (line number, {column: stripped text}) for each row that is not blank.

    In place of a row with too many or too few fields, yields an error.
    """
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        # Excel writes semicolons in many countries, and on request a first line that names them.
        first = text.readline().rstrip("\r\n")
        named = re.fullmatch(r"sep=([,;\t])", first)
        if not named:
            text.seek(0)
        separator = named[1] if named else next((s for s in ",;\t" if s in first), ",")
        reader = csv.DictReader(text, strict=True, delimiter=separator)
        above = 1 if named else 0
        header = [name.strip() for name in reader.fieldnames or ()]
        missing = [name for name in REQUIRED if name not in header]
        if missing:
            raise CatalogueError(
                f"{path}: column {', '.join(map(repr, missing))} is missing. Expected a header "
                f"with {', '.join(REQUIRED)}, found {', '.join(header) or 'an empty file'}. Add "
                "what is missing."
            )
        reader.fieldnames = header
        for row in reader:
            if not any(map(_filled, row.values())):
                continue  # a blank row, as a spreadsheet saves it: commas alone
            line = reader.line_num + above
            # The stubs do not know that csv gives these fields the name None.
            beyond_header = row.pop(None, None)  # type: ignore[call-overload]
            if _filled(beyond_header) or None in row.values():
                yield (
                    line,
                    CatalogueError(
                        f"{path}, line {line}: expected {len(header)} fields, as in the header, "
                        f"found more or fewer. Put quotes around a field that holds {separator!r}."
                    ),
                )
                continue
            yield line, {name: text.strip() for name, text in row.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(
            f"{path}: expected a CSV file in UTF-8, but reading it fails ({error}). Save it again "
            "as CSV (UTF-8)."
        ) from error


def _filled(field: str | list[str] | None) -> bool:
    """Whether a field, or one of the fields beyond the header, holds more than blanks."""
    return bool("".join(field or ()).strip())


def _video(path: AnyPath, line: int, fields: dict[str, str], row: int, first_id: int) -> Video:
    where = f"{path}, line {line}"
    video_id = fields["video_id"]
    if not VIDEO_ID.fullmatch(video_id):
        raise CatalogueError(
            f"{where}, column 'video_id': expected up to 100 letters, digits, '-', '_' or '.' "
            f"(it becomes part of file names), got {video_id[:110]!r}."
        )
    if not SPLIT_NAME.fullmatch(fields["split"]):
        raise CatalogueError(
            f"{where}, column 'split': expected {', '.join(SPLITS)}, or another name of up to 30 "
            f"letters from a to z (but not 'all'), got {fields['split'][:40]!r}."
        )
    published = tuple(fields.get("published_splits", "").split())
    if len(set(published)) != len(published) or set(published) - set(CONFIGS["published"]):
        raise CatalogueError(
            f"{where}, column 'published_splits': expected nothing, 'trainval', 'test' or both, "
            f"got {' '.join(published)!r}."
        )
    people = _number(where, fields, "people", least=1)
    if people is None:
        raise CatalogueError(f"{where}, column 'people': expected a number from 1, got nothing.")
    if first_id + people > _MAX_PEOPLE:
        raise CatalogueError(
            f"{where}, column 'people': expected at most {_MAX_PEOPLE:,} people in all rows up to "
            f"this one, got {first_id + people:,}. Correct the number."
        )
    return Video(
        row=row,
        video_id=video_id,
        download_id=fields.get("download_id") or video_id,
        people=people,
        first_id=first_id,
        split=fields["split"],
        published_splits=published,
        frames=_number(where, fields, "frames", least=1),
        annotated=_number(where, fields, "annotated", least=0),
        annotated_every_5th=_number(where, fields, "annotated_every_5th", least=0),
        tracklets_every_5th=_number(where, fields, "tracklets_every_5th", least=0),
        frames_every_5th=_number(where, fields, "frames_every_5th", least=0),
        style=fields.get("style", ""),
    )


def _number(where: str, fields: dict[str, str], column: str, *, least: int) -> int | None:
    """The whole number in a column; None if the column is absent or empty."""
    text = fields.get(column, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise CatalogueError(
            f"{where}, column {column!r}: expected a whole number from {least}, got {text[:40]!r}."
        )
    return int(text)


def _repeated(path: AnyPath, videos: list[Video]) -> Iterator[CatalogueError]:
    """Finds repeated ids, download ids included: either may be in a clip's file name."""
    seen: dict[str, int] = {}
    for video in videos:
        for name in {video.video_id, video.download_id}:
            if name in seen:
                yield CatalogueError(
                    f"{path}, row {video.row}: expected a new id, but row {seen[name]} has "
                    f"{name!r} already. Give each video ids of its own."
                )
            seen[name] = video.row
