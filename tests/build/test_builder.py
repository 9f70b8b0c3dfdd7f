"""The dataset through the doors that a user takes, on small folders and on reference data."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import cv2
import datasets
import numpy as np
import pytest
from datasets import load_dataset
from datasets.distributed import split_dataset_by_node
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import dancereid
from dancereid_pipeline.build import samples
from dancereid_pipeline.common.errors import OptionError, SourceError
from tests.support.data.folders import content, contents

# -- what an example is


def test_features_are_exactly_these(options: dict[str, str]) -> None:
    ds = load_dataset("dancereid", split="test", **options)
    two, seventeen = {"length": 2}, {"length": 17}
    number = datasets.Value("float32")
    assert ds.features == datasets.Features(
        {
            "image": datasets.Image(),
            "keypoints": datasets.Sequence(datasets.Sequence(number, **two), **seventeen),
            "person_id": datasets.Value("int32"),
            "video_id": datasets.Value("string"),
            "frame": datasets.Value("int32"),
            "bbox": datasets.Sequence(number, length=4),
        }
    )
    example = ds[0]
    assert example["image"].size == (128, 256)
    assert np.shape(example["keypoints"]) == (17, 2)
    assert (example["person_id"], example["video_id"], example["frame"]) == (2, "bbb", 0)
    assert example["bbox"] == [5.0, 4.0, 23.5, 44.25]


def test_examples_are_in_order_with_unique_names(options: dict[str, str]) -> None:
    ds = load_dataset("dancereid", **options)
    rows, names = [], []
    for split in ("trainval", "test"):
        raw = ds[split].cast_column("image", datasets.Image(decode=False))
        names += [image["path"] for image in raw["image"]]
        rows.append(list(zip(raw["video_id"], raw["frame"], raw["person_id"], strict=True)))
    assert all(of_split == sorted(of_split) for of_split in rows)
    assert len(set(names)) == len(names) == 42
    # aaa 0-1, bbb 2, ccc 3-5 (ids 0, 3, 17 in order), ddd 6.
    assert names[:3] == ["0000_000000.jpg", "0001_000000.jpg", "0000_000005.jpg"]
    assert {int(name[:4]) for name in names} == set(range(7))


@given(
    quality=st.integers(1, 95),
    seed=st.integers(0, 99),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_jpegs_are_those_of_pillow(quality: int, seed: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    grain = rng.integers(0, 256, (*size, 3), np.uint8)
    for pixels in (grain, cv2.GaussianBlur(grain, (0, 0), 3), grain // 255 * 200):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        assert samples._jpeg(pixels, quality) == buffer.getvalue()


def test_images_are_what_pillow_writes_at_quality_75(golden: Path, cache: str) -> None:
    ds = load_dataset(
        "dancereid",
        "paper",
        data_dir=str(golden),
        stride=10,
        keypoints="published",
        skeleton=True,
        split="test",
        cache_dir=cache,
    )
    expected = np.load(golden / "expected.npz")
    raw = ds.cast_column("image", datasets.Image(decode=False))
    raw = raw.cast_column("skeleton", datasets.Image(decode=False))
    indices = {
        (f, p): i
        for i, (f, p) in enumerate(zip(expected["frame"], expected["person"], strict=True))
    }
    assert len(raw) == len(indices) == 37
    for example in raw:
        i = indices[example["frame"], example["person_id"]]
        for column, pixels in (("image", "crop"), ("skeleton", "skeleton")):
            buffer = io.BytesIO()
            Image.fromarray(expected[pixels][i]).save(buffer, "JPEG", quality=75)
            assert example[column]["bytes"] == buffer.getvalue()
        assert np.abs(np.array(example["keypoints"]) - expected["pose"][i]).max() < 1e-4  # float32
        x1, x2, y1, y2 = expected["box"][i]
        assert example["bbox"] == np.array([x1, y1, x2, y2], np.float32).tolist()


def test_real_footage_with_gaps_in_its_ids(real_footage: Path, tmp_path: Path, cache: str) -> None:
    catalogue = tmp_path / "mine.csv"
    catalogue.write_text("video_id,people,split\nother,3,trainval\npedestrians,5,test\n")
    ds = dancereid.load_dataset(
        "paper", data_dir=str(real_footage), catalogue=str(catalogue), cache_dir=cache
    )
    # 420 + 150 + 140 + 120 + 140 annotated frames in runs; other has ids 0-2 even if missing.
    assert {p: ds["test"]["person_id"][:].count(p) for p in range(3, 8)} == {
        3: 84, 4: 30, 5: 28, 6: 24, 7: 28,
    }  # fmt: skip
    assert len(ds["trainval"]) == 0
    coverage = dancereid.coverage(ds)
    assert [(o.video_id, o.reason.value) for o in coverage.outcomes] == [
        ("other", "no clip"),
        ("pedestrians", "used"),
    ]


# -- doors and modes give the same


def test_both_doors_are_the_same(options: dict[str, str], built: dict[str, list[str]]) -> None:
    ds = dancereid.load_dataset(**options)
    assert {split: contents(ds[split]) for split in ds} == built


@pytest.mark.parametrize("num_proc", [2, 4])
def test_processes_change_nothing(
    options: dict[str, str], built: dict[str, list[str]], num_proc: int
) -> None:
    ds = load_dataset("dancereid", num_proc=num_proc, **options)
    assert {split: contents(ds[split]) for split in ds} == built
    assert dancereid.coverage(ds).whole


def test_streaming_gives_the_same(options: dict[str, str], built: dict[str, list[str]]) -> None:
    ds = load_dataset("dancereid", streaming=True, **options)
    assert {split: contents(ds[split]) for split in ds} == built
    # And a second time over.
    assert contents(ds["test"]) == built["test"]


def test_a_stream_opens_a_video_only_when_it_gets_there(
    options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dancereid_pipeline.formats import video

    opened = []
    clip = video.Clip
    monkeypatch.setattr(video, "Clip", lambda path: opened.append(path.stem) or clip(path))
    stream = iter(load_dataset("dancereid", split="test", streaming=True, **options))
    assert opened == []
    assert next(stream)["video_id"] == "bbb"
    assert opened == ["001_bbb"]
    assert [next(stream)["video_id"] for _ in range(6)][-1] == "ccc"
    assert opened == ["001_bbb", "002_ccc"]


def test_a_stream_from_a_relative_folder_may_be_read_from_elsewhere(
    small: Path, built: dict[str, list[str]], cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small.parent)
    options = {"data_dir": small.name, "catalogue": f"{small.name}/catalogue.csv"}
    stream = load_dataset("dancereid", split="test", streaming=True, cache_dir=cache, **options)
    monkeypatch.chdir("/")
    assert contents(stream) == built["test"]


def test_a_sample_that_comes_twice_is_noticed(
    options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dancereid_pipeline.build.samples import VideoSamples

    once = VideoSamples._read
    monkeypatch.setattr(VideoSamples, "_read", lambda self: (s for s in once(self) for _ in "12"))
    with pytest.raises(dancereid.DanceReIDError, match="0002_000000 came twice"):
        list(load_dataset("dancereid", split="test", streaming=True, **options))
    with pytest.raises(dancereid.DanceReIDError, match="0000_000000 came twice"):
        load_dataset("dancereid", **options)


def test_a_stream_is_shared_out_by_video(
    options: dict[str, str], built: dict[str, list[str]]
) -> None:
    stream = load_dataset("dancereid", split="test", streaming=True, **options)
    assert stream.num_shards == 2
    shards = [contents(stream.shard(2, i)) for i in range(2)]
    assert [len(shard) for shard in shards] == [6, 18]
    assert shards[0] + shards[1] == built["test"]
    nodes = [contents(split_dataset_by_node(stream, rank, 2)) for rank in range(2)]
    assert sorted(nodes[0] + nodes[1]) == sorted(built["test"])


def test_a_shuffled_stream_has_the_same_examples(
    options: dict[str, str], built: dict[str, list[str]]
) -> None:
    stream = load_dataset("dancereid", split="test", streaming=True, **options)
    shuffled = contents(stream.shuffle(seed=3, buffer_size=7))
    assert shuffled != built["test"]
    assert sorted(shuffled) == sorted(built["test"])
    assert contents(stream.shuffle(seed=3, buffer_size=7)) == shuffled


@pytest.mark.parametrize("after", [1, 5, 6, 7, 23, 24])
def test_a_stream_goes_on_where_its_state_says(
    options: dict[str, str], built: dict[str, list[str]], after: int
) -> None:
    def open_stream() -> datasets.IterableDataset:
        stream = load_dataset("dancereid", split="test", streaming=True, **options)
        return stream.cast_column("image", datasets.Image(decode=False))

    stream = open_stream()
    iterator = iter(stream)
    head = [content(next(iterator)) for _ in range(after)]
    state = pickle.loads(pickle.dumps(stream.state_dict()))
    resumed = open_stream()
    resumed.load_state_dict(state)
    assert head + [content(example) for example in resumed] == built["test"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_data_loader_workers_change_nothing(
    options: dict[str, str], built: dict[str, list[str]], workers: int
) -> None:
    torch_data = pytest.importorskip("torch.utils.data", reason="needs torch: make test-slow")
    stream = load_dataset("dancereid", split="test", streaming=True, **options)
    stream = stream.cast_column("image", datasets.Image(decode=False))
    loader = torch_data.DataLoader(stream, batch_size=None, num_workers=workers)
    assert sorted(content(example) for example in loader) == sorted(built["test"])


def test_a_pickled_stream_gives_the_same(
    options: dict[str, str], built: dict[str, list[str]]
) -> None:
    stream = load_dataset("dancereid", split="test", streaming=True, **options)
    assert contents(pickle.loads(pickle.dumps(stream))) == built["test"]


# -- other readers


def test_parquet_is_read_by_pandas_polars_and_duckdb(
    options: dict[str, str], tmp_path: Path
) -> None:
    import duckdb
    import pandas as pd
    import polars as pl

    ds = load_dataset("dancereid", split="test", **options)
    path = tmp_path / "test.parquet"
    ds.to_parquet(path)
    expected = ds[7]
    frame = pd.read_parquet(path)
    assert np.array_equal(np.stack(frame["keypoints"][7]), np.float32(expected["keypoints"]))
    row = pl.read_parquet(path).row(7, named=True)
    assert np.array_equal(np.array(row["keypoints"], np.float32), np.float32(expected["keypoints"]))
    ids = duckdb.sql(
        f"select person_id, bbox[3], len(keypoints), len(keypoints[1]) from '{path}' limit 1"
    ).fetchall()
    assert ids == [(2, 23.5, 17, 2)]
    image = Image.open(io.BytesIO(row["image"]["bytes"]))
    assert np.array_equal(np.asarray(image), np.asarray(expected["image"]))


# -- options


def test_every_option_does_what_it_says(options: dict[str, str]) -> None:
    ds = load_dataset(
        "dancereid",
        split="test",
        stride=15,
        image_size=(64, 48),
        jpeg_quality=20,
        skeleton=True,
        videos=["ccc"],
        **options,
    )
    assert ds["frame"][:] == [0, 0, 0, 15, 15, 15]
    assert ds["person_id"][:] == [3, 4, 5] * 2
    assert ds[0]["image"].size == ds[0]["skeleton"].size == (48, 64)
    fine = load_dataset("dancereid", split="test", stride=15, image_size=(64, 48), **options)
    raw = [d.cast_column("image", datasets.Image(decode=False))[-1]["image"] for d in (ds, fine)]
    assert len(raw[0]["bytes"]) < len(raw[1]["bytes"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("stride", 0),
        ("stride", "5"),
        ("stride", True),
        ("image_size", (256,)),
        ("image_size", (256, 0)),
        ("image_size", 256),
        ("jpeg_quality", 0),
        ("jpeg_quality", 101),
        ("skeleton", "yes"),
        ("keypoints", "Exact"),
        ("missing", "ignore"),
        ("videos", ["nobody"]),
        ("videos", "aaa"),
        ("videos", []),
        ("videos", 5),
        ("videos", [1, "aaa"]),
        ("videos", [["aaa"]]),
        ("videos", iter(["aaa"])),
        pytest.param("stride", 10**5000, id="stride-huge"),
        ("stride", 5.0),
        ("keypoints", np.array(["exact"])),
        ("missing", 1),
        ("catalogue", 5),
        ("catalogue", ""),
        ("data_dir", 5),
        ("data_dir", ["x"]),
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
def test_an_option_that_cannot_be_is_refused_at_once(
    options: dict[str, str], option: str, value: object, streaming: bool
) -> None:
    with pytest.raises(OptionError, match=f"^{option}"):
        load_dataset("dancereid", streaming=streaming, **{**options, option: value})
    assert not list(Path(options["cache_dir"]).rglob("*.arrow"))


def test_numbers_of_numpy_and_paths_are_as_good(small: Path, cache: str) -> None:
    ds = load_dataset(
        "dancereid",
        data_dir=small,
        catalogue=small / "catalogue.csv",
        stride=np.int64(15),
        image_size=list(np.array([64, 48])),
        videos={"bbb"},
        cache_dir=cache,
    )
    assert ds["test"]["frame"][:] == [0, 15]
    assert ds["test"][0]["image"].size == (48, 64)


def test_features_can_be_looked_at_without_a_folder(cache: str) -> None:
    builder = datasets.load_dataset_builder("dancereid", "full", cache_dir=cache)
    assert list(builder.info.features)[:3] == ["image", "keypoints", "person_id"]
    assert "178 people" in builder.info.description


def test_without_a_folder_or_a_network_the_error_says_what_to_do(cache: str) -> None:
    with pytest.raises(
        SourceError, match=r"annotation\.json: expected this file.*offline mode is on"
    ):
        load_dataset("dancereid", cache_dir=cache)
    with pytest.raises(SourceError, match="nowhere"):
        load_dataset("dancereid", data_dir="nowhere", cache_dir=cache)


def test_the_other_names_of_datasets_are_still_found(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("a,b\n1,2\n")
    ds = load_dataset(
        "csv", data_files=str(tmp_path / "some.csv"), cache_dir=str(tmp_path / "cache")
    )
    assert ds["train"][0] == {"a": 1, "b": 2}
    assert datasets.get_dataset_config_names("dancereid") == [
        "demo", "paper", "full", "published", "own",
    ]  # fmt: skip
