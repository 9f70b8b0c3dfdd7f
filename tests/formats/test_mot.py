"""Text files of MOTChallenge: what a line means, and what is refused, with its line."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.formats.mot import (
    MotTracks,
    mot_lines,
    read_mot,
    read_sequence_info,
    sequence_info,
)
from tests.support.calls import counted_calls


def read(tmp_path: Path, text: str | bytes, *, truth: bool = True, **options: int) -> MotTracks:
    path = tmp_path / "gt.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_mot(path, truth=truth, **options)


def test_frames_ids_and_pixels_count_from_1_there_and_from_0_here(tmp_path: Path) -> None:
    found = read(tmp_path, "1,1,1,1,10,20,1,1,1\n3,2,101.5,50.25,30,60,1,1,0.5\n")
    assert found.frame.tolist() == [0, 2]
    assert found.person.tolist() == [0, 1]
    assert found.bbox.tolist() == [[0, 0, 10, 20], [100.5, 49.25, 130.5, 109.25]]


def test_a_file_with_an_id_0_counts_ids_from_0(tmp_path: Path) -> None:
    assert read(tmp_path, "1,1,1,1,9,9\n1,0,5,5,9,9\n").person.tolist() == [0, 1]


def test_detections_are_sorted_by_frame_and_then_by_person(tmp_path: Path) -> None:
    found = read(tmp_path, "2,1,1,1,9,9\n1,7,1,1,9,9\n1,2,1,1,8,8\n")
    assert list(zip(found.frame.tolist(), found.person.tolist(), strict=True)) == [
        (0, 1), (0, 6), (1, 0),
    ]  # fmt: skip
    assert found.bbox[0].tolist() == [0, 0, 8, 8]


def test_flags_and_classes_are_honoured(tmp_path: Path) -> None:
    text = "1,1,1,1,9,9,1,1,1\n1,2,1,1,9,9,0,1,1\n1,3,1,1,9,9,1,3,1\n2,3,1,1,9,9,0,7,1\n"
    found = read(tmp_path, text)
    assert found.person.tolist() == [0]
    assert found.left_out == Counter({"flag 0": 1, "class 3": 1, "class 7": 1})


def test_a_tracker_s_score_is_no_flag_and_its_world_point_no_class(tmp_path: Path) -> None:
    text = "1,1,1,1,9,9,0,-1,-1,-1\n1,2,1,1,9,9,0.2,3,4,5\n1,3,1,1,9,9,-1,-1,-1\n"
    found = read(tmp_path, text, truth=False)
    assert found.person.tolist() == [0, 1, 2]
    assert not found.left_out


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf1, 1 ,1,1,9,9\r\n\r\n", b"1.0,1.0,1,1,9,9", b"+1,1e0,1.,1,9.0,.9e1"]
)
def test_what_tools_write(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, content)
    assert (found.frame.tolist(), found.person.tolist()) == ([0], [0])
    assert found.bbox.tolist() == [[0, 0, 9, 9]]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,1,1,1,9", "expected frame, id, left, top, width, height"),
        ("1,1,1,1,9,9,1,1,1,1,1", "expected frame, id"),
        ("1 1 1 1 9 9", "expected frame, id"),
        ("1,1,one,1,9,9", "expected frame, id"),
        ("1,1,nan,1,9,9", "expected frame, id"),
        ("1,1,inf,1,9,9", "expected frame, id"),
        ("1,1,1e999,1,9,9", "expected frame, id"),
        ("1,1," + "9" * 11 + ",1,9,9", "expected frame, id"),
        ("1,1,1e99,1,9,9", "pixels, all below 1,000,000"),
        ("1,1,1,1,1e7,9", "pixels, all below 1,000,000"),
        ("0,1,1,1,9,9", "a frame from 1 to 50, got 0"),
        ("51,1,1,1,9,9", "a frame from 1 to 50, got 51"),
        ("1.5,1,1,1,9,9", "a frame from 1 to 50, got 1.5"),
        ("1,-1,1,1,9,9", "an id from 0"),
        ("1,2147483647,1,1,9,9", "an id from 0"),
        ("1,1,1,1,0,9", "a width and a height above 0"),
        ("1,1,1,1,9,-9", "a width and a height above 0"),
        ("1,5,3,3,9,9", "line 2 has id 5 in frame 1, too"),
        ("x" * 2000, "a line of 1,000 characters or more"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(SourceError) as error:
        read(tmp_path, f"\n1,5,1,1,9,9\n{line}\n2,1,1,1,9,9\n", frames=50)
    assert says in str(error.value)
    assert f"{tmp_path / 'gt.txt'}, line 3: " in str(error.value)


def test_without_a_length_frames_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a frame from 1 to 1,000,000"):
        read(tmp_path, "999999999,1,1,1,9,9\n")


def test_a_file_that_is_too_large_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_mot(tmp_path / "nowhere.txt", truth=True)
    monkeypatch.setattr("dancereid_pipeline.formats.mot.MAX_BYTES", 10)
    with pytest.raises(SourceError, match="expected at most 10 bytes"):
        read(tmp_path, "1,1,1,1,9,9\n" * 2)


# Decimals have 28 digits: those of any float whose size is not below a billionth of a pixel.
corners = st.floats(-9e4, 9e4).filter(lambda x: x == 0 or abs(x) > 1e-9)


@given(
    st.lists(st.tuples(corners, corners, st.floats(1e-3, 9e4), st.floats(1e-3, 9e4)), min_size=1)
)
def test_what_is_written_is_read_again_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[float, ...]]
) -> None:
    bbox = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])
    frame, person = np.arange(len(bbox)) // 2, np.arange(len(bbox)) % 2 + 3
    text = "".join(mot_lines(frame.tolist(), person.tolist(), bbox))
    found = read(tmp_path_factory.mktemp("mot"), text)
    assert found.bbox.tolist() == bbox.tolist()
    assert (found.frame.tolist(), found.person.tolist()) == (frame.tolist(), person.tolist())


INFO = sequence_info("abc", frames=120, width=640, height=360, fps=29.97, ending=".jpg")


def test_sequence_info_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "seqinfo.ini"
    path.write_text(INFO)
    found = read_sequence_info(path)
    assert (found.frames, found.pictures) == (120, "img1")
    path.write_text("[Sequence]\nseqLength=7\n")
    assert read_sequence_info(path).pictures == "img1"


@pytest.mark.parametrize(
    "text",
    [
        "", "seqLength=3", "[Sequence]\nname=x\n", INFO.replace("120", "0"),
        INFO.replace("120", "99999999"), INFO.replace("120", "-3"), INFO.replace("120", "x%(y)s"),
        INFO.replace("imDir=img1", "imDir=../img1"), INFO.replace("imDir=img1", "imDir=.."),
        INFO + INFO, "\0",
    ],
)  # fmt: skip
def test_a_bad_seqinfo_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seqinfo.ini"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"seqinfo\.ini: expected a section \[Sequence\]"):
        read_sequence_info(path)


def test_work_and_memory_are_in_proportion_to_the_file(tmp_path: Path) -> None:
    def cost(lines: int) -> tuple[int, int]:
        path = tmp_path / "gt.txt"
        path.write_text("".join(f"{n // 9 + 1},{n % 9 + 1},5,5,9,9,1,1,1\n" for n in range(lines)))
        _, calls = counted_calls(lambda: read_mot(path, truth=True))
        tracemalloc.start()
        try:
            read_mot(path, truth=True)
            return calls, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (few_calls, few_bytes), (many_calls, many_bytes) = cost(500), cost(4000)
    assert few_bytes < 500 * 400
    assert few_calls > 500
    assert many_calls < 8.5 * few_calls
    assert many_bytes < 4000 * 400
