"""Writes a folder again and again, killing the writer at random moments; then to its end.

A program of its own, as `killed` is. Takes JSON: `options` of a config, `layout` (options of
a layout), `folder`, `kills`, `seed`. Prints JSON: how many runs were killed, how many of them
went on with something, and whether every one left the whole folder or none.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

import av  # noqa: F401  # so that a run need not
import h5py  # noqa: F401

import dancereid
from dancereid_pipeline.export.export import write_folder
from dancereid_pipeline.export.layouts import LayoutOptions
from dancereid_pipeline.export.sample_source import from_videos
from tests.support.killed import run
from tests.support.readers import files


def main() -> None:
    """Kills, until there are as many as asked for; then a run that is left alone."""
    asked = json.loads(sys.argv[1])
    folder, rng = Path(asked["folder"]), random.Random(asked["seed"])
    config = dancereid.DanceReIDConfig(name="paper", **asked["options"])

    def write(target: Path) -> None:
        contents = from_videos(config.request())
        write_folder(contents, target, LayoutOptions(**asked["layout"]))

    start = time.monotonic()
    run(lambda: write(folder / "undisturbed"), None)
    took_s = time.monotonic() - start
    expected = files(folder / "undisturbed")
    killed, went_on, number, ends = 0, 0, 0, []
    while killed < asked["kills"]:
        target = folder / str(number)
        went_on += any(target.with_name(f"{number}.unfinished").glob("done/*.json"))
        if run(lambda target=target: write(target), rng.uniform(0, took_s)):
            killed += 1
        if target.exists():
            ends.append(files(target) == expected)
            number += 1  # the next one starts from nothing
        else:
            ends.append(True)
    if not (folder / str(number)).exists():
        run(lambda: write(folder / str(number)), None)
        ends.append(files(folder / str(number)) == expected)
    print(json.dumps({"killed": killed, "went_on": went_on, "whole": number, "ends": ends}))


if __name__ == "__main__":
    main()
