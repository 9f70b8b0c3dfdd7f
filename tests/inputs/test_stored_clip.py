"""A clip in a store is read like a file, by ranges where that is enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from dancereid_pipeline.common.errors import InterruptedReadError, SourceError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.store_path import StorePath, input_path
from dancereid_pipeline.formats.video import Clip
from dancereid_pipeline.inputs.data_folder import open_clip_at
from tests.support.growing import CLIPS, FRAMES, clip_content, pictures

MEMORY = fsspec.get_filesystem_class("memory")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many bytes each request asked for; the store is emptied at the end."""
    numbers: list[int] = []
    cat_file, get_file = MEMORY.cat_file, MEMORY.get_file

    def cat(self: Any, path: str, start: Any = None, end: Any = None, **_: Any) -> bytes:
        content = bytes(cat_file(self, path, start, end))
        numbers.append(len(content))
        return content

    def get(self: Any, path: str, *arguments: Any, **_: Any) -> None:
        numbers.append(self.info(path)["size"])
        get_file(self, path, *arguments)

    monkeypatch.setattr(MEMORY, "cat_file", cat)
    monkeypatch.setattr(MEMORY, "get_file", get)
    monkeypatch.setattr("dancereid_pipeline.common.store_path._BLOCK_BYTES", 2000)
    yield numbers
    fsspec.filesystem("memory").rm("/lab", recursive=True)


def stored(name: str, content: bytes) -> StorePath:
    fsspec.filesystem("memory").pipe_file(f"/lab/{name}", content)
    path = input_path("clip", f"memory://lab/{name}")
    assert isinstance(path, StorePath)
    return path


@pytest.mark.parametrize("name", CLIPS)
def test_what_is_read_is_what_the_file_has(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(clip_content(name))
    wanted = [0, 3, 4, 31, FRAMES - 1, FRAMES + 10]
    with Clip(file) as local:
        expected, facts = pictures(local, wanted), local.facts(1, 1)
    with open_clip_at(stored(name, clip_content(name))) as clip:
        assert clip.frame_count == FRAMES  # before anything is read, as of a file
        assert pictures(clip, wanted) == expected
        assert clip.facts(1, 1) == facts


def test_the_first_frames_need_only_the_beginning(asked: list[int]) -> None:
    content = clip_content("faststart.mp4", 600)
    with open_clip_at(stored("a.mp4", content)) as clip:
        assert list(pictures(clip, [0, 1])) == [0, 1]
    assert 0 < sum(asked) < len(content) / 4


def test_what_is_no_video_is_said_of_the_address() -> None:
    with pytest.raises(VideoError, match=r"^memory://lab/a.mp4: cannot be opened") as error:
        open_clip_at(stored("a.mp4", b"<html>"))
    assert error.value.reason is Reason.NOT_A_VIDEO


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(RuntimeError("503"), SourceError), (KeyboardInterrupt(), InterruptedReadError)],
)
def test_a_store_that_fails_once_ends_the_clip(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, expected: type[Exception]
) -> None:
    read = MEMORY.cat_file
    clip = open_clip_at(stored("a.mp4", clip_content("faststart.mp4", 600)))
    assert isinstance(clip, Clip)

    def fail(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(MEMORY, "cat_file", fail)
    with pytest.raises(expected):
        pictures(clip, [599])
    monkeypatch.setattr(MEMORY, "cat_file", read)
    with pytest.raises(expected):  # and not the rest of it, without what was lost
        pictures(clip, [599])
    clip.__exit__(None, None, None)
