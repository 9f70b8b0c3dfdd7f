"""A folder that appears under its name only when it is whole, and is gone on with until then.

Beside the target, while it is made:

    TARGET.unfinished/
      asked.json           what was asked for; a run that goes on must ask for the same
      parts/000_VIDEO/     the files of a video
      done/000_VIDEO.json  what came of it; is there once its part is whole
      folder/              takes in all parts in the end, and is then renamed to TARGET
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..build.coverage import Outcome
from ..catalogue.catalogue import Video
from ..common.errors import SourceError
from ..common.files import LOCKS

_ENTRIES = {LOCKS, "asked.json", "parts", "done", "folder", "replaced"}
_NEW = ".new"  # ending of a file that is not whole yet


@dataclass(frozen=True)
class Unfinished:
    """A folder in the making. It can be sent to another process.

    Attributes:
        target: the folder that it becomes; an absolute path.
    """

    target: Path

    @property
    def path(self) -> Path:
        """Where it is made."""
        return self.target.with_name(f"{self.target.name}.unfinished")

    @property
    def folder(self) -> Path:
        """What becomes the target."""
        return self.path / "folder"

    def part(self, video: Video) -> Path:
        """The folder of a video's own files."""
        return self.path / "parts" / video.clip_stem

    def begin(self, asked: Mapping[str, Any], *, force: bool) -> None:
        """Begins, or goes on with what a run before was asked for alike.

        Args:
            asked: all that the result depends on, as JSON has it; `inputs` is a fingerprint.
            force: begin anew where something else was asked for before.

        Raises:
            SourceError: something else was, or this folder is not from here.
            OSError: it cannot be written.
        """
        record = self.path / "asked.json"
        if {path.name.removesuffix(_NEW) for path in self.path.iterdir()} - _ENTRIES:
            raise SourceError(
                f"{self.path} is needed, and holds something that is not from here. Name another "
                "folder, or remove it yourself. Nothing was changed."
            )
        if record.is_file() and self.folder.is_dir():
            before = json.loads(record.read_text("utf-8"))
            if before == asked:
                return
            if not force:
                raise SourceError(
                    f"{self.path} is half done, and was begun with {_difference(before, asked)}. "
                    "Ask for the same to go on with it; --force (force=True) begins anew; or name "
                    "another folder. Nothing was changed."
                )
        # The folder goes first, at once, and comes last: while it is there, all the rest is.
        if self.folder.exists():
            self.folder.rename(self._emptied("replaced"))
        _write_whole(record, json.dumps(asked))
        for name in ("parts", "done", "folder"):
            self._emptied(name).mkdir()

    def _emptied(self, name: str) -> Path:
        """A path in here, where nothing is any more."""
        path = self.path / name
        if path.exists():
            shutil.rmtree(path)
        return path

    def begin_part(self, video: Video) -> Path:
        """An empty folder for a video's own files."""
        # What is there is of a run that ended before the video was done.
        part = self._emptied(f"parts/{video.clip_stem}")
        part.mkdir()
        return part

    def keep(self, video: Video, outcome: Outcome, files: Mapping[str, str]) -> None:
        """Notes that a video is done.

        Args:
            video: the row of the catalogue.
            outcome: what came of it.
            files: path in its part -> path in the folder.
        """
        text = json.dumps({"outcome": asdict(outcome), "files": files})
        _write_whole(self._note(video), text)

    def done(self, video: Video) -> tuple[Outcome, dict[str, str]] | None:
        """What `keep` was given, or None if the video is not done."""
        if not self._note(video).is_file():
            return None
        values = json.loads(self._note(video).read_text("utf-8"))
        return Outcome.from_dict(values["outcome"]), values["files"]

    def _note(self, video: Video) -> Path:
        return self.path / "done" / f"{video.clip_stem}.json"

    def take_in(self, video: Video, files: Mapping[str, str]) -> None:
        """Moves the files of a video that is done into the folder. May be done again."""
        for place in {path.rpartition("/")[0] for path in files.values()}:
            (self.folder / place).mkdir(parents=True, exist_ok=True)
        part, folder = str(self.part(video)), str(self.folder)
        for name, path in files.items():
            try:
                os.replace(f"{part}/{name}", f"{folder}/{path}")  # noqa: PTH105  # a third of the time
            except FileNotFoundError:
                if not (self.folder / path).is_file():  # moved by a run before this one
                    raise

    def finish(self) -> None:
        """Gives the folder its name; what has that name by now is replaced."""
        if self.target.exists():
            self.target.rename(self._emptied("replaced"))
        self.folder.rename(self.target)
        self.remove()

    def remove(self) -> None:
        """Removes what was being made."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def writable(self) -> Iterator[None]:
        """Turns what the disk refuses into a `SourceError`."""
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"{self.path}: cannot be written ({error}). Make room there, or get leave to "
                "write, and run it again: it goes on from there. Or name another folder."
            ) from error


def refuse_target(target: Path, known: Collection[str], *, force: bool) -> None:
    """Refuses a target that is there.

    Args:
        target: the folder.
        known: what may be in one that can be replaced.
        force: replace it.

    Raises:
        SourceError: it is there, and is not to be replaced or holds something else.
    """
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise SourceError(
            f"{target} is there already. Name another folder, or replace it with --force "
            "(force=True). Nothing was changed."
        )
    found = "a file or a link"
    if target.is_dir() and not target.is_symlink():
        found = ", ".join(sorted({path.name for path in target.iterdir()} - set(known))[:3])
    if found:
        raise SourceError(
            f"{target} is there, and is none that can be replaced: expected a folder with "
            f"{', '.join(known)} at most, found {found}. Name another folder, or remove it "
            "yourself. Nothing was changed."
        )


def _difference(before: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    changed = [name for name in asked if before.get(name) != asked[name]]
    options = [f"{n}={before.get(n)!r}, not {asked[n]!r}" for n in changed if n != "inputs"]
    return ", ".join(options) or "other inputs, or another version of this code"


def _write_whole(path: Path, text: str) -> None:
    """Writes a file that is there whole or not at all."""
    new = path.with_name(path.name + _NEW)
    new.write_text(text, "utf-8")
    new.replace(path)
