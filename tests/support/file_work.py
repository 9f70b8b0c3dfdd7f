"""Work on files that `every_step` ends at each of its steps."""

from __future__ import annotations

import json
from pathlib import Path

from dancereid_pipeline.common.files import alone, replace_folder, replaced, write_json
from dancereid_pipeline.common.resumable_folder import ResumableFolder

OLD, NEW = {"version": "old", "rows": [1] * 1000}, {"version": "new", "rows": [2] * 2000}


def write_new_json(folder: Path) -> None:
    """Replaces `a.json`."""
    write_json(folder / "a.json", NEW)


def write_new_text(folder: Path) -> None:
    """Replaces `a.json`, by the way for a user's own files."""
    with replaced(folder / "a.json") as unfinished:
        unfinished.write_text(json.dumps(NEW))


def swap(folder: Path) -> None:
    """Puts `made` in place of `paper`."""
    replace_folder(folder / "made", folder / "paper")


def make(folder: Path, stride: int = 5) -> None:
    """Makes `out` of two parts; one that is there is replaced."""
    making = ResumableFolder(folder / "out")
    making.path.mkdir(exist_ok=True)
    with alone(making.path, "folder"):
        making.begin({"stride": stride}, ["old", "images"], force=True)
        for key in ("first", "second"):
            if making.done(key) is None:
                (making.begin_part(key) / "0.jpg").write_text(key)
                making.keep(key, {"files": {"0.jpg": f"images/{key}.jpg"}})
        for key in ("first", "second"):
            making.take_in(key, (making.done(key) or {})["files"])
        making.finish()


def make_otherwise(folder: Path) -> None:
    """The same with another option, so that nothing of `make` is continued."""
    make(folder, stride=6)
