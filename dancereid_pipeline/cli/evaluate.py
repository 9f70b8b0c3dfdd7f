"""Scores features: mAP, mINP, and CMC in the three published protocols.

FEATURES has a row for each image: .npy [N, D], in the order of the dataset; .npz with an
array `feature`; or .parquet with a column `feature`. If it has video_id, person_id and frame,
these match rows with images, and the rows may be in any order. Exit code 0:
scored; 1: it failed; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..catalogue.catalogue import Catalogue
from ..common.package_files import project_file
from ..common.validation import whole_number
from ..evaluation.distance import DISTANCES
from ..evaluation.evaluate import evaluate
from ..evaluation.feature_file import KEYS, Features, Joined, join, read_features
from ..evaluation.per_query import Group, group_table
from ..evaluation.result import Result
from ..evaluation.top_k import nearest
from ..preview.ranking_sheet import chosen_queries, ranked_gallery
from .outputs import check_picture
from .split_flags import Split, add_split_flags, load_split

EXAMPLES = (
    "  dancereid evaluate features.parquet --config demo\n"
    "  dancereid evaluate features.npy --dataset dancereid-data --by video --show ranked.png"
)


def main(arguments: argparse.Namespace) -> int:
    """Loads features and images, scores, prints, draws."""
    # Checked before a build that may take an hour.
    for name in ("bootstrap", "draws"):
        whole_number(name, getattr(arguments, name), 0, 10**6)
    if arguments.show:
        check_picture("--show", arguments.show)
    features = read_features(arguments.features)
    split = load_split(arguments)
    images = {name: np.asarray(split.images[name][:]) for name in KEYS}
    joined = join(features, images)
    given = (joined.rows, images["person_id"], images["frame"])
    result = evaluate(
        *given,
        distance=arguments.distance,
        draws=arguments.draws,
        seed=arguments.seed,
        coverage=split.coverage,
    )
    groups = result.by(_labels(arguments, images)) if arguments.by else []
    report = _report(arguments, features, joined, result, groups)
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        print("\n".join([str(result), *_remarks(features, joined, split, report)]))
        if groups:
            print(f"\n{group_table(arguments.by, groups)}")
    for line in _warnings(features, split):
        print(f"dancereid evaluate: {line}", file=sys.stderr)
    if arguments.show:
        _show(arguments.show, split, given, result)
    return 0


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument("features", metavar="FEATURES", help=".npy, .npz or .parquet")
    parser.add_argument(
        "--distance",
        choices=DISTANCES,
        default="sqeuclidean",
        help="the distance between features (default: %(default)s)",
    )
    parser.add_argument(
        "--by", choices=("person", "video", "style"), help="also print a line for each of these"
    )
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=0,
        metavar="N",
        help="also print 95 %% intervals, from N resamplings of people",
    )
    parser.add_argument(
        "--draws",
        type=int,
        default=0,
        metavar="N",
        help="also compute CUHK03 from N drawn galleries for each query (published code: 10)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="the seed of --bootstrap and --draws (default: %(default)s)",
    )
    parser.add_argument(
        "--show", type=Path, metavar="OUT.png", help="draw ranked galleries of a few queries"
    )
    add_split_flags(parser)


def _labels(arguments: argparse.Namespace, images: dict[str, Any]) -> Any:
    """The group of each image, as `--by` asks for."""
    if arguments.by != "style":
        return images["person_id" if arguments.by == "person" else "video_id"]
    catalogues = [Catalogue.read(), Catalogue.read(project_file("demo") / "video_data.csv")]
    if arguments.catalogue:
        catalogues.append(Catalogue.read(arguments.catalogue))
    styles = {video.video_id: video.style for catalogue in catalogues for video in catalogue}
    return np.array([styles.get(video_id) or "unknown" for video_id in images["video_id"]])


def _report(
    arguments: argparse.Namespace,
    features: Features,
    joined: Joined,
    result: Result,
    groups: list[Group],
) -> dict[str, Any]:
    """All results, as plain values."""
    report: dict[str, Any] = {
        "features": {
            **features.origin,
            "file": str(features.path),
            "joined": joined.how,
            "rows_of_other_images": joined.left_over,
        },
        "split": arguments.split,
        **result.to_dict(),
    }
    if arguments.bootstrap:
        report["intervals_95"] = result.intervals(arguments.bootstrap, arguments.seed)
        report["bootstrap"] = {"samples": arguments.bootstrap, "seed": arguments.seed}
    if groups:
        report["by"] = {arguments.by: {g.label: {"queries": g.queries, **g.means} for g in groups}}
    return report


def _remarks(features: Features, joined: Joined, split: Split, report: dict[str, Any]) -> list[str]:
    """Lines about the features and intervals, to be printed below the scores."""
    made = f", made by '{features.origin['model']}'" if "model" in features.origin else ""
    rest = f"; {joined.left_over:,} rows of other images left out" if joined.left_over else ""
    lines = [f"Split: {split.name}. Features: {features.path}{made}, joined {joined.how}{rest}."]
    if "intervals_95" in report:
        rows = {
            "mAP": report["intervals_95"]["mean_ap"],
            "mINP": report["intervals_95"]["mean_inp"],
        }
        for name, key in (("CUHK03", "cuhk03"), ("Market-1501", "market1501")):
            rows[f"{name} rank 1"] = report["intervals_95"][f"cmc_{key}"][0]
        spans = [
            f"{name} {100 * low:.1f} to {100 * high:.1f}" for name, (low, high) in rows.items()
        ]
        lines.append(
            f"95 % intervals, people resampled {report['bootstrap']['samples']:,} times (seed "
            f"{report['bootstrap']['seed']}): {', '.join(spans)}."
        )
    return lines


def _warnings(features: Features, split: Split) -> list[str]:
    """A line if the features are of another build than the one that is scored."""
    extracted_from = features.origin.get("fingerprint")
    if extracted_from is None or extracted_from == split.coverage.fingerprint:
        return []
    return [
        f"{features.path} was made from another build (config {features.origin.get('config')!r}, "
        f"fingerprint {extracted_from}) than the one scored here ({split.coverage.fingerprint}): "
        "images may differ. Extract the features again."
    ]


def _show(path: Path, split: Split, given: tuple[Any, Any, Any], result: Result) -> None:
    """Draws ranked galleries, and prints the path."""
    precision = result.per_query.average_precision
    queries = chosen_queries(result.per_query)
    sheet = ranked_gallery(
        split.images, nearest(*given, queries, distance=result.distance), precision
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
    print(f"Ranked galleries of {len(queries)} queries: {path.resolve()}", file=sys.stderr)
