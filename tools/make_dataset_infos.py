"""Writes dataset_infos.json: the features and counts of each config and unit, default options.

    python tools/make_dataset_infos.py           # writes it
    python tools/make_dataset_infos.py --check   # writes nothing; exit code 1 if it is out of date

Counts come from the catalogue: its columns `annotated_every_5th`, `tracklets_every_5th` and
`frames_every_5th` were counted on the published annotation. The counts of the demo come from its
own annotation.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dancereid import DanceReID, DanceReIDConfig
from dancereid_pipeline.build.options import UNITS
from dancereid_pipeline.build.prepared_names import prepared_name
from dancereid_pipeline.catalogue.catalogue import CONFIGS, OWN, Catalogue
from dancereid_pipeline.shards.parquet_shards import plain_features

_COLUMNS = {
    "crop": "annotated_every_5th",
    "tracklet": "tracklets_every_5th",
    "frame": "frames_every_5th",
}


def dataset_infos() -> dict[str, Any]:
    """The content of the file: `{config: {description, version, features, splits}}`."""
    return {
        prepared_name(config.name, unit): _info(replace(config, unit=unit))
        for config in DanceReID.BUILDER_CONFIGS
        if config.name != OWN
        for unit in UNITS
    }


def _info(config: DanceReIDConfig) -> dict[str, Any]:
    features = DanceReID(config_name="demo", unit=config.unit).info.features
    return {
        "description": config.description,
        "version": str(config.version),
        "features": plain_features(features),
        "splits": {
            split: {"name": split, "num_examples": count, "dataset_name": "dancereid"}
            for split, count in _counts(config).items()
        },
    }


def _counts(config: DanceReIDConfig) -> dict[str, int]:
    if config.name == "demo":
        return {
            split: sum(job.expected_examples for job in jobs)
            for split, jobs in config.request().plan().splits().items()
        }
    videos = Catalogue.read().choose(config.name)
    column = _COLUMNS[config.unit]
    return {
        split: sum(getattr(v, column) for v in videos if split in v.splits_in(config.name))
        for split in CONFIGS[config.name]
    }


def main() -> int:
    """Writes or checks the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if it is out of date"
    )
    check = parser.parse_args().check
    path = Path(__file__).parents[1] / "dataset_infos.json"
    text = json.dumps(dataset_infos(), indent=2) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        print(f"{path.name} is up to date")
        return 0
    if check:
        print(f"{path.name} is not up to date: run python tools/make_dataset_infos.py")
        return 1
    path.write_text(text, "utf-8")
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
