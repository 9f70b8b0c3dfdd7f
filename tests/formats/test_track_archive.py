from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import SourceError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats.npy_tracks import write_tracks
from dancereid_pipeline.formats.track_archive import (
    ARCHIVE_SUFFIXES,
    MAX_TRACKS_BYTES,
    kind,
    tracks_in,
)
from dancereid_pipeline.inputs.data_folder import find_in_folder
from tests.support.data.archives import contents, pack

A, B = random.Random(1).randbytes(5000), random.Random(2).randbytes(9000)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_npy_files_are_read_wherever_they_lie_in_an_archive(tmp_path: Path, suffix: str) -> None:
    members = {
        "npy/a/333_01_aaa_matching.npy": A,
        "bbb.NPY": B,
        "npy/empty.npy": b"",
        "__MACOSX/npy/a/._333_01_aaa_matching.npy": b"what macOS adds",
        "npy/readme.txt": b"no",
    }
    archive = pack(tmp_path / f"npy{suffix}", members)
    before = archive.read_bytes()
    wanted = {name: members[name] for name in list(members)[:3]}
    assert contents(archive) == wanted
    assert [str(t) for t in tracks_in(archive)] == [f"{archive}::{name}" for name in wanted]
    # Whatever it is called.
    other = archive.rename(tmp_path / ("x.tar.bz2" if suffix == ".zip" else "x.zip"))
    assert contents(other) == wanted
    # Read where it is: nothing is unpacked.
    assert list(tmp_path.iterdir()) == [other]
    assert other.read_bytes() == before


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_an_archive_that_was_replaced_since_it_was_listed_is_an_error(
    tmp_path: Path, suffix: str
) -> None:
    (track,) = tracks_in(pack(tmp_path / f"npy{suffix}", {"aaa.npy": A}))
    pack(tmp_path / f"npy{suffix}", {"bbb.npy": B})
    with pytest.raises(VideoError, match=rf"npy\{suffix}::aaa\.npy: cannot be read") as error:
        track.read()
    assert error.value.reason is Reason.BAD_TRACKS


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_the_first_bytes_tell_the_kind(tmp_path: Path, suffix: str) -> None:
    expected = ".tar.gz" if suffix == ".tgz" else suffix
    assert kind(pack(tmp_path / f"npy{suffix}", {"a.npy": A})) == expected
    assert kind(pack(tmp_path / f"none{suffix}", {})) in (expected, None)  # zeros, if a tar


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"", None),
        (b"<html>quota exceeded</html>", None),
        (b"\x93NUMPY\x01\x00", None),
        (b"Rar!\x1a\x07\x01\x00", ".rar"),
        (b"Rar!\x1a\x07\x00", ".rar"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", ".7z"),
        (b"PK\x05\x06" + bytes(18), ".zip"),
        (b"PK", None),
    ],
)
def test_other_first_bytes(tmp_path: Path, start: bytes, expected: str | None) -> None:
    path = tmp_path / "npy.zip"
    path.write_bytes(start)
    assert kind(path) == expected
    if expected != ".zip":
        says = rf"Python cannot unpack a \{expected}" if expected else ".+"
        with pytest.raises(SourceError, match=rf"{path}: cannot be read as an archive \({says}\)"):
            tracks_in(path)


IDS = ("aaa", "bbb", "ccc")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "catalogue.csv"
    path.write_text("video_id,people,split\n" + "".join(f"{i},1,test\n" for i in IDS))
    return Catalogue.read(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All that a folder must have but tracks."""
    path = tmp_path / "data"
    (path / "videos").mkdir(parents=True)
    for video_id in IDS:
        (path / f"videos/{video_id}.mp4").touch()
    (path / "annotation.json").write_text("{}")
    return path


def tracks(folder: Path, catalogue: Catalogue, number: int) -> bytes:
    video = catalogue.videos[number]
    files = find_in_folder(folder, catalogue, [video]).videos[video.video_id]
    if isinstance(files, VideoError):
        raise files
    return files.tracks.read()


def reason(folder: Path, catalogue: Catalogue, number: int) -> Reason:
    with pytest.raises(VideoError) as error:
        tracks(folder, catalogue, number)
    assert str(folder) in str(error.value)
    return error.value.reason


def test_two_members_of_one_video_are_one_too_many(folder: Path, catalogue: Catalogue) -> None:
    pack(folder / "npy.tar.gz", {"old/aaa.npy": A, "new/aaa.npy": A, "bbb.npy": B})
    assert reason(folder, catalogue, 0) is Reason.AMBIGUOUS
    assert tracks(folder, catalogue, 1) == B
    assert reason(folder, catalogue, 2) is Reason.NO_TRACKS


def test_an_archive_fills_what_the_folder_lacks(folder: Path, catalogue: Catalogue) -> None:
    pack(folder / "npy.zip", {"aaa.npy": b"packed", "bbb.npy": B})
    assert tracks(folder, catalogue, 0) == b"packed"
    (folder / "npy").mkdir()
    (folder / "npy/x_aaa_y.npy").write_bytes(A)
    assert tracks(folder, catalogue, 0) == A
    assert tracks(folder, catalogue, 1) == B
    assert reason(folder, catalogue, 2) is Reason.NO_TRACKS


@pytest.mark.parametrize("suffix", [".rar", ".7z"])
def test_an_archive_that_python_cannot_read_is_to_be_unpacked(
    folder: Path, catalogue: Catalogue, suffix: str
) -> None:
    (folder / f"npy{suffix}").write_bytes(b"")
    with pytest.raises(SourceError, match=rf"npy\{suffix}: Python cannot read .* into {folder}/np"):
        find_in_folder(folder, catalogue, catalogue)
    (folder / "npy").mkdir()
    (folder / "npy/aaa.npy").write_bytes(A)
    assert tracks(folder, catalogue, 0) == A


def test_two_archives_are_one_too_many(folder: Path, catalogue: Catalogue) -> None:
    pack(folder / "npy.zip", {})
    pack(folder / "npy.tar", {})
    with pytest.raises(SourceError, match=r"npy\.zip, npy\.tar"):
        find_in_folder(folder, catalogue, catalogue)


def test_a_member_damaged_inside_is_that_videos_outcome(folder: Path, catalogue: Catalogue) -> None:
    path = pack(folder / "npy.zip", {"aaa.npy": A, "bbb.npy": B})
    content = bytearray(path.read_bytes())
    content[500:600] = bytes(100)
    path.write_bytes(content)
    assert reason(folder, catalogue, 0) is Reason.BAD_TRACKS
    assert tracks(folder, catalogue, 1) == B


def test_an_hour_of_five_people_with_scores_is_not_too_large(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)

    def person(number: int) -> dict[str, Any]:
        return {
            "id": number,
            "box_pos": numbers.random(4),
            "pose_pos": numbers.random((17, 2)),
            "scores": numbers.random(17),
        }

    frames = 100
    write_tracks(
        tmp_path / "a.npy", {frame: {n: person(n) for n in range(1, 6)} for frame in range(frames)}
    )
    size = (tmp_path / "a.npy").stat().st_size
    assert 400 < size / (5 * frames) < 700
    assert size * (3600 * 30 / frames) < MAX_TRACKS_BYTES
