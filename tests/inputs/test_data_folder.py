from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import SourceError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.inputs.data_folder import VideoFiles, find_in_folder
from dancereid_pipeline.inputs.file_matching import files_below

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
    with pytest.raises(SourceError, match=r"cannot be read \(.*Permission denied.*videos"):
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


def why_none(folder: Path, catalogue: Catalogue, video_id: str) -> str:
    """What is said of a video whose clip, or tracks, are not found."""
    with pytest.raises(VideoError) as error:
        find(folder, catalogue, video_id)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("xcam1.mp4", "a letter or digit is next to the id cam1"),
        ("cam12.mp4", "a letter or digit is next to the id cam1"),
        ("x--A-b_C.mp4", "upper and lower case are not those of the video's id"),
        ("CAM1-AGAIN.mp4", "upper and lower case are not those of the video's id"),
        ("cam1.flv", "its ending is none of .avi, .m4v, .mkv, .mov, .mp4, .webm"),
        ("cam1.mp4.part", "its ending is none of .avi"),
        ("cam1", "its ending is none of .avi"),
        (".cam1.mp4", "its name begins with a dot"),
    ],
)
def test_a_clip_that_was_passed_over_is_named_with_the_reason(
    folder: Path, catalogue: Catalogue, name: str, why: str
) -> None:
    video_id = "--a-b_c" if "-b" in name else "cam1"
    add(folder, f"videos/{name}", "videos/other.mp4", "videos/readme.txt", f"npy/{video_id}.npy")
    said = why_none(folder, catalogue, video_id)
    assert f"found none. Passed over: {folder / 'videos' / name} ({why}" in said
    assert "other.mp4" not in said
    assert "readme" not in said


def test_a_link_to_a_clip_that_is_not_there_is_named(folder: Path, catalogue: Catalogue) -> None:
    (folder / "videos" / "cam1.mp4").symlink_to(folder / "gone.mp4")
    add(folder, "npy/cam1.npy")
    said = why_none(folder, catalogue, "cam1")
    assert "cam1.mp4 (it is not a file, or a link to one that is not there)" in said


def test_tracks_that_were_passed_over_are_named_in_a_folder_and_in_an_archive(
    folder: Path, catalogue: Catalogue
) -> None:
    add(folder, "videos/cam1.mp4", "npy/xcam1.npy", "npy/cam1.npz")
    with zipfile.ZipFile(folder / "npy.zip", "w") as archive:
        archive.writestr("in/Cam1.npy", b"")
    said = why_none(folder, catalogue, "cam1")
    assert f"{folder / 'npy/xcam1.npy'} (a letter or digit is next to the id cam1)" in said
    assert f"{folder / 'npy/cam1.npz'} (its ending is none of .npy)" in said
    assert f"{folder / 'npy.zip'}::in/Cam1.npy (upper and lower case are not" in said


def test_files_that_have_nothing_of_the_id_are_not_named(
    folder: Path, catalogue: Catalogue
) -> None:
    (folder / "videos").rmdir()
    add(folder, "holiday.mp4", "npy/cam1.npy", "npy/xcam1.npy", "cam1_left.mp4")
    said = why_none(folder, catalogue, "cam1")
    assert said.endswith(
        "with cam1 or cam1-again in its name, found none. Put the right file there."
    )


def test_of_many_files_that_were_passed_over_a_few_are_named(
    folder: Path, catalogue: Catalogue
) -> None:
    add(folder, *(f"videos/cam1{number}.mp4" for number in range(9)))
    said = why_none(folder, catalogue, "cam1")
    assert said.count("a letter or digit") == 3
    assert "cam12.mp4 (a letter or digit is next to the id cam1) and 6 more." in said


def test_a_folder_of_pictures_is_a_clip(folder: Path, catalogue: Catalogue) -> None:
    add(folder, "videos/000_cam1/1.jpg", "videos/000_cam1/2.JPG", "videos/000_cam1/deep/cam1.mp4")
    add(folder, "videos/cam1_left/img1/000001.png", "videos/cam1_left/gt/gt.txt")
    add(folder, "npy/cam1.npy", "npy/cam1_left.npy")
    assert find(folder, catalogue, "cam1").clip == folder / "videos/000_cam1"
    assert find(folder, catalogue, "cam1_left").clip == folder / "videos/cam1_left/img1"


def test_pictures_beside_clips_are_no_frames(folder: Path, catalogue: Catalogue) -> None:
    add(folder, "videos/000_cam1.mp4", "videos/000_cam1.jpg", "npy/cam1.npy")
    add(folder, "videos/cam1 more/000_cam1_left.mp4", "videos/cam1 more/1.jpg")
    add(folder, "npy/cam1_left.npy")
    assert find(folder, catalogue, "cam1").clip == folder / "videos/000_cam1.mp4"
    assert find(folder, catalogue, "cam1_left").clip.name == "000_cam1_left.mp4"


def test_pictures_and_a_file_of_the_same_video_are_too_many(
    folder: Path, catalogue: Catalogue
) -> None:
    add(folder, "videos/a cam1.mp4", "videos/cam1/1.jpg", "npy/cam1.npy")
    assert reason(folder, catalogue, "cam1") is Reason.AMBIGUOUS
    (folder / "videos" / "a cam1.mp4").rename(folder / "videos" / "000_cam1.mp4")
    assert find(folder, catalogue, "cam1").clip.name == "000_cam1.mp4"


def test_what_another_process_is_fetching_is_not_searched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(folder, "videos/a.mp4", "videos/.unfinished-1/b.mp4", "videos/.locks/a.lock")
    scandir = os.scandir

    def gone(path: Any) -> Any:
        if ".unfinished-" in str(path):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", gone)
    files, passed_over = files_below(folder / "videos", {".mp4"}, picture_folders=True)
    assert [path.name for path in files] == ["a.mp4"]
    assert passed_over == []
