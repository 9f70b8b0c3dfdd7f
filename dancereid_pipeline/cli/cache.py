"""Shows what was fetched and what was built, with sizes; clears it if asked.

--clear downloads removes what this package fetched into the download folder; --clear builds
removes what load_dataset built from it. Files that came from elsewhere are neither counted
nor removed, even if they lie in the same folders. What another process is using stays.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
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
from ..transfer.settings import ANNOTATION_SHA256, Network
from .flag_types import local_path
from .network_flags import add_network_flags

EXAMPLES = "  dancereid cache\n  dancereid cache --clear builds"
_BUILDER = "dancereid"
# A file in the download folder: its stem, with a digest of its address if that is not the
# published one; then ".json", or the ending of an unfinished download.
_FETCHED = re.compile(
    r"(?P<stem>(annotation|npy)(-[0-9a-f]{8})?)"
    r"(\.json|(?P<part>(\.json)?\.(fetched|unchecked)(\..+)?))"
)


@dataclass(frozen=True)
class _Entry:
    """Something that was fetched or built.

    Attributes:
        name: its name, to be shown.
        files: its files.
        locks: paths of files that a process locks while it uses the entry.
    """

    name: str
    files: tuple[Path, ...]
    locks: tuple[Path, ...]

    def remove(self) -> None:
        """Removes its files, and the folders that are then empty.

        Raises:
            SourceError: another process is using it.
        """
        locks = [path for path in self.locks if path.is_file()]
        with ExitStack() as held:
            for path in locks:
                try:
                    held.enter_context(FileLock(path, timeout=0))
                except Timeout as error:
                    raise SourceError(
                        f"{self.name}: another process is using it. Wait until it has ended."
                    ) from error
            for path in self.files:
                path.unlink()
        for path in locks:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in (*self.files, *locks)}:
            for parent in (folder, *folder.parents[:2]):
                if not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()


def _downloads(home: Path) -> Iterator[_Entry]:
    """What was fetched into the download folder."""
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if match := _FETCHED.fullmatch(path.name):
            stem, locks = match["stem"], (home / LOCKS / f"{match['stem']}.lock",)
            if match["part"]:
                yield _Entry(f"part {path.name}", (path,), locks)
            elif stem.startswith("npy"):
                if (archive := _archive(path)) is not None:
                    yield _Entry(f"tracks {stem}", (*archive, path), locks)
            # A user may have put another file of the published one's name there.
            elif stem != "annotation" or sha256(path) == ANNOTATION_SHA256:
                yield _Entry(path.name, (path,), locks)
    videos = home / "videos"
    if (videos / MANIFEST).is_file():
        files = [
            videos / entry.file
            for entry in Manifest(videos).read().values()
            if entry.address is not None  # None: a user put the clip there
            and entry.file
            and (videos / entry.file).is_file()
            and entry.is_of(videos / entry.file)
        ]
        files += sorted(videos.glob("*.unchecked*"))
        in_videos = tuple((videos / LOCKS).glob("*.lock"))
        yield _Entry(f"videos ({len(files)} files)", (*files, videos / MANIFEST), in_videos)


def _archive(record: Path) -> list[Path] | None:
    """The archive that a record is about; empty if it is gone, None if this is no record."""
    values = _json(record)
    if values.keys() != {"address", "when", "bytes", "sha256"}:
        return None
    paths = [
        record.with_name(f"{record.stem}{end}") for end in (*ARCHIVE_SUFFIXES, *UNREADABLE_SUFFIXES)
    ]
    return [path for path in paths if path.is_file() and path.stat().st_size == values["bytes"]]


def _json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if the file holds something else."""
    try:
        values = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _builds(cache: Path) -> Iterator[_Entry]:
    """What `load_dataset` built with this package, complete or interrupted."""
    # datasets 3.6 has one more level of folders, named after the script.
    infos = [*cache.glob("*/*/*/dataset_info.json"), *cache.glob("*/*/*/*/dataset_info.json")]
    folders = [i.parent for i in sorted(infos) if _json(i).get("builder_name") == _BUILDER]
    for config in CONFIGS:
        folders += sorted(cache.glob(f"{_BUILDER}/{config}-*/*.incomplete"))
    names = (f"{_BUILDER}-*.arrow", "cache-*.arrow", "outcomes/*.json", "dataset_info.json")
    for folder in dict.fromkeys(folders):
        files = [path for name in names for path in sorted(folder.glob(name))]
        complete = str(folder).removesuffix(".incomplete")
        locks = [Path(f"{complete}{end}") for end in ("_builder.lock", ".incomplete_info.lock")]
        yield _Entry(str(folder.relative_to(cache)), tuple(files), tuple(locks))


_KINDS: dict[str, tuple[str, Callable[[Path], Iterator[_Entry]]]] = {
    "downloads": ("Fetched", _downloads),
    "builds": ("Built", _builds),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument("--clear", choices=_KINDS, help="remove these; asks first")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument(
        "--cache-dir",
        type=local_path,
        default=Path(datasets.config.HF_DATASETS_CACHE),
        metavar="FOLDER",
        help="the folder of the builds (default: %(default)s)",
    )
    add_network_flags(parser, "download_dir")


def main(arguments: argparse.Namespace) -> int:
    """Shows what there is; clears it if asked."""
    if arguments.clear and not arguments.yes and not sys.stdin.isatty():
        raise OptionError(f"--clear {arguments.clear}: add --yes where nobody can be asked")
    folders = {
        "downloads": Network.read(vars(arguments)).download_dir,
        "builds": arguments.cache_dir.absolute(),
    }
    found: dict[str, dict[_Entry, int]] = {}
    for kind, (_, entries) in _KINDS.items():
        with usable(folders[kind]):
            found[kind] = {entry: _bytes(entry) for entry in entries(folders[kind])}
    if arguments.json:
        print(json.dumps({kind: _values(folders[kind], found[kind]) for kind in found}, indent=1))
    else:
        for kind, (title, _) in _KINDS.items():
            sizes = found[kind]
            print(f"{title}, in {folders[kind]}: {_megabytes(sizes.values()) or 'nothing'}")
            for entry, size in sizes.items():
                print(f"  {_megabytes([size]):>12}  {entry.name}")
    if arguments.clear:
        with usable(folders[arguments.clear]):
            return _clear(found[arguments.clear], ask=not arguments.yes)
    return 0


def _bytes(entry: _Entry) -> int:
    return sum(path.stat().st_size for path in entry.files)


def _megabytes(sizes: Iterable[int]) -> str:
    """The sum of sizes, in words; empty if there are none."""
    sizes = list(sizes)
    return f"{sum(sizes) / 1e6:,.1f} MB" if sizes else ""


def _values(folder: Path, found: dict[_Entry, int]) -> dict[str, object]:
    entries = [{"name": entry.name, "bytes": size} for entry, size in found.items()]
    return {"folder": str(folder), "entries": entries, "bytes": sum(found.values())}


def _clear(found: dict[_Entry, int], *, ask: bool) -> int:
    size = _megabytes(found.values())
    if not found:
        print("There is nothing to remove.", file=sys.stderr)
        return 0
    if ask and input(f"Remove these {size}? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing was removed.", file=sys.stderr)
        return 1
    for entry in found:
        entry.remove()
    print(f"Removed {size}.", file=sys.stderr)
    return 0
