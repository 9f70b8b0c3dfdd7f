"""A growing clip, and others who want it at the same time."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.growing_clip import GrowingClip
from dancereid_pipeline.fetch.manifest import Entry
from tests.conftest import PROJECT
from tests.support.growing import FRAMES, clip_content, growing_clip, leave, left, pictures
from tests.support.servers.web import Site

WHOLE = {"000_vid.mp4": clip_content()}


@pytest.fixture
def growing(site: Site, tmp_path: Path, online: list[float]) -> GrowingClip:
    return growing_clip(site, tmp_path / "kept")


def crawled(growing: GrowingClip) -> Entry:
    return growing.fetcher.fetch(growing.video, lambda there, whole: None)


def test_a_second_reader_has_a_transfer_of_its_own(site: Site, growing: GrowingClip) -> None:
    first = growing.open()
    frames = first.read([0, 60])
    assert next(frames)[0] == 0
    before = left(growing)
    with growing.open() as second:
        assert len(pictures(second)) == FRAMES
    assert left(growing) == before  # what the second fetched is not kept
    assert [index for index, _ in frames] == [60]
    first.__exit__(None, None, None)
    assert left(growing) == WHOLE
    assert site.asked() <= 2 * len(clip_content())


def test_a_clip_that_another_process_fetches_is_read_but_not_kept(growing: GrowingClip) -> None:
    program = (
        "import sys; from pathlib import Path; from dancereid_pipeline.common.files import lock\n"
        "with lock(Path(sys.argv[1]), '000_vid'): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(growing.fetcher.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with growing.open() as clip:
            assert len(pictures(clip)) == FRAMES
        assert left(growing) == {}
        holder.stdin.close()


def test_a_clip_that_a_stream_has_is_not_crawled(growing: GrowingClip) -> None:
    clip = growing.open()
    entry = crawled(growing)
    assert entry.outcome is Reason.NOT_TRIED
    assert "an open stream is fetching it" in entry.detail
    assert len(pictures(clip)) == FRAMES
    clip.__exit__(None, None, None)
    assert left(growing) == WHOLE
    assert growing.fetcher.manifest.read()["vid"].outcome is Reason.USED


def test_a_reader_that_is_left_frees_the_clip_at_once(growing: GrowingClip) -> None:
    leave(growing.open())
    assert crawled(growing).outcome is Reason.USED


def test_a_reader_that_nobody_holds_frees_the_clip(growing: GrowingClip) -> None:
    frames = growing.open().read(range(FRAMES))
    assert next(frames)[0] == 0
    assert crawled(growing).outcome is Reason.NOT_TRIED
    held: list[object] = [frames]
    held.append(held)
    del frames, held
    gc.collect()
    assert crawled(growing).outcome is Reason.USED


def test_a_reader_that_another_thread_leaves_frees_the_clip(growing: GrowingClip) -> None:
    clip = growing.open()
    thread = threading.Thread(target=leave, args=(clip,))
    thread.start()
    thread.join()
    assert crawled(growing).outcome is Reason.USED
