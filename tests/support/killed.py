"""Runs a crawl or a build again and again, killing it at random moments; then to its end.

A program of its own, so that each run is a fork of a process that has imported everything
and has no threads. Takes JSON: `options` of load_dataset, `work`, `folder`, `kills`,
`seed`. Prints JSON: how many runs were killed, and whether every one left what it must.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av  # noqa: F401  # so that a run need not

import dancereid
import dancereid_pipeline.build.samples
import dancereid_pipeline.fetch.verify_clip  # noqa: F401
from dancereid_pipeline.build.request import Request
from dancereid_pipeline.fetch.video_site import is_page


def work(asked: dict[str, Any], folder: Path) -> None:
    """One crawl, or one crawl and build."""
    places = {"download_dir": str(folder / "downloads"), "cache_dir": str(folder / "cache")}
    options = {**asked["options"], **places}
    if asked["work"] == "build":
        dancereid.load_dataset(**options)
    else:
        config = dancereid.DanceReIDConfig(name="paper")
        del options["cache_dir"]
        Request.read("paper", config.sample_options, {**vars(config), **options}).fetch()


def run(program: Callable[[], object], moment_s: float | None) -> bool:
    """Runs it in a fork; kills it at a moment. Whether it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            program()
            os._exit(0)
        except BaseException:  # noqa: BLE001  # of whatever kind, the fork ends here
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    descriptor = os.pidfd_open(pid)
    ended, _, _ = select.select([descriptor], [], [], moment_s)
    os.close(descriptor)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if ended and status != 0:
        raise SystemExit("a run failed")
    return not ended


def files(folder: Path) -> dict[str, str]:
    """A checksum of every file whose name says that it is whole, but for what has a time in it."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".mp4", ".arrow", ".zip") or path.match("annotation*.json")
        if path.is_file() and ".incomplete" not in str(path) and not path.name.endswith(".lock")
    }


def main() -> None:
    """Kills, until there are as many as asked for; then a run that is left alone."""
    asked = json.loads(sys.argv[1])
    # yt-dlp compiles the patterns of all sites, for longer than all else takes: not in each run.
    is_page(asked["options"]["video_url"])
    folder, rng = Path(asked["folder"]), random.Random(asked["seed"])
    start = time.monotonic()
    run(lambda: work(asked, folder / "undisturbed"), None)
    took_s = time.monotonic() - start
    expected = files(folder / "undisturbed")
    killed, number, ends = 0, 0, []
    while killed < asked["kills"]:
        place = folder / str(number)
        if run(functools.partial(work, asked, place), rng.uniform(0, took_s / 2)):
            killed += 1
            looks_whole = files(place).items() if place.exists() else set()
            ends.append(looks_whole <= expected.items())
        else:  # it came to its end before its moment; the next one starts from nothing
            ends.append(files(place) == expected)
            number += 1
    run(lambda: work(asked, folder / str(number)), None)
    ends.append(files(folder / str(number)) == expected)
    print(json.dumps({"killed": killed, "ends": ends, "files": len(expected)}))


if __name__ == "__main__":
    main()
