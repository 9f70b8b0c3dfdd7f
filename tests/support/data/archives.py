"""Archives of npy files, good and bad ones."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from dancereid_pipeline.formats.track_archive import tracks_in


def pack(path: Path, members: dict[str, bytes]) -> Path:
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    mode = {".tar": "", ".tgz": "gz"}.get(path.suffix, path.suffix[1:])
    with tarfile.open(path, f"w:{mode}") as opened:
        for name, content in members.items():
            add(opened, name, content)
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **fields: object) -> None:
    """Adds a member, be it one that `tarfile` itself would not make."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    if content:
        archive.addfile(info, io.BytesIO(content))
    else:
        archive.fileobj.write(info.tobuf(archive.format))


def contents(archive: Path) -> dict[str, bytes]:
    """What is in an archive: all of it, listed and read."""
    tracks = {track.name: track for track in tracks_in(archive)}
    read = {name: track.read() for name, track in tracks.items()}
    assert {name: len(content) for name, content in read.items()} == {
        name: track.size for name, track in tracks.items()
    }
    return read
