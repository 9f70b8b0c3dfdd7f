"""An address -> a file, which gets its name after it is complete and checked."""

from __future__ import annotations

import contextlib
import glob
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..common.address import Address
from ..common.errors import PublicTracebackError, SourceError, VideoError
from ..common.files import give_name, usable
from ..common.offline import refuse_offline
from ..common.progress import progress
from ..common.reasons import Reason
from .failures import CLIENT_ERRORS, asked_to_wait_s, causes, fetch_error
from .google_drive import download_drive, drive_id
from .http_client import client, cookies_copy
from .limits import MAX_FILE_BYTES, OnBytes, TooLargeError
from .settings import Network

# The longest wait for a server that sends "Retry-After"; the user decides about longer waits.
MAX_WAIT_S = 60.0
_WAITS = 3
_BEYOND = re.compile(r"bytes \*/([0-9]+)")
_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")
_T = TypeVar("_T")
_OnPath = Callable[[Path], None]


def sleep(seconds: float) -> None:
    """Waits, for a server that asked for it, or between two videos."""
    time.sleep(seconds)


def fetch(
    address: Address,
    target: Path,
    network: Network,
    *,
    check: _OnPath,
    what: str,
    most: int = MAX_FILE_BYTES,
) -> None:
    """Fetches one file, with a progress bar. It gets the name `target` when it is complete.

    Args:
        address: the address of the file, or its link on Google Drive.
        target: the path of the file; its folder is made.
        network: the settings of the request.
        check: checks the file while it has another name; raises a `SourceError` if the file is
            not as expected.
        what: the name of the file for the progress bar.
        most: the size in bytes that the file may have.

    Raises:
        SourceError: the file is not available, or not as expected. `target` is then as it was
            before.
    """
    refuse_offline(address, target)
    with progress_bar(what) as on_bytes, _transfer(address, network, on_bytes, most) as transfer:
        try:
            download_checked(target, check, transfer)
        except VideoError as error:
            raise SourceError(f"{address}: {error}") from error


@contextlib.contextmanager
def _transfer(
    address: Address, network: Network, on_bytes: OnBytes, most: int
) -> Iterator[_OnPath]:
    """Gives the function that downloads an address to a path, by gdown or yt-dlp."""
    if file_id := drive_id(address.with_secrets()):
        with cookies_copy(network) as cookies:
            yield partial(download_drive, file_id, network, cookies, on_bytes, most=most)
    else:
        with client(network, on_bytes, most=most) as ydl:
            yield partial(download, ydl, {"url": address.with_secrets()})


def download_checked(target: Path, check: Callable[[Path], _T], transfer: _OnPath) -> _T:
    """Downloads a file to `target`. It has another name until it is complete and checked.

    A download that an earlier run began is continued. If the complete file is then not as expected
    (it may have changed on the server meanwhile), it is fetched once more, from its start.

    Args:
        target: the path of the file; its folder is made.
        check: raises a `SourceError` or a `VideoError` if a file is not as expected.
        transfer: downloads the file to a path. It keeps an unfinished download beside that path,
            under names that begin with the same name.

    Returns:
        What `check` returned.

    Raises:
        VideoError: the file is not available.
        DanceReIDError: raised by `check`.
    """
    unchecked = unchecked_path(target)
    with usable(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    resumed = any(target.parent.glob(f"{glob.escape(unchecked.name)}*"))
    while True:
        transfer(unchecked)
        try:
            checked = check(unchecked)
            break
        except (SourceError, VideoError):
            unchecked.unlink()
            if not resumed:
                raise
            resumed = False
    give_name(unchecked, target)
    return checked


def unchecked_path(target: Path) -> Path:
    """The path of a file that is complete, but not checked yet."""
    return target.with_name(f"{target.name}.unchecked")


def part_path(path: Path) -> Path:
    """The path of an unfinished download, as yt-dlp names it."""
    return path.with_name(f"{path.name}.part")


def download(ydl: Any, info: dict[str, Any], path: Path) -> None:
    """Downloads what `info` describes to `path`; continues its unfinished download.

    Raises:
        VideoError: the file is not available; has the reason.
        SourceError: this machine cannot write the file.
    """
    from yt_dlp.utils import YoutubeDLError

    part = part_path(path)
    waits = 0
    while True:
        try:
            done, _ = ydl.limit.run(partial(ydl.dl, str(path), info))
        except TooLargeError:
            part.unlink(missing_ok=True)
            raise
        except (YoutubeDLError, *CLIENT_ERRORS) as error:
            size = _size_if_asked_beyond(error)
            if size is not None and part.exists():
                # The server has no more bytes: the part is complete, or is of another file.
                if part.stat().st_size == size:
                    part.replace(path)
                    return
                part.unlink()
                continue
            seconds = asked_to_wait_s(error)
            if seconds is None or seconds > MAX_WAIT_S or waits == _WAITS:
                raise fetch_error(error, path) from PublicTracebackError.of(error)
            waits += 1
            sleep(seconds)
        else:
            if not done:
                raise VideoError(Reason.NETWORK, "the transfer ended without an error message")
            return


def fetch_range(ydl: Any, info: dict[str, Any], path: Path, stop: int) -> int:
    """Downloads what `info` describes up to the offset `stop`, into the part of `path`.

    The part becomes `path` when it is complete. A server without ranges sends the whole file at
    once; the same holds for formats that consist of segments.

    Args:
        ydl: a `client`.
        info: what to download. It gets a header, by which the server finds out whether the file
            has changed between two calls.
        path: the path of the complete file.
        stop: offset of the end of the wanted bytes; larger than the size of the part.

    Returns:
        Size of the complete file, in bytes.

    Raises:
        VideoError: as `download`; `DAMAGED` if the server now has another file than the one
            whose part is here. Then `path`, or its part, holds the new file.
        SourceError: this machine cannot write the file.
    """
    from yt_dlp.downloader import get_suitable_downloader
    from yt_dlp.downloader.http import HttpFD

    if get_suitable_downloader(info, ydl.params) is not HttpFD:
        download(ydl, info, path)
        return path.stat().st_size
    part, headers = part_path(path), info.setdefault("http_headers", {})
    here = part.stat().st_size if part.exists() else 0
    wanted = {**headers, "Range": f"bytes=0-{stop - 1}"}  # yt-dlp requests what is missing
    download(ydl, {**info, "http_headers": wanted, "downloader_options": {}}, path)
    received, answer = path.stat().st_size, ydl.answer_headers
    given = _RANGE.fullmatch(answer.get("Content-Range") or "")
    size = int(given[2]) if given else received
    if received < size:
        path.replace(part)
    restarted = received != here and (not given or given[1] == "0")
    if here and restarted and (given or "If-Range" in headers):
        raise VideoError(Reason.DAMAGED, "the file has changed on the server while it was fetched")
    versions = (answer.get("ETag"), answer.get("Last-Modified"))
    if version := next((v for v in versions if v and not v.startswith("W/")), None):
        headers["If-Range"] = version
    return size


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[OnBytes]:
    """Shows a bar with bytes, rate and time left; gives the function that updates it."""
    with progress(desc=what, unit="B", unit_scale=True, unit_divisor=1024) as bar:

        def on_bytes(there: int, whole: int | None) -> None:
            if bar.total != whole:
                bar.total = whole
            if there < bar.n or not bar.n:
                # The bytes of an earlier run, or a restart: they do not count for the speed.
                bar.initial = bar.n = bar.last_print_n = there
            bar.update(there - bar.n)
            if there == whole:
                bar.close()  # the next step, such as the check, has its own bar

        yield on_bytes


def _size_if_asked_beyond(error: BaseException) -> int | None:
    """The size of the file in bytes, if bytes beyond its end were requested; else None.

    The size is 0 if the server does not give it.
    """
    for cause in causes(error):
        if getattr(cause, "status", None) == 416 and (answer := getattr(cause, "response", None)):
            size = _BEYOND.fullmatch(answer.headers.get("Content-Range") or "")
            return int(size[1]) if size else 0
    return None
