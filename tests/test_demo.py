"""The bundled demo: what it is, and that its maker makes it."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.catalogue import Catalogue
from dancereid_pipeline.labels import Labels
from dancereid_pipeline.report import contact_sheet
from dancereid_pipeline.tracks import read_tracks
from tests.conftest import PROJECT
from tests.support.clips import decode_whole


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, made anew."""
    folder = tmp_path_factory.mktemp("made") / "demo"
    subprocess.run([sys.executable, "scripts/make_demo.py", folder], cwd=PROJECT, check=True)
    return folder


def files(folder: Path) -> list[Path]:
    return sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())


def test_its_maker_makes_it(demo: Path, made: Path) -> None:
    assert files(made) == files(demo)
    assert len(files(demo)) == 10
    for name in files(demo):
        if name.suffix == ".npy":
            fresh, kept = (read_tracks((f / name).read_bytes(), str(name)) for f in (made, demo))
            assert np.array_equal(fresh.frame, kept.frame)
            assert np.array_equal(fresh.person, kept.person)
            assert np.abs(fresh.box - kept.box).max() < 0.5
            assert np.abs(fresh.keypoints - kept.keypoints).max() < 0.5
        elif name.suffix == ".mp4":
            # Another encoder's bytes may differ; what is seen may not.
            for fresh, kept in zip(
                decode_whole(made / name), decode_whole(demo / name), strict=True
            ):
                assert np.abs(fresh.astype(int) - kept).mean() < 2
        else:
            assert (made / name).read_bytes() == (demo / name).read_bytes()


def test_to_the_byte_where_the_encoder_is_the_same(demo: Path, made: Path) -> None:
    with (
        av.open(str(next((made / "videos").iterdir()))) as fresh,
        av.open(str(next((demo / "videos").iterdir()))) as kept,
    ):
        ours, theirs = (c.metadata.get("encoder") for c in (fresh, kept))
    if ours != theirs:
        pytest.skip(f"the demo was encoded by {theirs}, this machine has {ours}")
    for name in files(demo):
        assert (made / name).read_bytes() == (demo / name).read_bytes(), name


def test_it_is_small_and_as_its_catalogue_says(demo: Path) -> None:
    assert sum((demo / name).stat().st_size for name in files(demo)) < 3_000_000
    catalogue = Catalogue.read(demo / "video_data.csv")
    labels = Labels.read(demo / "annotation.json", catalogue)
    assert [v.split for v in catalogue] == ["trainval", "trainval", "test", "test"]
    assert [v.people for v in catalogue] == [3, 3, 3, 3]
    for video in catalogue:
        with av.open(str(demo / "videos" / f"{video.clip_stem}.mp4")) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            assert (context.name, context.width, context.height) == ("h264", 640, 360)
            assert stream.average_rate == 30
            assert stream.frames == video.frames
            assert 90 <= stream.frames <= 150
            types = {frame.pict_type for frame in container.decode(stream)}
            assert av.video.frame.PictureType.B in types
        of_video = labels.videos[video.video_id]
        assert of_video.count(1) == video.annotated
        assert of_video.count(5) == video.annotated_every_5th
        # Some of what is tracked is not valid, for everyone.
        (npy,) = (demo / "npy").glob(f"*{video.video_id}*")
        tracks = read_tracks(npy.read_bytes(), str(npy))
        assert tracks.frame_count == video.frames
        for person, frames in zip(of_video.persons, of_video.frames, strict=True):
            assert 40 < len(frames) < video.frames
            assert set(frames.tolist()) <= set(tracks.frame[tracks.person == person].tolist())


def test_it_loads_offline_and_whole(cache: str) -> None:
    ds = dancereid.load_dataset("demo", cache_dir=cache)
    assert dancereid.coverage(ds).whole
    assert {split: len(set(ds[split]["person_id"][:])) for split in ds} == {
        "trainval": 6,
        "test": 6,
    }
    infos = json.loads((PROJECT / "dataset_infos.json").read_text())
    assert {split: len(ds[split]) for split in ds} == {
        split: info["num_examples"] for split, info in infos["demo"]["splits"].items()
    }
    # Joints are on their people: nearly all lie inside the crop.
    keypoints = np.array(ds["test"]["keypoints"][:])
    inside = ((keypoints >= 0) & (keypoints < [128, 256])).all(axis=-1)
    assert inside.mean() > 0.97


def test_the_contact_sheet_has_a_row_a_person(cache: str) -> None:
    ds = dancereid.load_dataset("demo", cache_dir=cache)
    full, small = contact_sheet(ds), contact_sheet(ds, people=4, columns=5, skeletons=False)
    assert (full.mode, full.width > 1000) == ("RGB", True)
    assert (full.height - 52) // 178 == 12
    assert (small.height - 52) // 178 == 4
    crop = np.asarray(ds["trainval"][0]["image"].resize((86, 172), Image.Resampling.LANCZOS))
    assert np.array_equal(np.asarray(small)[46 : 46 + 172, 150 : 150 + 86], crop)


def test_the_demo_script_prints_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "new" / "demo.png"
    output = subprocess.run(
        [sys.executable, "scripts/demo.py", "--output", picture],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "4 of 4 videos, 12 of 12 people" in output
    assert "keypoints" in output
    assert str(picture) in output
    assert Image.open(picture).width > 1000


def test_installed_files_are_those_of_the_checkout() -> None:
    assert importlib.metadata.version("dancereid") == dancereid.__version__
