"""Readers of folders that re-ID code reads, written from the descriptions of their formats.

Each checks what its format promises, and gives what it found. They know nothing of how the
folders are written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Key = tuple[int, int]  # person id as load_dataset has it, frame


@dataclass
class Found:
    """What a folder holds.

    Attributes:
        images: JPEG by person and frame; for open-reid by person and place in the lists.
        poses: x, y in crop pixels, `[17, 2]`.
        skeletons: JPEG.
        splits: people by what the format calls the set.
        lists: what the format's JSON files hold.
    """

    images: dict[Any, bytes]
    poses: dict[Key, np.ndarray] = field(default_factory=dict)
    skeletons: dict[Key, bytes] = field(default_factory=dict)
    splits: dict[str, list[int]] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_published(folder: Path, *, skeletons: bool = False) -> Found:
    """As the published training code reads: lists first, then the files that they name."""
    lists = {n: json.loads((folder / f"{n}.json").read_text()) for n in ("meta", "splits", "video")}
    found = Found({}, lists=lists)
    expected = {f"{name}.json" for name in lists}
    for person, names in enumerate(lists["meta"]["identities"]):
        for name in names:
            stem = name.removesuffix(".jpg")
            x, frame = map(int, stem.rsplit("/", 1)[-1].split("_"))
            assert x == person
            assert re.fullmatch(r"([0-9]{3}_[^/]+/)?[0-9]{4}_[0-9]{6}\.jpg", name)
            key = person, frame
            assert key not in found.images
            found.images[key] = (folder / "images" / name).read_bytes()
            lines = (folder / "poses" / f"{stem}.txt").read_text().splitlines()
            found.poses[key] = np.array([[float(n) for n in line.split(" ")] for line in lines])
            assert found.poses[key].shape == (17, 2)
            expected |= {f"images/{name}", f"poses/{stem}.txt"}
            if skeletons:
                found.skeletons[key] = (folder / "skeleton" / name).read_bytes()
                expected.add(f"skeleton/{name}")
    assert files(folder).keys() - {"DanceReID.h5"} == expected
    (found.splits,) = lists["splits"]
    with_images = {person for person, _ in found.images}
    for ids in found.splits.values():
        assert ids == sorted(set(ids))
        assert set(ids) <= with_images
    everybody = [person for ids in lists["video"].values() for person in ids]
    assert everybody == list(range(len(lists["meta"]["identities"])))
    assert lists["meta"]["shot"] == "single"
    of_video = [sum(p in ids for p, _ in found.images) for ids in lists["video"].values()]
    assert lists["meta"]["n_detects"] == of_video
    assert lists["meta"]["total_detects"] == len(found.images)
    return found


def held_out(folder: str, num_val: int = 10) -> list[int]:
    """As the published reader: the people of trainval whom it takes for validation.

    Raises:
        ValueError: that would be everybody.
    """
    trainval = json.loads((Path(folder) / "splits.json").read_text())[0]["trainval"]
    if not 0 <= num_val < len(trainval):
        raise ValueError(f"{num_val} of {len(trainval)}")
    return list(trainval[-num_val:])


def st_neighbours(folder: Path, *, mended: bool = False) -> list[list[int]]:
    """As the published sampler of ST-ReIDNet: for each class those of whom it draws negatives.

    A class is an index in `trainval`. The sampler takes the ids in video.json for classes, by
    mistake; docs/export.md says how to mend that.

    Raises:
        LookupError: it would draw of nobody, or of somebody who has no images in training.
    """
    trainval = json.loads((folder / "splits.json").read_text())[0]["trainval"]
    videos = list(json.loads((folder / "video.json").read_text()).values())
    if mended:
        videos = [[trainval.index(p) for p in people if p in trainval] for people in videos]
    together = {p: [other for other in people if other != p] for people in videos for p in people}
    for index in range(len(trainval)):
        if not together.get(index) or max(together[index]) >= len(trainval):
            raise LookupError(f"class {index}: {together.get(index)}")
    return [together[index] for index in range(len(trainval))]


def read_hdf5(path: Path) -> Found:
    """Every entry of the three groups."""

    def key(stem: str) -> Key:
        person, frame = stem.split("_")
        return int(person), int(frame)

    with h5py.File(path) as file:
        jpegs: dict[str, dict[Key, bytes]] = {"images": {}, "skeleton": {}}
        for kind, by_key in jpegs.items():
            for stem, entry in file["dataset"].get(kind, {}).items():
                assert entry.shape == (1,)
                assert h5py.check_vlen_dtype(entry.dtype) == np.uint8
                by_key[key(stem)] = entry[0].tobytes()
        poses = {key(stem): entry[()] for stem, entry in file["dataset/poses"].items()}
    assert {(p.dtype.str, p.shape) for p in poses.values()} == {("<f8", (17, 2))}
    return Found(jpegs["images"], poses, jpegs["skeleton"])


@dataclass(frozen=True)
class Shot:
    """An image as Market-1501's readers see it; person and camera as in its name, from 1."""

    person: int
    camera: int
    frame: int
    jpeg: bytes


def read_market1501(folder: Path) -> dict[str, list[Shot]]:
    """As torchreid and fast-reid read: every *.jpg of three folders, by its name alone."""
    found: dict[str, list[Shot]] = {}
    places = ("bounding_box_train", "query", "bounding_box_test")
    for place in (*places, "extra"):
        found[place] = []
        for path in sorted((folder / place).glob("*.jpg")):
            match = re.fullmatch(r"([-\d]+)_c(\d)s1_(\d{6})_00\.jpg", path.name)
            assert match
            person, camera, frame = map(int, match.groups())
            assert 1 <= person <= 1501  # 0 is background to them, -1 junk
            assert 1 <= camera <= 6
            found[place].append(Shot(person, camera, frame, path.read_bytes()))
    assert all((folder / place).is_dir() for place in places)
    assert len(files(folder)) == sum(map(len, found.values()))
    return found


def matches(query: Shot, gallery: Sequence[Shot]) -> list[Shot]:
    """The gallery images that an evaluator counts as matches of a query.

    Those of the same person at the same camera are left out before.
    """
    return [s for s in gallery if s.person == query.person and s.camera != query.camera]


def market1501_map(found: Mapping[str, list[Shot]], distance: Any) -> float:
    """mAP as Market-1501's evaluators have it: queries without a match do not count."""
    precisions = []
    for query in found["query"]:
        gallery = [
            shot
            for shot in found["bounding_box_test"]
            if (shot.person, shot.camera) != (query.person, query.camera)
        ]
        ranked = sorted(gallery, key=lambda shot: distance(query, shot))
        right = np.array([shot.person == query.person for shot in ranked])
        if right.any():
            precision = np.cumsum(right) / np.arange(1, len(right) + 1)
            precisions.append(precision[right].mean())
    return float(np.mean(precisions))


def read_open_reid(folder: Path) -> Found:
    """As open-reid's stock loader reads: person, camera, names."""
    lists = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("meta", "splits")}
    found = Found({}, splits=lists["splits"][0], lists=lists)
    meta = lists["meta"]
    assert meta["shot"] == "multiple"
    expected = {"meta.json", "splits.json"}
    for person, cameras in enumerate(meta["identities"]):
        assert len(cameras) == meta["num_cameras"] == 6
        for camera, names in enumerate(cameras):
            for number, name in enumerate(names):
                assert name == f"{person:08d}_{camera:02d}_{number:04d}.jpg"
                jpeg = (folder / "images" / name).read_bytes()
                found.images[person, camera, number] = jpeg
                expected.add(f"images/{name}")
    assert files(folder).keys() == expected
    with_images = {person for person, _, _ in found.images}
    for ids in found.splits.values():
        assert ids == sorted(set(ids))
        assert set(ids) <= with_images
    assert set(found.splits["query"]) <= set(found.splits["gallery"])
    for person in found.splits["query"]:  # each image has a match at another camera
        assert sum(map(bool, meta["identities"][person])) > 1
    return found
