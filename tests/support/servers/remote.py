"""A data folder on a server, as a lab's mirror would have it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.support.servers.web import Site


def zipped(folder: Path) -> bytes:
    """The npy files of a data folder as a zip, one folder down, as archives often are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "npy").iterdir()):
            archive.write(path, f"matching/{path.name}")
    return buffer.getvalue()


def serve(site: Site, folder: Path) -> dict[str, str]:
    """Serves a data folder.

    Returns:
        The options that load it from there, without a `download_dir`.
    """
    site.files["/annotation.json"] = (folder / "annotation.json").read_bytes()
    site.files["/npy.zip"] = zipped(folder)
    for clip in (folder / "videos").iterdir():
        site.files[f"/videos/{clip.name}"] = clip.read_bytes()
    catalogue = next(p for n in ("catalogue.csv", "video_data.csv") if (p := folder / n).exists())
    return {
        "catalogue": str(catalogue),
        "annotation": site.address("/annotation.json"),
        "archive": site.address("/npy.zip"),
        "video_url": site.url + "/videos/{clip}.mp4",
    }


def paths(site: Site) -> list[str]:
    """What was asked for since the last time."""
    asked = [request.path for request in site.requests]
    site.requests.clear()
    return asked
