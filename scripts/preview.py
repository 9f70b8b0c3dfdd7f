"""Makes a page to look at a dataset: one HTML file, without server or network.

    python scripts/preview.py --config demo --output report.html --open
    python scripts/preview.py --dataset USER/NAME --streaming --output report.html
    python scripts/preview.py --config demo --contact-sheet people.png

The data comes from any door: a config, built if need be; a folder or repository of Parquet
(--dataset); either of them as a stream, of which only the first examples are read.
"""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path
from typing import Any

import dancereid
from dancereid_pipeline.cli.flags import add_build_flags, build_options, run
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.common.files import replaced
from dancereid_pipeline.publish.prepared_folder import load_prepared


def main() -> int:
    """Parses the command line, loads, draws, says where."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, metavar="HTML", help="the page to write")
    parser.add_argument(
        "--contact-sheet", type=Path, metavar="PNG", help="a plain picture to write: people x time"
    )
    parser.add_argument(
        "--no-skeletons", action="store_true", help="the contact sheet without poses"
    )
    parser.add_argument(
        "--dataset", metavar="PLACE", help="a prepared folder, or USER/NAME on the Hub"
    )
    parser.add_argument("--streaming", action="store_true", help="read only the first examples")
    parser.add_argument("--split", metavar="S", help="only this one")
    parser.add_argument("--people", type=int, metavar="N", help="show so many, spread over all")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_build_flags(parser)
    arguments = parser.parse_args()
    if arguments.output is None and arguments.contact_sheet is None:
        parser.error("expected --output report.html, or --contact-sheet people.png, or both")
    if arguments.open and arguments.output is None:
        parser.error("--open: expected --output report.html, too")
    dataset = load(arguments)
    if arguments.contact_sheet:
        print(draw_sheet(dataset, arguments))
    if arguments.output:
        page = dancereid.preview(dataset, people=arguments.people, split=arguments.split)
        path = page.save(arguments.output)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, opens in any browser")
        if arguments.open:
            webbrowser.open(path.resolve().as_uri())
    return 0


def load(arguments: argparse.Namespace) -> Any:
    """The dataset that the flags name.

    Raises:
        DanceReIDError: they contradict each other, or it cannot be had.
    """
    options, configs = build_options(arguments), arguments.config or [None]
    if len(configs) > 1:
        raise OptionError(
            f"--config: expected one, got {', '.join(configs)}. A page shows one; run it again."
        )
    if arguments.dataset is None:
        if arguments.streaming:
            options.pop("num_proc", None)  # a stream has one reader
        return dancereid.load_dataset(configs[0], streaming=arguments.streaming, **options)
    cache = options.pop("cache_dir", None)
    if options:
        raise OptionError(
            f"--dataset: {arguments.dataset} is looked at as it is, so {', '.join(options)} cannot "
            "be given. Leave them out, or leave out --dataset and build."
        )
    return load_prepared(
        arguments.dataset, configs[0], streaming=arguments.streaming, cache_dir=cache
    )


def draw_sheet(dataset: Any, arguments: argparse.Namespace) -> str:
    """Writes the contact sheet; what was written.

    Raises:
        DanceReIDError: it cannot be drawn, or written there.
    """
    # Here, not above: it waits for OpenCV.
    from dancereid_pipeline.preview.contact_sheet import contact_sheet
    from dancereid_pipeline.preview.page.dataset_rows import see

    seen = see(dataset, arguments.split)
    people = {} if arguments.people is None else {"people": arguments.people}
    sheet = contact_sheet(seen.datasets, skeletons=not arguments.no_skeletons, **people)
    path = arguments.contact_sheet
    try:
        with replaced(path) as unfinished:
            sheet.save(unfinished)
    except ValueError as error:  # no picture format has that ending
        raise OptionError(f"--contact-sheet: {path}: {error}. Name it .png or .jpg.") from error
    return f"{path}: {sheet.width} x {sheet.height} pixels"


if __name__ == "__main__":
    raise SystemExit(run("preview", main))
