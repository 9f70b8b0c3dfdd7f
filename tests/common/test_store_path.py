"""A file in a store is used like one on this machine."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from dancereid_pipeline.common.errors import OptionError, SourceError
from dancereid_pipeline.common.store_path import (
    StoreFile,
    StorePath,
    file_state,
    input_path,
    names_in,
    output_path,
    written,
)

CONTENT = bytes(range(256)) * 40
MEMORY = fsspec.get_filesystem_class("memory")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StorePath]:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/lab/a.bin", CONTENT)
    fs.pipe_file("/lab/below/b.bin", b"")
    path = input_path("data_dir", "memory://lab/")
    assert isinstance(path, StorePath)
    yield path
    fs.rm("/lab", recursive=True)


def test_it_is_used_like_a_path(folder: StorePath) -> None:
    file = folder / "a.bin"
    assert (str(file), file.name, file.stem, file.suffix) == (
        "memory://lab/a.bin", "a.bin", "a", ".bin",
    )  # fmt: skip
    assert file.parent == folder
    assert file.absolute() is file
    assert (file.is_file(), file.is_dir(), file.exists()) == (True, False, True)
    assert (folder.is_file(), folder.is_dir(), folder.exists()) == (False, True, True)
    assert not (folder / "nothing").exists()
    assert file.read_bytes() == CONTENT
    assert names_in(folder) == ["a.bin"]
    folders, (listed,) = folder.entries()
    assert folders == [folder / "below"]
    assert (listed.name, listed.size, listed.is_file()) == ("a.bin", len(CONTENT), True)
    assert listed.state
    size, state = file_state(file)
    assert (size, bool(state)) == (len(CONTENT), True)
    assert pickle.loads(pickle.dumps(listed)) == listed  # our own


def test_a_name_may_have_any_character(folder: StorePath) -> None:
    names = ["a b.mp4", "a#1.mp4", "a#2.mp4", "a?1.mp4", "a*[1].mp4", "a%20.mp4"]
    for name in names:
        fsspec.filesystem("memory").pipe_file(f"/lab/any/{name}", name.encode())
    _, files = (folder / "any").entries()
    assert {str(file) for file in files} == {f"memory://lab/any/{name}" for name in names}
    assert len({StorePath(file.address) for file in files}) == len(names)
    assert [file.read_bytes().decode() for file in files] == [file.name for file in files]


def test_another_content_is_another_state(folder: StorePath) -> None:
    before = file_state(folder / "a.bin")
    fsspec.filesystem("memory").pipe_file("/lab/a.bin", CONTENT)
    assert file_state(folder / "a.bin") != before


def test_what_is_not_there_is_a_file_not_found(folder: StorePath) -> None:
    for read in (StorePath.read_bytes, StorePath.described, StorePath.open, file_state):
        with pytest.raises(FileNotFoundError):
            read(folder / "nothing")


@pytest.mark.parametrize("block", [1000, 1 << 20])
def test_an_open_file_reads_and_seeks(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("dancereid_pipeline.common.store_path._BLOCK_BYTES", block)
    with (folder / "a.bin").open() as file, io.BytesIO(CONTENT) as expected:
        for offset, whence, size in [
            (0, 0, 10), (995, 0, 20), (-5000, 2, 4000), (100, 1, 1), (-3, 2, 10), (0, 0, -1),
            (20_000, 0, 5), (7, 0, 3),
        ]:  # fmt: skip
            assert file.seek(offset, whence) == expected.seek(offset, whence)
            assert file.read(size) == expected.read(size)
            assert file.tell() == expected.tell()
        with pytest.raises(OSError, match="before the beginning"):
            file.seek(-1)
        with pytest.raises(OSError, match="before the beginning"):
            file.seek(-20_000, 2)


def without_ranges(monkeypatch: pytest.MonkeyPatch, *, refuses: bool) -> None:
    """Lets the store send all of a file, whatever is asked for, or refuse to send a part."""
    whole = MEMORY.cat_file

    def cat_file(self: Any, path: str, start: Any = None, end: Any = None, **_: Any) -> bytes:
        if refuses and start is not None:
            raise NotImplementedError("no ranges")
        return bytes(whole(self, path))

    monkeypatch.setattr(MEMORY, "cat_file", cat_file)


@pytest.mark.parametrize("refuses", [True, False])
def test_a_store_without_ranges_is_copied_from(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    monkeypatch.setattr("dancereid_pipeline.common.store_path._BLOCK_BYTES", 1000)
    without_ranges(monkeypatch, refuses=refuses)
    with StoreFile(folder / "a.bin") as file:
        assert file.read(5) == CONTENT[:5]
        file.seek(5000)
        assert file.read(2000) == CONTENT[5000:7000]
        copy = file.whole()
        assert copy.read_bytes() == CONTENT
    assert not copy.exists()


def test_what_a_store_refuses_names_the_address(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StoreFile(folder / "a.bin")

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no credentials at https://me:secret@lab/x?token=secret, 'me:secret@b'")

    said = r"^memory://lab(/a.bin)?: cannot be read \(RuntimeError: no credentials at https://lab/x"
    with monkeypatch.context() as broken:
        for name in ("cat_file", "info", "ls", "get_file"):
            broken.setattr(MEMORY, name, fail)
        for read in (
            folder.entries, folder.is_dir, (folder / "a.bin").read_bytes, file.read, file.whole,
        ):  # fmt: skip
            with pytest.raises(SourceError, match=said) as error:
                read()
            assert "secret" not in str(error.value)


def test_a_file_that_ends_too_early_is_no_shorter_file(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StoreFile(folder / "a.bin")
    fsspec.filesystem("memory").pipe_file("/lab/a.bin", CONTENT[:-1])
    with file, pytest.raises(SourceError, match=r"expected 10,240 bytes, as the store says"):
        file.read()


def test_secrets_are_not_shown() -> None:
    path = StorePath(input_path("x", "memory://me:secret@lab/a").address, {"key": "s3cret"})
    assert "secret" not in f"{path} {path!r} {path / 'b'} {path.parent} {path.storage}"
    assert "s3cret" not in f"{path!r} {path.storage!r}"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://me:secret@lab/data", r"^data_dir: expected a path, .*, got https://lab/data\."),
        ("nowhere://me:secret@lab/data", r"^data_dir: .*nowhere://lab/data: .* know 'nowhere'"),
        ("file:///tmp/x", "Name the path alone"),
        ("s3:/bucket", "expected a path on this machine, got an address"),
    ],
)
def test_what_cannot_be_read_is_refused(address: str, said: str) -> None:
    with pytest.raises(OptionError, match=said) as error:
        input_path("data_dir", address)
    assert "secret" not in str(error.value)


def test_the_hub_is_read_and_not_written_to() -> None:
    assert str(input_path("data_dir", "hf://datasets/me/x")) == "hf://datasets/me/x"
    with pytest.raises(OptionError, match="use dancereid push"):
        output_path("output", "hf://datasets/me/x")


@pytest.mark.parametrize("where", ["local", "memory"])
def test_a_file_is_written_whole_or_not(where: str, tmp_path: Path) -> None:
    given = str(tmp_path / "new" / "a") if where == "local" else "memory://lab/new/a"
    path = output_path("output", given)
    with contextlib.suppress(ValueError), written(path) as file:
        file.write_bytes(b"half")
        raise ValueError
    assert not path.exists()
    with written(path) as file:
        file.write_bytes(b"whole")
    try:
        assert path.read_bytes() == b"whole"
        assert not file.exists()
    finally:
        if where == "memory":
            fsspec.filesystem("memory").rm("/lab", recursive=True)
