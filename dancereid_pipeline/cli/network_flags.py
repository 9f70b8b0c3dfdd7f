"""The flags for fetching. Their help texts are the docstring of `Network`."""

from __future__ import annotations

import argparse
import inspect
import re
from dataclasses import MISSING, fields
from typing import TypeAlias

from ..transfer.settings import Network, variable

Flags: TypeAlias = "argparse.ArgumentParser | argparse._ArgumentGroup"

# Each option's placeholder.
_METAVARS = {
    "annotation": "PATH_OR_URL",
    "archive": "PATH_OR_URL",
    "video_url": "PATTERN",
    "cookies": "FILE",
    "proxy": "URL",
    "rate": "BYTES",
    "time_limit": "SECONDS",
    "download_dir": "FOLDER",
}
NETWORK = tuple(_METAVARS)


def documented(described: object) -> dict[str, str]:
    """The text of each entry in the section "Attributes:" or "Args:" of a docstring, in a line."""
    text = inspect.getdoc(described) or ""
    section = re.search(r"^(?:Attributes|Args):\n((?: {4}.*\n?|\n)+)", text, re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.M)
    return {name: " ".join(text.split()).replace("`", "") for name, text in entries}


def help_text(text: str, default: object = None, remark: str = "") -> str:
    """The help of a flag, for argparse: the text of a docstring, the default, and a remark."""
    if isinstance(default, tuple):
        default = " ".join(map(str, default))
    remarks = [f"default: {default}"] if default else []
    remarks += [remark] if remark else []
    end = f" ({'; '.join(remarks)})" if remarks else ""
    return f"{text.rstrip('.')}{end}".replace("%", "%%")


def flag(option: str) -> str:
    """The flag of an option: `--video-url` of `video_url`."""
    return f"--{option.replace('_', '-')}"


def add_network_flags(parser: Flags, *names: str) -> None:
    """Adds the flags of these options of `Network`; without names, of all."""
    texts = documented(Network)
    defaults = {f.name: None if f.default is MISSING else f.default for f in fields(Network)}
    for name in names or NETWORK:
        text = help_text(texts.get(name, ""), defaults[name], variable(name))
        parser.add_argument(flag(name), metavar=_METAVARS[name], help=text)
