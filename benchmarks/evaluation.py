"""Scoring N images, compared with a loop over queries and with the distances' matrix product.

The loop is written as people write it: one argsort for each query, ten drawn galleries for
CUHK03. It is timed on a sample of the queries, without the time for the distances. The product is
the least that the distances can cost. Each N is measured in its own process; the kernel counts
the peak (VmHWM, Linux only).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.harness import ROOT, Figure, Size, peak_mib, ratios
from dancereid_pipeline.evaluation.evaluate import evaluate

PEOPLE, COLUMNS, SAMPLE, BLOCK = 29, 2048, 200, 512


def measure(size: Size) -> list[Figure]:
    """Ratios of time, and memory, for small test sets: the paper's takes minutes a run."""
    figures = []
    for count in (size.of(2000, 300), size.of(8000, 600)):
        found: dict[str, list[float]] = {}
        for _ in tqdm(range(size.runs), desc=f"scoring {count:,} images", unit=" runs"):
            command = [sys.executable, "-m", "benchmarks.evaluation", str(count)]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            for name, value in json.loads(done.stdout).items():
                found.setdefault(name, []).append(value)
        above = [p - b for p, b in zip(found["peak_mib"], found["before_mib"], strict=True)]
        product = ratios(found["evaluate_s"], found["product_s"])
        product_cpu = ratios(found["evaluate_cpu"], found["product_cpu"])
        ranking = ratios(found["loop_cpu"], found["ranking_cpu"])
        figures += [
            Figure(f"{count:,} images: scoring / product of the distances", product),
            Figure(f"{count:,} images: the same in processor time", product_cpu),
            Figure(f"{count:,} images: loop / ranking, in processor time", ranking),
            Figure(f"{count:,} images: memory above the features", tuple(above), unit="MiB"),
        ]
    return figures


def measure_here(count: int) -> dict[str, float]:
    """Seconds and MiB for one number of images."""
    features, people, frames = images(count)
    before = peak_mib()
    evaluation, evaluation_cpu = seconds(lambda: evaluate(features, people, frames))
    peak = peak_mib()
    product, product_cpu = seconds(lambda: products(features.astype(np.float64)))
    sample = np.random.default_rng(0).choice(count, SAMPLE, replace=False)
    norms = (features**2).sum(axis=1)
    distances = norms - 2 * features[sample] @ features.T
    _, loop_cpu = seconds(lambda: plain_loop(distances, sample, people, frames))
    return {
        "evaluate_s": evaluation,
        "evaluate_cpu": evaluation_cpu,
        "product_s": product,
        "product_cpu": product_cpu,
        "loop_cpu": loop_cpu * count / SAMPLE,
        "ranking_cpu": max(evaluation_cpu - product_cpu, 1e-3),
        "before_mib": before,
        "peak_mib": peak,
    }


def images(count: int) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]:
    """Features that change slowly over time, as those of dancers do: mAP is about 75 %."""
    rng = np.random.default_rng(0)
    people, times = np.arange(count) % PEOPLE, np.arange(count) // PEOPLE
    steps = rng.standard_normal((PEOPLE, times[-1] + 1, 32), dtype=np.float32)
    drift = steps.cumsum(axis=1) / np.float32(len(steps[0]) ** 0.5)
    features = 0.5 * rng.standard_normal((count, COLUMNS), dtype=np.float32)
    features += 0.3 * rng.standard_normal((PEOPLE, COLUMNS), dtype=np.float32)[people]
    features += 0.5 * drift[people, times] @ rng.standard_normal((32, COLUMNS), dtype=np.float32)
    return features, people, 5 * times


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of processor time on all cores together."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - start_cpu


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
        matches = np.flatnonzero(people[order] == people[query])
        precision = (np.arange(len(matches)) + 1) / (matches + 1)
        precision.mean()
        cmc, shots = np.zeros(20), np.zeros(20)
        cmc[matches[0] :] += 1
        for found, match in enumerate(matches):
            if match - found >= len(shots):
                break
            shots[match - found] += 1 / len(matches)
        order = order[frames[order] != frames[query]]
        of_person: dict[int, list[int]] = {}
        for rank, person in enumerate(people[order]):
            of_person.setdefault(person, []).append(rank)
        single = np.zeros(len(of_person))
        for _ in range(10):
            drawn = {person: rng.choice(ranks) for person, ranks in of_person.items()}
            first = sum(rank < drawn[people[query]] for rank in drawn.values())
            single[first:] += 1 / 10


if __name__ == "__main__":
    print(json.dumps(measure_here(int(sys.argv[1]))))
