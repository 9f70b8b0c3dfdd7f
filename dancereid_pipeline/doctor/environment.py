"""What is around the program, looked at for `doctor`: folders, addresses, cookies, settings."""

from __future__ import annotations

import difflib
import logging
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..common.address import is_address, public
from ..common.errors import SourceError
from ..transfer.cookies import COOKIES_WANTED, read_cookies
from ..transfer.settings import ANNOTATION_URL, Network, variable
from .check import Check

DRIVE_URL = "https://drive.google.com/"
TIMEOUT_S = 10.0
# Clips and tracks of all 33 videos; the examples of config `full` as Arrow. Rough figures.
DOWNLOAD_BYTES = 6.0e9
CACHE_BYTES = 1.5e9
# Statuses of a proxy or a gateway, which say that the host itself was not reached.
_NOT_THE_HOST = (407, 502, 503, 504)
_TOO_MANY_REQUESTS = 429
# Their values let somebody in, so they are never printed.
_SECRET = ("proxy", "cookies")
# The tests' own, see tests/conftest.py.
_OTHER_VARIABLES = ("DANCEREID_SHARED",)
# For yt-dlp, whose remarks are no part of the table.
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)


@dataclass(frozen=True)
class _Folder:
    name: str
    path: Path
    need: float  # bytes
    advice: str


@dataclass(frozen=True)
class _Room:
    device: int
    free: float  # bytes
    held: float  # bytes of files that are there already


def room_checks(downloads: Path, cache: Path | None) -> list[Check]:
    """Whether what is fetched and what is built can be written, and fits.

    Args:
        downloads: folder that what is fetched is kept in.
        cache: folder of what `datasets` builds; None if there is no `datasets` to name it.
    """
    folders = [_Folder("download folder", downloads, DOWNLOAD_BYTES, _choose("download_dir"))]
    if cache is not None:
        folders.append(_Folder("cache folder", cache, CACHE_BYTES, "HF_DATASETS_CACHE or HF_HOME"))
    rooms: dict[str, _Room] = {}
    found = {}
    for folder in folders:
        try:
            rooms[folder.name] = _room(folder.path)
        except OSError as error:
            what = f"{folder.path}: cannot be written to ({error.strerror or error})"
            advice = f"Make it writable, or name another folder with {folder.advice}."
            found[folder.name] = Check(folder.name, "no", what, advice)
    for folder in folders:
        if folder.name in rooms:
            # Two folders on one disk share its room.
            same = [
                f for f in folders
                if f.name in rooms and rooms[f.name].device == rooms[folder.name].device
            ]  # fmt: skip
            held = sum(rooms[f.name].held for f in same)
            found[folder.name] = _room_check(folder, rooms[folder.name].free, held, same)
    skipped = [Check("cache folder", "skipped", "needs datasets")] if cache is None else []
    return [found[folder.name] for folder in folders] + skipped


def _room(path: Path) -> _Room:
    """The room where a folder is or will be; tries to write there, and leaves nothing."""
    # A link counts even if it leads nowhere: no folder could be made in its place.
    nearest = next((p for p in (path, *path.parents) if os.path.lexists(p)), path)
    with tempfile.TemporaryFile(dir=nearest):
        pass
    # Not all that is below: the folder may be somebody's home.
    there = [path / part for part in ("videos", "npy") if (path / part).is_dir()]
    files = [file for folder in there for file in folder.iterdir() if file.is_file()]
    held = sum(file.stat().st_size for file in files)
    return _Room(nearest.stat().st_dev, shutil.disk_usage(nearest).free, held)


def _room_check(folder: _Folder, free: float, held: float, same: list[_Folder]) -> Check:
    need = sum(f.need for f in same)
    found = f"{folder.path}: {free / 1e9:.1f} GB free"
    if held:
        found += f" and {held / 1e9:.1f} GB there already"
    found += f", about {need / 1e9:.1f} GB needed"
    if len(same) > 1:
        found += f" with the {' and the '.join(f.name for f in same if f != folder)}"
    if free + held >= need:
        return Check(folder.name, "yes", found)
    advice = f"Make room, or name a folder on another disk with {folder.advice}."
    return Check(folder.name, "no", found, advice)


@dataclass(frozen=True)
class _Place:
    name: str
    option: str
    where: str  # address or path
    is_file: bool  # and not only the host of the files


def reach_checks(network: Network, *, offline: bool, client: bool) -> list[Check]:
    """Whether annotation, tracks and clips can be had from where they are.

    Args:
        network: where they are and how to ask.
        offline: nothing is asked of the network.
        client: whether there is a yt-dlp to ask with.
    """
    clip = network.address(next(iter(Catalogue.read())))
    places = [
        _Place("annotation", "annotation", network.annotation or ANNOTATION_URL, True),
        _Place("tracks", "archive", network.archive or DRIVE_URL, network.archive is not None),
        _Place("videos", "video_url", "/".join([*clip.split("/", 3)[:3], ""]), False),
    ]

    def look(place: _Place) -> Check:
        if not is_address(place.where):
            return _path_check(place)
        if offline:
            why = "offline mode is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)"
            return Check(place.name, "skipped", why)
        return _ask(place, network) if client else Check(place.name, "skipped", "needs yt-dlp")

    # Side by side, so that a dead network is waited for once.
    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(look, places))


def _path_check(place: _Place) -> Check:
    if os.path.exists(os.path.expanduser(place.where)):  # noqa: PTH110, PTH111  # never raises
        return Check(place.name, "yes", place.where)
    advice = f"Correct {_choose(place.option)}, or leave it out to have the published one."
    return Check(place.name, "no", f"{place.where}: is not there", advice)


def _ask(place: _Place, network: Network) -> Check:
    from yt_dlp.networking.exceptions import ProxyError, RequestError

    shown = public(place.where)
    try:
        status = _status(place.where, network, "HEAD")
        if place.is_file and status >= 400:
            status = _status(place.where, network, "GET")  # some servers know only that
    except (RequestError, ValueError) as error:
        what = f"{_host(shown)}: {_why(error)}"
        if network.proxy:
            advice = f"Check the network and the proxy of {_choose('proxy')}."
        elif isinstance(error, ProxyError):
            advice = "Check the system's proxy, for example in HTTP_PROXY and HTTPS_PROXY."
        else:
            advice = f"Check the network; name its proxy, if it has one, with {_choose('proxy')}."
        return Check(place.name, "no", what, f"{advice} {_or_else(place)}")
    if status == _TOO_MANY_REQUESTS and not place.is_file:
        advice = f"Wait an hour, or give the cookies of a browser with {_choose('cookies')}."
        return Check(place.name, "warning", f"{shown}: asks for fewer requests (HTTP 429)", advice)
    if status in _NOT_THE_HOST or (place.is_file and status >= 400):
        return Check(place.name, "no", f"{shown}: HTTP {status}", _or_else(place))
    return Check(place.name, "yes", f"{_host(shown)} answers")


def _or_else(place: _Place) -> str:
    return f"Try later, or name another place with {_choose(place.option)}."


def _status(address: str, network: Network, method: str) -> int:
    """What comes of asking with yt-dlp, whose client fetches it later; nothing is read."""
    from yt_dlp import YoutubeDL
    from yt_dlp.networking import Request
    from yt_dlp.networking.exceptions import HTTPError

    params: Any = {
        "logger": _SILENT, "socket_timeout": TIMEOUT_S, "proxy": network.proxy,
    }  # fmt: skip
    request: Any = Request(address, method=method)
    with YoutubeDL(params, auto_init=False) as client:
        try:
            with client.urlopen(request) as response:
                return int(response.status)
        except HTTPError as error:
            error.close()
            return int(error.status)


def _why(error: BaseException) -> str:
    """What is at the bottom of it, in the operating system's words."""
    from yt_dlp.networking.exceptions import ProxyError

    where = "the proxy: " if isinstance(error, ProxyError) else ""
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    # Other messages may hold an address, and that may hold a password.
    if isinstance(error, OSError) and not type(error).__module__.startswith("requests"):
        return where + (error.strerror or str(error))
    return f"{where}cannot be asked ({type(error).__name__})"


def _host(address: str) -> str:
    return address.split("/", 3)[2] or address


def _choose(option: str) -> str:
    return f"--{option.replace('_', '-')} or {variable(option)}"


def cookies_check(network: Network) -> Check:
    """Whether fetching can read the file of cookies. A browser's cookies are not opened."""
    if network.cookies is None:
        return Check("cookies", "skipped", "none given")
    if network.browser:
        return Check("cookies", "skipped", "a browser's are read when they are used")
    try:
        text = read_cookies(network.cookies)
    except SourceError as error:
        found = str(error).removesuffix(COOKIES_WANTED).rstrip()
        return Check("cookies", "no", found, COOKIES_WANTED)
    if "\t" not in text:
        return Check("cookies", "warning", "the file holds no cookie", COOKIES_WANTED)
    return Check("cookies", "yes", "the file can be read")


def settings_check(environment: Mapping[str, str], given: Collection[str]) -> Check:
    """Which variables are used; one that is not known may be a slip of the pen."""
    options = {variable(field.name): field.name for field in fields(Network)}
    used, unknown = [], []
    for name in sorted(environment):
        option = options.get(name)
        if not name.startswith("DANCEREID_") or not environment[name] or name in _OTHER_VARIABLES:
            continue
        if option is None:
            unknown.append(name)
        elif option in given:
            used.append(f"{name} is set, but --{option.replace('_', '-')} is used")
        else:
            value = environment[name]
            value = public(value) if is_address(value) else value
            used.append(f"{name} (not shown)" if option in _SECRET else f"{name}={value}")
    if not unknown:
        return Check("settings", "yes", "; ".join(used) or "no variable DANCEREID_... is set")
    found = "; ".join([*used, *(f"{name} is not known" for name in unknown)])
    likely = [m for n in unknown for m in difflib.get_close_matches(n, options, 1, 0.85)]
    advice = f"Is {' and '.join(likely)} meant?" if likely else f"Known: {', '.join(options)}."
    return Check("settings", "warning", found, advice)
