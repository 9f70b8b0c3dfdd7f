"""Scores features: mAP, mINP, and CMC in the three published protocols.

FEATURES has a row for each image: .npy [N, D], in the order of the dataset; .npz with an
array `feature`; or .parquet with a column `feature`. If it has video_id, person_id and frame,
these match rows with images, and the rows may be in any order. With --unit tracklet, the features
of a tracklet are the mean of those of its images; or FEATURES has a row for each tracklet. Exit
code 0: scored; 1: it failed; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from ..build.coverage import Coverage
from ..build.crop_rows import as_crops
from ..catalogue.catalogue import Catalogue
from ..common.errors import OptionError
from ..common.package_files import project_file
from ..common.store_path import AnyPath, input_path, output_path, written
from ..common.validation import whole_number
from ..evaluation.distance import DISTANCES
from ..evaluation.evaluate import evaluate, scoring_device
from ..evaluation.feature_file import KEYS, Features, Joined, join, read_features
from ..evaluation.per_query import Group, group_table
from ..evaluation.result import Result
from ..evaluation.top_k import nearest
from ..evaluation.tracklet_means import tracklet_means
from ..preview.ranking_sheet import chosen_queries, ranked_gallery
from .flag_types import path_or_address
from .outputs import check_picture
from .split_flags import add_split_flags, load_split

EXAMPLES = (
    "  dancereid evaluate features.parquet --config demo\n"
    "  dancereid evaluate features.npy --dataset dancereid-data --by video --show ranked.png"
)


def main(arguments: argparse.Namespace) -> int:
    """Loads features and images, scores, prints, draws."""
    # Checked before a build that may take an hour.
    for name in ("bootstrap", "draws"):
        whole_number(name, getattr(arguments, name), 0, 10**6)
    scoring_device(arguments.device, arguments.draws)
    in_store = dict(arguments.storage_option)
    show = arguments.show and output_path("--show", arguments.show, in_store)
    if show:
        check_picture("--show", show)
    features = read_features(arguments.features, in_store)
    dataset, coverage = load_split(arguments)
    joined, images, shown = _arranged(features, dataset, coverage)
    given = (joined.rows, images["person_id"], images["frame"])
    result = evaluate(
        *given,
        distance=arguments.distance,
        draws=arguments.draws,
        seed=arguments.seed,
        coverage=coverage,
        device=arguments.device,
    )
    groups = result.by(_labels(arguments, images)) if arguments.by else []
    report = _report(arguments, features, joined, result, groups)
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        print("\n".join([str(result), *_remarks(features, joined, report)]))
        if groups:
            print(f"\n{group_table(arguments.by, groups)}")
    _warn_of_other_build(features, coverage)
    if show:
        _show(show, shown, given, result)
    return 0


def _arranged(
    features: Features, dataset: Any, coverage: Coverage
) -> tuple[Joined, dict[str, Any], Any]:
    """The features in the order of the examples; the keys of these; and a crop of each.

    Of tracklets, the key is that of the first crop, and the features are means, unless the file
    has a row for each tracklet.
    """
    crops = as_crops(dataset)
    images = {name: np.asarray(crops[name][:]) for name in KEYS}
    if crops is dataset:
        return join(features, images), images, crops
    if coverage.options.get("overlap"):
        raise OptionError(
            "overlap: tracklets that have crops in common are matches of each other, so scores "
            "would mean nothing. Score tracklets that were built with overlap=0."
        )
    lengths = [len(frames) for frames in dataset["frames"][:]]
    first = np.cumsum(lengths) - lengths
    keys = {name: values[first] for name, values in images.items()}
    if not features.keys and len(features.rows) == len(lengths):
        return join(features, keys), keys, crops.select(first)
    joined = join(features, images)
    means = tracklet_means(joined.rows, lengths)
    how = f"{joined.how}, mean of each tracklet"
    return replace(joined, rows=means, how=how), keys, crops.select(first)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "features",
        metavar="FEATURES",
        help="a .npy, .npz or .parquet file, or its address in a store",
    )
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
        "--device",
        default="cpu",
        metavar="NAME",
        help="cpu (the default), or a device of PyTorch, such as cuda (needs the extra 'train')",
    )
    parser.add_argument(
        "--show",
        type=path_or_address,
        metavar="OUT.png",
        help="draw ranked galleries of a few queries",
    )
    add_split_flags(parser)


def _labels(arguments: argparse.Namespace, images: dict[str, Any]) -> Any:
    """The group of each image, as `--by` asks for."""
    if arguments.by != "style":
        return images["person_id" if arguments.by == "person" else "video_id"]
    catalogues = [Catalogue.read(), Catalogue.read(project_file("demo") / "video_data.csv")]
    if arguments.catalogue:
        in_store = dict(arguments.storage_option)
        catalogues.append(Catalogue.read(input_path("catalogue", arguments.catalogue, in_store)))
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


def _remarks(features: Features, joined: Joined, report: dict[str, Any]) -> list[str]:
    """Lines about the features and intervals, to be printed below the scores."""
    made = f", made by '{features.origin['model']}'" if "model" in features.origin else ""
    rest = f"; {joined.left_over:,} rows of other images left out" if joined.left_over else ""
    source = f"{features.path}{made}, joined {joined.how}{rest}"
    lines = [f"Split: {report['split']}. Features: {source}."]
    if "intervals_95" in report:
        found = report["intervals_95"]
        rows = {
            "mAP": found["mean_ap"],
            "mINP": found["mean_inp"],
            "CUHK03 rank 1": found["cmc_cuhk03"][0],
            "Market-1501 rank 1": found["cmc_market1501"][0],
        }
        spans = [f"{row} {100 * low:.1f} to {100 * high:.1f}" for row, (low, high) in rows.items()]
        lines.append(
            f"95 % intervals, people resampled {report['bootstrap']['samples']:,} times (seed "
            f"{report['bootstrap']['seed']}): {', '.join(spans)}."
        )
    return lines


def _warn_of_other_build(features: Features, coverage: Coverage) -> None:
    """Warns if the features are of another build than the one that is scored."""
    origin = features.origin
    if origin.get("fingerprint") not in (None, coverage.fingerprint):
        print(
            f"dancereid evaluate: {features.path} was made from another build (config "
            f"{origin.get('config')!r}, fingerprint {origin['fingerprint']}) than the one scored "
            f"here ({coverage.fingerprint}): images may differ. Extract the features again.",
            file=sys.stderr,
        )


def _show(path: AnyPath, dataset: Any, given: tuple[Any, Any, Any], result: Result) -> None:
    """Draws ranked galleries, and prints the path."""
    queries = chosen_queries(result.per_query)
    rankings = nearest(*given, queries, distance=result.distance)
    sheet = ranked_gallery(dataset, rankings, result.per_query.average_precision)
    with written(path) as unfinished:
        sheet.save(unfinished)
    print(f"Ranked galleries of {len(queries)} queries: {path.absolute()}", file=sys.stderr)
