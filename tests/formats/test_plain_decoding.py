"""A clip's frames are those that a decoder gives from first to last, whatever was done to it."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import av.logging
import imageio_ffmpeg
import numpy as np
import pytest
from av.video.frame import PictureType

from dancereid_pipeline.common.errors import VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats.video import Clip
from tests.support.data.clips import X264, write_clip

FRAMES = 80
X265 = "log-level=none:keyint=15:min-keyint=15:bframes=3:scenecut=0:open-gop="
# Codec, its options, and the containers that take it.
ENCODINGS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "h264": ("libx264", X264["b_frames"], ("mp4", "mkv", "ts", "avi")),
    "h264_open": ("libx264", X264["open_gop"], ("mp4", "mkv", "ts")),
    "h264_refresh": ("libx264", {"x264-params": "intra-refresh=1:keyint=15"}, ("mp4", "mkv", "ts")),
    "h264_fields": ("libx264", {"x264-params": "tff=1:interlaced=1", "g": "15"}, ("mp4", "mkv")),
    "hevc": ("libx265", {"x265-params": X265 + "0"}, ("mp4", "mkv", "ts")),
    "hevc_open": ("libx265", {"x265-params": X265 + "1"}, ("mp4", "mkv", "ts")),
    "vp9": (
        "libvpx-vp9",
        {"g": "15", "lag-in-frames": "12", "auto-alt-ref": "1", "deadline": "realtime"},
        ("webm", "mkv", "mp4"),
    ),
    "av1": ("libsvtav1", {"preset": "12", "g": "15"}, ("webm", "mkv", "mp4")),
    "mpeg4": ("mpeg4", {"bf": "2", "g": "15"}, ("mp4", "mkv", "avi")),
}
# What is done to the times of packets, as FFmpeg's filter `setts` writes it.
TIMES = {
    "as they are": "",
    "coarse": "setts=pts='floor(PTS*TB*12)/12/TB'",
    "repeated": "setts=pts='if(eq(mod(N,7),3),PREV_OUTPTS,PTS)'",
    "all equal": "setts=pts=0:dts=0",
    "in steps": "setts=pts='PTS+floor(N/20)/TB':dts='DTS+floor(N/20)/TB'",
    "back": "setts=pts='PTS-floor(N/30)*20/30/TB'",
}


def ffmpeg(*arguments: object) -> bool:
    """Whether FFmpeg's program wrote something; many of the combinations are refused."""
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "quiet", "-nostdin", "-y"]
    done = subprocess.run([*program, *map(str, arguments)], check=False)
    target = Path(str(arguments[-1]))
    return done.returncode == 0 and target.exists() and target.stat().st_size > 1000


@pytest.fixture(scope="session")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """By name of an encoding: a clip that nothing was done to."""
    folder = tmp_path_factory.mktemp("encoded")

    def get(name: str) -> Path:
        codec, options, _ = ENCODINGS[name]
        path = folder / f"{name}.{'avi' if name == 'mpeg4' else 'mkv'}"
        return path if path.exists() else write_clip(path, FRAMES, codec=codec, options=options)

    return get


def change(source: Path, target: Path, chance: random.Random) -> bool:
    """Cuts a clip at random, may join two cuts, and changes times; nothing is encoded anew."""
    parts = []
    for number in range(chance.choice([1, 1, 2, 3])):
        part = target.with_name(f"{target.stem}-{number}{target.suffix}")
        start = chance.choice([0, 0, round(chance.uniform(0, 1.8), 2)])
        length = chance.choice([9, round(chance.uniform(0.3, 2), 2)])
        seek = [["-ss", start, "-i", source], ["-i", source, "-ss", start]][chance.randrange(2)]
        if ffmpeg(*seek, "-t", length, "-c", "copy", *chance.choice([[], ["-copyts"]]), part):
            parts.append(part)
    if not parts:
        return False
    listed = target.with_suffix(".txt")
    listed.write_text("".join(f"file '{part.name}'\n" for part in parts))
    given = ["-i", parts[0]] if len(parts) == 1 else ["-f", "concat", "-safe", 0, "-i", listed]
    times = TIMES[chance.choice([*TIMES])]
    options = ["-bsf:v", times] if times else []
    if chance.random() < 0.3:
        options += ["-output_ts_offset", chance.choice([-1, -10, 5])]
    if chance.random() < 0.3:
        options += ["-avoid_negative_ts", chance.choice(["disabled", "make_zero"])]
    if target.suffix == ".mp4" and chance.random() < 0.3:
        options += ["-movflags", chance.choice(["frag_keyframe+empty_moov", "faststart"])]
    return ffmpeg(*given, "-c", "copy", *options, target)


def decoded_plainly(path: Path, threads: str = "AUTO") -> tuple[list[np.ndarray], bool]:
    """All frames, and whether it ended well; they end before the first that is damaged."""
    frames: list[np.ndarray] = []
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = threads
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    return frames, False
                frames.append(frame.to_ndarray(format="bgr24"))
    except (av.error.FFmpegError, IndexError):
        return frames, False
    return frames, True


def complaints(path: Path) -> list[tuple[int, str, str]]:
    """What the decoder says is wrong. (With more threads than one, listening can wait for ever.)"""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as said:
            decoded_plainly(path, "NONE")
    finally:
        av.logging.set_level(before)
    return said


def check(path: Path, chance: random.Random) -> str:
    """Compares what is read with plain decoding; says in which way it was read."""
    frames, good = decoded_plainly(path)
    # The decoder invents what it lacks, and threads change what it invents.
    invented = good and bool(complaints(path))
    if not frames:
        with pytest.raises(VideoError), Clip(path) as clip:
            list(clip.read(range(FRAMES)))
        return "no frames"
    some = sorted(chance.sample(range(len(frames)), len(frames) // 5))
    for wanted in [range(len(frames)), some] if good else [range(3 * FRAMES)]:
        given, failure, count, timed = read(path, wanted, None if invented else frames)
        if good:
            assert (given, failure, count) == (list(wanted), None, len(frames))
        else:
            assert given == list(range(len(given)))
            assert failure is Reason.DAMAGED
    return "damaged" if not good else "fast" if timed else "plain"


def read(
    path: Path, wanted: Iterable[int], frames: list[np.ndarray] | None
) -> tuple[list[int], Reason | None, int, bool]:
    """The given indices, why not all, how many there are, and whether each packet gave one."""
    given: list[int] = []
    try:
        with Clip(path) as clip:
            for index, frame in clip.read(wanted):
                pixels = frame.bgr(0, frame.height, 0, frame.width)
                assert frames is None or np.array_equal(pixels, frames[index]), f"frame {index}"
                given.append(index)
    except VideoError as error:
        return given, error.reason, 0, False
    return given, None, clip.frame_count, clip._is_timed


def sweep(encoded: Callable[[str], Path], folder: Path, seeds: Iterable[int]) -> dict[str, int]:
    """Checks one changed clip for each seed; counts in which ways they were read."""
    ways: dict[str, int] = {}
    for seed in seeds:
        chance = random.Random(seed)
        name = [*ENCODINGS][seed % len(ENCODINGS)]
        target = folder / f"{seed}.{chance.choice(ENCODINGS[name][2])}"
        way = "refused"
        if change(encoded(name), target, chance):
            try:
                way = check(target, chance)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {name}, {target.name}: {error}") from error
        ways[way] = ways.get(way, 0) + 1
    return ways


def test_some_changed_clips(encoded: Callable[[str], Path], tmp_path: Path) -> None:
    ways = sweep(encoded, tmp_path, range(45))
    assert min(ways["fast"], ways["plain"]) > 5


@pytest.mark.slow
def test_many_changed_clips(encoded: Callable[[str], Path], tmp_path: Path) -> None:
    ways = sweep(encoded, tmp_path, range(100, 474))
    assert min(ways["fast"], ways["plain"]) > 60


@pytest.mark.parametrize("name", ["h264", "h264_open", "vp9", "av1"])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_clips_as_encoders_write_them_are_read_in_the_fast_way(
    name: str, ending: str, encoded: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / f"clip.{ending}"
    assert ffmpeg("-i", encoded(name), "-c", "copy", path)
    assert check(path, random.Random(0)) == "fast"


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_times_that_contradict_the_order_of_pictures(ending: str, tmp_path: Path) -> None:
    """Two B-frames have each other's time: the decoder gives them in the order of pictures."""
    options = {"bf": "3", "b-pyramid": "none", "b-adapt": "0", "g": "24"}
    path = tmp_path / f"clip.{ending}"
    with av.open(str(write_clip(tmp_path / "right.mp4", FRAMES, options=options))) as source:
        kinds = [frame.pict_type for frame in source.decode(video=0)]
        first = next(i for i in range(40, 50) if kinds[i] == kinds[i + 1] == PictureType.B)
        source.seek(0)
        packets = [packet for packet in source.demux(video=0) if packet.size]
        one, other = sorted(packets, key=lambda packet: packet.pts or 0)[first : first + 2]
        one.pts, other.pts = other.pts, one.pts
        with av.open(str(path), "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in packets:
                packet.dts = (packet.dts or 0) - 1024  # no muxer takes one later than `pts`
                packet.stream = stream
                target.mux(packet)
    frames, good = decoded_plainly(path)
    assert good
    assert len(frames) == FRAMES
    for index in (0, first, first + 1, FRAMES - 1):  # alone: the decoder sees no contradiction
        assert read(path, [index], frames)[:2] == ([index], None)
