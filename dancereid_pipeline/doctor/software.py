"""Checks whether this machine can fetch and build the dataset, before anything is fetched."""

from __future__ import annotations

import base64
import importlib
import io
import os
import platform
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from ..common.package_files import install_command
from ..transfer.settings import Network
from .check import Check
from .environment import cookies_check, disk_checks, reach_checks, settings_check

# YouTube changes every few weeks, and then yt-dlp must change.
YT_DLP_DAYS = 90
_UPDATE_YT_DLP = "pip install -U 'yt-dlp[default]'"
# Name of the check, module with the version, name of the project, what to install with pip.
_MODULES = (
    ("datasets", "datasets", "datasets", "datasets"),
    ("PyAV", "av", "av", "av"),
    ("OpenCV", "cv2", "opencv-python-headless", "opencv-python-headless"),
    ("NumPy", "numpy", "numpy", "numpy"),
    ("yt-dlp", "yt_dlp.version", "yt-dlp", "yt-dlp[default]"),
    ("yt-dlp-ejs", "yt_dlp_ejs", "yt-dlp-ejs", "yt-dlp[default]"),
    ("gdown", "gdown", "gdown", "gdown"),
)
# Errors that the import of a broken or incompatible package is known to raise.
_IMPORT_ERRORS = (ImportError, AttributeError, OSError, RuntimeError, TypeError, ValueError)
# Each is one grey frame. They are decoded, since a listed decoder may need a graphics card.
_CLIPS = {
    "H.264": "AAABZ0LACtp6EAAAAwAQAAADACDxImoAAAFozg/IAAABZYiEOieA",
    "VP9": "REtJRgAAIABWUDkwEAAQAAEAAAABAAAAAQAAAAAAAAAXAAAAAAAAAAAAAACCSYNCAADwAPYAOCQc"
    "GEoAADBgAAA3gA==",
    "AV1": "REtJRgAAIABBVjAxQABAAAEAAAABAAAAAQAAAAAAAAAcAAAAAAAAAAAAAAASAAoKAAAAAq//iV8gCDIM"
    "EACsAgUUIIEAAJiA",
}
JAVASCRIPT = "JavaScript runtime"
_YOUTUBE = re.compile(r"https?://([^/]+\.)?(youtube\.com|youtube-nocookie\.com|youtu\.be)/", re.I)
_GOOGLE = re.compile(r"https?://([^/]+\.)?google\.com/", re.I)


def checks(
    network: Network,
    given: Collection[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> list[Check]:
    """Makes all checks, in the order in which they are shown.

    Args:
        network: the addresses, and how to request them.
        given: names of the options that were given, so that their variables are not used.
        environment: the environment variables.
    """
    found = version_checks()
    there = {check.name for check in found if check.state != "no"}
    found += [javascript_check()] if "yt-dlp" in there else _skipped("yt-dlp", JAVASCRIPT)
    found += codec_checks() if "PyAV" in there else _skipped("PyAV", *_CLIPS)
    offline, cache = False, None
    if "datasets" in there:
        from datasets import config  # slow

        offline, cache = bool(config.HF_HUB_OFFLINE), Path(config.HF_DATASETS_CACHE)
    found += disk_checks(network.download_dir, cache)
    found += reach_checks(network, offline=offline, client="yt-dlp" in there)
    found += [cookies_check(network), settings_check(environment, given)]
    return _softened(found, network)


def _skipped(needed: str, *names: str) -> list[Check]:
    return [Check(name, "skipped", f"needs {needed}") for name in names]


def _softened(found: Iterable[Check], network: Network) -> list[Check]:
    """Turns "no" into a warning where these addresses do not need what is missing."""
    unneeded = set()
    if not _YOUTUBE.match(network.video_url):
        unneeded |= {"yt-dlp-ejs", JAVASCRIPT}
    if network.archive is not None and not _GOOGLE.match(str(network.archive)):
        unneeded.add("gdown")
    return [
        replace(check, state="warning", found=f"{check.found} (these addresses do not need it)")
        if check.state == "no" and check.name in unneeded
        else check
        for check in found
    ]


def version_checks(today: date | None = None) -> list[Check]:
    """Checks Python and the modules: whether each can be imported, and is new enough."""
    wanted = _requirements()
    found = [Check("Python", "yes", platform.python_version())]
    for name, module, project, to_install in _MODULES:
        check = _module_check(name, module, wanted.get(project, ""), to_install)
        if name == "yt-dlp" and check.state == "yes":
            check = _aged(check, today or date.today())
        found.append(check)
    return found


def _requirements() -> dict[str, str]:
    """The versions of other projects that this project needs, and yt-dlp for YouTube."""
    from packaging.requirements import Requirement  # comes with `datasets`

    found = {}
    for project, extra in (("yt-dlp", "default"), ("dancereid", "")):
        try:
            texts = metadata.requires(project) or []
        except metadata.PackageNotFoundError:
            continue  # yt-dlp has its own check; a checkout may be used without being installed
        for wanted in map(Requirement, texts):
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                found[wanted.name] = str(wanted.specifier)
    return found


def _module_check(name: str, module: str, wanted: str, to_install: str) -> Check:
    advice = f"pip install -U '{to_install}'"
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        what = "not installed" if error.name in (module, module.partition(".")[0]) else str(error)
        return Check(name, "no", what, advice)
    except _IMPORT_ERRORS as error:
        return Check(name, "no", f"cannot be imported: {error}", advice)
    version = getattr(imported, "__version__", None) or getattr(imported, "version", None)
    if not version:
        return Check(name, "no", "installed incompletely", f"{advice} --force-reinstall")
    if not _fits(str(version), wanted):
        return Check(name, "no", f"{version}, but {wanted} is needed", advice)
    if name == "PyAV":
        version = f"{version}, with FFmpeg {getattr(imported, 'ffmpeg_version_info', 'unknown')}"
    return Check(name, "yes", str(version))


def _fits(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(wanted).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True  # not a release: its version cannot be compared


def _aged(check: Check, today: date) -> Check:
    """Warns if yt-dlp is old; its version is the day of its release."""
    try:
        days = (today - date(*map(int, check.found.split(".")[:3]))).days
    except (TypeError, ValueError):
        return check  # not a release
    if days <= YT_DLP_DAYS:
        return check
    found = f"{check.found}, {days} days old; YouTube may have changed since then"
    return replace(check, state="warning", found=found, advice=_UPDATE_YT_DLP)


def javascript_check() -> Check:
    """Checks whether yt-dlp finds a runtime for YouTube's JavaScript."""
    name = JAVASCRIPT
    try:
        import yt_dlp  # noqa: F401  # fills in the list
        from yt_dlp.globals import supported_js_runtimes
    except ImportError:
        return Check(name, "no", "this yt-dlp knows no runtime, so it is too old", _UPDATE_YT_DLP)
    known: dict[str, Any] = supported_js_runtimes.value
    kinds = {kind: runtime() for kind, runtime in known.items() if runtime}
    there = {kind: runtime.info for kind, runtime in kinds.items() if runtime.info}
    if good := [f"{info.name} {info.version}" for info in there.values() if info.supported]:
        return Check(name, "yes", ", ".join(good))
    old = [
        f"{info.name} {info.version}, but yt-dlp needs {_least(kinds[kind])} or newer"
        for kind, info in there.items()
    ]
    found = "; ".join(old) or f"none of {', '.join(kinds)}"
    advice = install_command("deno")
    if "node" in kinds:
        advice += f"; or install Node.js {_least(kinds['node'])} or newer"
    return Check(name, "no", found, advice)


def _least(runtime: object) -> str:
    return ".".join(map(str, getattr(runtime, "MIN_SUPPORTED_VERSION", ("another",))))


def codec_checks() -> list[Check]:
    """Checks whether PyAV decodes the codecs that clips have."""
    return [_codec_check(name, base64.b64decode(clip)) for name, clip in _CLIPS.items()]


def _codec_check(name: str, clip: bytes) -> Check:
    import av

    problem = "this PyAV has no decoder for it"
    try:
        with av.open(io.BytesIO(clip), "r") as container:
            context = container.streams.video[0].codec_context
            if context is not None and next(container.decode(video=0), None) is not None:
                return Check(name, "yes", f"decoded by {context.name}")
    except av.error.FFmpegError as error:
        problem = f"PyAV cannot decode it: {error.strerror}"
    return Check(name, "no", problem, "pip install -U --force-reinstall av")
