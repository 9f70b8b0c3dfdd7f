"""What was built -> the dataset card: a README.md whose every figure is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datasets import DatasetInfo, Features
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from ..build.coverage import Outcome
from ..build.options import UNIT_NAMES
from ..catalogue.catalogue import CONFIGS, Catalogue
from ..catalogue.metadata import CITATION, DESCRIPTION, HOMEPAGE
from ..shards.build_record import PICTURE, Build
from .card_examples import (
    PICTURES,
    UNIT_NOTES,
    card_text,
    columns_text,
    example_text,
    named,
    options_text,
)
from .responsible_ai import STATEMENTS

CARD = "README.md"
SUMMARIES = {
    "dancereid": DESCRIPTION,
    "demo": "Drawn dancers in the format of DanceReID, to try things on.",
    "own": "People cropped from videos, each with an identity and a 17-joint pose, in the format "
    "of DanceReID.",
}
# The Hub's `license` field. DanceReID was never licensed, so none of the Hub's names would be
# true. For other videos, only the person who chose them can say.
_LICENCES: dict[str, dict[str, str]] = {
    "dancereid": {
        "license": "other",
        "license_name": "rights-with-the-videos-owners",
        "license_link": "https://www.youtube.com/t/terms",
    },
    "own": {},
    "demo": {"license": "mit"},
}
# Who made the annotation, and whether the videos are another dataset's, in the Hub's terms. Of
# other videos only their owner knows; "other" is whoever filtered the tracks: it is not recorded.
_CREATION: dict[str, dict[str, list[str]]] = {
    "dancereid": {
        "annotations_creators": ["machine-generated", "other"],
        "source_datasets": ["original"],
    },
    "own": {},
    "demo": {"annotations_creators": ["machine-generated"], "source_datasets": ["original"]},
}
# What stands between these marks in a card on the Hub is not replaced.
_BEGIN = "<!-- The owner's own text: dancereid push keeps it, and replaces the rest. -->"
_END = "<!-- The owner's own text ends. -->"
# Descriptions of configs, by origin. A config that is not here has the summary of its origin.
_CONFIGS = {
    ("dancereid", "paper"): "The paper's videos; no person is in both splits.",
    ("dancereid", "full"): "All videos: those of `paper`, and `extra`.",
    ("dancereid", "published"): "The published query list, to compare with published numbers: its "
    "test people overlap those trained on, see below.",
}
_KEYPOINTS = {
    "exact": "exact: where the crop shows each joint",
    "published": "published: as the published files have them",
}


def card(
    builds: Sequence[Build],
    name: str,
    others: Mapping[str, Any] | None = None,
    last: str = "",
) -> str:
    """The dataset card of a folder with these configs.

    Args:
        builds: at least one; the first is the one that is loaded without a name.
        name: the name for `load_dataset`: a folder, or `user/name` on the Hub.
        others: metadata of the last card. What this project does not write is kept, for example
            tags, configs with other names, and a question to people who ask for access.
        last: the last card, whose owner's own text is kept.

    Returns:
        Markdown, under a block of YAML as the Hub and `datasets` read it.
    """
    data = DatasetCardData(**_merged(others or {}, _metadata(builds)))
    return f"---\n{data.to_yaml()}\n---\n\n{_body(builds, name, last)}"


def licence(builds: Iterable[Build]) -> dict[str, str]:
    """The fields of the licence; none if only the person who chose the videos can know it."""
    return next((_LICENCES[origin] for origin in origins_of(list(builds))), {})


def origins_of(builds: Sequence[Build]) -> dict[str, list[str]]:
    """The configs with videos of an origin, by origin; a config may have videos of two."""
    found = {
        origin: [b.config for b in builds if origin == b.origin or (ours and b.of_dancereid)]
        for origin, ours in (("dancereid", True), ("own", False), ("demo", False))
    }
    return {origin: configs for origin, configs in found.items() if configs}


def _merged(others: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Our metadata, and the metadata of others that ours does not replace."""
    known = {entry["config_name"] for entry in ours["configs"]}
    known |= {entry.get("config_name") for entry in _entries(others, "configs") if _is_ours(entry)}
    merged = {"license": "unknown", **others, **ours}
    merged["tags"] = list(dict.fromkeys([*ours["tags"], *(others.get("tags") or ())]))
    for name in ("configs", "dataset_info"):
        theirs = [e for e in _entries(others, name) if e.get("config_name") not in known]
        merged[name] = [*ours[name]]
        merged[name] += [{k: v for k, v in e.items() if k != "default"} for e in theirs]
    return merged


def _entries(metadata: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The entries of a card for its configs; of one config, there may be no list."""
    given = metadata.get(name) or []
    return [e for e in (given if isinstance(given, list) else [given]) if isinstance(e, dict)]


def _is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether `card` wrote this entry, of a config that may be gone."""
    files = entry.get("data_files")
    if not files or not isinstance(files, list):
        return False
    splits = [file.get("split") for file in files if isinstance(file, dict)]
    return files == _data_files(str(entry.get("config_name")), splits)


def _data_files(config: str, splits: Iterable[Any]) -> list[dict[str, str]]:
    return [{"split": split, "path": f"{config}/{split}-*.parquet"} for split in splits]


def _metadata(builds: Sequence[Build]) -> dict[str, Any]:
    return {
        "pretty_name": title(builds),
        **licence(builds),
        "language": ["zxx"],  # ISO 639: no linguistic content
        **_creation(builds),
        "task_categories": ["image-feature-extraction", "keypoint-detection"],
        "tags": ["person-re-identification", "re-id", "pose", "dance"],
        "size_categories": [_size_category(max(build.examples for build in builds))],
        "configs": [
            {
                "config_name": build.config,
                "data_files": _data_files(build.config, build.statistics),
                **({"default": True} if build is builds[0] else {}),
            }
            for build in builds
        ],
        "dataset_info": [_dataset_info(build) for build in builds],
    }


def _creation(builds: Sequence[Build]) -> dict[str, list[str]]:
    """Who made the annotation, and from what, as far as it is known of all videos."""
    known = [_CREATION[origin] for origin in origins_of(builds)]
    names = known[0].keys() if all(known) else ()
    return {
        name: list(dict.fromkeys(value for each in known for value in each[name])) for name in names
    }


def _dataset_info(build: Build) -> dict[str, Any]:
    """The metadata that `datasets` writes, and the description, which holds the coverage."""
    info = DatasetInfo(
        config_name=build.config,
        features=Features.from_dict(dict(build.features)),
        splits=[
            {"name": split, "num_bytes": figures.bytes, "num_examples": figures.examples}
            for split, figures in build.statistics.items()
        ],
        download_size=sum(shard.bytes for shard in build.shards),
        dataset_size=sum(figures.bytes for figures in build.statistics.values()),
    )
    data = DatasetCardData()
    DatasetInfosDict({build.config: info}).to_dataset_card_data(data)
    # datasets 3 calls a list "sequence", and would lose the length of a "list"; all versions read
    # "sequence".
    written = json.loads(json.dumps(data["dataset_info"]).replace('"list": ', '"sequence": '))
    # `datasets` knows a folder by its name and this: with other content it must be another text.
    content = hashlib.sha256("".join(shard.sha256 for shard in build.shards).encode())
    summary = f"{SUMMARIES[build.origin]} (Content: {content.hexdigest()[:16]}.)"
    description = build.coverage.describe(summary)
    return {"config_name": build.config, "description": description, **written}


def title(builds: Iterable[Build]) -> str:
    """A name for people."""
    origins = {build.origin for build in builds}
    if "dancereid" in origins:
        return "DanceReID"
    if origins == {"demo"}:
        return "DanceReID demo"
    titles = [title for b in builds if (title := " ".join(b.coverage.title.split()))]
    return titles[0] if titles else "Re-ID data in the format of DanceReID"


def _size_category(images: int) -> str:
    """The Hub's name for a number of examples."""
    names = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M")
    return names[max(0, min(len(str(images)), 7) - 3)]


def _body(builds: Sequence[Build], name: str, last: str) -> str:
    first = builds[0]
    origins = origins_of(builds)
    address = f"hf://datasets/{name}/" if "/" in name else ""
    return card_text("card").substitute(
        title=title(builds),
        summary=SUMMARIES[next(iter(origins))],
        picture=f"{first.config}/{PICTURE}",
        name=json.dumps(name),
        config=first.config,
        split=first.shards[0].split,
        shard=f"{address}{first.config}/{first.shards[0].name}",
        alt=PICTURES[first.options.unit],
        image="images" if first.options.unit == "tracklet" else "image",
        index="[0]" if first.options.unit == "tracklet" else "",
        columns=columns_text(builds),
        example=example_text(first.example),
        configs="".join(map(_config, builds)),
        splits=_splits() if "dancereid" in origins else "",
        keypoints=_keypoints(builds),
        origins="".join(
            card_text(f"origin_{origin}").substitute(
                STATEMENTS[origin], homepage=HOMEPAGE, configs=named(configs)
            )
            for origin, configs in origins.items()
        ),
        cite=card_text("cite").substitute(citation=CITATION) if "dancereid" in origins else "",
        begin=_BEGIN,
        owner=_owners_text(last, own="own" in origins),
        end=_END,
    )


def _owners_text(last: str, *, own: bool) -> str:
    """The owner's own text in the last card; the blanks to fill in if there is none.

    Args:
        last: the last card.
        own: whether there are videos of which only the owner knows.
    """
    of_all, of_own = (card_text(name).template.strip() for name in ("owner", "owner_own"))
    text, ended, _ = last.partition(_BEGIN)[2].partition(_END)
    if not ended or text.strip() in ("", of_all, of_own):
        return of_own if own else of_all
    return text.strip()


def _config(build: Build) -> str:
    coverage, options = build.coverage, build.options
    used = [outcome for outcome in coverage.outcomes if outcome.images]
    return card_text("config").substitute(
        config=build.config,
        description=_CONFIGS.get((build.origin, coverage.config), SUMMARIES[build.origin])
        + UNIT_NOTES[options.unit],
        made=build.made[:10],
        made_with=build.libraries,
        fingerprint=coverage.fingerprint,
        statistics="\n".join(_statistics_row(build, split) for split in build.statistics),
        options=f"frames whose number {options.stride} divides; {options_text(options)}",
        covered=str(coverage).splitlines()[0].partition(": ")[2].partition(" (")[0],
        missing=_missing(build) + _doubtful(build),
        videos=len(used),
        used="\n".join(
            f"| {_video(o)} | {', '.join(o.splits)} | {o.people} | {o.images:,} "
            f"| {f'{o.detections:,}' if o.detections else '?'} | {o.clip or '?'} |"
            for o in used
        ),
    )


def _statistics_row(build: Build, split: str) -> str:
    figures = build.statistics[split]
    unit = build.options.unit
    where = "" if unit == "crop" else f" in {figures.examples:,} {UNIT_NAMES[unit]}"
    cells = (
        split,
        f"{figures.images:,}{where}",
        str(figures.people),
        str(figures.videos),
        ", ".join(f"{n:,g}" for n in figures.images_a_person),
        ", ".join(f"{n:,.0f}" for n in figures.box_height),
        f"{figures.joints_outside:.1%}",
    )
    return f"| {' | '.join(cells)} |"


def _doubtful(build: Build) -> str:
    """A list of what is doubtful in tracks and annotation; "" if nothing is."""
    found = build.coverage.findings
    lines = [f"- `{doubt.video_id}`: {doubt.kind.value}. {doubt.message}" for doubt in found]
    return "\n".join(["\n**Doubtful**:\n", *lines]) + "\n" if lines else ""


def _missing(build: Build) -> str:
    """A table of the videos that are missing, or of which images are missing."""
    partial = [o for o in build.coverage.outcomes if not o.whole]
    if not partial:
        return "Nothing is missing.\n"
    rows = [
        f"| {_video(o)} | {', '.join(o.splits)} | {why(o)} "
        f"| {o.since[:10] or f'{build.made[:10]} or earlier'} "
        f"| {o.images:,} of {'?' if o.expected is None else f'{o.expected:,}'} |"
        for o in partial
    ]
    head = "| video | split | reason | since | images |\n| --- | --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def why(outcome: Outcome) -> str:
    """The reason, and how many annotated detections of a video were left out."""
    counts = (
        (outcome.outside, "bboxes outside the frame"),
        (outcome.untracked, "annotated detections that are not in the tracks"),
        (outcome.past_end, "annotated detections after the end of the clip"),
    )
    return "; ".join([outcome.reason.value, *(f"{n:,} {what}" for n, what in counts if n)])


def _video(outcome: Outcome) -> str:
    """The id, linked to its page if it is one of the 33."""
    known = {video.video_id: video for video in Catalogue.read()}
    if outcome.video_id not in known:
        return f"`{outcome.video_id}`"
    address = f"https://www.youtube.com/watch?v={known[outcome.video_id].download_id}"
    return f"[`{outcome.video_id}`]({address})"


def _splits() -> str:
    """How the splits were made, with numbers from the catalogue."""
    videos = list(Catalogue.read())
    tested = {s: [v for v in videos if "test" in v.splits_in(s)] for s in CONFIGS}
    trained = [v for v in videos if "trainval" in v.splits_in("paper")]
    left_out = [v for v in tested["paper"] if v not in tested["published"]]
    taken_in = [v for v in tested["published"] if v not in tested["paper"]]

    def images(of: Sequence[Any]) -> str:
        return f"{sum(video.annotated_every_5th for video in of):,}"

    def ids(of: Sequence[Any]) -> str:
        return ", ".join(f"`{video.video_id}`" for video in of)

    return card_text("splits").substitute(
        trainval=images(trained),
        trainval_people=sum(video.people for video in trained),
        test=images(tested["paper"]),
        test_people=sum(video.people for video in tested["paper"]),
        left_out=ids(left_out),
        taken_in=ids(taken_in),
        homepage=HOMEPAGE,
        leaked=sum(video.people for video in taken_in if video in trained),
        sum=f"{images(tested['paper'])} - {images(left_out)} + {images(taken_in)} = "
        f"{images(tested['published'])} images",
    )


def _keypoints(builds: Sequence[Build]) -> str:
    of_frames = "where the frame shows each joint"
    kinds = "; ".join(
        f"`{b.config}`: "
        + (of_frames if b.options.unit == "frame" else _KEYPOINTS[b.options.keypoints])
        for b in builds
    )
    return (
        "The published files have wrong keypoints where a crop was cut at an edge of the frame: "
        "the two scales are swapped, which moves joints by a few pixels or by many. The mapping "
        f"of each config here:\n{kinds}."
    )
