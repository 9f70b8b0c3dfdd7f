"""The full-size rehearsal, at reduced length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dancereid
from dancereid_pipeline.catalogue.catalogue import CONFIGS, Catalogue
from dancereid_pipeline.formats.annotation import Annotation
from tests.conftest import PROJECT

MAX_FRAMES = 60


def rehearse(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/rehearse.py", *map(str, arguments)],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_real_annotation_rehearsed(real_annotation: Path, tmp_path: Path, cache: str) -> None:
    folder = tmp_path / "rehearsal"
    done = rehearse(real_annotation, folder, "--max-frames", MAX_FRAMES)
    assert done.returncode == 0, done.stderr
    assert f"data_dir='{folder}'" in done.stdout
    catalogue = Catalogue.read()
    labels = Annotation.read(real_annotation, catalogue)
    for scheme in ("full", "published"):
        ds = dancereid.load_dataset(scheme, data_dir=str(folder), cache_dir=cache, num_proc=2)
        expected = {
            split: sum(
                int((frames[frames < MAX_FRAMES] % 5 == 0).sum())
                for video in catalogue.choose(scheme)
                if split in video.splits_in(scheme)
                for frames in labels.videos[video.video_id].frames
            )
            for split in CONFIGS[scheme]
        }
        assert {split: len(ds[split]) for split in ds} == expected
        assert expected["test"] > 100
        for unit in ("tracklet", "frame"):
            other = dancereid.load_dataset(
                scheme, data_dir=str(folder), cache_dir=cache, num_proc=2, unit=unit
            )
            found = dancereid.coverage(other)
            assert found.splits == expected
            assert {split: len(other[split]) for split in other} == found.examples
            assert 20 < found.examples["test"] < expected["test"]
        coverage = dancereid.coverage(ds)
        assert {o.reason.value for o in coverage.outcomes} == {"used"}


def test_what_is_there_is_not_overwritten(real_annotation: Path, tmp_path: Path) -> None:
    done = rehearse(real_annotation, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"rehearse: {tmp_path} exists.")
    assert list(tmp_path.iterdir()) == []


def test_broken_labels_are_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "annotation.json").write_text("[]")
    done = rehearse(tmp_path / "annotation.json", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith("rehearse: ")
    assert "got a list at the top" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
