"""Shows what was fetched and what was built, and how large it is; clears it if asked.

--clear downloads removes what this package fetched into the download folder; --clear builds
removes what load_dataset built from it. Files that came from elsewhere are neither counted
nor removed, even if they lie between them. What another process is at work on stays.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from filelock import FileLock, Timeout

from ..catalogue.catalogue import CONFIGS
from ..common.errors import OptionError, SourceError
from ..common.files import LOCKS, sha256, usable
from ..fetch.manifest import NAME as MANIFEST
from ..fetch.manifest import Manifest
from ..formats.track_archive import ARCHIVE_SUFFIXES, UNREADABLE_SUFFIXES
from ..transfer.settings import ANNOTATION_SHA256
from .network_flags import add_network_flags, read_network

EXAMPLES = "  dancereid cache\n  dancereid cache --clear builds"
_BUILDER = "dancereid"
# What is fetched into the download folder; with a digest where the address is not the usual one.
_ANNOTATION = re.compile(r"annotation(-[0-9a-f]{8})?\.json")
_TRACKS = re.compile(r"npy(-[0-9a-f]{8})?\.json")
_PART = re.compile(r"(annotation|npy)(-[0-9a-f]{8})?(\.json)?\.(fetched|unchecked)(\..+)?")


@dataclass(frozen=True)
class _Kept:
    """Something that was fetched or built.

    Attributes:
        name: what it is.
        files: all of its files, and none of others.
        locks: files that a process locks while it is at work on it.
    """

    name: str
    files: tuple[Path, ...]
    locks: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(path.stat().st_size for path in self.files)

    def remove(self) -> None:
        """Removes its files, and folders that are empty then.

        Raises:
            SourceError: another process is at work on it.
        """
        with ExitStack() as held:
            for path in self.locks:
                try:
                    held.enter_context(FileLock(path, timeout=0))
                except Timeout as error:
                    raise SourceError(
                        f"{self.name}: another process is at work on it. Wait until it has ended."
                    ) from error
            for path in self.files:
                path.unlink()
        for path in self.locks:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in (*self.files, *self.locks)}:
            _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Removes a folder if nothing is in it, and so the folder around it; three at most."""
    for empty in (folder, *folder.parents[:2]):
        if not empty.is_dir() or any(empty.iterdir()):
            return
        empty.rmdir()


def _downloads(home: Path) -> Iterator[_Kept]:
    """What was fetched into the download folder."""
    names = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    for name in filter(_ANNOTATION.fullmatch, names):
        # Another file of the first name was put there by hand.
        if name != "annotation.json" or sha256(home / name) == ANNOTATION_SHA256:
            stem = name.removesuffix(".json")
            yield _Kept(name, (home / name,), _locks(home, stem))
    for name in filter(_TRACKS.fullmatch, names):
        record, stem = _json(home / name), name.removesuffix(".json")
        archives = [
            home / f"{stem}{suffix}" for suffix in (*ARCHIVE_SUFFIXES, *UNREADABLE_SUFFIXES)
        ]
        if record.keys() == {"address", "when", "bytes", "sha256"}:
            ours = [p for p in archives if p.is_file() and p.stat().st_size == record["bytes"]]
            yield _Kept(f"tracks {stem}", (*ours, home / name), _locks(home, stem))
    for name in filter(_PART.fullmatch, names):
        yield _Kept(f"part {name}", (home / name,), _locks(home, name.partition(".")[0]))
    videos = home / "videos"
    if (videos / MANIFEST).is_file():
        files = [
            videos / entry.file
            for entry in Manifest(videos).read().values()
            if entry.address is not None  # a clip without was put there by hand
            and entry.file
            and (videos / entry.file).is_file()
            and entry.is_of(videos / entry.file)
        ]
        files += sorted(videos.glob("*.unchecked*"))
        yield _Kept(
            f"videos ({len(files)} files)",
            (*files, videos / MANIFEST),
            _locks(videos, "*"),
        )


def _json(path: Path) -> dict[str, Any]:
    """What a JSON file of ours says; nothing if it is none."""
    try:
        values = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _locks(folder: Path, *names: str) -> tuple[Path, ...]:
    return tuple(path for name in names for path in (folder / LOCKS).glob(f"{name}.lock"))


def _builds(cache: Path) -> Iterator[_Kept]:
    """What `load_dataset` built with this package, whole or broken off."""
    # datasets 3.6 has a folder more, named after the script.
    infos = [*cache.glob("*/*/*/dataset_info.json"), *cache.glob("*/*/*/*/dataset_info.json")]
    for info in sorted(infos):
        if _json(info).get("builder_name") == _BUILDER:
            names = (f"{_BUILDER}-*.arrow", "cache-*.arrow")
            files = [path for name in names for path in info.parent.glob(name)]
            yield _build(info.parent, (*sorted(files), info), cache)
    for config in CONFIGS:
        for folder in sorted(cache.glob(f"{_BUILDER}/{config}-*/*.incomplete")):
            names = (f"{_BUILDER}-*.arrow", "outcomes/*.json")
            files = [path for name in names for path in folder.glob(name)]
            yield _build(folder, tuple(sorted(files)), cache)


def _build(folder: Path, files: tuple[Path, ...], cache: Path) -> _Kept:
    name = str(folder.relative_to(cache))
    whole = folder.with_name(folder.name.removesuffix(".incomplete"))
    endings = ("_builder.lock", ".incomplete_info.lock")
    locks = [whole.with_name(f"{whole.name}{ending}") for ending in endings]
    return _Kept(name, files, tuple(path for path in locks if path.is_file()))


_KINDS: dict[str, tuple[str, Callable[[Path], Iterator[_Kept]]]] = {
    "downloads": ("Fetched", _downloads),
    "builds": ("Built", _builds),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument("--clear", choices=_KINDS, help="remove these; asks first")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument(
        "--cache-dir",
        type=Path,
        default=Path(datasets.config.HF_DATASETS_CACHE),
        metavar="FOLDER",
        help="where builds are (default: %(default)s)",
    )
    add_network_flags(parser, "download_dir")


def main(arguments: argparse.Namespace) -> int:
    """Shows; clears if asked."""
    if arguments.clear and not arguments.yes and not sys.stdin.isatty():
        raise OptionError(f"--clear {arguments.clear}: add --yes where nobody can be asked")
    folders = {
        "downloads": read_network(arguments).download_dir,
        "builds": arguments.cache_dir.expanduser().absolute(),
    }
    found: dict[str, list[_Kept]] = {}
    for kind, folder in folders.items():
        with usable(folder):
            found[kind] = list(_KINDS[kind][1](folder))
    if arguments.json:
        print(json.dumps({kind: _values(folders[kind], found[kind]) for kind in found}, indent=1))
    else:
        for kind, (what, _) in _KINDS.items():
            print(_table(f"{what}, in {folders[kind]}", found[kind]))
    if arguments.clear:
        with usable(folders[arguments.clear]):
            return _clear(found[arguments.clear], ask=not arguments.yes)
    return 0


def _values(folder: Path, found: list[_Kept]) -> dict[str, object]:
    entries = [{"name": kept.name, "bytes": kept.bytes} for kept in found]
    return {"folder": str(folder), "entries": entries, "bytes": sum(kept.bytes for kept in found)}


def _table(title: str, found: list[_Kept]) -> str:
    lines = [f"{title}: {_size(found) if found else 'nothing'}"]
    return "\n".join([*lines, *(f"  {_size([kept]):>12}  {kept.name}" for kept in found)])


def _size(found: list[_Kept]) -> str:
    return f"{sum(kept.bytes for kept in found) / 1e6:,.1f} MB"


def _clear(found: list[_Kept], *, ask: bool) -> int:
    if not found:
        print("There is nothing to remove.", file=sys.stderr)
        return 0
    if ask and input(f"Remove these {_size(found)}? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing was removed.", file=sys.stderr)
        return 1
    size = _size(found)
    for kept in found:
        kept.remove()
    print(f"Removed {size}.", file=sys.stderr)
    return 0
