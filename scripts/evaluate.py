"""Scores features: mAP, mINP, and CMC in the three published protocols.

    python scripts/evaluate.py features.parquet --config demo
    python scripts/evaluate.py features.npy --dataset my_folder --by video --show ranked.png

FEATURES has one row an image: .npy [N, D] in the dataset's order; .npz with `feature`; or
.parquet with a column `feature`. With video_id, person_id and frame in it, rows are
found by these, whatever their order. Exit code 0: scored; 1: it cannot be; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import dancereid
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.cli.flags import run
from dancereid_pipeline.cli.split_flags import Split, add_split_flags, load_split
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.common.package_files import project_file
from dancereid_pipeline.evaluation.distance import DISTANCES
from dancereid_pipeline.evaluation.evaluate import evaluate
from dancereid_pipeline.evaluation.feature_file import KEYS, Features, Joined, join, read_features
from dancereid_pipeline.evaluation.per_query import Group, group_table
from dancereid_pipeline.evaluation.result import Result
from dancereid_pipeline.evaluation.top_k import nearest
from dancereid_pipeline.preview.ranking_sheet import chosen_queries, ranked_gallery


def main() -> int:
    """Parses the command line, loads, scores, prints, draws."""
    arguments = _parser().parse_args()
    if arguments.bootstrap < 0:
        raise OptionError(f"--bootstrap: expected a number from 0, got {arguments.bootstrap}.")
    features = read_features(arguments.features)  # before a build that may take an hour
    split = load_split(arguments, dancereid.load_dataset)
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
    told = _told(arguments, features, joined, result, groups)
    if arguments.json:
        print(json.dumps(told, indent=1))
    else:
        print("\n".join([str(result), *_remarks(features, joined, split, told)]))
        if groups:
            print(f"\n{group_table(arguments.by, groups)}")
    for line in _doubts(features, split):
        print(f"evaluate: {line}", file=sys.stderr)
    if arguments.show:
        _show(arguments.show, split, given, result)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("features", metavar="FEATURES", help=".npy, .npz or .parquet")
    parser.add_argument(
        "--distance",
        choices=DISTANCES,
        default="sqeuclidean",
        help="of features (default: %(default)s)",
    )
    parser.add_argument(
        "--by", choices=("person", "video", "style"), help="also a line for each of these"
    )
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=0,
        metavar="N",
        help="also 95 %% intervals, from N resamplings of people",
    )
    parser.add_argument(
        "--draws",
        type=int,
        default=0,
        metavar="N",
        help="also CUHK03 by drawing N galleries a query, as published code does (10)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of these two (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--show", type=Path, metavar="OUT.png", help="draw ranked galleries of a few queries"
    )
    add_split_flags(parser)
    return parser


def _labels(arguments: argparse.Namespace, images: dict[str, Any]) -> Any:
    """What `--by` groups the queries by, one label an image."""
    if arguments.by != "style":
        return images["person_id" if arguments.by == "person" else "video_id"]
    catalogues = [Catalogue.read(), Catalogue.read(project_file("demo") / "video_data.csv")]
    if arguments.catalogue:
        catalogues.append(Catalogue.read(arguments.catalogue))
    styles = {video.video_id: video.style for catalogue in catalogues for video in catalogue}
    return np.array([styles.get(video_id) or "not said" for video_id in images["video_id"]])


def _told(
    arguments: argparse.Namespace,
    features: Features,
    joined: Joined,
    result: Result,
    groups: list[Group],
) -> dict[str, Any]:
    """All there is to say, as plain values."""
    told: dict[str, Any] = {
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
        told["intervals_95"] = result.intervals(arguments.bootstrap, arguments.seed)
        told["bootstrap"] = {"samples": arguments.bootstrap, "seed": arguments.seed}
    if groups:
        told["by"] = {arguments.by: {g.label: {"queries": g.queries, **g.means} for g in groups}}
    return told


def _remarks(features: Features, joined: Joined, split: Split, told: dict[str, Any]) -> list[str]:
    """What the script knows besides the scores, as lines."""
    made = f", made by '{features.origin['model']}'" if "model" in features.origin else ""
    rest = f"; {joined.left_over:,} rows of other images left out" if joined.left_over else ""
    lines = [f"Split: {split.name}. Features: {features.path}{made}, joined {joined.how}{rest}."]
    if "intervals_95" in told:
        rows = {"mAP": told["intervals_95"]["mean_ap"], "mINP": told["intervals_95"]["mean_inp"]}
        for name, key in (("CUHK03", "cuhk03"), ("Market-1501", "market1501")):
            rows[f"{name} rank 1"] = told["intervals_95"][f"cmc_{key}"][0]
        spans = [
            f"{name} {100 * low:.1f} to {100 * high:.1f}" for name, (low, high) in rows.items()
        ]
        lines.append(
            f"95 % intervals, people resampled {told['bootstrap']['samples']:,} times (seed "
            f"{told['bootstrap']['seed']}): {', '.join(spans)}."
        )
    return lines


def _doubts(features: Features, split: Split) -> list[str]:
    """Where the features say that they are of another build."""
    made_on = features.origin.get("fingerprint")
    if made_on is None or made_on == split.coverage.fingerprint:
        return []
    return [
        f"{features.path} was made on another build (config {features.origin.get('config')!r}, "
        f"fingerprint {made_on}) than is scored here (fingerprint {split.coverage.fingerprint}): "
        "images may differ. Extract the features again."
    ]


def _show(path: Path, split: Split, given: tuple[Any, Any, Any], result: Result) -> None:
    """Draws ranked galleries and says where.

    Raises:
        OptionError: the picture cannot be written there.
    """
    precision = result.per_query.average_precision
    queries = chosen_queries(result.per_query)
    sheet = ranked_gallery(
        split.images, nearest(*given, queries, distance=result.distance), precision
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
    except (OSError, ValueError) as error:  # ValueError: no picture format has that ending
        raise OptionError(f"--show: cannot write {path} ({error}). Name a .png.") from error
    print(f"Ranked galleries of {len(queries)} queries: {path.resolve()}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(run("evaluate", main))
