"""Clips that are fetched while they are read."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dancereid_pipeline.formats.video import Clip
from tests.conftest import PROJECT
from tests.support.command import hear_ctrl_c
from tests.support.growing import CLIPS, FRAMES, clip_content, growing_clip, leave, left, pictures
from tests.support.servers.remote import serve
from tests.support.servers.web import Answer, Hold, Site


@pytest.mark.parametrize("name", CLIPS)
def test_what_is_read_is_what_the_file_has(
    site: Site, tmp_path: Path, online: list[float], name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(clip_content(name))
    wanted = [0, 3, 4, 31, FRAMES - 1, FRAMES + 10]
    with Clip(file) as local:
        expected = pictures(local, wanted)
        assert local.frame_count == FRAMES
    assert list(expected) == wanted[:-1]
    growing = growing_clip(site, tmp_path / "kept", name)
    with growing.open() as clip:
        assert abs(clip.frame_count - FRAMES) <= 2
        assert pictures(clip, wanted) == expected
        assert clip.frame_count == FRAMES  # made sure of: a frame past the end was wanted
    assert left(growing) == {f"000_vid{file.suffix}": clip_content(name)}
    assert growing.fetcher.lacking([growing.video]) == []
    assert site.asked() == len(clip_content(name))
    site.requests.clear()
    with growing.open() as there:
        assert pictures(there, wanted) == expected
    assert site.requests == []


@pytest.mark.parametrize("name", ["faststart.mp4", "dash.mp4", "h264.mkv", "vp9.webm"])
def test_the_first_frame_needs_only_the_beginning(
    site: Site, tmp_path: Path, online: list[float], name: str
) -> None:
    frames = 600  # some 5 MB, as 10 s of a clip on YouTube
    growing = growing_clip(site, tmp_path / "kept", name, frames)
    size = len(clip_content(name, frames))
    clip = growing.open()
    assert next(clip.read(range(frames)))[0] == 0
    leave(clip)
    assert 0 < site.asked() <= size / 10
    ((part, content),) = left(growing).items()
    assert part.endswith(".unchecked.part")
    assert content == clip_content(name, frames)[: site.asked()]
    # The next reader continues what has come.
    site.requests.clear()
    with growing.open() as clip:
        assert next(clip.read([30]))[0] == 30
    assert site.asked() == size - len(content)
    assert left(growing) == {part.partition(".unchecked")[0]: clip_content(name, frames)}


def test_a_crawl_continues_what_a_stream_left(
    site: Site, tmp_path: Path, online: list[float]
) -> None:
    growing = growing_clip(site, tmp_path / "kept")
    leave(growing.open())
    (part,) = left(growing).values()
    assert 0 < len(part) < len(clip_content())
    growing.fetcher.fetch(growing.video, lambda there, whole: None)
    assert left(growing) == {"000_vid.mp4": clip_content()}
    assert growing.fetcher.lacking([growing.video]) == []
    assert site.requests[-1].range == f"bytes={len(part)}-"
    assert site.asked() == len(clip_content())


@pytest.mark.parametrize("size", [9000, 200_000])
def test_a_stream_continues_what_a_crawl_left(
    site: Site, tmp_path: Path, online: list[float], size: int
) -> None:
    growing = growing_clip(site, tmp_path / "kept")
    growing.fetcher.folder.mkdir()
    part = growing.fetcher.folder / "000_vid.mp4.unchecked.part"
    part.write_bytes(clip_content()[:size])
    with growing.open() as clip:
        assert len(pictures(clip)) == FRAMES
    assert left(growing) == {"000_vid.mp4": clip_content()}
    assert site.asked() == len(clip_content()) - size


@pytest.mark.parametrize(
    ("ending", "requests"),
    # Only the server knows of a part that it is whole; yt-dlp makes sure by asking twice.
    [(".unchecked.part", 2), (".unchecked", 0)],
)
def test_a_whole_that_was_not_checked_is_read_and_checked(
    site: Site, tmp_path: Path, online: list[float], ending: str, requests: int
) -> None:
    growing = growing_clip(site, tmp_path / "kept")
    growing.fetcher.folder.mkdir()
    (growing.fetcher.folder / f"000_vid.mp4{ending}").write_bytes(clip_content())
    with growing.open() as clip:
        assert len(pictures(clip)) == FRAMES
    assert left(growing) == {"000_vid.mp4": clip_content()}
    assert growing.fetcher.lacking([growing.video]) == []
    assert len(site.requests) == requests


def test_a_growing_clip_can_be_sent_to_another_process(site: Site, tmp_path: Path) -> None:
    growing = growing_clip(site, tmp_path / "kept")
    assert pickle.loads(pickle.dumps(growing)) == growing


def test_a_program_may_end_while_a_clip_is_growing(site: Site, demo: Path, tmp_path: Path) -> None:
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
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert hold.reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    hold.go_on.set()
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "ignored" not in errors
    assert (tmp_path / "videos" / "000_demo_Waltz1.mp4.unchecked.part").stat().st_size > 0
