"""What was fetched, or why not, video by video: a JSON file beside the clips."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from ..common.errors import SourceError
from ..common.files import lock, now, sha256, write_json
from ..common.reasons import Reason

NAME = "manifest.json"


@dataclass(frozen=True)
class ClipFacts:
    """What a clip is.

    Attributes:
        frames: as counted by decoding.
        width: in pixels.
        height: in pixels.
        fps: frames a second, 0 where the file does not say.
        codec: as FFmpeg names it: "h264", "vp9", "av1".
    """

    frames: int
    width: int
    height: int
    fps: float
    codec: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What came of the last try at one video.

    Attributes:
        video_id: the catalogue's.
        outcome: `Reason.USED` for a clip that is there, else why it is not.
        detail: what was said, in a sentence.
        when: UTC, ISO 8601.
        since: when the clip was first refused so, of tries that all ended so; "" for one
            that is there.
        address: where it was asked for; None for a clip that was put there by hand.
        yt_dlp: the version that asked.
        asked_with: tells settings apart that may change the answer (cookies, proxy, ...).
        file: the clip's name.
        bytes: its size.
        changed_ns: when it was last changed, to notice that it was.
        sha256: of its content, hex.
        format: what the site calls what was taken: id and codec.
        clip: what it is, by decoding it.
    """

    video_id: str
    outcome: Reason
    detail: str = ""
    when: str
    since: str = ""
    address: str | None = None
    yt_dlp: str = ""
    asked_with: str = ""
    file: str = ""
    bytes: int = 0
    changed_ns: int = 0
    sha256: str = ""
    format: str = ""
    clip: ClipFacts | None = None

    def is_of(self, path: Path) -> bool:
        """Whether a file is still the one that was looked at."""
        status = path.stat()
        there = (path.name, status.st_size, status.st_mtime_ns)
        return there == (self.file, self.bytes, self.changed_ns)

    @property
    def in_the_way(self) -> bool:
        """Whether there are files that cannot be used. They are left alone: somebody's they are."""
        return self.outcome is Reason.AMBIGUOUS or bool(
            self.file and self.outcome is not Reason.USED
        )


class Manifest:
    """The entries of a folder of clips. Several processes may write it.

    Args:
        folder: the folder; `manifest.json` is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> dict[str, Entry]:
        """The entries, by video id.

        Raises:
            SourceError: it is none, or cannot be read.
        """
        try:
            entries = map(_entry, json.loads(self.path.read_bytes())["videos"])
            return {entry.video_id: entry for entry in entries}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"{self.path}: is no manifest of fetched clips ({error}). Move it away: the clips "
                "are then checked anew, and what is missing is asked for again."
            ) from error

    def note(self, entry: Entry) -> Entry:
        """Writes an entry in place of the video's last one; gives it back with its `since`."""
        with lock(self.path.parent, "manifest"):
            entries = self.read()
            entry = entries[entry.video_id] = _dated(entry, entries.get(entry.video_id))
            write_json(self.path, {"videos": [values(entries[name]) for name in sorted(entries)]})
        return entry


def _dated(entry: Entry, last: Entry | None) -> Entry:
    """With `since`, which goes on while a video stays away for the same reason."""
    if entry.outcome is Reason.USED:
        return entry
    same = last is not None and last.outcome is entry.outcome
    return replace(entry, since=(last.since or last.when) if last and same else entry.when)


def found(video_id: str, path: Path, clip: ClipFacts) -> Entry:
    """The entry of a clip that is there."""
    status = path.stat()
    return Entry(
        video_id=video_id,
        outcome=Reason.USED,
        when=now(),
        file=path.name,
        bytes=status.st_size,
        changed_ns=status.st_mtime_ns,
        sha256=sha256(path),
        clip=clip,
    )


def values(entry: Entry) -> dict[str, Any]:
    """What an entry says, as JSON has it; what it does not say is left out."""
    return {name: value for name, value in asdict(entry).items() if value not in ("", 0, None)}


def _entry(said: Mapping[str, Any]) -> Entry:
    clip = ClipFacts(**said["clip"]) if "clip" in said else None
    entry = Entry(**{**said, "outcome": Reason(said["outcome"]), "clip": clip})
    for made in (entry, clip) if clip else (entry,):
        for name, kind in get_type_hints(type(made)).items():
            value = getattr(made, name)
            if not isinstance(value, (float, int) if kind is float else kind):
                raise TypeError(f"{name} is {value!r}")
    return entry
