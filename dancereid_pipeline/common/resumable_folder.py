"""A folder that is made part by part and gets its name when it is whole.

A run that ends before that is continued by the next one. Beside the target, while it is made:

    TARGET.unfinished/
      asked.json      what was asked for; a run that continues must ask for the same
      parts/KEY/      the files of one part
      done/KEY.json   the record of one part; it exists when the part is whole
      folder/         takes in the files of all parts at the end, and is then renamed to TARGET
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SourceError
from .files import LOCKS, UNFINISHED, recover_folder, replace_folder, write_json

_ENTRIES = {LOCKS, "asked.json", "parts", "done", "folder"}


@dataclass(frozen=True)
class ResumableFolder:
    """A folder that is being made. It can be sent to another process.

    Attributes:
        target: the folder that it becomes; an absolute path.
    """

    target: Path

    @property
    def path(self) -> Path:
        """The folder in which it is made."""
        return self.target.with_name(f"{self.target.name}.unfinished")

    @property
    def folder(self) -> Path:
        """The folder that becomes the target."""
        return self.path / "folder"

    def part(self, key: str) -> Path:
        """The folder of a part's own files."""
        return self.path / "parts" / key

    def begin(self, asked: Mapping[str, Any], known: Collection[str], *, force: bool) -> None:
        """Begins, or continues a run that was asked for the same. `path` must exist.

        Args:
            asked: all that the result depends on, as JSON has it; `inputs` is a fingerprint.
            known: the names that a target may have in it if it can be replaced.
            force: replace the target, and start again where something else was asked for before.

        Raises:
            SourceError: the target is there, something else was asked for before, or `path` holds
                files of somebody else.
        """
        recover_folder(self.target)
        refuse_target(self.target, known, force=force)
        names = {entry.name for entry in self.path.iterdir()} - _ENTRIES
        if not all(name.startswith(UNFINISHED) for name in names):
            raise SourceError(
                f"{self.path} is needed, and holds files that this project did not write. Name "
                "another folder, or remove it yourself. Nothing was changed."
            )
        record = self.path / "asked.json"
        if record.is_file() and self.folder.is_dir():
            before = json.loads(record.read_text("utf-8"))
            if before == asked:
                return
            if not force:
                raise SourceError(
                    f"{self.path} is half done, and was begun with {_difference(before, asked)}. "
                    "Ask for the same to continue it; --force (force=True) starts again; or name "
                    "another folder. Nothing was changed."
                )
        # The record is the first to go and the last to come: while it is there, the rest is.
        record.unlink(missing_ok=True)
        for name in ("parts", "done", "folder"):
            _empty(self.path / name)
        write_json(record, asked)

    def begin_part(self, key: str) -> Path:
        """Makes an empty folder for a part's own files; removes those of a run that was ended."""
        return _empty(self.part(key))

    def keep(self, key: str, record: Mapping[str, Any]) -> None:
        """Records that a part is whole.

        `done` returns the record, which holds what JSON can hold.
        """
        write_json(self._record(key), record)

    def done(self, key: str) -> dict[str, Any] | None:
        """What `keep` was given for a part, or None if the part is not whole."""
        if not self._record(key).is_file():
            return None
        return dict(json.loads(self._record(key).read_text("utf-8")))

    def any_done(self) -> bool:
        """Whether any part is whole."""
        return any((self.path / "done").glob("*.json"))

    def _record(self, key: str) -> Path:
        return self.path / "done" / f"{key}.json"

    def take_in(self, key: str, files: Mapping[str, str]) -> None:
        """Moves the files of a part that is whole into the folder. It may be called again.

        Args:
            key: names the part.
            files: path in the part -> path in the folder.
        """
        for parent in {path.rpartition("/")[0] for path in files.values()}:
            (self.folder / parent).mkdir(parents=True, exist_ok=True)
        part, folder = str(self.part(key)), str(self.folder)
        for name, path in files.items():
            try:
                os.replace(f"{part}/{name}", f"{folder}/{path}")  # noqa: PTH105  # a third of the time
            except FileNotFoundError:
                if not (self.folder / path).is_file():  # moved by a run before this one
                    raise

    def finish(self) -> None:
        """Gives the folder its name; a target that is there is replaced."""
        replace_folder(self.folder, self.target)
        self.remove()

    def remove(self) -> None:
        """Removes all that was made, but for the target."""
        shutil.rmtree(self.path, ignore_errors=True)


def refuse_target(target: Path, known: Collection[str], *, force: bool) -> None:
    """Refuses a target that is there.

    Args:
        target: the folder.
        known: the names that it may have in it if it can be replaced.
        force: replace it.

    Raises:
        SourceError: it is there, and `force` is not set or it holds something else.
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
            f"{target} is there, and cannot be replaced: expected a folder with "
            f"{', '.join(known)} at most, found {found}. Name another folder, or remove it "
            "yourself. Nothing was changed."
        )


def _difference(before: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    changed = [name for name in asked if before.get(name) != asked[name]]
    options = [f"{n}={before.get(n)!r}, not {asked[n]!r}" for n in changed if n != "inputs"]
    return ", ".join(options) or "other inputs, or another version of this code"


def _empty(folder: Path) -> Path:
    """Makes a folder, or removes all that is in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder
