"""A folder of pictures as a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dancereid_pipeline.common.errors import VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats.picture_clip import PictureClip
from tests.support.data.clips import draw


def pictures(folder: Path, names: list[str], size: tuple[int, int] = (64, 48)) -> Path:
    folder.mkdir()
    for index, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), draw(index, *size))
    return folder


@pytest.mark.parametrize(
    "names",
    [
        [f"{i:06d}.png" for i in range(1, 13)],
        [f"{i:08d}.png" for i in range(12)],
        [f"cam2_frame{i}.PNG" for i in range(1, 13)],  # 10 comes after 9
    ],
)
def test_the_wanted_frames_have_their_pixels(tmp_path: Path, names: list[str]) -> None:
    folder = pictures(tmp_path / "img1", names)
    (folder / ".DS_Store").touch()
    (folder / "notes.txt").touch()
    with PictureClip(folder) as clip:
        assert clip.frame_count == 12
        found = list(clip.read([11, 0, 99, 5, 9]))
        assert [index for index, _ in found] == [0, 5, 9, 11]
        for index, picture in found:
            expected = draw(index, 64, 48)
            assert np.array_equal(picture.bgr(0, 48, 0, 64), expected)
            assert np.array_equal(picture.bgr(3, 17, 5, 8), expected[3:17, 5:8])
            assert (picture.height, picture.width) == (48, 64)
        assert str(clip.facts(64, 48)) == "64 x 48 pixels, 12 frames, png"


def test_only_wanted_pictures_are_opened(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "img1", ["1.jpg", "2.jpg", "3.jpg"])
    (folder / "2.jpg").write_bytes(b"broken")
    with PictureClip(folder) as clip:
        assert [index for index, _ in clip.read([0, 2])] == [0, 2]
        with pytest.raises(VideoError, match=r"2\.jpg") as error:
            list(clip.read([0, 1, 2]))
    assert error.value.reason is Reason.DAMAGED


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["1.png", "3.png"], "'3.png' after '1.png'"),
        (["2.png", "3.png"], "the first is '2.png'"),
        (["a.png"], "found 'a.png'"),
        (["1.png", "01.png"], "'01.png' and '1.png'"),
        ([f"{'9' * 5000}.png"[-200:]], "found '999"),
        (["1.bmp"], "expected the frames as pictures"),
    ],
)
def test_numbers_that_do_not_prove_the_frames_are_refused(
    tmp_path: Path, names: list[str], says: str
) -> None:
    folder = pictures(tmp_path / "img1", names)
    with pytest.raises(VideoError) as error:
        PictureClip(folder)
    assert says in str(error.value)
    assert str(folder) in str(error.value)


def header(width: int, height: int) -> bytes:
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + size + b"\x08\x02\0\0\0"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no JPEG and no PNG"),
        (b"<html>", "no JPEG and no PNG"),
        (header(60_000, 60_000), "at most 67,108,864 pixels; 60000 x 60000"),
        (header(0, 5), "at most 67,108,864 pixels; 0 x 5"),
        (header(5, 5), "cannot be decoded"),
    ],
)
def test_a_picture_that_is_damaged_or_too_large(tmp_path: Path, content: bytes, says: str) -> None:
    folder = pictures(tmp_path / "img1", ["1.png", "2.png"])
    (folder / "2.png").write_bytes(content)
    with PictureClip(folder) as clip, pytest.raises(VideoError, match=says):
        list(clip.read([1]))
