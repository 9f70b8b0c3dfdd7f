"""An address -> a file, which gets its name when it is whole and was checked."""

from __future__ import annotations

import contextlib
import glob
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from datasets.utils import tqdm

from ..common.address import public
from ..common.errors import SourceError, VideoError
from ..common.files import give_name, usable
from ..common.offline import refuse_offline
from ..common.reasons import Reason
from .failures import asked_to_wait_s, causes, refused
from .google_drive import download_drive, drive_id
from .http_client import OnBytes, client, cookies_copy
from .settings import Network

# The longest wait for a server that says "Retry-After"; the user decides about longer ones.
MAX_WAIT_S = 60.0
_WAITS = 3
_BEYOND = re.compile(r"bytes \*/([0-9]+)")
_OnPath = Callable[[Path], None]


class Pause(Exception):  # noqa: N818  # no error: the transfer is continued later
    """Raised by an `OnBytes` to end a transfer. The bytes that came are kept, to be continued."""


def sleep(seconds: float) -> None:
    """Waits, for a server that asked for it, or between two videos."""
    time.sleep(seconds)


def fetch(address: str, target: Path, network: Network, *, check: _OnPath, what: str) -> None:
    """Fetches one file, with a progress bar. It gets the name `target` when it is whole.

    Args:
        address: of the file, or its link on Google Drive.
        target: the path that it gets; its folder is made.
        network: how to ask.
        check: looks at the file while it has another name; raises a `SourceError` if it is
            not as expected.
        what: its name for the progress bar.

    Raises:
        SourceError: it is not available, or not as expected. Then there is no file at `target`,
            or the one that was there before.
    """
    refuse_offline(address, target)
    with progress_bar(what) as on_bytes, _transfer(address, network, on_bytes) as transfer:
        try:
            download_checked(target, check, transfer)
        except VideoError as error:
            raise SourceError(f"{public(address)}: {error}") from error


@contextlib.contextmanager
def _transfer(address: str, network: Network, on_bytes: OnBytes) -> Iterator[_OnPath]:
    """Gives what brings the file at an address to a path: gdown or yt-dlp."""
    if file_id := drive_id(address):
        with cookies_copy(network) as cookies:
            yield partial(download_drive, file_id, network, cookies, on_bytes)
    else:
        with client(network, on_bytes) as ydl:
            yield partial(download, ydl, {"url": address})


def download_checked(target: Path, check: _OnPath, transfer: _OnPath) -> None:
    """Brings a file to `target`: it has another name until it is whole and was checked.

    The bytes of an earlier run are continued. If the whole file is then not as expected (it may
    have changed on the server meanwhile), it is fetched from its start, once.

    Args:
        target: the path that it gets; its folder is made.
        check: raises a `SourceError` or a `VideoError` if a file is not as expected.
        transfer: brings the file to a path. What it keeps until then, to be continued, lies
            beside that path, under names that begin with the same name.

    Raises:
        VideoError: it is not available.
        DanceReIDError: raised by `check`.
    """
    unchecked = target.with_name(f"{target.name}.unchecked")
    with usable(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    resumed = any(target.parent.glob(f"{glob.escape(unchecked.name)}*"))
    while True:
        transfer(unchecked)
        try:
            check(unchecked)
            break
        except (SourceError, VideoError):
            unchecked.unlink()
            if not resumed:
                raise
            resumed = False
    give_name(unchecked, target)


def download(ydl: Any, info: dict[str, Any], path: Path) -> None:
    """Downloads what `info` describes to `path`; until it is whole it is `path.part`.

    A part that is there is continued.

    Raises:
        VideoError: it is not available, with the reason.
        SourceError: this machine cannot write it.
        Pause: of the client's `OnBytes`.
    """
    from yt_dlp.utils import YoutubeDLError

    part = path.with_name(f"{path.name}.part")
    waits = 0
    while True:
        try:
            done, _ = ydl.dl(str(path), info)
        except (YoutubeDLError, OSError) as error:
            whole = _asked_beyond(error)
            if whole is not None and part.exists():
                # The server has no more bytes: the part is whole, or belongs to another file.
                if part.stat().st_size == whole:
                    part.replace(path)
                    return
                part.unlink()
                continue
            seconds = asked_to_wait_s(error)
            if seconds is None or seconds > MAX_WAIT_S or waits == _WAITS:
                raise refused(error, path) from error
            waits += 1
            sleep(seconds)
        else:
            if not done:
                raise VideoError(Reason.NETWORK, "the transfer ended without an error message")
            return


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[OnBytes]:
    """Shows a bar with bytes, rate and time left; gives the function that updates it."""
    with tqdm(desc=what, unit="B", unit_scale=True, unit_divisor=1024) as bar:

        def on_bytes(there: int, whole: int | None) -> None:
            if bar.total != whole:
                bar.total = whole
            if there < bar.n or not bar.n:
                # An earlier run's bytes, or a new start: neither counts for this run's speed.
                bar.initial = bar.n = bar.last_print_n = there
            bar.update(there - bar.n)
            if there == whole:
                bar.close()  # the next step, such as the check, has its own bar

        yield on_bytes


def _asked_beyond(error: BaseException) -> int | None:
    """The file's size in bytes if more was asked for (0 if the server hides it), else None."""
    for cause in causes(error):
        if getattr(cause, "status", None) == 416 and (answer := getattr(cause, "response", None)):
            size = _BEYOND.fullmatch(answer.headers.get("Content-Range") or "")
            return int(size[1]) if size else 0
    return None
