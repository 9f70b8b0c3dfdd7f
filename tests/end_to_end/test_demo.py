"""The bundled demo: what it is, and that its maker makes it."""

from __future__ import annotations

import csv
import importlib
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.formats.annotation import Annotation
from dancereid_pipeline.formats.npy_tracks import read_tracks
from dancereid_pipeline.preview.contact_sheet import contact_sheet
from tests.conftest import PROJECT
from tests.support.data.clips import decode_whole

# To draw all of it takes long. The beginning is made as files, and the rest drawn here and there.
BEGINNING = 12  # frames
STEP = 15


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the demo, made anew."""
    folder = tmp_path_factory.mktemp("made") / "demo"
    command = [sys.executable, "tools/make_demo.py", folder, "--frames", str(BEGINNING)]
    subprocess.run(command, cwd=PROJECT, check=True)
    return folder


@pytest.fixture(scope="module")
def maker() -> Iterator[ModuleType]:
    """The script, as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT / "tools"))
        yield importlib.import_module("make_demo")


def files(folder: Path) -> list[Path]:
    return sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())


def clips(folder: Path) -> list[Path]:
    return sorted((folder / "videos").iterdir())


def detections(folder: Path, video_id: str) -> dict[int, dict[int, dict[str, Any]]]:
    """All that the tracks of a video hold, also what no reader of ours looks at."""
    (path,) = (folder / "npy").glob(f"*_{video_id}_*")
    return np.load(path, allow_pickle=True).item()


def seen_in(demo: Path, clip: Any, maker: ModuleType) -> list[list[Any]]:
    """Who was seen where, frame by frame, as the tracks tell it; how much of them by the scores."""
    noise = np.random.default_rng(clip.seed + 1)
    frames = []
    for _, people in sorted(detections(demo, clip.video_id).items()):
        seen = [maker.Seen(np.zeros(4), np.zeros((17, 2)), 0.0) for _ in clip.dancers]
        for key, found in people.items():
            noise.uniform(-0.01, 0)
            visible = (found["pose_score"] - noise.uniform(-0.05, 0)) / 2.9
            seen[key] = maker.Seen(found["box_pos"], found["pose_pos"], visible)
        frames.append(seen)
    return frames


def patches(picture: np.ndarray) -> np.ndarray:
    """Light and colour of every 8 x 8 pixels: what an encoder keeps, and grain does not change."""
    parts = cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb).astype(np.float32)
    return cv2.resize(parts, (80, 45), interpolation=cv2.INTER_AREA)


def assert_looks_alike(fresh: np.ndarray, kept: np.ndarray) -> None:
    """Another encoder's bytes may differ; what is seen may not."""
    assert np.abs(patches(fresh) - patches(kept)).max() < 12


def assert_seen_alike(fresh: Any, kept: Any) -> None:
    assert abs(fresh.visible - kept.visible) < 0.01
    assert np.abs(fresh.box - kept.box).max() < 0.5
    assert np.abs(fresh.joints - kept.joints).max() < 0.5


def test_its_maker_makes_it(demo: Path, made: Path, maker: ModuleType) -> None:
    assert files(made) == files(demo)
    assert len(files(demo)) == 10
    assert len(maker.CLIPS) == 4
    for row, clip in enumerate(maker.CLIPS):
        pictures = [decode_whole(clips(folder)[row]) for folder in (made, demo)]
        assert [len(of_folder) for of_folder in pictures] == [BEGINNING, clip.frames]
        for fresh, kept in zip(*pictures, strict=False):
            assert_looks_alike(fresh, kept)
        people = [seen_in(folder, clip, maker) for folder in (made, demo)]
        assert [len(of_folder) for of_folder in people] == [BEGINNING, clip.frames]
        for fresh, kept in zip(*people, strict=False):
            for pair in zip(fresh, kept, strict=True):
                assert_seen_alike(*pair)


@pytest.mark.parametrize("row", range(4))
def test_any_frame_is_drawn_as_it_was(demo: Path, maker: ModuleType, row: int) -> None:
    clip = maker.CLIPS[row]
    kept, people = decode_whole(clips(demo)[row]), seen_in(demo, clip, maker)
    frames = range(STEP - 1, clip.frames, STEP)
    for frame, (picture, seen) in zip(frames, maker.render(clip, frames), strict=True):
        assert_looks_alike(picture, kept[frame])
        for fresh, of_kept in zip(seen, people[frame], strict=True):
            if fresh.visible < 0.19 and not of_kept.box.any():
                continue  # too little to be found
            assert_seen_alike(fresh, of_kept)


def test_labels_and_catalogue_say_what_is_seen(demo: Path, made: Path, maker: ModuleType) -> None:
    for folder in (demo, made):
        annotation = json.loads((folder / "annotation.json").read_text())
        rows = list(csv.DictReader((folder / "video_data.csv").open()))
        assert len(annotation) == len(rows) == 4
        for clip, row in zip(maker.CLIPS, rows, strict=True):
            seen = seen_in(folder, clip, maker)
            valid, expected = maker.annotated(clip, seen)
            assert annotation[clip.video_id] == valid
            assert row == {name: str(value) for name, value in expected.items()}
            assert {
                frame: {key: found["id"] for key, found in people.items()}
                for frame, people in maker.tracks(clip, seen).items()
            } == {
                frame: {key: found["id"] for key, found in people.items()}
                for frame, people in detections(folder, clip.video_id).items()
            }


def test_to_the_byte_where_the_encoder_is_the_same(demo: Path, made: Path) -> None:
    ours, theirs = (settings(clips(folder)[0]) for folder in (made, demo))
    if ours["muxer"] != theirs["muxer"]:
        pytest.skip(f"the demo was made by {theirs['muxer']}, this machine has {ours['muxer']}")
    for fresh, kept in zip(clips(made), clips(demo), strict=True):
        assert settings(fresh) == settings(kept)
        video_id = kept.stem[4:]
        tracks = [detections(folder, video_id) for folder in (made, demo)]
        assert repr(tracks[0]) == repr({frame: tracks[1][frame] for frame in range(BEGINNING)})


def settings(clip: Path) -> dict[str, Any]:
    """How a clip was encoded and put into its file."""
    data = clip.read_bytes()
    with av.open(str(clip)) as container:
        (stream,) = container.streams
        return {
            "muxer": container.metadata["encoder"],
            "header": stream.codec_context.extradata,
            "x264": re.search(rb"x264 - core [ -~]+", data)[0],
            "index first": data.index(b"moov") < data.index(b"mdat"),
            "time base": stream.time_base,
        }


def test_it_is_small_and_as_its_catalogue_says(demo: Path) -> None:
    assert sum((demo / name).stat().st_size for name in files(demo)) < 3_000_000
    catalogue = Catalogue.read(demo / "video_data.csv")
    labels = Annotation.read(demo / "annotation.json", catalogue)
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
        for person, frames in zip(of_video.people, of_video.frames, strict=True):
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


def test_installed_files_are_those_of_the_checkout() -> None:
    assert importlib.metadata.version("dancereid") == dancereid.__version__
