"""Checks of what `doctor` finds outside the program: folders, addresses, cookies, variables."""

from __future__ import annotations

import difflib
import logging
import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..common.address import Address
from ..common.errors import SourceError, VideoError
from ..common.files import check_writable
from ..common.store_path import AnyPath
from ..transfer.cookies import COOKIES_WANTED, read_cookies
from ..transfer.limits import TimeLimit
from ..transfer.settings import ANNOTATION_URL, Network, variable
from .check import Check

DRIVE_URL = Address("https://drive.google.com/")
TIMEOUT_S = 10.0
_REQUEST_S = 3 * TIMEOUT_S  # for a whole request, also of a server that sends a byte now and then
# Approximate size of the clips and tracks of all 33 videos, and of config `full` in the cache.
DOWNLOAD_BYTES = 6.0e9
CACHE_BYTES = 1.5e9
# A proxy or a gateway gives these statuses if it did not reach the host.
_NOT_THE_HOST = (407, 502, 503, 504)
_TOO_MANY_REQUESTS = 429
# Their values may hold passwords, so they are never printed.
_SECRET = ("proxy", "cookies")
# Only tests use it, see tests/conftest.py.
_OTHER_VARIABLES = ("DANCEREID_SHARED",)
# Hides the messages of yt-dlp.
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)


@dataclass(frozen=True)
class _Folder:
    name: str
    path: Path
    need: float  # bytes
    advice: str
    device: int  # the number of its disk
    free: float  # bytes
    fetched: float  # bytes of files that were already fetched


def disk_checks(downloads: Path, cache: Path | None) -> list[Check]:
    """Checks whether both folders can be written to, and whether their disks have enough space.

    Args:
        downloads: folder for fetched files.
        cache: folder that `datasets` builds into; None if `datasets` is not installed.
    """
    found = [_folder("download folder", downloads, DOWNLOAD_BYTES, _choose("download_dir"))]
    if cache is None:
        found.append(Check("cache folder", "skipped", "needs datasets"))
    else:
        found.append(_folder("cache folder", cache, CACHE_BYTES, "HF_DATASETS_CACHE or HF_HOME"))
    folders = [folder for folder in found if isinstance(folder, _Folder)]
    return [_disk_check(each, folders) if isinstance(each, _Folder) else each for each in found]


def _folder(name: str, path: Path, need: float, advice: str) -> _Folder | Check:
    """A folder that exists or will be made; a check if nothing can be written there."""
    try:
        nearest = check_writable(path)
    except OSError as error:
        what = f"{path}: cannot be written to ({error.strerror or error})"
        return Check(name, "no", what, f"Make it writable, or name another folder with {advice}.")
    # Not all files below: the folder may be a home folder.
    there = [path / part for part in ("videos", "npy") if (path / part).is_dir()]
    files = [file for folder in there for file in folder.iterdir() if file.is_file()]
    fetched = sum(file.stat().st_size for file in files)
    free, device = shutil.disk_usage(nearest).free, nearest.stat().st_dev
    return _Folder(name, path, need, advice, device, free, fetched)


def _disk_check(folder: _Folder, folders: list[_Folder]) -> Check:
    same = [f for f in folders if f.device == folder.device]  # these share the space
    need, fetched = sum(f.need for f in same), sum(f.fetched for f in same)
    found = f"{folder.path}: {folder.free / 1e9:.1f} GB free"
    if fetched:
        found += f" and {fetched / 1e9:.1f} GB already fetched"
    found += f", about {need / 1e9:.1f} GB needed"
    if len(same) > 1:
        found += f" including the {' and the '.join(f.name for f in same if f != folder)}"
    if folder.free + fetched >= need:
        return Check(folder.name, "yes", found)
    advice = f"Free some space, or name a folder on another disk with {folder.advice}."
    return Check(folder.name, "no", found, advice)


@dataclass(frozen=True)
class _Source:
    name: str
    option: str
    location: Address | AnyPath
    is_file: bool  # whether it is the file itself, and not only its host


def reach_checks(network: Network, *, offline: bool, client: bool) -> list[Check]:
    """Checks whether annotation, tracks and clips can be reached.

    Args:
        network: where they are, and how to request them.
        offline: whether offline mode is on; then no request is made.
        client: whether yt-dlp is installed, which makes the requests.
    """
    clip = network.address(next(iter(Catalogue.read())))
    host = Address("/".join([*clip.split("/", 3)[:3], ""]))
    sources = [
        _Source("annotation", "annotation", network.annotation or ANNOTATION_URL, True),
        _Source("tracks", "archive", network.archive or DRIVE_URL, network.archive is not None),
        _Source("videos", "video_url", host, False),
    ]

    def check(source: _Source) -> Check:
        if not isinstance(source.location, Address):
            return _path_check(source, source.location)
        if offline:
            why = "offline mode is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)"
            return Check(source.name, "skipped", why)
        if not client:
            return Check(source.name, "skipped", "needs yt-dlp")
        return _address_check(source, source.location, network)

    # At the same time, so that the user waits only once if the network is down.
    with ThreadPoolExecutor(len(sources)) as pool:
        return list(pool.map(check, sources))


def _path_check(source: _Source, path: AnyPath) -> Check:
    advice = f"Correct {_choose(source.option)}, or leave it out to use the published one."
    try:
        there = path.exists()
    except (OSError, SourceError) as error:
        return Check(source.name, "no", str(error), advice)
    if there:
        return Check(source.name, "yes", str(path))
    return Check(source.name, "no", f"{path}: does not exist", advice)


def _address_check(source: _Source, address: Address, network: Network) -> Check:
    from yt_dlp.networking.exceptions import ProxyError, RequestError

    try:
        status = _status(address, network, "HEAD")
        if source.is_file and status >= 400:
            status = _status(address, network, "GET")  # some servers refuse HEAD
    except (RequestError, ValueError, VideoError) as error:
        what = f"{_host(address)}: {_why(error)}"
        if network.proxy:
            advice = f"Check the network and the proxy of {_choose('proxy')}."
        elif isinstance(error, ProxyError):
            advice = "Check the system's proxy, for example in HTTP_PROXY and HTTPS_PROXY."
        else:
            advice = f"Check the network. If it has a proxy, name it with {_choose('proxy')}."
        return Check(source.name, "no", what, f"{advice} {_alternative(source)}")
    if status == _TOO_MANY_REQUESTS and not source.is_file:
        advice = f"Wait an hour, or give the cookies of a browser with {_choose('cookies')}."
        return Check(source.name, "warning", f"{address}: too many requests (HTTP 429)", advice)
    if status in _NOT_THE_HOST or (source.is_file and status >= 400):
        return Check(source.name, "no", f"{address}: HTTP {status}", _alternative(source))
    return Check(source.name, "yes", f"{_host(address)} answers")


def _alternative(source: _Source) -> str:
    return f"Try later, or name another address with {_choose(source.option)}."


def _status(address: Address, network: Network, method: str) -> int:
    """The HTTP status of a request by yt-dlp, as fetching makes it; the body is not read."""
    from yt_dlp import YoutubeDL
    from yt_dlp.networking import Request
    from yt_dlp.networking.exceptions import HTTPError

    params: Any = {
        "logger": _SILENT, "socket_timeout": TIMEOUT_S,
        "proxy": network.proxy and network.proxy.with_secrets(),
    }  # fmt: skip
    request: Any = Request(address.with_secrets(), method=method)

    def ask() -> int:
        with YoutubeDL(params, auto_init=False) as client:
            try:
                with client.urlopen(request) as response:
                    return int(response.status)
            except HTTPError as error:
                error.close()
                return int(error.status)

    return TimeLimit(_REQUEST_S).run(ask)


def _why(error: BaseException) -> str:
    """The first cause of an error, in the operating system's words."""
    from yt_dlp.networking.exceptions import ProxyError

    if isinstance(error, VideoError):
        return f"no answer within {_REQUEST_S:g} s"
    where = "the proxy: " if isinstance(error, ProxyError) else ""
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    # Other messages may hold an address with a password.
    if isinstance(error, OSError) and not type(error).__module__.startswith("requests"):
        return where + (error.strerror or str(error))
    return f"{where}the request failed ({type(error).__name__})"


def _host(address: str) -> str:
    return address.split("/", 3)[2] or address


def _choose(option: str) -> str:
    return f"--{option.replace('_', '-')} or {variable(option)}"


def cookies_check(network: Network) -> Check:
    """Whether fetching can read the file of cookies. A browser's cookies are not opened."""
    if network.cookies is None:
        return Check("cookies", "skipped", "none given")
    if network.browser:
        return Check("cookies", "skipped", "the browser's cookies are read when they are used")
    try:
        text = read_cookies(network.cookies)
    except SourceError as error:
        found = str(error).removesuffix(COOKIES_WANTED).rstrip()
        return Check("cookies", "no", found, COOKIES_WANTED)
    if "\t" not in text:
        return Check("cookies", "warning", "the file holds no cookie", COOKIES_WANTED)
    return Check("cookies", "yes", "the file can be read")


def settings_check(environment: Mapping[str, str], given: Collection[str]) -> Check:
    """Lists the variables that are used, and warns of unknown ones, which may be mistyped."""
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
            value = Address(environment[name])
            used.append(f"{name} (not shown)" if option in _SECRET else f"{name}={value}")
    if not unknown:
        return Check("settings", "yes", "; ".join(used) or "no variable DANCEREID_... is set")
    found = "; ".join([*used, *(f"{name} is unknown" for name in unknown)])
    likely = [m for n in unknown for m in difflib.get_close_matches(n, options, 1, 0.85)]
    advice = f"Did you mean {' and '.join(likely)}?" if likely else f"Known: {', '.join(options)}."
    return Check("settings", "warning", found, advice)
