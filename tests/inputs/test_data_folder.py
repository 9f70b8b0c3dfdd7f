from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import SourceError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.inputs.data_folder import VideoFiles, find_in_folder

IDS = ("cam1", "cam1_left", "--a-b_c")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "catalogue.csv"
    rows = "\n".join(f"{i},1,test,{i}-again" if i == "cam1" else f"{i},1,test," for i in IDS)
    path.write_text(f"video_id,people,split,download_id\n{rows}\n")
    return Catalogue.read(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All that a folder must have, empty."""
    path = tmp_path / "data"
    (path / "videos").mkdir(parents=True)
    (path / "npy").mkdir()
    (path / "annotation.json").write_text("{}")
    return path


def add(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def find(folder: Path, catalogue: Catalogue, video_id: str) -> VideoFiles:
    (video,) = (v for v in catalogue if v.video_id == video_id)
    files = find_in_folder(folder, catalogue, [video]).videos[video_id]
    if isinstance(files, VideoError):
        raise files
    return files


def reason(folder: Path, catalogue: Catalogue, video_id: str) -> Reason:
    with pytest.raises(VideoError) as error:
        find(folder, catalogue, video_id)
    assert str(folder) in str(error.value)
    return error.value.reason


def test_files_are_found_by_the_id_in_their_names(folder: Path, catalogue: Catalogue) -> None:
    add(folder, "videos/000_cam1.mp4", "npy/333_01_cam1_matching.npy")
    add(folder, "videos/002_--a-b_c.webm", "npy/deep/er/333_01_--a-b_c_matching.npy")
    files = find(folder, catalogue, "cam1")
    assert files.clip == folder / "videos/000_cam1.mp4"
    assert files.tracks.read() == b"npy/333_01_cam1_matching.npy"
    assert find(folder, catalogue, "--a-b_c").clip.name == "002_--a-b_c.webm"


def test_an_id_inside_another_is_not_taken_for_it(folder: Path, catalogue: Catalogue) -> None:
    add(folder, "videos/001_cam1_left.mp4", "npy/333_01_cam1_left_matching.npy")
    assert find(folder, catalogue, "cam1_left").clip.name == "001_cam1_left.mp4"
    assert reason(folder, catalogue, "cam1") is Reason.NO_CLIP
    add(folder, "videos/xcam1.mp4", "videos/cam12.mp4")
    assert reason(folder, catalogue, "cam1") is Reason.NO_CLIP


def test_a_clip_may_have_the_download_id_in_its_name(folder: Path, catalogue: Catalogue) -> None:
    add(folder, "videos/cam1-again.mp4", "npy/cam1.npy")
    assert find(folder, catalogue, "cam1").clip.name == "cam1-again.mp4"


def test_the_longest_id_in_a_name_wins(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "prefix.csv"
    path.write_text("video_id,people,split\n333,1,test\ncam1,1,test\n")
    catalogue = Catalogue.read(path)
    add(folder, "videos/cam1.mp4", "videos/333.mp4", "npy/333_01_cam1.npy", "npy/333.npy")
    assert find(folder, catalogue, "cam1").tracks.read() == b"npy/333_01_cam1.npy"
    assert find(folder, catalogue, "333").tracks.read() == b"npy/333.npy"


def test_ids_that_look_like_row_numbers_are_not_taken_for_them(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("video_id,people,split\n001,1,test\n000,1,test\n")
    catalogue = Catalogue.read(path)
    add(folder, "videos/000_001.mp4", "videos/001_000.mp4", "npy/333_00_000.npy", "npy/x_001.npy")
    assert find(folder, catalogue, "001").clip.name == "000_001.mp4"
    assert find(folder, catalogue, "000").clip.name == "001_000.mp4"
    # Without the catalogue's own name, either of the two is possible: nothing is guessed.
    (folder / "videos/000_001.mp4").rename(folder / "videos/000-001.mp4")
    add(folder, "videos/001.mp4")
    assert reason(folder, catalogue, "001") is Reason.AMBIGUOUS


def test_linked_folders_are_followed_and_loops_end(folder: Path, catalogue: Catalogue) -> None:
    elsewhere = folder.parent / "elsewhere"
    add(elsewhere, "cam1.mp4", "cam1.NPY")
    (folder / "videos/linked").symlink_to(elsewhere)
    (folder / "npy/linked").symlink_to(elsewhere)
    (folder / "npy/loop").symlink_to(folder / "npy")
    files = find(folder, catalogue, "cam1")
    assert files.clip == folder / "videos/linked/cam1.mp4"
    assert files.tracks.read() == b"cam1.NPY"


def test_a_folder_without_permission_to_read_is_an_error(
    folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(path: Path, followlinks: bool, onerror: Callable[[OSError], None]) -> list:
        onerror(PermissionError(13, "Permission denied", str(path)))
        return []

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(SourceError, match=r"cannot be read: .*Permission denied.*videos"):
        find_in_folder(folder, catalogue, catalogue)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "~nosuchuser/x"])
def test_paths_that_cannot_be_are_refused(catalogue: Catalogue, path: str) -> None:
    with pytest.raises(SourceError, match="data_dir"):
        find_in_folder(path, catalogue, catalogue)


def test_without_a_folder_of_clips_they_may_lie_beside_the_rest(
    folder: Path, catalogue: Catalogue
) -> None:
    (folder / "videos").rmdir()
    add(folder, "000_cam1.mp4", "npy/cam1.npy")
    assert find(folder, catalogue, "cam1").clip == folder / "000_cam1.mp4"
    add(folder, "videos/cam1.mp4")
    assert find(folder, catalogue, "cam1").clip == folder / "videos" / "cam1.mp4"


def test_only_clips_and_npy_files_count(folder: Path, catalogue: Catalogue) -> None:
    add(folder, "videos/cam1.mp4.part", "videos/cam1.info.json", "videos/.cam1.mp4")
    assert reason(folder, catalogue, "cam1") is Reason.NO_CLIP
    add(folder, "videos/cam1.mp4", "npy/cam1.txt")
    assert reason(folder, catalogue, "cam1") is Reason.NO_TRACKS


def test_two_clips_are_one_too_many_unless_one_has_the_catalogues_name(
    folder: Path, catalogue: Catalogue
) -> None:
    add(folder, "videos/cam1.mp4", "videos/cam1 (1).mp4", "npy/cam1.npy")
    assert reason(folder, catalogue, "cam1") is Reason.AMBIGUOUS
    add(folder, "videos/000_cam1.mp4")
    assert find(folder, catalogue, "cam1").clip.name == "000_cam1.mp4"
    add(folder, "npy/old/cam1.npy")
    assert reason(folder, catalogue, "cam1") is Reason.AMBIGUOUS


def test_the_error_for_another_folder_says_what_is_expected(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    with pytest.raises(SourceError, match=r"is not a folder.*videos/"):
        find_in_folder(tmp_path / "nowhere", catalogue, catalogue)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"annotation\.json is missing.*videos/"):
        find_in_folder(tmp_path / "empty", catalogue, catalogue)
