"""Size, time and peak memory of a dataset's page, for a dataset and one ten times as large.

The crops are those of the demo, with grain, so that they take as many bytes as photographs. Each
page is made in its own process; the kernel counts the peak (VmHWM, Linux only). Chromium says how
long the page takes to open, if it is installed.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image
from tqdm import tqdm

import dancereid
from benchmarks.harness import ROOT, Figure, Size, ratios
from dancereid_pipeline.build.schema import example_features
from tests.support.browser import LACKING, Browser

_PEOPLE_A_VIDEO = 40
_MAKE = """
import sys, time
import datasets
import dancereid
from benchmarks.harness import peak_mib
folder, output = sys.argv[1:]
ds = datasets.load_from_disk(folder)
start = time.monotonic()
dancereid.preview(ds, people=None).save(output)
print(time.monotonic() - start)
print(peak_mib())
"""


def measure(size: Size) -> list[Figure]:
    """Seconds, MB and MiB of a page of 100,000 images of 2,000 people, and of a tenth of them."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        pool = crops()
        folders = {}
        for name, part in (("small", 10), ("large", 1)):
            people, images = size.of(2000, 20) // part, size.of(100_000, 400) // part
            folders[name] = Path(temporary) / name
            rows = {"pool": pool, "people": people, "each": images // people}
            datasets.Dataset.from_generator(
                examples,
                gen_kwargs=rows,
                features=example_features(skeleton=False),
                cache_dir=temporary,
            ).save_to_disk(folders[name])
        for run in tqdm(range(size.runs), desc="making pages", unit=" runs"):
            for name, folder in folders.items():
                page = Path(temporary) / f"{name}-{run}.html"
                for figure, value in measure_page(folder, page).items():
                    found.setdefault(f"{name} {figure}", []).append(value)
    of_large = ("made_s", "s"), ("size_mb", "MB"), ("peak_mib", "MiB"), ("opened_s", "s")
    names = {
        "made_s": "page of 100,000 images: made in",
        "size_mb": "its size",
        "peak_mib": "peak memory",
        "opened_s": "opened by Chromium in",
    }
    figures = [
        Figure(names[key], tuple(found[f"large {key}"]), unit=unit)
        for key, unit in of_large
        if f"large {key}" in found
    ]
    peaks = ratios(found["large peak_mib"], found["small peak_mib"])
    return [*figures, Figure("peak memory / that of a tenth", peaks)]


def measure_page(folder: Path, output: Path) -> dict[str, float]:
    """Makes a page in another process, then opens it in Chromium."""
    command = [sys.executable, "-c", _MAKE, folder, output]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()[-2:]
    found = {
        "made_s": float(seconds),
        "size_mb": output.stat().st_size / 1e6,
        "peak_mib": float(peak),
    }
    if not LACKING:
        with Browser(output.with_suffix(".profile")) as browser:
            found["opened_s"] = browser.open(output)
    return found


def crops() -> tuple[dict[str, Any], ...]:
    """Examples of the demo, with grain on their images."""
    generator = np.random.default_rng(0)
    pool = []
    for example in dancereid.load_dataset("demo", split="test"):
        pixels = np.asarray(example["image"], np.int16)
        grainy = pixels + generator.normal(0, 8, pixels.shape).astype(np.int16)
        buffer = io.BytesIO()
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=75)
        pool.append({**example, "image": {"bytes": buffer.getvalue(), "path": None}})
    return tuple(pool)  # `datasets` would take a list for shards


def examples(pool: tuple[dict[str, Any], ...], people: int, each: int) -> Iterator[dict[str, Any]]:
    """Examples of so many people, `each` images of each, one video after another."""
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
