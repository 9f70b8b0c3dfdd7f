"""A cached build is used again if and only if nothing that shapes it has changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

import dancereid
from dancereid_pipeline.build import plan
from dancereid_pipeline.formats.npy_tracks import write_tracks
from tests.conftest import PROJECT
from tests.support.command import hear_ctrl_c
from tests.support.data.clips import X264, write_clip
from tests.support.data.folders import contents, tracks, write_folder


@pytest.fixture
def load(folder: Path, cache: str) -> Callable[..., datasets.DatasetDict]:
    def load_folder(**options: object) -> datasets.DatasetDict:
        options = {"catalogue": str(folder / "catalogue.csv"), **options}
        return dancereid.load_dataset(data_dir=str(folder), cache_dir=cache, **options)

    return load_folder


def builds(cache: str) -> int:
    """How many builds stand in the cache."""
    return len(list(Path(cache).rglob("dataset_info.json")))


def test_nothing_changed_nothing_built(load: Callable, folder: Path, cache: str) -> None:
    first = load()
    moved = folder.rename(folder.with_name("moved"))
    again = dancereid.load_dataset(
        data_dir=str(moved), catalogue=str(moved / "catalogue.csv"), cache_dir=cache
    )
    assert builds(cache) == 1
    assert first["test"].cache_files == again["test"].cache_files
    assert load_kinds(cache) == ["paper"]


def load_kinds(cache: str) -> list[str]:
    """The configs of the builds in the cache."""
    return [
        path.name.split("-")[0] for path in (Path(cache) / "dancereid").iterdir() if path.is_dir()
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 4},
        {"image_size": (128, 64)},
        {"jpeg_quality": 90},
        {"skeleton": True},
        {"keypoints": "published"},
        {"videos": ["aaa"]},
    ],
)
def test_another_option_is_another_build(load: Callable, cache: str, options: dict) -> None:
    plain = contents(load()["trainval"])
    other = contents(load(**options)["trainval"])
    assert builds(cache) == 2
    assert plain != other or options.keys() & {"videos", "keypoints"}
    assert contents(load()["trainval"]) == plain


def _new_clip(folder: Path) -> None:
    write_clip(folder / "videos" / "001_bbb.mp4", 30, options=X264["plain"])


def _new_tracks(folder: Path) -> None:
    write_tracks(folder / "npy" / "333_00_bbb_matching.npy", tracks(30, [0, 1]))


def _new_annotation(folder: Path) -> None:
    path = folder / "annotation.json"
    stamp = path.stat()
    path.write_text(path.read_text().replace("25, 26", "26, 25"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def _new_catalogue(folder: Path) -> None:
    path = folder / "catalogue.csv"
    path.write_text(path.read_text().replace("bbb,1,test", "bbb,1,trainval"))


def _one_clip_less(folder: Path) -> None:
    (folder / "videos" / "001_bbb.mp4").unlink()


@pytest.mark.parametrize(
    "change", [_new_clip, _new_tracks, _new_annotation, _new_catalogue, _one_clip_less]
)
def test_a_changed_file_is_another_build(
    load: Callable, folder: Path, cache: str, change: Callable[[Path], None]
) -> None:
    load()
    change(folder)
    load()
    assert builds(cache) == 2


def test_a_video_that_came_back_is_used(load: Callable, folder: Path) -> None:
    clip = folder / "videos" / "001_bbb.mp4"
    away = clip.rename(folder / "away.mp4")
    assert len(load()["test"]) == 18
    away.rename(clip)
    assert len(load()["test"]) == 24


def test_building_anew_on_request_has_one_coverage(load: Callable, cache: str) -> None:
    first = load()
    again = load(download_mode="force_redownload")
    assert builds(cache) == 1
    assert contents(again["test"]) == contents(first["test"])
    assert again["test"].info.description == first["test"].info.description
    assert again["test"].info.description.count("Coverage (JSON)") == 1


def test_other_code_is_another_build(
    load: Callable, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    monkeypatch.setattr(plan, "code_fingerprint", lambda: "another")
    load()
    assert builds(cache) == 2


@pytest.mark.parametrize(
    ("name", "shapes_examples"),
    [
        ("dancereid.py", True),
        ("dancereid_pipeline/build/crops.py", True),
        ("dancereid_pipeline/formats/packets.py", True),
        ("dancereid_pipeline/common/errors.py", True),
        ("dancereid_pipeline/publish/card.py", False),
        ("dancereid_pipeline/export/layouts/published.py", False),
    ],
)
def test_an_edit_of_what_may_shape_examples_changes_the_codes_fingerprint(
    tmp_path: Path, name: str, shapes_examples: bool
) -> None:
    shutil.copy(PROJECT / "dancereid.py", tmp_path)
    shutil.copytree(PROJECT / "dancereid_pipeline", tmp_path / "dancereid_pipeline")
    program = (
        "from dancereid_pipeline.build.fingerprint import code_fingerprint; "
        "print(code_fingerprint())"
    )

    def fingerprint() -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, check=True
        ).stdout.decode()

    before = fingerprint()
    assert fingerprint() == before
    with (tmp_path / name).open("a") as file:
        file.write("# edited\n")
    assert (fingerprint() != before) is shapes_examples


def test_missing_is_no_part_of_what_is_built(load: Callable, cache: str) -> None:
    load()
    load(missing="error")
    assert builds(cache) == 1


BUILD = """
import json, sys, dancereid
dancereid.load_dataset(num_proc=int(sys.argv[2]), **json.loads(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], list[str]]:
    """Options of a build that takes a while, and what comes of it if nothing disturbs it."""
    home = tmp_path_factory.mktemp("long")
    folder = write_folder(home / "data", {"aaa": [0, 1], "bbb": [0, 1]}, frames=400)
    options = {"data_dir": str(folder), "catalogue": str(folder / "catalogue.csv"), "stride": 1}
    undisturbed = contents(dancereid.load_dataset(cache_dir=str(home / "cache"), **options)["test"])
    assert len(undisturbed) == 1600
    return options, undisturbed


@pytest.mark.parametrize("num_proc", [1, 2])
@pytest.mark.parametrize(
    "kill", [pytest.param(signal.SIGKILL, marks=pytest.mark.slow), signal.SIGINT]
)
def test_a_build_that_was_killed_leaves_nothing_that_looks_whole(
    long: tuple[dict[str, object], list[str]], tmp_path: Path, kill: signal.Signals, num_proc: int
) -> None:
    options, undisturbed = long
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            BUILD,
            json.dumps({**options, "cache_dir": str(cache)}),
            str(num_proc),
        ],
        cwd=PROJECT,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"},
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    while process.poll() is None and not list(cache.rglob("*.incomplete/*.arrow")):
        pass
    assert process.poll() is None
    os.killpg(process.pid, kill)
    assert process.wait() != 0
    assert builds(str(cache)) == 0
    ds = dancereid.load_dataset(cache_dir=str(cache), **options)
    assert contents(ds["test"]) == undisturbed
    names = sorted(
        path.name for path in Path(ds["test"].cache_files[0]["filename"]).parent.iterdir()
    )
    assert names == ["dancereid-test.arrow", "dancereid-trainval.arrow", "dataset_info.json"]
