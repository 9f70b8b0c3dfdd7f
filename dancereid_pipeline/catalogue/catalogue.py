"""The catalogue: which videos there are, whose ids are whose, and which split each is in.

Ids and splits come from here alone, never from what happens to be on disk or
reachable: the first id of a video is the sum of the people of the rows above it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import CatalogueError, OptionError
from ..common.package_files import project_file

SPLITS = ("trainval", "test", "extra")
# The configs, and the splits of each. "published" is the query list of the published generator. A
# card has them in this order, and the first is loaded where no name is given.
CONFIGS = {
    "paper": ("trainval", "test"),
    "full": ("trainval", "test", "extra"),
    "published": ("trainval", "test"),
    "demo": ("trainval", "test"),
}
REQUIRED = ("video_id", "people", "split")
_ID = re.compile(r"[\w.-]{1,100}")
_MAX_PEOPLE = 2**31 - 1  # ids are int32


@dataclass(frozen=True)
class Video:
    """One row of the catalogue.

    Attributes:
        row: its place, from 0; part of the clip's file name.
        video_id: what annotation and tracks call it.
        download_id: what YouTube calls it now; differs where it was uploaded again.
        people: people in it.
        first_id: global id of its person 0.
        split: "trainval", "test" or "extra".
        published_splits: the splits the published query list puts it in: none to two.
        frames: frames of the clip that was annotated, or None where nobody counted.
        annotated: annotated (person, frame) pairs, or None.
        annotated_every_5th: the same with a frame divisible by 5, the paper's setting.
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
    style: str = ""

    @property
    def clip_stem(self) -> str:
        """The clip's file name without its ending, e.g. `000_ZhuDSdmby8k`."""
        return f"{self.row:03d}_{self.video_id}"

    @property
    def person_ids(self) -> range:
        """Global ids of its people."""
        return range(self.first_id, self.first_id + self.people)

    def splits_in(self, config: str) -> tuple[str, ...]:
        """The splits that a config puts it in: none, one, or (published only) two."""
        if config == "published":
            return self.published_splits
        return (self.split,) if self.split in CONFIGS[config] else ()

    def expected_images(self, stride: int) -> int | None:
        """Images at every `stride`-th frame as far as the catalogue itself tells, else None."""
        return {1: self.annotated, 5: self.annotated_every_5th}.get(stride)


@dataclass(frozen=True)
class Catalogue:
    """All videos, in row order.

    Attributes:
        path: the CSV file it was read from.
        videos: the rows.
        fingerprint: sha256 of the file, hex.
    """

    path: Path
    videos: tuple[Video, ...]
    fingerprint: str

    @classmethod
    def read(cls, path: str | Path | None = None) -> Catalogue:
        """Reads and checks a catalogue.

        Args:
            path: a CSV file with a header; columns `video_id`, `people` and `split`
                (trainval, test or extra) are needed, `download_id` and
                `published_splits` (split names, a space between) are known too, others
                are left alone. The project's own catalogue if None.

        Raises:
            CatalogueError: naming the row and the column.
        """
        path = project_file("video_data.csv") if path is None else Path(path).expanduser()
        content = _read_bytes(path)
        videos: list[Video] = []
        for line, fields in _rows(path, content):
            first_id = videos[-1].person_ids.stop if videos else 0
            videos.append(_video(path, line, fields, len(videos), first_id))
        if not videos:
            raise CatalogueError(f"{path}: expected a row a video below the header, found none.")
        _check_unique(path, videos)
        return cls(path, tuple(videos), hashlib.sha256(content).hexdigest())

    def __iter__(self) -> Iterator[Video]:
        return iter(self.videos)

    def __len__(self) -> int:
        return len(self.videos)

    def choose(self, config: str, video_ids: Iterable[str] | None = None) -> list[Video]:
        """The videos of a config, in row order; only those of `video_ids` if given.

        Raises:
            OptionError: an id is not in the config, or the config has no video here.
        """
        videos = [v for v in self.videos if v.splits_in(config)]
        if not videos:
            raise OptionError(
                f"{self.path}: no row belongs to a split of '{config}' {CONFIGS[config]}. "
                "Fill the column "
                + ("'published_splits'" if config == "published" else "'split'")
                + ", or load another config."
            )
        if video_ids is None:
            return videos
        wanted = set(video_ids)
        unknown = sorted(wanted - {v.video_id for v in videos})
        if unknown or not wanted:
            raise OptionError(
                f"videos={sorted(wanted)!r}: expected ids of '{config}' in {self.path}; "
                f"{unknown!r} are not there. Known: {', '.join(v.video_id for v in videos)}."
            )
        return [v for v in videos if v.video_id in wanted]


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise CatalogueError(
            f"{path}: cannot read the catalogue ({error}). Expected a CSV file "
            f"with the columns {', '.join(REQUIRED)}."
        ) from error


def _rows(path: Path, content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, column -> stripped text) of every row that is not blank."""
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        reader = csv.DictReader(text, strict=True)
        header = [name.strip() for name in reader.fieldnames or ()]
        missing = [name for name in REQUIRED if name not in header]
        if missing:
            raise CatalogueError(
                f"{path}: column {', '.join(map(repr, missing))} is missing. Expected a header "
                f"with {', '.join(REQUIRED)}; found {', '.join(header) or 'an empty file'}."
            )
        reader.fieldnames = header
        for row in reader:
            if None in row or None in row.values():
                raise CatalogueError(
                    f"{path}, line {reader.line_num}: expected {len(header)} fields, as in the "
                    "header. Quote a field that holds a comma."
                )
            yield reader.line_num, {name: text.strip() for name, text in row.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(
            f"{path}: expected a CSV file in UTF-8, but {error}. Save it as CSV (UTF-8) again."
        ) from error


def _video(path: Path, line: int, fields: dict[str, str], row: int, first_id: int) -> Video:
    where = f"{path}, line {line}"
    video_id = fields["video_id"]
    if not _ID.fullmatch(video_id):
        raise CatalogueError(
            f"{where}, column 'video_id': expected up to 100 letters, digits, '-', '_' or '.' "
            f"(it becomes part of file names), got {video_id[:110]!r}."
        )
    if fields["split"] not in SPLITS:
        raise CatalogueError(
            f"{where}, column 'split': expected one of {', '.join(SPLITS)}, "
            f"got {fields['split']!r}."
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
        raise CatalogueError(f"{where}, column 'people': more people than ids, {_MAX_PEOPLE:,}.")
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
        style=fields.get("style", ""),
    )


def _number(where: str, fields: dict[str, str], column: str, *, least: int) -> int | None:
    """The whole number in a column, or None where the column is absent or empty."""
    text = fields.get(column, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise CatalogueError(
            f"{where}, column {column!r}: expected a whole number from {least}, got {text[:40]!r}."
        )
    return int(text)


def _check_unique(path: Path, videos: list[Video]) -> None:
    """Refuses a repeated id. Download ids count: a clip's file may bear either."""
    seen: dict[str, int] = {}
    for video in videos:
        for name in {video.video_id, video.download_id}:
            if name in seen:
                raise CatalogueError(
                    f"{path}, row {video.row}: id {name!r} is already that of row {seen[name]}. "
                    "Every video needs ids of its own."
                )
            seen[name] = video.row
