from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dancereid_pipeline.common.errors import VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats import packets
from dancereid_pipeline.formats.video import Clip
from tests.support.data.clips import X264, decode_whole, write_clip

FRAMES = 60
VP9 = {"g": "20", "lag-in-frames": "12", "auto-alt-ref": "1", "deadline": "realtime"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def _irregular_times() -> list[int]:
    steps = random.Random(0).choices([1, 1, 2, 3, 7], k=FRAMES)
    return [sum(steps[:i]) for i in range(FRAMES)]


def _edit_list(path: Path) -> Path:
    """A clip whose first frames are there, to decode from, but not to be shown."""
    source = write_clip(path.with_name("uncut.mp4"), FRAMES, options=X264["b_frames"])
    with av.open(str(source)) as whole, av.open(str(path), "w") as cut:
        stream = whole.streams.video[0]
        target = cut.add_stream_from_template(stream)
        shift = 10 * 512  # ten frames of 1/15360 s
        for packet in whole.demux(stream):
            if packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts, packet.stream = (
                    packet.pts - shift,
                    packet.dts - shift,
                    target,
                )
                cut.mux(packet)
    return path


CLIPS: dict[str, Callable[[Path], Path]] = {
    **{
        f"{name}.{ext}": lambda p, o=options: write_clip(p, FRAMES, options=o)
        for name, options in X264.items()
        for ext in ("mp4", "mkv")
    },
    "fragmented.mp4": lambda p: write_clip(
        p, FRAMES, options=X264["b_frames"], container_options=FRAGMENTED
    ),
    "irregular.mp4": lambda p: write_clip(
        p, FRAMES, options=X264["b_frames"], times=_irregular_times()
    ),
    "edited.mp4": _edit_list,
    "vp9.webm": lambda p: write_clip(p, FRAMES, codec="libvpx-vp9", options=VP9),
    "vp9_odd.webm": lambda p: write_clip(p, 20, codec="libvpx-vp9", options=VP9, size=(97, 63)),
    "av1.mp4": lambda p: write_clip(
        p, FRAMES, codec="libsvtav1", options={"preset": "12", "g": "20"}
    ),
    "h264.avi": lambda p: write_clip(p, FRAMES, options=X264["b_frames"]),
    "mpeg4.avi": lambda p: write_clip(p, FRAMES, codec="mpeg4", options={"bf": "2"}),
    "interlaced.mp4": lambda p: write_clip(
        p, 20, options={"x264-params": "tff=1:interlaced=1", "bf": "2"}
    ),
    "yuv444.mp4": lambda p: write_clip(
        p, 20, options=X264["b_frames"], size=(97, 63), pix_fmt="yuv444p"
    ),
}


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="no such scheduling here")
def test_writing_av1_leaves_this_process_as_it_was(tmp_path: Path) -> None:
    CLIPS["av1.mp4"](tmp_path / "clip.mp4")
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture(scope="session")
def clip_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, list]]:
    """By name: a clip, and all its frames as decoding from first to last gives them."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[str, tuple[Path, list[np.ndarray]]] = {}

    def get(name: str) -> tuple[Path, list[np.ndarray]]:
        if name not in made:
            path = CLIPS[name](folder / name)
            made[name] = path, decode_whole(path)
        return made[name]

    return get


def read(path: Path, wanted: list[int]) -> dict[int, np.ndarray]:
    """The wanted frames, whole; and checks that they come in order."""
    with Clip(path) as clip:
        found = [(i, p.bgr(0, p.height, 0, p.width)) for i, p in clip.read(wanted)]
    assert [i for i, _ in found] == sorted(i for i, _ in found)
    return dict(found)


@pytest.mark.parametrize("name", CLIPS)
def test_the_count_is_that_of_the_frames_that_are_shown(name: str, clip_of: Callable) -> None:
    path, whole = clip_of(name)
    assert len(whole) > 10
    with Clip(path) as clip:
        assert clip.frame_count == len(whole)


@pytest.mark.parametrize("name", CLIPS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_exactly_the_wanted_frames(name: str, clip_of: Callable, data: st.DataObject) -> None:
    path, whole = clip_of(name)
    wanted = data.draw(st.lists(st.integers(0, len(whole) - 1), unique=True, max_size=len(whole)))
    found = read(path, wanted)
    assert sorted(found) == sorted(wanted)
    for index, pixels in found.items():
        assert np.array_equal(pixels, whole[index])


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("wanted", [range(0, 60, 5), range(60), [0], [59], [19], [9, 10, 11, 12]])
def test_common_ways_to_want_frames(name: str, clip_of: Callable, wanted: list[int]) -> None:
    path, whole = clip_of(name)
    found = read(path, list(wanted))
    assert list(found) == [i for i in wanted if i < len(whole)]
    assert all(np.array_equal(found[i], whole[i]) for i in found)


@pytest.mark.parametrize("name", ["b_frames.mp4", "vp9_odd.webm", "yuv444.mp4", "interlaced.mp4"])
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_has_the_pixels_of_the_whole(
    name: str, clip_of: Callable, data: st.DataObject
) -> None:
    path, whole = clip_of(name)
    height, width, _ = whole[7].shape
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom = data.draw(st.integers(top + 1, height))
    right = data.draw(st.integers(left + 1, width))
    with Clip(path) as clip:
        ((_, decoded),) = clip.read([7])
        assert np.array_equal(
            decoded.bgr(top, bottom, left, right), whole[7][top:bottom, left:right]
        )


@pytest.mark.parametrize(
    ("colorspace", "full_range"), [(1, False), (5, False), (9, False), (1, True), (2, True)]
)
def test_colours_are_those_of_opencvs_reader(
    tmp_path: Path, colorspace: int, full_range: bool
) -> None:
    import cv2

    path = write_clip(tmp_path / "plain.mp4", 6, options=X264["plain"])
    tagged = tmp_path / "tagged.mp4"
    # Tags alone: the pixels stay, how they are to be understood changes.
    bits = f"matrix_coefficients={colorspace}:video_full_range_flag={int(full_range)}"
    with av.open(str(path)) as source, av.open(str(tagged), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        filters = av.BitStreamFilterContext(f"h264_metadata={bits}", stream, copied)
        for packet in source.demux(stream):
            for filtered in filters.filter(packet if packet.size else None):
                filtered.stream = copied
                target.mux(filtered)
    capture = cv2.VideoCapture(str(tagged))
    found = read(tagged, [0, 5])
    for index in range(6):
        _, expected = capture.read()
        if index in found:
            assert np.array_equal(found[index], expected)


def test_a_clip_on_its_side_is_turned_as_opencv_turns_it(tmp_path: Path) -> None:
    import cv2

    path = write_clip(tmp_path / "clip.mp4", 4, options=X264["plain"])
    content = path.read_bytes()
    one, none = (65536).to_bytes(4, "big"), bytes(4)
    upright = one + none * 3 + one + none * 3 + (1 << 30).to_bytes(4, "big")
    turned = none + one + none + (-65536).to_bytes(4, "big", signed=True) + none * 4
    turned += (1 << 30).to_bytes(4, "big")  # 90 degrees clockwise
    offset = content.index(upright, content.index(b"tkhd"))  # the track's matrix
    path.write_bytes(content[:offset] + turned + content[offset + 36 :])
    _, expected = cv2.VideoCapture(str(path)).read()
    assert expected.shape == (96, 64, 3)
    with Clip(path) as clip:
        ((_, decoded),) = clip.read([0])
        assert (decoded.height, decoded.width) == (96, 64)
        assert np.array_equal(decoded.bgr(3, 80, 5, 60), expected[3:80, 5:60])


def test_frames_that_nothing_needs_are_not_decoded(clip_of: Callable, monkeypatch) -> None:
    path, _ = clip_of("b_frames.mp4")
    with av.open(str(path)) as container:
        key_frames = [i for i, f in enumerate(container.decode(video=0)) if f.key_frame]
    start, end = (max(k for k in key_frames if k <= 26), min(k for k in key_frames if k > 26))
    fed: list[int | None] = []
    expect = packets._PresentationQueue.expect

    def noting(queue: object, item: packets._Indexed) -> None:
        fed.append(item.index)
        expect(queue, item)  # type: ignore[arg-type]

    monkeypatch.setattr(packets._PresentationQueue, "expect", noting)
    assert list(read(path, [26])) == [26]
    # Nothing of the group of frames before, nothing after, no B-frame but those it is made from.
    assert fed[0] == start > 0
    assert fed[-1] == 26
    assert {i for i in fed if i is not None} < set(range(start, end))
    assert len(fed) <= 5


def test_nothing_after_the_last_wanted_frame_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 200, options=X264["b_frames"])
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        far = list(container.streams.video[0].index_entries)[60]
    content[far.pos : far.pos + 2000] = bytes(2000)  # unreadable, if anyone looked
    path.write_bytes(content)
    assert list(read(path, [0, 5, 10])) == [0, 5, 10]


# -- what is not a clip


def failure(path: Path, wanted: list[int] | None = None) -> VideoError:
    with pytest.raises(VideoError) as error:
        read(path, wanted or [0, 5])
    assert str(path) in str(error.value)
    return error.value


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html></html>", b"\0" * 5000])
def test_not_a_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    assert failure(path).reason is Reason.NOT_A_VIDEO


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    assert failure(tmp_path / "nowhere.mp4").reason is Reason.NOT_A_VIDEO
    assert failure(tmp_path).reason is Reason.NOT_A_VIDEO


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    error = failure(path)
    assert error.reason is Reason.NOT_A_VIDEO
    assert "no video stream" in str(error)


def test_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    with av.open(str(path), "w", options=FRAGMENTED) as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    assert failure(path).reason is Reason.NO_FRAMES


def test_no_decoder_for_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 5, options=X264["plain"])
    content = path.read_bytes()
    offset = content.rindex(b"avc1")  # where the file names its codec
    path.write_bytes(content[:offset] + b"zzzz" + content[offset + 4 :])
    error = failure(path)
    assert error.reason is Reason.NO_CODEC
    assert "pip install -U av" in str(error)


def test_cut_off_without_an_index(tmp_path: Path, clip_of: Callable) -> None:
    content = clip_of("b_frames.mp4")[0].read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[: len(content) // 2])  # the index stands at the end
    assert failure(path).reason is Reason.NOT_A_VIDEO


@pytest.mark.parametrize(
    "options", [{"movflags": "faststart"}, FRAGMENTED], ids=["indexed", "fragmented"]
)
def test_cut_off_behind_its_index_is_shorter(tmp_path: Path, options: dict[str, str]) -> None:
    path = write_clip(
        tmp_path / "clip.mp4", FRAMES, options=X264["b_frames"], container_options=options
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with Clip(path) as clip:
        assert 10 < clip.frame_count < 50


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
def test_no_frame_made_from_damaged_data_is_given(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, FRAMES, options=X264["b_frames"], size=(320, 240))
    whole = decode_whole(path)
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if not p.is_keyframe]
    # The largest: one that others are made from, some of which are shown before it.
    position, size = max(packets[20:34], key=lambda packet: packet[1])
    content = bytearray(path.read_bytes())
    content[position + size // 3 : position + size] = bytes(size - size // 3)
    path.write_bytes(content)
    spoilt = [not np.array_equal(*pair) for pair in zip(decode_whole(path), whole, strict=True)]
    first = spoilt.index(True)
    assert sum(spoilt) > 5
    given: list[int] = []

    def read_on() -> None:
        with Clip(path) as clip:
            for index, decoded in clip.read(range(FRAMES)):
                assert np.array_equal(decoded.bgr(0, 240, 0, 320), whole[index])
                given.append(index)

    with pytest.raises(VideoError) as error:
        read_on()
    assert error.value.reason is Reason.DAMAGED
    assert str(path) in str(error.value)
    assert given == list(range(len(given)))
    assert 5 < len(given) <= first
