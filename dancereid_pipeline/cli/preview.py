"""Makes a page that shows a dataset: one HTML file, which needs no server and no network.

The dataset is a config, which is built if needed; or, with --dataset, a prepared folder or a
dataset on the Hub. With --streaming, only the first examples are read.
"""

from __future__ import annotations

import argparse
import json
import webbrowser
from pathlib import Path
from typing import Any

import dancereid

from ..common.errors import OptionError
from ..common.store_path import file_state, output_path, written
from ..common.validation import whole_number
from ..preview.page.page import require_preview
from ..preview.page.people import MAX_PEOPLE
from .build_flags import add_build_flags, add_dataset_flag, load
from .flag_types import path_or_address
from .outputs import check_file, check_picture

EXAMPLES = (
    "  dancereid preview --config demo --output report.html --open\n"
    "  dancereid preview --dataset USER/NAME --streaming --output report.html\n"
    "  dancereid preview --config demo --contact-sheet people.png"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--output",
        type=path_or_address,
        metavar="FILE.html",
        help="the page to write, or its address in a store",
    )
    parser.add_argument(
        "--contact-sheet",
        type=path_or_address,
        metavar="FILE.png",
        help="a picture to write: one row for each person, in the order of time",
    )
    parser.add_argument(
        "--no-skeletons", action="store_true", help="draw no poses on the contact sheet"
    )
    add_dataset_flag(parser)
    parser.add_argument("--streaming", action="store_true", help="read only the first examples")
    parser.add_argument("--split", metavar="SPLIT", help="show only this split")
    parser.add_argument("--people", type=int, metavar="N", help="show N people, evenly chosen")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_build_flags(parser)


def main(arguments: argparse.Namespace) -> int:
    """Loads the dataset, writes page and picture, prints their paths."""
    in_store = dict(arguments.storage_option)
    for name in ("output", "contact_sheet"):
        if path := getattr(arguments, name):
            setattr(arguments, name, output_path(f"--{name.replace('_', '-')}", path, in_store))
    _check(arguments)
    dataset = load(arguments, streaming=arguments.streaming)
    if arguments.contact_sheet:
        size = _draw_sheet(dataset, arguments)
        if not arguments.json:
            print(f"{arguments.contact_sheet}: {size}")
    if arguments.output:
        page = dancereid.preview(dataset, people=arguments.people, split=arguments.split)
        path = page.save(arguments.output)
        if not arguments.json:
            print(f"{path}: {file_state(path)[0] / 1e6:.1f} MB, opens in any browser")
        if arguments.open:
            webbrowser.open(arguments.output.resolve().as_uri())
    if arguments.json:
        written = {"page": arguments.output, "contact_sheet": arguments.contact_sheet}
        print(json.dumps({name: str(path) for name, path in written.items() if path}))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuses what cannot be drawn or written, before a build that may take an hour."""
    if arguments.output is None and arguments.contact_sheet is None:
        raise OptionError(
            "expected --output report.html, or --contact-sheet people.png, or both "
            "(see dancereid preview --help)"
        )
    if arguments.open and not isinstance(arguments.output, Path):
        raise OptionError("--open: expected also --output report.html, a file on this machine.")
    if arguments.people is not None:
        whole_number("people", arguments.people, 1, MAX_PEOPLE)
    if arguments.output is not None:
        require_preview()
        check_file("--output", arguments.output)
    if arguments.contact_sheet is not None:
        check_picture("--contact-sheet", arguments.contact_sheet)


def _draw_sheet(dataset: Any, arguments: argparse.Namespace) -> str:
    """Writes the contact sheet; returns its size as text.

    Raises:
        DanceReIDError: the sheet cannot be drawn or written.
    """
    # Imported here: OpenCV is slow to import.
    from ..preview.contact_sheet import contact_sheet
    from ..preview.page.dataset_rows import see

    seen = see(dataset, arguments.split)
    people = {} if arguments.people is None else {"people": arguments.people}
    sheet = contact_sheet(seen.datasets, skeletons=not arguments.no_skeletons, **people)
    with written(arguments.contact_sheet) as unfinished:
        sheet.save(unfinished)
    return f"{sheet.width} x {sheet.height} pixels"
