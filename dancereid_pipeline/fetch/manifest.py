"""The manifest of a folder of clips: a JSON file with the outcome of each video."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from ..common.errors import SourceError
from ..common.files import lock, now, sha256, write_json
from ..common.reasons import Reason
from ..formats.clip_facts import ClipFacts

NAME = "manifest.json"
_MOST_WAITING = 16  # one entry in so many may wait to be written; a run that is killed loses these


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The result of the last try to fetch one video.

    Attributes:
        video_id: the video id in the catalogue.
        outcome: `Reason.USED` if the clip exists, else why it is missing.
        detail: the answer of the site or the cause of the error, in a sentence.
        when: time of the try, UTC, ISO 8601.
        since: time of the first try since which all tries had this outcome; "" if the clip
            exists.
        address: the address of the request; None for a clip that a user put there.
        yt_dlp: the version of yt-dlp.
        asked_with: digest of the settings that may change the answer (cookies, proxy, ...).
        file: the clip's file name.
        bytes: size of the file.
        changed_ns: time of the file's last change, to notice the next one.
        sha256: sha256 of the file, hex.
        format: the site's name for the format: id and codec.
        clip: the clip's properties, found by decoding it.
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
        """Whether a file is still the one that was checked."""
        status = path.stat()
        there = (path.name, status.st_size, status.st_mtime_ns)
        return there == (self.file, self.bytes, self.changed_ns)

    @property
    def in_the_way(self) -> bool:
        """Whether files of a user prevent fetching: they cannot be used, and are kept."""
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
            SourceError: the file is not a manifest, or cannot be read.
        """
        try:
            entries = map(_entry, json.loads(self.path.read_bytes())["videos"])
            return {entry.video_id: entry for entry in entries}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"{self.path}: is not a manifest of fetched clips ({error}). Move it away; the "
                "next run then checks the clips again, and fetches those that are missing."
            ) from error

    def note(self, entry: Entry) -> Entry:
        """Replaces the video's last entry by this one; returns it with its `since`."""
        return self.note_all([entry])[0]

    def note_all(self, entries: Sequence[Entry]) -> list[Entry]:
        """Replaces the last entries of several videos; returns them with their `since`."""
        with lock(self.path.parent, "manifest"):
            noted = self.read()
            dated = [_dated(entry, noted.get(entry.video_id)) for entry in entries]
            noted |= {entry.video_id: entry for entry in dated}
            write_json(self.path, {"videos": [values(noted[name]) for name in sorted(noted)]})
        return dated


class Notes:
    """Writes entries into a manifest, several at a time: each time it writes all that are there.

    So the work grows as the number of entries does. Use it in a `with` statement, which writes
    the last ones.

    Args:
        manifest: the manifest.
        known: the number of its entries.
    """

    def __init__(self, manifest: Manifest, known: int) -> None:
        self._manifest = manifest
        self._known = known
        self._waiting: list[Entry] = []

    def add(self, entry: Entry) -> Entry:
        """Adds the first entry of a video, or one of a clip; returns it with its `since`."""
        entry = _dated(entry, None)
        self._waiting.append(entry)
        self._known += 1
        if len(self._waiting) * _MOST_WAITING >= self._known:
            self._write()
        return entry

    def _write(self) -> None:
        if self._waiting:
            self._manifest.note_all(self._waiting)
            self._waiting = []

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()


def _dated(entry: Entry, last: Entry | None) -> Entry:
    """The entry with `since`, which stays the same while the reason stays the same."""
    if entry.outcome is Reason.USED:
        return entry
    same = last is not None and last.outcome is entry.outcome
    return replace(entry, since=(last.since or last.when) if last and same else entry.when)


def found(video_id: str, path: Path, clip: ClipFacts) -> Entry:
    """The entry of a clip that exists."""
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
    """The values of an entry for JSON, without those that are empty."""
    return {name: value for name, value in asdict(entry).items() if value not in ("", 0, None)}


# Found once: it takes time.
_TYPES = {kind: get_type_hints(kind) for kind in (Entry, ClipFacts)}


def _entry(given: Mapping[str, Any]) -> Entry:
    clip = ClipFacts(**given["clip"]) if "clip" in given else None
    entry = Entry(**{**given, "outcome": Reason(given["outcome"]), "clip": clip})
    for part in (entry, clip) if clip else (entry,):
        for name, kind in _TYPES[type(part)].items():
            value = getattr(part, name)
            if not isinstance(value, (float, int) if kind is float else kind):
                raise TypeError(f"{name} is {value!r}")
    return entry
