"""The readers that are tried: what each is given, and how it is called."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import dancereid
from dancereid_pipeline.build.coverage import Coverage
from dancereid_pipeline.build.options import SampleOptions
from dancereid_pipeline.build.schema import check_columns
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.evaluation.feature_file import read_features, write_features
from dancereid_pipeline.formats.annotation import Annotation
from dancereid_pipeline.formats.coco_video import coco_category, read_coco_videos
from dancereid_pipeline.formats.mot import read_mot
from dancereid_pipeline.formats.npy_tracks import read_tracks
from dancereid_pipeline.formats.track_archive import tracks_in
from dancereid_pipeline.formats.video import Clip
from dancereid_pipeline.preview.contact_sheet import contact_sheet
from dancereid_pipeline.publish.card import card
from dancereid_pipeline.publish.prepared_folder import load_prepared
from dancereid_pipeline.shards.build_record import Build
from dancereid_pipeline.shards.parquet_shards import check_shard
from tests.support.data.archives import pack
from tests.support.data.clips import X264, write_clip
from tests.support.data.npys import saved

from .mutations import change_bytes, change_value

DEMO = Path(__file__).parents[2] / "dancereid_pipeline" / "demo"


@dataclass(frozen=True)
class Reader:
    """A reader, and files for it.

    Attributes:
        seeds: writes files that can be read, into a folder.
        change: makes a file's new content.
        read: reads a file, completely.
    """

    seeds: Callable[[Path], list[Path]]
    change: Callable[[Path, random.Random], bytes]
    read: Callable[[Path], object]


def _bytes(path: Path, chance: random.Random) -> bytes:
    return change_bytes(path.read_bytes(), chance)


def _detection(person: int) -> dict[str, Any]:
    keypoints = [[10.0 + joint, 20.0 + person] for joint in range(17)]
    box = [5.0, 45.0, 6.0, 70.0]
    return {"id": person, "box_pos": box, "pose_pos": keypoints, "pose_score": [0.5] * 17}


_FRAMES = {frame: {person: _detection(person) for person in (1, 2)} for frame in range(4)}
_PAIRS = [(frame, person) for frame in range(1, 5) for person in (1, 2)]
# NumPy itself writes 3 or 4.
_PROTOCOLS = (2, 3, 4, 5)
_STRANGE = [
    b"bytes",
    bytearray(b"x"),
    (1, 2),
    {1, 2},
    1 + 2j,
    Decimal(1),
    date(2020, 1, 1),
    np.float32(3),
    np.zeros((17, 3)),
    np.zeros((0, 17, 2)),
    np.full(4, np.nan),
    np.array(["text"]),
    np.array([None, {}], object),
    np.zeros(2, [("a", "i4"), ("b", "O")]),
    np.datetime64("2020-01-01"),
]


def _as_arrays(frames: Any) -> Any:
    """Lists of numbers become arrays, as trackers save them."""
    if isinstance(frames, dict):
        return {key: _as_arrays(value) for key, value in frames.items()}
    if isinstance(frames, list) and frames and isinstance(frames[0], float | list):
        try:
            return np.array(frames, dtype=float)
        except (ValueError, TypeError):
            return frames
    return frames


def _write_tracks(folder: Path) -> list[Path]:
    paths = [folder / f"{protocol}.npy" for protocol in _PROTOCOLS]
    for protocol, path in zip(_PROTOCOLS, paths, strict=True):
        path.write_bytes(saved(_as_arrays(_FRAMES), protocol))
    return paths


def _change_tracks(path: Path, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return _bytes(path, chance)
    return saved(
        _as_arrays(changed) if chance.random() < 0.8 else changed, chance.choice(_PROTOCOLS)
    )


def _copy(*names: str) -> Callable[[Path], list[Path]]:
    """Seeds that lie in the demo."""

    def write(folder: Path) -> list[Path]:
        for name in names:
            (folder / name).write_bytes((DEMO / name).read_bytes())
        return [folder / name for name in names]

    return write


def _change_json(path: Path, chance: random.Random) -> bytes:
    if chance.random() < 0.4:
        return _bytes(path, chance)
    return json.dumps(change_value(json.loads(path.read_bytes()), chance)).encode()


def _change_csv(path: Path, chance: random.Random) -> bytes:
    if chance.random() < 0.4:
        return _bytes(path, chance)
    rows = list(csv.reader(path.read_text("utf-8").splitlines()))
    changed = change_value(rows, chance)
    text = io.StringIO()
    # Python 3.10 can write some characters only with an escape.
    writer = csv.writer(text, delimiter=chance.choice(",,,;\t"), escapechar="\\")
    for row in changed if isinstance(changed, list) else [[changed]]:
        writer.writerow(row if isinstance(row, list) else [row])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _write_archives(folder: Path) -> list[Path]:
    members = {f"{n}/00{n}.npy": saved(_as_arrays(_FRAMES)) for n in range(3)}
    names = ("a.zip", "a.tar", "a.tgz", "a.tar.bz2", "a.tar.xz")
    return [pack(folder / name, members) for name in names]


def _read_archive(path: Path) -> None:
    for tracks in tracks_in(path):
        tracks.read()


def _write_features(folder: Path) -> list[Path]:
    rows = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    keys = {"video_id": ["a"] * 20, "person_id": [*range(20)], "frame": [*range(20)]}
    np.save(folder / "a.npy", rows)
    np.savez(folder / "a.npz", feature=rows, **keys)
    np.savez_compressed(folder / "b.npz", feature=rows, **keys)
    write_features(folder / "a.parquet", rows, keys, {"model": "some"})
    return [folder / name for name in ("a.npy", "a.npz", "b.npz", "a.parquet")]


def _write_clips(folder: Path) -> list[Path]:
    options = X264["b_frames"]
    names = ("a.mp4", "a.mkv", "a.ts", "a.avi")
    clips = [write_clip(folder / name, 12, options=options) for name in names]
    fragmented = {"movflags": "frag_keyframe+empty_moov"}
    clips.append(
        write_clip(folder / "b.mp4", 12, options=options, container_options=fragmented),
    )
    vp9 = {"g": "4", "deadline": "realtime"}
    return [*clips, write_clip(folder / "a.webm", 12, codec="libvpx-vp9", options=vp9)]


def _read_clip(path: Path) -> None:
    with Clip(path) as clip:
        for _, frame in clip.read(range(1, clip.frame_count, 3)):
            frame.bgr(1, 61, 2, 90)


def _write_mot(folder: Path) -> list[Path]:
    (folder / "a.txt").write_text("".join(f"{f},{p},{p}.5,7,18,40,1,1,1\n" for f, p in _PAIRS))
    return [folder / "a.txt"]


def _write_coco(folder: Path) -> list[Path]:
    images = [
        {"id": n, "vid_id": "a", "file_name": f"images/a/{n:06d}.jpg", "nframes": 4}
        for n in range(1, 5)
    ]
    annotations = [
        {
            "image_id": frame, "track_id": person, "category_id": 1, "bbox": [5, 6.5, 40, 64],
            "keypoints": [10.0, 20.0, 1] * 17,
        }
        for frame, person in _PAIRS
    ]  # fmt: skip
    raw = {"images": images, "annotations": annotations, "categories": [coco_category()]}
    (folder / "a.json").write_text(json.dumps(raw))
    return [folder / "a.json"]


def _write_build(folder: Path) -> list[Path]:
    dancereid.prepare(dancereid.load_dataset("demo"), folder / "data")
    path = folder / "build.json"
    path.write_bytes((folder / "data" / "demo" / "build.json").read_bytes())
    return [path]


def _write_shards(folder: Path) -> list[Path]:
    """A Parquet file with some examples of the demo; and one whose rows have strange values."""
    dataset = dancereid.load_dataset("demo", image_size=(32, 16))["test"].select(range(12))
    dataset.to_parquet(folder / "a.parquet", batch_size=5, write_page_index=True)
    table = pq.read_table(folder / "a.parquet")
    pq.write_table(table, folder / "b.parquet", compression="zstd", use_dictionary=False)
    return [folder / "a.parquet", folder / "b.parquet"]


def _change_shard(path: Path, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return _bytes(path, chance)
    table = pq.read_table(path)
    rows = table.to_pylist()
    image = chance.choice(rows)["image"]
    row = chance.choice(rows)
    content = bytes(image["bytes"])
    row["image"] = chance.choice(
        [
            None,
            {"bytes": None, "path": "/etc/hostname"},
            {"bytes": b"", "path": None},
            {"bytes": change_bytes(content, chance), "path": image["path"]},
            {"bytes": content, "path": "\n" * 9},
        ]
    )
    if chance.random() < 0.5:
        name = chance.choice([*row])
        row[name] = (
            None if name != "keypoints" else chance.choice([None, [None] * 17, [[0.0] * 2] * 17])
        )
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    return file.getvalue()


def _read_prepared(path: Path) -> None:
    """As a stranger's folder that holds this shard: every example, and what is drawn of them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").mkdir()
        shutil.copy(path, Path(folder) / "data" / "test-00000-of-00001.parquet")
        splits = load_prepared(f"{folder}/data", cache_dir=f"{folder}/cache")
        for of_split in splits.values():
            check_columns(of_split.features, ("image", "keypoints"), "a")
            for _ in dancereid.as_arrays(of_split):
                pass
        contact_sheet(splits)


def _write_coverage(folder: Path) -> list[Path]:
    build = Build.from_json(_write_build(folder)[0].read_text("utf-8"), "seed")
    path = folder / "coverage.json"
    path.write_text(build.coverage.to_json(), "utf-8")
    return [path]


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


@cache
def _demo_catalogue() -> Catalogue:
    return Catalogue.read(DEMO / "video_data.csv")


READERS = {
    "tracks": Reader(
        _write_tracks, _change_tracks, lambda path: read_tracks(path.read_bytes(), path.name)
    ),
    "annotation": Reader(
        _copy("annotation.json"),
        _change_json,
        lambda path: Annotation.read(path, _demo_catalogue()),
    ),
    "mot": Reader(_write_mot, _change_csv, lambda path: read_mot(path, truth=True, frames=4)),
    "coco": Reader(_write_coco, _change_json, read_coco_videos),
    "catalogue": Reader(_copy("video_data.csv"), _change_csv, Catalogue.read),
    "archives": Reader(_write_archives, _bytes, _read_archive),
    "builds": Reader(
        _write_build, _change_json, lambda path: card([Build.from_json(_text(path), "x")], "name")
    ),
    "shards": Reader(
        _write_shards,
        _change_shard,
        lambda path: check_shard(path, SampleOptions(image_size=(32, 16))),
    ),
    "prepared": Reader(_write_shards, _change_shard, _read_prepared),
    "coverage": Reader(
        _write_coverage, _change_json, lambda path: str(Coverage.from_json(_text(path)))
    ),
    "features": Reader(_write_features, _bytes, read_features),
    "clips": Reader(_write_clips, _bytes, _read_clip),
}


def changed(name: str, seeds: list[Path], seed: int, count: int) -> Iterator[Path]:
    """Writes changed files for a reader beside its seeds, one after another."""
    for number in range(count):
        chance = random.Random(f"{name} {seed} {number}")
        source = chance.choice(seeds)
        path = source.with_name(f"{seed}-{number}{''.join(source.suffixes)}")
        path.write_bytes(READERS[name].change(source, chance))
        yield path
        path.unlink()
