"""What was built -> `croissant.json`, which describes the dataset for programs.

The format is Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html) with
its vocabulary for responsible AI (https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..build.options import SampleOptions
from ..catalogue.metadata import CITATION, HOMEPAGE
from ..shards.build_record import Build
from .card import SUMMARIES, licence, origins_of, title, why
from .responsible_ai import COLLECTION_TYPES, STATEMENTS

CROISSANT = "croissant.json"

_CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_PARQUET = "application/x-parquet"
_IMAGE, _FLOAT, _INTEGER, _TEXT = "sc:ImageObject", "cr:Float32", "cr:Int32", "sc:Text"
# Of each column: its type, the shape of an array, and what it means.
_COLUMNS: dict[str, tuple[str, str | None, str]] = {
    "image": (_IMAGE, None, "The crop around the person, a JPEG."),
    "keypoints": (
        _FLOAT,
        "17,2",
        "x, y of each joint in pixels of the crop, in COCO's order; NaN if it was not seen.",
    ),
    "person_id": (_INTEGER, None, "The person, by a number in the whole dataset."),
    "video_id": (_TEXT, None, "The id of the video."),
    "frame": (_INTEGER, None, "The index of the frame in the video, from 0."),
    "bbox": (_FLOAT, "4", "x1, y1, x2, y2 of the person in pixels of the video."),
    "skeleton": (_IMAGE, None, "The crop with the pose drawn on it, a JPEG."),
}
# Columns of tracklets that have a value for each crop, and those of frames.
_LISTS: dict[str, tuple[str, str | None, str]] = {
    "images": (_IMAGE, "-1", "The crops of one person in the order of time, each a JPEG."),
    "frames": (_INTEGER, "-1", "The index of each crop's frame in the video, from 0."),
    "keypoints": (_FLOAT, "-1,17,2", _COLUMNS["keypoints"][2]),
    "bbox": (_FLOAT, "-1,4", _COLUMNS["bbox"][2]),
}
_FRAMES: dict[str, tuple[str, str | None, str]] = {
    "image": (_IMAGE, None, "The whole frame, a JPEG."),
    "width": (_INTEGER, None, "The width of the image in pixels."),
    "height": (_INTEGER, None, "The height of the image in pixels."),
}
_OBJECTS = {
    "person_id": (_INTEGER, "-1", "Each person, by a number in the whole dataset."),
    "bbox": (_FLOAT, "-1,4", "x1, y1, x2, y2 of each person in pixels of the image."),
    "keypoints": (
        _FLOAT,
        "-1,17,2",
        "x, y of each person's joints in pixels of the image, in COCO's order; NaN if not seen.",
    ),
}
_EXAMPLES = {"crop": "person in one frame", "tracklet": "tracklet", "frame": "whole frame"}
_LICENCES = {"mit": "https://spdx.org/licenses/MIT"}
# The context that the specification asks for, with the names that are used here.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract"),
            *("field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray"),
            *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source"),
            *("subField", "transform"),
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}


def croissant(builds: Sequence[Build], name: str) -> str:
    """The description of a folder with these configs.

    Args:
        builds: at least one; each is a record set.
        name: the name for `load_dataset`: a folder, or `user/name` on the Hub.

    Returns:
        JSON-LD. Paths in it are relative to the folder.
    """
    origins = origins_of(builds)
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": title(builds),
        "alternateName": name,
        "description": " ".join(SUMMARIES[origin] for origin in origins),
        **({"license": address} if (address := _licence(builds)) else {}),
        **({"url": HOMEPAGE, "citeAs": CITATION} if "dancereid" in origins else {}),
        "datePublished": max(build.made for build in builds)[:10],
        # The part after + is the fingerprint of each config.
        "version": "1.0.0+" + "-".join(build.coverage.fingerprint for build in builds),
        "keywords": ["person re-identification", "pose", "dance"],
        "inLanguage": "zxx",  # ISO 639: no linguistic content
        **_responsible_ai(builds, origins),
        "distribution": [part for build in builds for part in _distribution(build)],
        "recordSet": [_record_set(build) for build in builds],
    }
    return json.dumps(described, indent=1) + "\n"


def _licence(builds: Iterable[Build]) -> str | None:
    """The address of the licence; None if only the person who chose the videos knows it."""
    known = licence(builds)
    return known.get("license_link") or _LICENCES.get(known.get("license", ""))


def _responsible_ai(builds: Sequence[Build], origins: dict[str, list[str]]) -> dict[str, Any]:
    """What is known of each origin's videos; with the configs if there are several origins."""
    stated: dict[str, list[str]] = {}
    for origin, configs in origins.items():
        of_whom = f"{', '.join(configs)}: " if len(origins) > 1 else ""
        for name, statement in STATEMENTS[origin].items():
            stated.setdefault(f"rai:{name}", []).append(of_whom + statement)
    return {
        **{name: " ".join(statements) for name, statements in stated.items()},
        "rai:dataCollectionType": [COLLECTION_TYPES[origin] for origin in origins],
        "rai:dataCollectionMissingData": " ".join(map(_missing, builds)),
        "rai:dataPreprocessingProtocol": [
            f"{build.config}: {_preprocessing(build.options)}" for build in builds
        ],
    }


def _missing(build: Build) -> str:
    """The coverage, and the reason for each video of which images are missing."""
    lost = [
        f"{o.video_id} ({why(o)}; {o.images:,} of "
        f"{'?' if o.expected is None else f'{o.expected:,}'} images)"
        for o in build.coverage.outcomes
        if not o.whole
    ]
    missing = f"Missing: {', '.join(lost)}." if lost else ""
    covered = str(build.coverage).splitlines()[0].partition(": ")[2]
    return f"{build.config}: {covered}. {missing}".strip()


def _preprocessing(options: SampleOptions) -> str:
    height, width = options.image_size
    taken = f"Frames whose number {options.stride} divides were taken."
    if options.unit == "frame":
        return (
            f"{taken} Each was stored whole, with at most {options.max_side} pixels a side, as a "
            f"JPEG of quality {options.jpeg_quality}."
        )
    runs = (
        f" The crops of a person in an unbroken run of frames are one record: a gap of more than "
        f"{options.max_gap} frames ends it, and so do {options.max_length} crops."
    )
    return (
        f"{taken} Around each bounding box a "
        f"window of the ratio {width}:{height} was cut, shifted at an edge of the frame, resized "
        f"to {width} x {height} pixels, and stored as a JPEG of quality {options.jpeg_quality}."
        f"{runs if options.unit == 'tracklet' else ''}"
    )


def _distribution(build: Build) -> list[dict[str, Any]]:
    """The shards with their checksums, and all of them as one set."""
    shards = [
        {
            "@type": "cr:FileObject",
            "@id": f"{build.config}/{shard.name}",
            "name": shard.name,
            "description": f"{shard.rows} examples of the split {shard.split}.",
            "contentUrl": f"{build.config}/{shard.name}",
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": _PARQUET,
            "sha256": shard.sha256,
        }
        for shard in build.shards
    ]
    return [
        *shards,
        {
            "@type": "cr:FileSet",
            "@id": f"{build.config}/shards",
            "name": f"{build.config}/shards",
            "description": f"All Parquet files of '{build.config}', one for each video.",
            "encodingFormat": _PARQUET,
            "includes": f"{build.config}/*.parquet",
        },
    ]


def _record_set(build: Build) -> dict[str, Any]:
    counts = ", ".join(f"{s.examples:,} in {name}" for name, s in build.statistics.items())
    unit = build.options.unit
    columns = _COLUMNS | {"tracklet": _LISTS, "frame": _FRAMES}.get(unit, {})
    return {
        "@type": "cr:RecordSet",
        "@id": build.config,
        "name": build.config,
        "description": f"One record is one {_EXAMPLES[unit]}. There are {counts}.",
        "field": [
            _field(build, "split", _TEXT, None, f"The split: {', '.join(build.statistics)}."),
            *(
                _objects(build) if name == "objects" else _field(build, name, *columns[name])
                for name in build.features
            ),
        ],
    }


def _objects(build: Build) -> dict[str, Any]:
    """The people of a frame: a field with a field for each of their columns."""
    fields = []
    for name, column in _OBJECTS.items():
        field = _field(build, f"objects/{name}", *column)
        field["source"] |= {"extract": {"column": "objects"}, "transform": {"jsonPath": name}}
        fields.append(field)
    return {
        "@type": "cr:Field",
        "@id": f"{build.config}/objects",
        "name": "objects",
        "description": "The people in the frame.",
        "subField": fields,
    }


def _field(
    build: Build, name: str, data_type: str, shape: str | None, meaning: str
) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": f"{build.config}/shards"}}
    if name == "split":  # the first word of a file's name
        source["extract"] = {"fileProperty": "fullpath"}
        source["transform"] = {"regex": rf"(?:.*/)?({'|'.join(build.statistics)})-[^/]*\.parquet$"}
    else:
        source["extract"] = {"column": name}
        if data_type == _IMAGE:
            source["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{build.config}/{name}",
        "name": name,
        "description": meaning,
        "dataType": data_type,
        **_lengths(data_type, shape),
        "source": source,
    }


def _lengths(data_type: str, shape: str | None) -> dict[str, Any]:
    """Whether a field has several values. Images are no numbers of an array."""
    if shape is None:
        return {}
    return {"repeated": True} if data_type == _IMAGE else {"isArray": True, "arrayShape": shape}
