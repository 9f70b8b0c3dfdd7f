"""Clips that are read while they are fetched."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.clip_fetcher import ClipFetcher
from dancereid_pipeline.fetch.growing_clip import GrowingClip
from dancereid_pipeline.fetch.politeness import Manners
from dancereid_pipeline.formats.video import Clip
from dancereid_pipeline.transfer.settings import Network
from tests.conftest import PROJECT
from tests.support.data.clips import X264, write_clip
from tests.support.servers.remote import serve
from tests.support.servers.web import Answer, Hold, Site

FRAMES = 70
SIZE = (480, 360)  # large enough for several requests
CLIPS: dict[str, Callable[[Path], Path]] = {
    "plain.mp4": lambda p: write_clip(p, FRAMES, size=SIZE, options=X264["b_frames"]),
    "faststart.mp4": lambda p: write_clip(
        *(p, FRAMES),
        size=SIZE,
        options=X264["b_frames"],
        container_options={"movflags": "faststart"},
    ),
    "fragmented.mp4": lambda p: write_clip(
        *(p, FRAMES),
        size=SIZE,
        options=X264["b_frames"],
        container_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    ),
    # As YouTube's: fragments, and an index of them at the beginning.
    "dash.mp4": lambda p: write_clip(
        *(p, FRAMES),
        size=SIZE,
        options=X264["b_frames"],
        container_options={"movflags": "dash+global_sidx+frag_keyframe+skip_trailer"},
    ),
    "h264.mkv": lambda p: write_clip(p, FRAMES, size=SIZE, options=X264["b_frames"]),
    "vp9.webm": lambda p: write_clip(
        p, FRAMES, size=SIZE, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}
    ),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes the clip of a name, once."""
    folder = tmp_path_factory.mktemp("clips")

    @functools.cache
    def written(name: str) -> Path:
        return CLIPS[name](folder / name)

    return written


@pytest.fixture
def faststart(clips: Callable[[str], Path]) -> Path:
    return clips("faststart.mp4")


def growing_clip(site: Site, clip: Path, folder: Path) -> GrowingClip:
    """A clip of a server, to be kept in a folder."""
    site.files[f"/{clip.name}"] = clip.read_bytes()
    catalogue = folder / "catalogue.csv"
    folder.mkdir(exist_ok=True)
    catalogue.write_text("video_id,people,split\nvid,1,test\n")
    videos = Catalogue.read(catalogue)
    network = Network(
        video_url=f"{site.url}/{clip.name}?{{clip}}", download_dir=folder, time_limit=10**6
    )
    return GrowingClip(
        ClipFetcher(folder / "videos", videos, network), videos.videos[0], Manners()
    )


def pictures(clip: Clip, wanted: Iterable[int]) -> dict[int, str]:
    """A hash of each picture that was wanted and came."""
    return {
        index: hashlib.sha256(picture.bgr(0, picture.height, 0, picture.width)).hexdigest()
        for index, picture in clip.read(wanted)
    }


@pytest.mark.parametrize("name", CLIPS)
def test_what_is_read_is_what_the_file_has(
    site: Site, clips: Callable[[str], Path], tmp_path: Path, online: list[float], name: str
) -> None:
    clip = clips(name)
    wanted = [0, 3, 4, 31, FRAMES - 1, FRAMES + 10]
    with Clip(clip) as local:
        expected = pictures(local, wanted)
        assert local.frame_count == FRAMES
    assert list(expected) == wanted[:-1]
    growing = growing_clip(site, clip, tmp_path / "kept")
    with growing.open() as coming:
        assert abs(coming.frame_count - FRAMES) <= 2
        assert pictures(coming, wanted) == expected
        assert coming.frame_count == FRAMES  # made sure of: a frame past the end was wanted
    (kept,) = (tmp_path / "kept" / "videos").glob("000_vid.*")
    assert kept.read_bytes() == clip.read_bytes()
    site.requests.clear()
    with growing.open() as there:
        assert pictures(there, wanted) == expected
    assert site.requests == []


@pytest.mark.parametrize("name", ["faststart.mp4", "dash.mp4", "h264.mkv", "vp9.webm"])
def test_the_first_frames_need_only_the_beginning(
    site: Site, clips: Callable[[str], Path], tmp_path: Path, online: list[float], name: str
) -> None:
    clip = clips(name)
    size = clip.stat().st_size
    growing = growing_clip(site, clip, tmp_path / "kept")
    coming = growing.open()
    assert next(coming.read(range(FRAMES)))[0] == 0
    coming.__exit__(None, GeneratorExit(), None)
    assert 0 < site.asked() < size * 0.8
    (part,) = (tmp_path / "kept" / "videos").glob("*.part")
    assert 0 < part.stat().st_size < size
    # The next reader goes on with what has come.
    site.requests.clear()
    with growing.open() as coming:
        assert list(pictures(coming, range(FRAMES))) == list(range(FRAMES))
    assert 0 < site.asked() <= size
    assert not part.exists()


def test_a_server_without_ranges_is_read_as_well(
    site: Site, faststart: Path, tmp_path: Path, online: list[float]
) -> None:
    site.ranges = False
    with growing_clip(site, faststart, tmp_path / "kept").open() as coming:
        assert len(pictures(coming, range(FRAMES))) == FRAMES
    assert len(site.requests) <= 2  # no more than to find out


def test_a_transfer_that_breaks_is_gone_on_with(
    site: Site, faststart: Path, tmp_path: Path, online: list[float]
) -> None:
    growing = growing_clip(site, faststart, tmp_path / "kept")
    site.answers[f"/{faststart.name}"] = [Answer(cut=9999), Answer(drop=True), Answer(status=503)]
    with growing.open() as coming:
        assert len(pictures(coming, range(FRAMES))) == FRAMES


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([Answer(status=404, always=True)], Reason.REMOVED),
        ([Answer(status=429, always=True)], Reason.RATE_LIMITED),
        ([Answer(drop=True, always=True)], Reason.NETWORK),
        ([Answer(body=b"<html>sign in</html>", always=True)], Reason.NOT_A_VIDEO),
    ],
)
def test_what_cannot_be_had_is_an_error_with_its_reason(
    site: Site,
    faststart: Path,
    tmp_path: Path,
    online: list[float],
    answers: list[Answer],
    reason: Reason,
) -> None:
    growing = growing_clip(site, faststart, tmp_path / "kept")
    site.answers[f"/{faststart.name}"] = answers
    with pytest.raises(VideoError) as error, growing.open():
        pass
    assert error.value.reason is reason
    assert growing.fetcher.manifest.read()["vid"].outcome is reason
    assert not list((tmp_path / "kept" / "videos").glob("000_vid.mp4"))


def test_frames_that_came_before_it_broke_off_are_given(
    site: Site, faststart: Path, tmp_path: Path, online: list[float]
) -> None:
    growing = growing_clip(site, faststart, tmp_path / "kept")
    site.answers[f"/{faststart.name}"] = [*[Answer()] * 3, Answer(status=404, always=True)]
    came = []
    with pytest.raises(VideoError, match="404") as error, growing.open() as coming:
        came.extend(index for index, _ in coming.read(range(FRAMES)))
    assert error.value.reason is Reason.REMOVED
    assert came
    assert came == list(range(len(came)))


def test_two_readers_in_a_process_share_one_transfer(
    site: Site, faststart: Path, tmp_path: Path, online: list[float]
) -> None:
    growing = growing_clip(site, faststart, tmp_path / "kept")
    first = growing.open()
    paused = first.read([0, 60])
    assert next(paused)[0] == 0
    with growing.open() as second:
        assert len(pictures(second, range(FRAMES))) == FRAMES
    assert [index for index, _ in paused] == [60]
    first.__exit__(None, None, None)
    assert site.asked() <= faststart.stat().st_size * 1.1


def test_a_clip_that_another_process_fetches_is_read_but_not_kept(
    site: Site, faststart: Path, tmp_path: Path, online: list[float]
) -> None:
    growing = growing_clip(site, faststart, tmp_path / "kept")
    program = (
        "import sys; from pathlib import Path; from dancereid_pipeline.common.files import lock\n"
        "with lock(Path(sys.argv[1]), '000_vid'): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(growing.fetcher.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with growing.open() as coming:
            assert len(pictures(coming, range(FRAMES))) == FRAMES
            assert not list(growing.fetcher.folder.glob("000_vid*"))
        holder.stdin.close()


def test_a_clip_to_be_growing_can_be_sent_to_another_process(
    site: Site, faststart: Path, tmp_path: Path
) -> None:
    growing = growing_clip(site, faststart, tmp_path / "kept")
    assert pickle.loads(pickle.dumps(growing)) == growing


def test_a_program_may_end_while_a_clip_is_coming(site: Site, demo: Path, tmp_path: Path) -> None:
    options = {**serve(site, demo), "download_dir": str(tmp_path)}
    program = (
        "import sys, json, dancereid; options = json.loads(sys.argv[1])\n"
        "stream = iter(dancereid.load_dataset(split='trainval', streaming=True, **options))\n"
        "print(next(stream)['person_id'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(options)],
        cwd=PROJECT,
        env={**os.environ, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_ends_a_stream_that_waits_for_bytes(
    site: Site, demo: Path, tmp_path: Path
) -> None:
    hold = Hold(after=1000)
    site.answers["/videos/000_demo_Waltz1.mp4"] = [Answer(), Answer(hold=hold)]
    options = {**serve(site, demo), "download_dir": str(tmp_path)}
    program = (
        "import sys, json, dancereid; options = json.loads(sys.argv[1])\n"
        "for example in dancereid.load_dataset(split='trainval', streaming=True, **options):\n"
        "    print(example['video_id'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(options)],
        cwd=PROJECT,
        env={**os.environ, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert hold.reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    hold.go_on.set()
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "ignored" not in errors
    assert (tmp_path / "videos" / "000_demo_Waltz1.mp4.unchecked.part").stat().st_size > 0
