"""Options and environment variables for fetching: addresses, and how to send requests."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub.constants import HF_HOME

from ..catalogue.catalogue import Video
from ..common.address import Address, is_address
from ..common.errors import OptionError
from ..common.store_path import AnyPath, input_path
from ..common.validation import checked_path, path_or_none, shown

# The published annotation, at the repository's last revision, and what its bytes must be.
ANNOTATION_URL = Address(
    "https://raw.githubusercontent.com/azuxmioy/DanceReID/"
    "179cca6edf5367340c14b4a1094f7bc8070d7d0e/annotation/annotation.json"
)
ANNOTATION_SHA256 = "66ddffe48cc39a2c4818500f19cc9b9208f07177fe78969278ce073df3e27fa7"
# The published archive of tracks: the current file, then the older one.
DRIVE_IDS = ("1Ph8yUuXEefU6Buv1dOrxXFFDuptyEdA2", "1qSh78lGQ6b7bZsg8K3tG1SIWaVSjoUrc")
VIDEO_URL = Address("https://www.youtube.com/watch?v={download_id}")
# Browsers whose cookies yt-dlp can read, by its names.
BROWSERS = (
    "brave", "chrome", "chromium", "edge", "firefox", "opera", "safari", "vivaldi", "whale",
)  # fmt: skip
TIME_LIMIT_S = 3600.0
_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([KMG]?)", re.IGNORECASE)
_RATE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, kw_only=True)
class Network:
    """Addresses, and how to send requests. Each field is an option and an environment variable.

    The variable is the field's name in capitals after `DANCEREID_`, as in
    `DANCEREID_DOWNLOAD_DIR`. An option comes before its variable.

    Attributes:
        annotation: address or path of an annotation.json, also in a store (`s3://...`). Without
            it, the published one.
        archive: the tracks: address or path of an archive or of a folder of npy files, also in a
            store, or link of a file on Google Drive. Without it, the published archive.
        video_url: pattern of a video's address, with `{download_id}`, `{video_id}` or `{clip}`
            (the catalogue's name for it, such as `000_ZhuDSdmby8k`) in it. The address is that
            of a page that yt-dlp knows, or of the clip itself, for example on a lab's mirror:
            `http://mirror.lab/videos/{clip}.mp4`.
        cookies: path of a cookies.txt, or a browser whose cookies are used:
            `browser:firefox`, or `browser:chrome:Profile 1`.
        proxy: address of a proxy, with `http://`, `https://` or `socks5://`.
        rate: bytes a second at most, for example `500K` or `2M`. Without it, no limit.
        time_limit: seconds that one file may take; in a stream, one request. The next run
            continues where it ended.
        download_dir: folder that keeps what was fetched. It has the layout of a `data_dir`.

    Raises:
        OptionError: one of them has a value that it cannot have.
    """

    annotation: Address | AnyPath | None = None
    archive: Address | AnyPath | None = None
    video_url: Address = VIDEO_URL
    cookies: str | None = None
    proxy: Address | None = None
    rate: int | None = None
    time_limit: float = TIME_LIMIT_S
    download_dir: Path = Path(HF_HOME, "dancereid")

    @classmethod
    def read(
        cls,
        options: Mapping[str, Any],
        environment: Mapping[str, str] = os.environ,
        *,
        read_addresses: bool = True,
    ) -> Network:
        """From options (None: not given), else from the environment, else the defaults.

        Args:
            options: values by the name of the field; and `storage_options` for addresses in a
                store.
            environment: the environment variables.
            read_addresses: whether to read the variables of `annotation` and `archive`; False
                where the user named a folder that has both.

        Raises:
            OptionError: one of them has a value that it cannot have.
        """
        given: dict[str, Any] = {}
        in_store = functools.partial(_path_or_address, options.get("storage_options"))
        checks: dict[str, Any] = {"annotation": in_store, "archive": in_store, **_CHECKS}
        for field in fields(cls):
            value = options.get(field.name)
            if value is None and (read_addresses or field.name not in ("annotation", "archive")):
                # An empty variable counts as not set.
                value = environment.get(variable(field.name)) or None
            if value is not None:
                given[field.name] = checks[field.name](field.name, value)
        return cls(**given)

    def address(self, video: Video) -> Address:
        """The address of a video."""
        return self.video_url.filled(
            download_id=video.download_id, video_id=video.video_id, clip=video.clip_stem
        )

    @property
    def browser(self) -> tuple[str, ...] | None:
        """The browser whose cookies are used, and its profile if the option names one."""
        kind, _, rest = (self.cookies or "").partition(":")
        return tuple(rest.split(":", 1)) if kind == "browser" else None


def variable(option: str) -> str:
    """The environment variable of an option."""
    return f"DANCEREID_{option.upper()}"


def _is_sound(address: str) -> bool:
    """Whether an address has a host and a valid port."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", parts.netloc)
    except ValueError:
        return False


def _path_or_address(
    storage_options: Mapping[str, Any] | None, name: str, value: object
) -> Address | AnyPath:
    text = path_or_none(name, value) or ""
    if is_address(text):
        if not _is_sound(text):
            raise OptionError(f"{name}: expected an address, got {shown(Address(text))}.")
        return Address(text)
    return input_path(name, text, storage_options)


def _pattern(name: str, value: object) -> Address:
    known = ("download_id", "video_id", "clip")
    try:
        parts = list(Formatter().parse(str(value)))
        used = {field for _, field, _, _ in parts if field is not None}
        plain = all(not spec and not conversion for _, _, spec, conversion in parts)
    except ValueError:
        used, plain = set(), False
    sound = is_address(str(value)) and _is_sound(str(value))
    got = Address(value) if isinstance(value, str) else value
    if not (sound and used and used <= set(known) and plain):
        raise OptionError(
            f"{name}: expected an address with {', '.join(f'{{{k}}}' for k in known)} in it, for "
            f"example 'http://mirror.lab/videos/{{clip}}.mp4', got {shown(got)}."
        )
    return Address(str(value))


def _cookies(name: str, value: object) -> str:
    text = path_or_none(name, value) or ""
    kind, _, rest = text.partition(":")
    if kind == "browser":
        if rest.split(":")[0] not in BROWSERS:
            raise OptionError(
                f"{name}: expected browser: and one of {', '.join(BROWSERS)}, got {shown(value)}."
            )
    elif not _is_file(text):
        # Not shown: it may be the cookie itself.
        raise OptionError(
            f"{name}: expected the path of a cookies.txt, or for example 'browser:firefox'; what "
            "was given is not a file."
        )
    return text


def _is_file(path: str) -> bool:
    try:
        return checked_path("cookies", path).is_file()
    except OptionError:
        return False


def _proxy(name: str, value: object) -> Address:
    if not re.match(r"(https?|socks(4a?|5h?))://", str(value)) or not _is_sound(str(value)):
        # Not shown: it may hold a password.
        raise OptionError(
            f"{name}: expected the address of a proxy, for example 'http://proxy.lab:3128' or "
            "'socks5://127.0.0.1:1080'."
        )
    return Address(str(value))


def _rate(name: str, value: object) -> int:
    match = _RATE.fullmatch(str(value).strip())
    rate = int(float(match[1]) * _RATE_UNITS[match[2].upper()]) if match else 0
    if not rate:
        raise OptionError(
            f"{name}: expected bytes a second, for example 500K or 2M, got {shown(value)}."
        )
    return rate


def _seconds(name: str, value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0
    if not 0 < seconds < 10**7:
        raise OptionError(f"{name}: expected seconds, more than 0, got {shown(value)}.")
    return seconds


def _folder(name: str, value: object) -> Path:
    # Absolute: a stream is read later, perhaps in another working directory.
    return checked_path(name, value).absolute()


_CHECKS = {
    "video_url": _pattern,
    "cookies": _cookies,
    "proxy": _proxy,
    "rate": _rate,
    "time_limit": _seconds,
    "download_dir": _folder,
}
