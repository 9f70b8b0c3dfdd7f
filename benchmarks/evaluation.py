"""Scoring N images, against a loop over queries and against the matrix product of the distances.

    python -m benchmarks.evaluation [--images 2000 8000 22637]

The loop is written as people write it: an argsort a query, ten galleries drawn for CUHK03. It
is timed on a sample of the queries, after the distances, which it gets for nothing. The product
is what the distances cost at least. Each N is measured in a process of its own; the peak is the
kernel's own (VmHWM: on Linux only).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dancereid_pipeline.metrics import evaluate

PEOPLE, COLUMNS, SAMPLE, BLOCK = 29, 2048, 200, 512


def main() -> None:
    """Measures each size in a process of its own, and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[2000, 8000, 22637])
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.images[0])))
        return
    found = []
    for count in tqdm(arguments.images, desc="measuring", unit=" sizes"):
        command = [sys.executable, "-m", "benchmarks.evaluation", "--here", "--images", str(count)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout))
    for of_size in found:
        print(
            f"{of_size['images']:>6,} images: {of_size['evaluate_s']:.1f} s; "
            f"{of_size['to_product']:.2f} times the product ({of_size['to_product_float32']:.2f} "
            f"times that in float32); the loop takes {of_size['loop_to_ranking']:.0f} times as "
            f"long as the ranking (timed on {SAMPLE} queries); peak {of_size['peak_mib']:,.0f} "
            f"MiB, {of_size['peak_mib'] - of_size['before_mib']:,.0f} above the features. In "
            f"processor time: {of_size['to_product_cpu']:.2f} and "
            f"{of_size['loop_to_ranking_cpu']:.0f} times"
        )
    print(json.dumps(found))


def measure(count: int) -> dict[str, float]:
    """All figures for one number of images."""
    features, people, frames = images(count)
    before = peak_mib()
    evaluation, evaluation_cpu = seconds(lambda: evaluate(features, people, frames))
    peak = peak_mib()
    product, product_cpu = seconds(lambda: products(features.astype(np.float64)))
    product32, _ = seconds(lambda: products(features))
    sample = np.random.default_rng(0).choice(count, SAMPLE, replace=False)
    norms = (features**2).sum(axis=1)
    distances = norms - 2 * features[sample] @ features.T
    loop, loop_cpu = seconds(lambda: plain_loop(distances, sample, people, frames))
    loop, loop_cpu = loop * count / SAMPLE, loop_cpu * count / SAMPLE
    return {
        "images": count,
        "evaluate_s": evaluation,
        "product_s": product,
        "loop_s": loop,
        "to_product": evaluation / product,
        "to_product_float32": evaluation / product32,
        "loop_to_ranking": loop / (evaluation - product),
        "to_product_cpu": evaluation_cpu / product_cpu,
        "loop_to_ranking_cpu": loop_cpu / (evaluation_cpu - product_cpu),
        "before_mib": before,
        "peak_mib": peak,
    }


def images(count: int) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]:
    """Features of people who change slowly, as dancers do: mAP is about 75 %."""
    rng = np.random.default_rng(0)
    people, times = np.arange(count) % PEOPLE, np.arange(count) // PEOPLE
    steps = rng.standard_normal((PEOPLE, times[-1] + 1, 32), dtype=np.float32)
    way = steps.cumsum(axis=1) / np.float32(len(steps[0]) ** 0.5)
    features = 0.5 * rng.standard_normal((count, COLUMNS), dtype=np.float32)
    features += 0.3 * rng.standard_normal((PEOPLE, COLUMNS), dtype=np.float32)[people]
    features += 0.5 * way[people, times] @ rng.standard_normal((32, COLUMNS), dtype=np.float32)
    return features, people, 5 * times


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """How long it takes, and how long on all cores together, whatever else they do."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - start_cpu


def peak_mib() -> float:
    """The most memory this process has had so far."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) / 1024


def products(features: NDArray[Any]) -> None:
    """The bare products of the distances, in blocks."""
    out = np.empty((BLOCK, len(features)), features.dtype)
    for start in range(0, len(features), BLOCK):
        rows = features[start : start + BLOCK]
        np.matmul(rows, features.T, out=out[: len(rows)])


def plain_loop(
    distances: NDArray[Any], queries: NDArray[Any], people: NDArray[Any], frames: NDArray[Any]
) -> None:
    """Average precision and CMC in three protocols, query by query."""
    rng = np.random.default_rng(0)
    for row, query in enumerate(queries):
        order = np.argsort(distances[row])
        order = order[(people[order] != people[query]) | (frames[order] != frames[query])]
        places = np.flatnonzero(people[order] == people[query])
        precision = (np.arange(len(places)) + 1) / (places + 1)
        precision.mean()
        cmc, shots = np.zeros(20), np.zeros(20)
        cmc[places[0] :] += 1
        for found, place in enumerate(places):
            if place - found >= len(shots):
                break
            shots[place - found] += 1 / len(places)
        order = order[frames[order] != frames[query]]
        of_person: dict[int, list[int]] = {}
        for place, person in enumerate(people[order]):
            of_person.setdefault(person, []).append(place)
        single = np.zeros(len(of_person))
        for _ in range(10):
            drawn = {person: rng.choice(places) for person, places in of_person.items()}
            rank = sum(place < drawn[people[query]] for place in drawn.values())
            single[rank:] += 1 / 10


if __name__ == "__main__":
    main()
