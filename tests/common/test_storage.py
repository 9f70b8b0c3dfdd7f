"""A folder at a path or at an address: the same calls do the same."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from dancereid_pipeline.common.storage import Storage


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """An empty folder that does not exist yet, of both kinds."""
    if request.param == "local":
        yield Storage.of(tmp_path / "new" / "folder")
        return
    yield Storage.of("memory://bucket/folder/")
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_files_come_move_and_go(storage: Storage) -> None:
    assert storage.names() == set()
    storage.write("a.json", b"one")
    storage.write("a.json", b"two")
    assert (storage.name, storage.names(), storage.read("a.json")) == ("folder", {"a.json"}, b"two")
    with storage.temporary() as folder:
        (folder / "b").write_bytes(b"0123456789")
        storage.put(folder / "b", "b")
    with storage.open("b") as file:
        file.seek(7)
        assert file.read() == b"789"
    other = storage.folder("other")
    storage.move("b", other)
    other.write("c", b"")
    assert (storage.names(), other.names()) == ({"a.json"}, {"b", "c"})
    storage.remove("a.json")
    storage.remove("a.json")  # it is gone already
    assert storage.names() == set()
    storage.write("a.json", b"")
    other.remove_all()
    other.remove_all()
    assert (storage.names(), other.names()) == ({"a.json"}, set())


def test_folders_are_named_apart_from_files(storage: Storage) -> None:
    assert storage.folders() == set()
    storage.write("a.json", b"one")
    storage.folder("b").write("c.json", b"two")
    assert storage.folders() == {"b"}
    assert storage.names() == {"a.json"}


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_links_are_what_they_lead_to(tmp_path: Path) -> None:
    other = Storage.of(tmp_path / "other")
    other.write("a.json", b"one")
    (tmp_path / "new").mkdir()
    for name, target in {"file": "a.json", "folder": "", "nowhere": "b.json"}.items():
        (tmp_path / "new" / name).symlink_to(tmp_path / "other" / target)
    storage = Storage.of(tmp_path / "new")
    assert (storage.names(), storage.folders()) == ({"file"}, {"folder"})


def test_what_is_done_for_each_is_in_order_and_fails_as_a_whole(storage: Storage) -> None:
    storage.write("a", b"")
    assert storage.for_each(lambda n: n * n, range(100)) == [n * n for n in range(100)]
    done: list[int] = []

    def fail(number: int) -> None:
        done.append(number)
        raise OSError(f"no {number}")

    with pytest.raises(OSError, match="no 0"):
        storage.for_each(fail, range(10**4))
    assert len(done) < 10**4


def test_it_can_be_sent_to_another_process(storage: Storage) -> None:
    storage.write("a", b"1")
    assert pickle.loads(pickle.dumps(storage)).read("a") == b"1"  # our own


def test_nothing_half_written_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no"):
        Storage.of(tmp_path).write("a", b"1")
    assert list(tmp_path.iterdir()) == []


def test_options_are_never_shown() -> None:
    assert "s3cret" not in repr(Storage("memory://x", {"key": "s3cret"}))
    with pytest.raises(OptionError, match=r"storage options \(key\): out is a path") as error:
        Storage.of("out", {"key": "s3cret"})
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("hf://datasets/me/x", "use dancereid push"),
        ("https://me:secret@host/x", r"^https://host/x: cannot be written to. It can only be read"),
        ("file:///tmp/x", "Name the path alone"),
        ("nowhere://x", "it does not know 'nowhere'"),
        ("a\0b", "expected a path"),
    ],
)
def test_what_cannot_be_written_to_is_refused(address: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Storage.of(address)


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(protocol: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(DanceReIDError, match=r"Install s3fs to access S3.*pip install s3fs"):
        Storage.of("s3://bucket/x")


def test_a_library_s_own_error_is_one_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "cat_file", fail)
    with pytest.raises(OSError, match="RuntimeError: no credentials"):
        Storage.of("memory://x").read("a")
