"""Folders that are written: whole or not there, continued, and the same in the end."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import pytest

import dancereid
from dancereid_pipeline.common import files as folders
from dancereid_pipeline.common.errors import (
    CatalogueError,
    DanceReIDError,
    MissingVideosError,
    OptionError,
    SourceError,
)
from dancereid_pipeline.common.package_files import install_command
from dancereid_pipeline.common.resumable_folder import ResumableFolder
from dancereid_pipeline.export.export import Exported, write_folder
from dancereid_pipeline.export.layouts import LayoutOptions
from dancereid_pipeline.export.layouts.published import Published
from dancereid_pipeline.export.sample_source import from_videos
from tests.conftest import PROJECT
from tests.support.data.folders import load
from tests.support.readers import files


@pytest.fixture
def asked(small: Path) -> dict[str, str]:
    """What is made of the small folder."""
    return {"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}


@pytest.fixture(scope="module")
def expected(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `write` gives of the small folder."""
    target = tmp_path_factory.mktemp("expected") / "out"
    write({"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}, target)
    found = files(target)
    assert len(found) == 2 * 42 + 4
    return found


def write(asked: dict[str, Any], target: Path, **options: Any) -> Exported:
    layout = {"h5": True, **options.pop("layout", {})}
    request = dancereid.DanceReIDConfig(name="paper", **asked).request()
    return write_folder(from_videos(request), target, LayoutOptions(**layout), **options)


@contextmanager
def failing_after(images: int, error: BaseException) -> Iterator[None]:
    """What is written after so many images fails."""
    add = Published.add
    added = itertools.count()

    def failing(self: Published, sample: Any) -> None:
        if next(added) >= images:
            raise error
        add(self, sample)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Published, "add", failing)
        yield


def interrupt(asked: dict[str, Any], target: Path, images: int) -> None:
    """A run that is interrupted after so many images."""
    with failing_after(images, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        write(asked, target)
    assert not target.exists()


# -- whole, or not there


@pytest.mark.parametrize("images", [0, 1, 11, 12, 18, 41])
def test_an_interrupted_run_is_continued(
    asked: dict[str, str], expected: dict[str, bytes], tmp_path: Path, images: int
) -> None:
    target = tmp_path / "out"
    interrupt(asked, target, images)
    done = sorted(p.stem for p in (tmp_path / "out.unfinished" / "done").iterdir())
    # 12, 6, 18 and 6 images.
    assert done == ["000_aaa", "001_bbb", "002_ccc"][: sum(images >= n for n in (12, 18, 36))]
    left = 42 - sum(
        n for n, stem in ((12, "000_aaa"), (6, "001_bbb"), (18, "002_ccc")) if stem in done
    )
    with failing_after(left, AssertionError("what was done is done again")):
        assert write(asked, target).coverage.whole
    assert files(target) == expected
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("processes", [4])
def test_side_by_side_is_the_same(
    asked: dict[str, str], expected: dict[str, bytes], tmp_path: Path, processes: int
) -> None:
    assert write(asked, tmp_path / "out", processes=processes).coverage.whole
    assert files(tmp_path / "out") == expected


@pytest.mark.slow
def test_killed_a_hundred_times_it_is_whole_or_not_there(
    asked: dict[str, str], tmp_path: Path
) -> None:
    program = {
        "options": asked,
        "layout": {"h5": True, "split_folder": True},
        "folder": str(tmp_path),
        "kills": 100,
        "seed": 4,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_folder", json.dumps(program)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["killed"] == 100
    assert found["went_on"] > 10
    assert len(found["ends"]) > 100
    assert all(found["ends"])


def test_a_process_of_a_killed_run_is_waited_for(
    asked: dict[str, str],
    expected: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "out"
    held = folders.lock(ResumableFolder(target).path, "001_bbb")
    held.acquire()
    # It lets go when the run that waits has said so.
    monkeypatch.setattr(folders.logger, "warning", lambda *_: held.release())
    write(asked, target)
    assert files(target) == expected
    assert not held.is_locked


# -- what is refused


def test_what_is_there_stays(asked: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "meta.json").write_text("mine")
    with pytest.raises(SourceError, match=r"out is there already\. .*--force.*Nothing was chan"):
        write(asked, target)
    assert files(target) == {"meta.json": b"mine"}
    write(asked, target, force=True)
    assert len(files(target)) == 88
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_force_replaces_no_other_folder(asked: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "thesis.tex").write_text("mine")
    with pytest.raises(SourceError, match=r"cannot be replaced: .*found thesis\.tex"):
        write(asked, target, force=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("mine")
    for name, said in (("link", "a link"), ("file", "a file")):
        with pytest.raises(SourceError, match=said):
            write(asked, tmp_path / name, force=True)
    assert files(tmp_path) == {"out/thesis.tex": b"mine", "file": b"mine"}


def test_other_options_on_a_half_done_folder_are_refused(
    asked: dict[str, str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    interrupt(asked, target, 20)
    half_done = files(tmp_path)
    for changes, layout, said in (
        ({"stride": 10}, {}, "begun with stride=5, not 10"),
        ({"keypoints": "published"}, {}, "keypoints='exact', not 'published'"),
        ({}, {"split_folder": True}, "split_folder=False, not True"),
        ({}, {"layout": "open-reid", "h5": False}, "layout='published', not 'open-reid', h5=True"),
        ({"videos": ["aaa"]}, {}, "begun with other inputs, or another version"),
    ):
        with pytest.raises(SourceError, match=said):
            write({**asked, **changes}, target, layout=layout)
        assert files(tmp_path) == half_done
    write({**asked, "stride": 10}, target, force=True)
    assert len(files(target)) < len(expected)
    write(asked, target, force=True)
    assert files(target) == expected


def test_a_changed_clip_is_no_half_done_folder_s(
    folder: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    asked = {"data_dir": str(folder), "catalogue": str(folder / "catalogue.csv")}
    interrupt(asked, tmp_path / "out", 20)
    os.utime(folder / "videos" / "000_aaa.mp4", (1, 1))
    with pytest.raises(SourceError, match="begun with other inputs"):
        write(asked, tmp_path / "out")
    write(asked, tmp_path / "out", force=True)
    assert files(tmp_path / "out") == expected


def test_a_folder_that_is_needed_and_is_another_s(asked: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "out.unfinished").mkdir()
    (tmp_path / "out.unfinished" / "thesis.tex").write_text("mine")
    with pytest.raises(SourceError, match="holds files that this project did not write"):
        write(asked, tmp_path / "out", force=True)
    assert "out.unfinished/thesis.tex" in files(tmp_path)


def test_what_a_kill_left_beside_a_whole_folder_is_no_hindrance(
    asked: dict[str, str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ResumableFolder, "remove", lambda self: None)
        write(asked, target)
    assert files(target) == expected
    assert (tmp_path / "out.unfinished" / "asked.json").is_file()
    write({**asked, "stride": 15}, target, force=True)
    assert len(files(target)) < len(expected)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_said_and_the_next_run_continues(
    asked: dict[str, str], expected: dict[str, bytes], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    said = r"out\.unfinished: cannot be used .*No space left.*run it again to continue"
    with failing_after(20, full), pytest.raises(SourceError, match=said):
        write(asked, target)
    assert not target.exists()
    write(asked, target)
    assert files(target) == expected


# An HDF5 file of a video that cannot be begun, that breaks off, and one of all that does.
@pytest.mark.parametrize("most_bytes", [2_000, 30_000, 100_000])
def test_what_the_system_refuses_hdf5_is_said_in_a_line(
    asked: dict[str, str], expected: dict[str, bytes], tmp_path: Path, most_bytes: int
) -> None:
    assert len(expected["DanceReID.h5"]) > most_bytes
    target = tmp_path / "out"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A refusal by the system itself; files that are no longer than that can be written.
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        with pytest.raises(SourceError, match=r"out\.unfinished: cannot be used .*too large"):
            write(asked, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not target.exists()
    write(asked, target)
    assert files(target) == expected


def test_a_place_that_cannot_be_written(asked: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"file/out\.unfinished: cannot be used \("):
        write(asked, tmp_path / "file" / "out")


def test_a_fault_in_another_process_is_not_swallowed(asked: dict[str, str], tmp_path: Path) -> None:
    request = dancereid.DanceReIDConfig(name="paper", **asked).request()
    contents = from_videos(request)
    for _, samples in contents.works:
        samples._options = None  # type: ignore[union-attr]
    with pytest.raises(AttributeError) as error:
        write_folder(contents, tmp_path / "out", LayoutOptions(), processes=2)
    assert "in _tracks" in str(error.value.__cause__)


def test_not_one_image(folder: Path, tmp_path: Path) -> None:
    for clip in (folder / "videos").iterdir():
        clip.write_bytes(b"no video")
    asked = {"data_dir": str(folder), "catalogue": str(folder / "catalogue.csv")}
    with pytest.raises(MissingVideosError, match="Not one image could be made"):
        write(asked, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.unfinished").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "coco"}, "layout: expected one of published, market1501, open-reid"),
        (
            {"layout": "market1501", "h5": True},
            "h5: is an option of layout 'published'",
        ),
        (
            {"layout": "open-reid", "split_folder": True},
            "split_folder: is an option of layout '",
        ),
        ({"num_proc": 0}, "num_proc: expected a whole number from 1"),
    ],
)
def test_options_that_cannot_be(
    small: Path, cache: str, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    ds = load(small, cache)
    with pytest.raises(OptionError, match=said):
        dancereid.export(ds, tmp_path / "out", catalogue=small / "catalogue.csv", **options)
    assert not list(tmp_path.glob("out*"))


def test_without_h5py_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DanceReIDError, match=re.escape(install_command("h5"))):
        LayoutOptions(h5=True)


def test_more_people_than_market1501_readers_know(folder: Path, tmp_path: Path) -> None:
    catalogue = folder / "catalogue.csv"
    catalogue.write_text(catalogue.read_text() + "crowd,1495,test\n")
    asked = {"data_dir": str(folder), "catalogue": str(catalogue)}
    with pytest.raises(OptionError, match="1,501 people at most, and the catalogue has 1,502"):
        write(asked, tmp_path / "out", layout={"layout": "market1501", "h5": False})


# -- from a loaded dataset


def test_a_loaded_dataset_is_continued_too(small: Path, cache: str, tmp_path: Path) -> None:
    options = {"catalogue": small / "catalogue.csv", "h5": True}
    dancereid.export(load(small, cache), tmp_path / "expected", **options)
    with failing_after(20, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        dancereid.export(load(small, cache), tmp_path / "out", **options)
    assert len(list((tmp_path / "out.unfinished" / "done").iterdir())) == 2
    dancereid.export(load(small, cache), tmp_path / "out", num_proc=2, **options)
    assert files(tmp_path / "out") == files(tmp_path / "expected")


def test_what_was_prepared_is_written_alike(cache: str, tmp_path: Path) -> None:
    ds = dancereid.load_dataset("demo", stride=20, skeleton=True, cache_dir=cache)
    dancereid.prepare(ds, tmp_path / "prepared")
    again = datasets.load_dataset(str(tmp_path / "prepared"), "demo", cache_dir=cache)
    for name, one in (("built", ds), ("again", again)):
        dancereid.export(one, tmp_path / name, h5=True)
    assert files(tmp_path / "built") == files(tmp_path / "again")
    assert len(files(tmp_path / "built")) == 3 * sum(map(len, ds.values())) + 4


def test_order_does_not_matter(small: Path, cache: str, tmp_path: Path) -> None:
    ds = load(small, cache)
    shuffled = datasets.DatasetDict({name: ds[name].shuffle(seed=1) for name in ds})
    for name, one in (("straight", ds), ("shuffled", shuffled)):
        dancereid.export(one, tmp_path / name, catalogue=small / "catalogue.csv")
    assert files(tmp_path / "straight") == files(tmp_path / "shuffled")


def test_what_is_no_loaded_dataset(small: Path, cache: str, tmp_path: Path) -> None:
    ds = load(small, cache)
    stream = load(small, cache, streaming=True)
    catalogue = small / "catalogue.csv"
    for what, given, said in (
        (ds["test"], catalogue, "Expected all splits.*got Dataset"),
        (stream, catalogue, "Expected all splits.*got IterableDatasetDict"),
        (datasets.DatasetDict(), catalogue, "Expected all splits"),
        (ds.remove_columns("frame"), catalogue, "frame is missing"),
    ):
        with pytest.raises(DanceReIDError, match=said):
            dancereid.export(what, tmp_path / "out", catalogue=given)
    with pytest.raises(CatalogueError, match=r"expected a row for aaa with 2 people.*catalogue="):
        dancereid.export(ds, tmp_path / "out")
    rows = catalogue.read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join([rows[0], *reversed(rows[1:])]) + "\n")
    with pytest.raises(CatalogueError, match=r"aaa to have people 0 to 1.*found 5 to 6"):
        dancereid.export(ds, tmp_path / "out", catalogue=tmp_path / "other.csv")
    assert not list(tmp_path.glob("out*"))


def test_pictures_that_were_changed_are_refused(small: Path, cache: str, tmp_path: Path) -> None:
    ds = load(small, cache)
    white = {"bytes": b"\x89PNG\r\n\x1a\n", "path": "white.png"}
    changed = ds.cast_column("image", datasets.Image(decode=False)).map(
        lambda example: {"image": white}
    )
    with pytest.raises(DanceReIDError, match=r"white\.png': expected a JPEG of 256 x 128"):
        dancereid.export(changed, tmp_path / "out", catalogue=small / "catalogue.csv")
