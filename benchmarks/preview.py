"""Size, seconds and peak memory of a page of a dataset, and of one ten times as large.

    python -m benchmarks.preview [--people 2000] [--images 100000]

The crops are the demo's with grain on them, which takes as many bytes as a photograph. Each page
is made in a process of its own; the peak is the kernel's own (VmHWM: on Linux only). How long it
takes to open is asked of Chromium, where there is one.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image

import dancereid
from tests.support.browser import LACKING, Browser

_PEOPLE_A_VIDEO = 40
_MAKE = """
import sys, time
import datasets
import dancereid
folder, output = sys.argv[1:]
ds = datasets.load_from_disk(folder)
start = time.monotonic()
dancereid.preview(ds, people=None).save(output)
print(time.monotonic() - start)
# Not ru_maxrss: that begins with what the parent had when it forked.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=2000, help="of the large dataset")
    parser.add_argument("--images", type=int, default=100_000, help="of the large dataset")
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        pool = crops()
        for parts in (10, 1):
            people, images = arguments.people // parts, arguments.images // parts
            folder = Path(temporary) / f"{parts}"
            rows = {"pool": pool, "people": people, "each": images // people}
            datasets.Dataset.from_generator(
                examples, gen_kwargs=rows, features=FEATURES, cache_dir=temporary
            ).save_to_disk(folder)
            found[parts] = measure(folder, folder.with_suffix(".html"), Path(temporary))
            print(f"{people:,} people, {images:,} images: {found[parts]}")
    ratio = found[1]["peak_mib"] / found[10]["peak_mib"]
    print(f"peak of ten times as many images: {ratio:.2f} times")
    print(json.dumps({"small": found[10], "large": found[1], "peak_ratio": ratio}))


def measure(folder: Path, output: Path, temporary: Path) -> dict[str, float]:
    """Makes a page in another process, and opens it."""
    done = subprocess.run(
        [sys.executable, "-c", _MAKE, folder, output], capture_output=True, text=True, check=True
    )
    seconds, peak_kib = done.stdout.split()[-2:]
    found = {
        "size_mb": round(output.stat().st_size / 1e6, 1),
        "made_s": round(float(seconds), 1),
        "peak_mib": round(int(peak_kib) / 1024),
    }
    if not LACKING:
        with Browser(temporary / f"profile-{output.stem}") as browser:
            found["opened_s"] = round(min(browser.open(output) for _ in range(3)), 2)
    return found


def crops() -> tuple[dict[str, Any], ...]:
    """Some of the demo's examples, with grain."""
    generator = np.random.default_rng(0)
    pool = []
    for example in dancereid.load_dataset("demo", split="test"):
        pixels = np.asarray(example["image"], np.int16)
        grainy = pixels + generator.normal(0, 8, pixels.shape).astype(np.int16)
        buffer = io.BytesIO()
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=75)
        pool.append({**example, "image": {"bytes": buffer.getvalue(), "path": None}})
    return tuple(pool)  # a list would be taken for shards


def examples(pool: tuple[dict[str, Any], ...], people: int, each: int) -> Iterator[dict[str, Any]]:
    """So many images of each of so many people, a video after the other."""
    for first in range(0, people, _PEOPLE_A_VIDEO):
        for frame in range(each):
            for person in range(first, min(first + _PEOPLE_A_VIDEO, people)):
                if (frame + person) % 7 == 3 and 3 < frame < each - 3:
                    continue  # gaps
                yield {
                    **pool[(person * 31 + frame) % len(pool)],
                    "person_id": person,
                    "video_id": f"video{first // _PEOPLE_A_VIDEO:03d}",
                    "frame": 5 * frame,
                }


FEATURES = datasets.Features(
    {
        "image": datasets.Image(),
        "keypoints": datasets.Sequence(
            datasets.Sequence(datasets.Value("float32"), length=2), length=17
        ),
        "person_id": datasets.Value("int32"),
        "video_id": datasets.Value("string"),
        "frame": datasets.Value("int32"),
        "bbox": datasets.Sequence(datasets.Value("float32"), length=4),
    }
)


if __name__ == "__main__":
    main()
