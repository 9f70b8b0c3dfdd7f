"""Every layout, read back by readers that were written from its format's description."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import dancereid
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import MissingVideosError
from dancereid_pipeline.export.export import write_folder
from dancereid_pipeline.export.layouts import LAYOUTS, LayoutOptions
from dancereid_pipeline.export.layouts.market1501 import queries
from dancereid_pipeline.export.layouts.pseudo_cameras import Cameras
from dancereid_pipeline.export.sample_source import from_videos
from dancereid_pipeline.formats.annotation import Annotation
from tests.support.readers import (
    files,
    held_out,
    market1501_map,
    matches,
    read_hdf5,
    read_market1501,
    read_open_reid,
    read_published,
)

DEMO = ("demo_Waltz1", "demo-Lock_2", "demoKpop_03", "demo_House4")
SUBSETS = [videos for size in range(1, 5) for videos in combinations(DEMO, size)]


@pytest.fixture(scope="module")
def demo_set(tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    """The demo as `load_dataset` gives it, with skeletons."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return dancereid.load_dataset("demo", skeleton=True, cache_dir=cache)


def only(ds: datasets.DatasetDict, videos: tuple[str, ...]) -> datasets.DatasetDict:
    """What is left if these are all the videos there are."""
    return datasets.DatasetDict(
        {
            name: split.select([i for i, v in enumerate(split["video_id"][:]) if v in videos])
            for name, split in ds.items()
        }
    )


def raw(ds: datasets.DatasetDict) -> Iterator[dict[str, Any]]:
    """Every example of every split, pictures not decoded, and its split."""
    for name, split in ds.items():
        for column in ("image", "skeleton"):
            split = split.cast_column(column, datasets.Image(decode=False))
        for example in split:
            yield {**example, "split": name}


def write(config: str, folder: Path, options: LayoutOptions, **asked: Any) -> None:
    """From the videos."""
    request = dancereid.DanceReIDConfig(name=config, **asked).request()
    write_folder(from_videos(request), folder, options)


# -- the published layout


def test_the_golden_clip_as_published(golden: Path, tmp_path: Path) -> None:
    options = LayoutOptions(h5=True)
    asked = {"data_dir": str(golden), "stride": 10, "skeleton": True, "keypoints": "published"}
    write("paper", tmp_path / "out", options, **asked)
    found = read_published(tmp_path / "out", skeletons=True)
    expected = np.load(golden / "expected.npz")
    keys = list(zip(expected["person"].tolist(), expected["frame"].tolist(), strict=True))
    assert found.images.keys() == set(keys)
    assert len(keys) == 37
    for i, key in enumerate(keys):
        for jpeg, pixels in (
            (found.images[key], expected["crop"][i]),
            (found.skeletons[key], expected["skeleton"][i]),
        ):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=75)
            assert jpeg == buffer.getvalue()
        assert np.abs(found.poses[key] - expected["pose"][i]).max() < 1e-6
    assert len(found.lists["meta"]["identities"]) == 100
    assert list(found.lists["video"]) == [video.video_id for video in Catalogue.read()][:21]
    assert found.lists["meta"]["n_detects"] == [37] + [0] * 20
    ids = [0, 1, 2, 3, 4]
    assert found.lists["splits"] == [{"trainval": [], "query": ids, "gallery": ids}]
    same(read_hdf5(tmp_path / "out" / "DanceReID.h5"), found)


def same(hdf5: Any, folder: Any) -> None:
    """The HDF5 file and the folder hold the same bytes, and the same numbers."""
    assert hdf5.images == folder.images
    assert hdf5.skeletons == folder.skeletons
    assert hdf5.poses.keys() == folder.poses.keys()
    assert all(np.array_equal(hdf5.poses[key], folder.poses[key]) for key in folder.poses)


@pytest.mark.parametrize("split_folder", [False, True])
def test_the_demo_from_its_videos(tmp_path: Path, split_folder: bool) -> None:
    options = LayoutOptions(h5=True, split_folder=split_folder)
    write("demo", tmp_path / "out", options, stride=20, skeleton=True)
    found = read_published(tmp_path / "out", skeletons=True)
    same(read_hdf5(tmp_path / "out" / "DanceReID.h5"), found)
    assert found.splits == {
        "trainval": [0, 1, 2, 3, 4, 5],
        "query": [6, 7, 8, 9, 10, 11],
        "gallery": [6, 7, 8, 9, 10, 11],
    }
    assert list(found.lists["video"]) == list(DEMO)
    names = found.lists["meta"]["identities"][3]
    assert names[0] == ("001_demo-Lock_2/" if split_folder else "") + "0003_000020.jpg"


@pytest.mark.parametrize("videos", SUBSETS, ids=",".join)
def test_published_with_videos_missing(
    demo_set: datasets.DatasetDict, tmp_path: Path, videos: tuple[str, ...]
) -> None:
    ds = only(demo_set, videos)
    split_folder = len(videos) % 2 == 1
    written = dancereid.export(ds, tmp_path / "out", split_folder=split_folder)
    found = read_published(tmp_path / "out", skeletons=True)
    examples = {(e["person_id"], e["frame"]): e for e in raw(ds)}
    assert found.images == {key: e["image"]["bytes"] for key, e in examples.items()}
    assert found.skeletons == {key: e["skeleton"]["bytes"] for key, e in examples.items()}
    for key, example in examples.items():
        assert np.float32(found.poses[key]).tolist() == example["keypoints"]
    # Whoever is missing: places in the lists are those of the catalogue.
    assert len(found.lists["meta"]["identities"]) == 12
    assert {v: ids[0] for v, ids in found.lists["video"].items()} == {
        v: 3 * DEMO.index(v) for v in DEMO
    }
    for name, split in (("trainval", "trainval"), ("query", "test"), ("gallery", "test")):
        of_split = {e["person_id"] for e in examples.values() if e["split"] == split}
        assert found.splits[name] == sorted(of_split)
    if found.splits["trainval"]:
        assert eval(written.how_to_read, {"DanceReid": held_out}) == [found.splits["trainval"][-1]]
    else:
        assert written.how_to_read.startswith("# The published reader needs people of trainval")
    assert written.coverage.splits == {name: len(split) for name, split in ds.items()}
    assert sum(o.images > 0 for o in written.coverage.outcomes) == len(videos)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_with_all_videos_missing_there_is_no_folder(
    demo_set: datasets.DatasetDict, tmp_path: Path, layout: str
) -> None:
    with pytest.raises(MissingVideosError, match="Not one image could be made"):
        dancereid.export(only(demo_set, ()), tmp_path / "out", layout=layout)
    assert list(tmp_path.iterdir()) == []


# -- the layout of Market-1501


@pytest.mark.parametrize("videos", SUBSETS, ids=",".join)
def test_market1501_with_videos_missing(
    demo_set: datasets.DatasetDict, tmp_path: Path, videos: tuple[str, ...]
) -> None:
    ds = only(demo_set, videos)
    dancereid.export(ds, tmp_path / "out", layout="market1501")
    found = read_market1501(tmp_path / "out")
    gallery = found["bounding_box_test"]
    written = {
        "trainval": found["bounding_box_train"],
        "test": [*found["query"], *gallery],
    }
    for split, shots in written.items():
        jpegs = {(s.person - 1, s.frame): s.jpeg for s in shots}
        assert len(jpegs) == len(shots)
        assert jpegs == {
            (e["person_id"], e["frame"]): e["image"]["bytes"]
            for e in raw(ds)
            if e["split"] == split
        }
    assert found["extra"] == []
    assert len(found["query"]) >= 15 * len({"demoKpop_03", "demo_House4"} & set(videos))
    assert len({(s.person, s.camera) for s in found["query"]}) == len(found["query"])
    for query in found["query"]:
        others = matches(query, gallery)
        assert others
        # An 18th of 133 or 147 frames, from the first image to the last.
        assert min(abs(query.frame - shot.frame) for shot in others) > 130 / 18


def test_evaluators_tell_good_features_from_bad_ones(
    demo_set: datasets.DatasetDict, tmp_path: Path
) -> None:
    dancereid.export(demo_set, tmp_path / "out", layout="market1501")
    found = read_market1501(tmp_path / "out")
    assert market1501_map(found, lambda q, g: q.person != g.person) == 1
    assert market1501_map(found, lambda q, g: q.person == g.person) < 0.3


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 400)), min_size=1, max_size=80, unique=True
    )
)
def test_a_query_has_a_match_and_no_neighbour(seen: list[tuple[int, int]]) -> None:
    cameras = Cameras.of(sorted(frame for _, frame in seen))
    chosen = queries(seen, cameras)
    length = cameras.last - cameras.first + 1
    assert {cameras.at(frame) for _, frame in seen} <= set(range(6))
    assert len({(p, cameras.at(f)) for p, f in chosen}) == len(chosen)
    for person, frame in chosen:
        others = [
            f for p, f in set(seen) - chosen if p == person and cameras.at(f) != cameras.at(frame)
        ]
        assert others
        assert min(abs(f - frame) for f in others) * 18 > length


def test_queries_of_the_paper_s_test_people(real_annotation: Path) -> None:
    catalogue = Catalogue.read()
    labels = Annotation.read(real_annotation, catalogue)
    away, people = [], set()
    for video in catalogue.choose("paper"):
        if video.split != "test":
            continue
        of_video = labels.videos[video.video_id]
        seen = [
            (video.first_id + place, int(frame))
            for place, frames in enumerate(of_video.frames)
            for frame in frames[frames % 5 == 0]
        ]
        cameras = Cameras.of(sorted(frame for _, frame in seen))
        chosen = queries(seen, cameras)
        people |= {person for person, _ in chosen}
        gallery = set(seen) - chosen
        away += [
            min(abs(f - g) for p, g in gallery if p == person and cameras.at(g) != cameras.at(f))
            for person, f in chosen
        ]
    # As the README says.
    assert (len(away), len(people), min(away)) == (163, 29, 175)


def test_cameras_are_sixths_of_the_time_of_a_video() -> None:
    cameras = Cameras.of(range(10, 70))
    assert [cameras.at(frame) for frame in (10, 19, 20, 59, 60, 69)] == [0, 0, 1, 4, 5, 5]
    assert [f for f in range(10, 30) if cameras.in_middle_third(f)] == [14, 15, 16, 24, 25, 26]
    assert min(range(20, 30), key=cameras.distance_to_middle) == 25
    assert Cameras.of([7]).at(7) == 0
    assert Cameras.of([]).first == 0


# -- the layout of open-reid


@pytest.mark.parametrize("videos", SUBSETS, ids=",".join)
def test_open_reid_with_videos_missing(
    demo_set: datasets.DatasetDict, tmp_path: Path, videos: tuple[str, ...]
) -> None:
    ds = only(demo_set, videos)
    dancereid.export(ds, tmp_path / "out", layout="open-reid")
    found = read_open_reid(tmp_path / "out")
    assert len(found.lists["meta"]["identities"]) == 12
    by_person: dict[int, list[bytes]] = {}
    for (person, _, _), jpeg in found.images.items():
        by_person.setdefault(person, []).append(jpeg)
    expected: dict[int, list[bytes]] = {}
    for example in raw(ds):
        expected.setdefault(example["person_id"], []).append(example["image"]["bytes"])
    assert by_person == expected  # cameras follow one another in time, and so do numbers
    people = {name: sorted(set(split["person_id"][:])) for name, split in ds.items()}
    assert found.splits["trainval"] == people["trainval"]
    assert found.splits["gallery"] == found.splits["query"] == people["test"]


# -- all of them


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_loaded_dataset_gives_what_the_videos_give(
    demo_set: datasets.DatasetDict, tmp_path: Path, layout: str
) -> None:
    options = LayoutOptions(layout=layout)
    write("demo", tmp_path / "videos", options, skeleton=layout == "published")
    dancereid.export(demo_set, tmp_path / "loaded", layout=layout)
    from_videos, from_loaded = files(tmp_path / "videos"), files(tmp_path / "loaded")
    assert from_videos.keys() == from_loaded.keys()
    for name, content in from_videos.items():
        if name.endswith(".txt"):  # float64 in the one, float32 in the other
            numbers = [np.array(text.split(), float) for text in (content, from_loaded[name])]
            assert np.array_equal(np.float32(numbers[0]), np.float32(numbers[1]))
        else:
            assert content == from_loaded[name]


def test_the_published_list_has_five_people_in_both(real_annotation: Path, tmp_path: Path) -> None:
    from tools.rehearse import rehearse

    rehearse(real_annotation, tmp_path / "data", max_frames=100)
    for layout in LAYOUTS:
        options = LayoutOptions(layout=layout)
        write("published", tmp_path / layout, options, data_dir=str(tmp_path / "data"))
    found = read_published(tmp_path / "published")
    assert set(found.splits["trainval"]) & set(found.splits["query"]) == set(range(35, 40))
    assert found.lists["meta"]["identities"][12:17] == [[]] * 5
    assert found.lists["video"]["T4vr8mA4hoY"] == [12, 13, 14, 15, 16]
    market = read_market1501(tmp_path / "market1501")
    test = {s.person - 1 for s in (*market["query"], *market["bounding_box_test"])}
    assert test == set(found.splits["query"])
    assert {s.person - 1 for s in market["bounding_box_train"]} == set(found.splits["trainval"])
    assert read_open_reid(tmp_path / "open-reid").splits["gallery"] == found.splits["gallery"]


def test_people_of_extra_are_in_no_list_of_a_split(tmp_path: Path, folder: Path) -> None:
    (folder / "catalogue.csv").write_text(
        "video_id,people,split\naaa,2,trainval\nbbb,1,test\nccc,3,extra\nddd,1,test\n"
    )
    asked = {"data_dir": str(folder), "catalogue": str(folder / "catalogue.csv")}
    for layout in LAYOUTS:
        write("full", tmp_path / layout, LayoutOptions(layout=layout), **asked)
    found = read_published(tmp_path / "published")
    assert (found.splits["trainval"], found.splits["gallery"]) == ([0, 1], [2, 6])
    assert found.lists["video"]["ccc"] == [3, 4, 5]
    assert read_open_reid(tmp_path / "open-reid").splits == {
        "trainval": [0, 1],
        "query": [2, 6],
        "gallery": [2, 6],
    }
    market = read_market1501(tmp_path / "market1501")
    assert {shot.person for shot in market["extra"]} == {4, 5, 6}
    assert {shot.person for shot in market["bounding_box_train"]} == {1, 2}


def test_ids_are_those_of_the_catalogue(demo: Path, tmp_path: Path) -> None:
    asked = {"videos": ["demo_House4"], "stride": 50}
    write("demo", tmp_path / "out", LayoutOptions(), **asked)
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    house = Catalogue.read(demo / "video_data.csv").videos[3]
    assert [bool(names) for names in meta["identities"]] == [
        person in house.person_ids for person in range(12)
    ]
