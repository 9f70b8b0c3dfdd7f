"""What is opened as a clip, which of its streams is read, and what an error in PyAV becomes."""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from dancereid_pipeline.common.errors import VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.verify_clip import examine
from dancereid_pipeline.formats import container as opening
from dancereid_pipeline.formats.video import Clip
from tests.support.data.clips import X264, decode_whole, write_clip


@pytest.fixture
def clip_path(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 20, options=X264["b_frames"])


def read_all(path: Path) -> list[np.ndarray]:
    with Clip(path) as clip:
        return [f.bgr(0, f.height, 0, f.width) for _, f in clip.read(range(clip.frame_count))]


# -- what is opened

LISTS = {
    "ffconcat": "ffconcat version 1.0\nfile other.mp4\n",
    "address in ffconcat": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.mp4\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n",
    "m3u8 of files": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n",
    "DASH": '<?xml version="1.0"?><MPD><Period><BaseURL>other.mp4</BaseURL></Period></MPD>',
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("way", [read_all, examine])
def test_a_file_that_names_others_is_no_video(
    kind: str, way: Callable[[Path], Any], tmp_path: Path, clip_path: Path
) -> None:
    clip_path.rename(tmp_path / "other.mp4")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        clip_path.write_text(LISTS[kind].format(port=server.getsockname()[1]))
        with pytest.raises(VideoError, match="begins as mp4") as error:
            way(clip_path)
        assert error.value.reason is Reason.NOT_A_VIDEO
        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()


def test_a_name_like_a_list_of_images_is_a_name(clip_path: Path, tmp_path: Path) -> None:
    for number in range(3):
        av.VideoFrame(64, 64, "rgb24").save(str(tmp_path / f"picture{number}.png"))
    with pytest.raises(VideoError) as error:
        read_all(tmp_path / "picture%d.png")
    assert error.value.reason is Reason.NOT_A_VIDEO
    named = tmp_path / "http:clip%d.mp4"
    shutil.copy(clip_path, named)
    assert len(read_all(named)) == 20


@pytest.mark.parametrize("ending", ["mp4", "mov", "m4v", "mkv", "avi", "ts"])
def test_every_kind_of_container(ending: str, tmp_path: Path) -> None:
    written = write_clip(tmp_path / f"clip.{ending}", 20, options=X264["b_frames"])
    misnamed = written.rename(tmp_path / "clip.webm")
    assert all(map(np.array_equal, read_all(misnamed), decode_whole(misnamed)))
    assert len(read_all(misnamed)) == 20


# -- which stream


def with_two_streams(path: Path, dispositions: list[Disposition], sizes: list[int]) -> Path:
    parts = [
        write_clip(path.with_name(f"{n}.mp4"), 12, options=X264["plain"], size=(size, size))
        for n, size in enumerate(sizes)
    ]
    with av.open(str(path), "w") as target:
        sources = [av.open(str(part)) for part in parts]
        streams = [target.add_stream_from_template(s.streams.video[0]) for s in sources]
        for stream, disposition in zip(streams, dispositions, strict=True):
            stream.disposition = disposition.value  # PyAV 17.0 takes a number only
        for source, stream in zip(sources, streams, strict=True):
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
            source.close()
    return path


NONE, DEFAULT = Disposition(0), Disposition.default


@pytest.mark.parametrize(
    ("dispositions", "sizes", "size"),
    [
        ([NONE, NONE], [64, 96], 96),
        ([NONE, NONE], [96, 64], 96),
        ([NONE, DEFAULT], [96, 64], 64),
        ([DEFAULT, DEFAULT], [64, 96], 96),
    ],
)
def test_the_default_stream_is_read_else_the_largest(
    dispositions: list[Disposition],
    sizes: list[int],
    size: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = with_two_streams(tmp_path / "two.mkv", dispositions, sizes)
    with caplog.at_level(logging.WARNING, "dancereid"):
        frames = read_all(path)
    assert [frame.shape for frame in frames] == [(size, size, 3)] * 12
    assert f"has 2 video streams; stream {sizes.index(size)} is read" in caplog.text
    assert examine(path).width == size


# -- what an error becomes

ERRORS = [
    UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid"),
    *(kind("of this file") for kind in (ValueError, TypeError, KeyError, IndexError, OSError)),
    *(kind("of this file") for kind in (RuntimeError, SystemError, MemoryError, OverflowError)),
    *(kind("of this file") for kind in (ZeroDivisionError, AttributeError, NotImplementedError)),
    av.error.InvalidDataError(1, "of this file"),
    av.error.EOFError(1, "of this file"),
    av.error.PermissionError(1, "of this file"),
    Exception(),
]


class Raising:
    """Something of PyAV's whose call or attribute raises."""

    def __init__(self, real: Any, where: str, error: Exception) -> None:
        self._real, self._where, self._error = real, where, error

    def __getattr__(self, name: str) -> Any:
        if name == self._where:
            raise self._error
        return getattr(self._real, name)

    def __enter__(self) -> Raising:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()


@pytest.mark.parametrize("way", [read_all, examine])
@pytest.mark.parametrize("where", ["open", "streams", "demux", "decode", "duration"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_pyav_raises_is_the_outcome_of_the_video(
    error: Exception,
    where: str,
    way: Callable[[Path], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_clip(tmp_path / "clip.avi", 20, options=X264["plain"])
    really_open = av.open

    def open_raising(*args: Any, **options: Any) -> Any:
        if where == "open":
            raise error
        return Raising(really_open(*args, **options), where, error)

    monkeypatch.setattr(opening.av, "open", open_raising)
    with pytest.raises(VideoError) as outcome:
        way(path)
    opened = where in ("demux", "decode", "duration")
    assert outcome.value.reason is (Reason.DAMAGED if opened else Reason.NOT_A_VIDEO)
    assert str(path) in str(outcome.value)
    assert outcome.value.__cause__ is error


def test_a_title_that_is_not_utf8_does_no_harm(tmp_path: Path, clip_path: Path) -> None:
    titled = tmp_path / "titled.mp4"
    with av.open(str(clip_path)) as source, av.open(str(titled), "w") as target:
        target.metadata["title"] = "Café XYZ"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    content = titled.read_bytes()
    assert "Café".encode() in content
    titled.write_bytes(content.replace("Café X".encode(), "Café  X".encode("latin1")))
    assert len(read_all(titled)) == examine(titled).frames == 20
