"""Inputs in a store give the same as those in a folder; a store that fails is named."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import cv2
import datasets
import fsspec
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common.errors import FeaturesError, SourceError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.evaluation.feature_file import read_features
from tests.support.command import refusal
from tests.support.data.archives import pack
from tests.support.data.folders import all_contents, contents, prepared_files
from tests.support.data.stores import in_memory

MEMORY = fsspec.get_filesystem_class("memory")


@pytest.fixture
def stored(small: Path) -> Iterator[str]:
    """The address of the small folder in a store."""
    with in_memory(small) as address:
        yield address


@pytest.fixture(scope="session")
def expected(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The shards that the small folder gives."""
    output = tmp_path_factory.mktemp("expected")
    dancereid.prepare("paper", output, **inputs(str(small)))
    return shards(output)


def inputs(folder: str) -> dict[str, Any]:
    return {"data_dir": folder, "catalogue": f"{folder}/catalogue.csv"}


def shards(output: Path) -> dict[str, bytes]:
    found = {n: c for n, c in prepared_files(output).items() if n.endswith(".parquet")}
    assert len(found) == 4
    return found


def test_the_same_bytes_from_a_store(
    stored: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    build = dancereid.prepare("paper", tmp_path, **inputs(stored))
    assert build.coverage.whole
    assert shards(tmp_path) == expected


def test_the_same_examples_built_and_streamed(
    stored: str, built: dict[str, list[str]], cache: str
) -> None:
    given = {**inputs(stored), "cache_dir": cache, "storage_options": {"key": "s3cret"}}
    ds = datasets.load_dataset("dancereid", **given)
    assert all_contents(ds) == built
    stream = dancereid.load_dataset(streaming=True, split="test", **given)
    assert contents(stream) == built["test"]
    assert b"s3cret" not in b"".join(p.read_bytes() for p in Path(cache).rglob("*.json"))


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_each_input_alone_may_be_in_a_store(
    folder: Path, expected: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    apart = tmp_path / "apart"
    apart.mkdir()
    pack(apart / f"npy{kind}", {p.name: p.read_bytes() for p in (folder / "npy").iterdir()})
    shutil.move(folder / "annotation.json", apart)
    shutil.rmtree(folder / "npy")
    with in_memory(apart) as address:
        dancereid.prepare(
            "paper", tmp_path / "out", **inputs(str(folder)),
            annotation=f"{address}/annotation.json", archive=f"{address}/npy{kind}",
        )  # fmt: skip
    assert shards(tmp_path / "out") == expected


def test_pictures_in_a_store_and_a_catalogue_of_its_own(folder: Path, tmp_path: Path) -> None:
    for clip in sorted((folder / "videos").iterdir()):
        pictures = folder / "videos" / clip.stem / "img1"
        pictures.mkdir(parents=True)
        capture = cv2.VideoCapture(str(clip))
        for number in range(30):
            cv2.imwrite(str(pictures / f"{number:06d}.png"), capture.read()[1])
        clip.unlink()
    dancereid.prepare("own", tmp_path / "here", data_dir=str(folder), stride=10)
    with in_memory(folder) as address:
        dancereid.prepare("own", tmp_path / "there", data_dir=address, stride=10)
    assert shards(tmp_path / "there") == shards(tmp_path / "here")


def test_a_clip_that_changes_in_the_store_is_noticed(stored: str, tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    dancereid.prepare("paper", tmp_path, **inputs(stored))
    before = prepared_files(tmp_path)
    dancereid.prepare("paper", tmp_path, **inputs(stored))
    assert prepared_files(tmp_path) == before
    fs.pipe_file("/lab/data/videos/001_bbb.mp4", fs.cat_file("/lab/data/videos/001_bbb.mp4"))
    with pytest.raises(SourceError, match=r"bbb was made otherwise \(its clip, tracks or annot"):
        dancereid.prepare("paper", tmp_path, **inputs(stored))


def test_what_is_not_there_is_said_as_of_a_folder(stored: str, tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    with pytest.raises(SourceError, match="'memory://lab/nothing' is not a folder"):
        dancereid.prepare(
            "paper", tmp_path, **{**inputs(stored), "data_dir": "memory://lab/nothing"}
        )
    fs.rm("/lab/data/videos/001_bbb.mp4")
    build = dancereid.prepare("paper", tmp_path, **inputs(stored))
    reasons = {o.video_id: o.reason for o in build.coverage.outcomes}
    assert reasons["bbb"] is Reason.NO_CLIP
    assert [name for name, reason in reasons.items() if reason is Reason.USED] == [
        "aaa", "ccc", "ddd",
    ]  # fmt: skip
    fs.rm("/lab/data/annotation.json")
    with pytest.raises(SourceError, match=r"memory://lab/data/annotation.json is missing"):
        dancereid.prepare("paper", tmp_path, **inputs(stored))


def failing(
    monkeypatch: pytest.MonkeyPatch, name: str, path: str, error: Exception
) -> Callable[[], None]:
    """Lets a call of the store fail for one path; gives what mends it."""
    method = getattr(MEMORY, name)

    def call(self: Any, called: str, *arguments: Any, **options: Any) -> Any:
        if called.endswith(path):
            raise error
        return method(self, called, *arguments, **options)

    monkeypatch.setattr(MEMORY, name, call)
    return lambda: monkeypatch.setattr(MEMORY, name, method)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("cat_file", "videos/002_ccc.mp4"),
        ("cat_file", "npy/333_00_ccc_matching.npy"),
        ("ls", "videos"),
        ("info", "data"),
        ("cat_file", "catalogue.csv"),
        ("cat_file", "annotation.json"),
    ],
)
def test_a_store_that_fails_is_named_and_the_build_is_resumed(
    stored: str, expected: dict[str, bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, call: str, path: str,
) -> None:  # fmt: skip
    mend = failing(monkeypatch, call, path, RuntimeError("503, slow down"))
    with pytest.raises(SourceError) as error:
        dancereid.prepare("paper", tmp_path / "out", **inputs(stored))
    assert f"{path}: cannot be read (RuntimeError: 503, slow down)" in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert not list(tmp_path.rglob("*002-ccc*"))  # no shard, and no record
    assert not (tmp_path / "out" / "README.md").exists()
    mend()
    dancereid.prepare("paper", tmp_path / "out", **inputs(stored))
    assert shards(tmp_path / "out") == expected


def test_without_ranges_clips_are_copied_and_copies_are_removed(
    stored: str, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MEMORY.cat_file
    monkeypatch.setattr(MEMORY, "cat_file", lambda self, path, **_: whole(self, path))
    monkeypatch.setattr("dancereid_pipeline.common.store_path._BLOCK_BYTES", 512)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    dancereid.prepare("paper", tmp_path / "out", **inputs(stored))
    assert shards(tmp_path / "out") == expected
    assert list(temporary.iterdir()) == []


# -- what a worker does not see, and whose fault an error is


class Elsewhere(Executor):
    """An executor whose worker does not see a file."""

    def __init__(self, hide: Callable[[], None]) -> None:
        self.hide = hide

    def submit(self, task: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.hide()
        future: Future[Any] = Future()
        try:
            future.set_result(task(*arguments, **options))
        except Exception as error:  # noqa: BLE001  # as an executor does
            future.set_exception(error)
        return future


@pytest.mark.parametrize("name", ["videos/000_aaa.mp4", "npy/333_00_aaa_matching.npy"])
def test_a_worker_that_does_not_see_an_input_says_which_and_where(
    folder: Path, tmp_path: Path, name: str
) -> None:
    executor = Elsewhere(lambda: (folder / name).unlink(missing_ok=True))
    said = (
        rf"^The worker on {socket.gethostname()}: \S*{name}: is not there. Inputs must be at paths"
    )
    with pytest.raises(SourceError, match=said):
        dancereid.prepare("paper", tmp_path / "out", **inputs(str(folder)), executor=executor)


@pytest.mark.parametrize("call", ["info", "cat_file"])
def test_a_worker_whom_the_store_refuses_says_which_and_where(
    stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    refused = PermissionError("Forbidden")
    executor = Elsewhere(lambda: failing(monkeypatch, call, "000_aaa.mp4", refused) and None)
    where = f"^The worker on {socket.gethostname()}: {stored}/videos/000_aaa.mp4"
    with pytest.raises(SourceError, match=rf"{where}: cannot be read \(Forbidden\)"):
        dancereid.prepare("paper", tmp_path / "out", **inputs(stored), executor=executor)


@pytest.mark.parametrize("call", ["build.plan.clip_state", "inputs.data_folder.open_clip_at"])
def test_an_error_of_an_input_is_not_blamed_on_the_output(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(f"dancereid_pipeline.{call}", refuse)
    with pytest.raises(SourceError, match=r"cannot be read .*Permission denied") as error:
        dancereid.prepare("paper", tmp_path / "out", **inputs(str(small)))
    assert str(tmp_path / "out") not in str(error.value)
    assert "000_aaa.mp4" in str(error.value)


# -- features and pages


def test_features_and_pages_in_a_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fs, option = fsspec.filesystem("memory"), ["--storage-option", "key=s3cret"]
    features, page = "memory://lab/made/f.parquet", "memory://lab/made/page.html"
    given = ["--config", "demo", *option]
    try:
        assert main(["extract", "--model", "colour", "--output", features, *given]) == 0
        assert f"{features}: " in capsys.readouterr().out
        show = "memory://lab/made/ranked.png"
        assert main(["evaluate", features, "--show", show, "--json", *given]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["features"]["file"] == features
        assert f"queries: {show}" in err
        assert main(["preview", "--output", page, "--contact-sheet", f"{page}.png", *given]) == 0
        out, err = capsys.readouterr()
        assert f"{page}: " in out
        assert "s3cret" not in out + err
        files = {path: fs.cat_file(path) for path in fs.ls("/lab/made", detail=False)}
        assert {path.rpartition("/")[2] for path in files} == {
            "f.parquet", "ranked.png", "page.html", "page.html.png",
        }  # fmt: skip
        assert b"s3cret" not in b"".join(files.values())
        assert len(read_features(features).rows) == 145
    finally:
        fs.rm("/lab", recursive=True)
    assert list(tmp_path.iterdir()) == []


def test_features_that_are_not_there_are_named() -> None:
    with pytest.raises(FeaturesError, match=r"memory://lab/f.npy: there is no such file"):
        read_features("memory://lab/f.npy")
    fsspec.filesystem("memory").pipe_file("/lab/f.npy", b"junk")
    try:
        with pytest.raises(FeaturesError, match=r"^memory://lab/f.npy: cannot be read as .npy"):
            read_features("memory://lab/f.npy")
    finally:
        fsspec.filesystem("memory").rm("/lab", recursive=True)


ELSEWHERE = "nowhere://user:secret@bucket/data"


@pytest.mark.parametrize(
    "command",
    [
        "evaluate",
        "evaluate x.npy --show",
        "evaluate x.npy --data-dir",
        "evaluate x.npy --catalogue",
        "export --data-dir",
        "extract --model colour --config demo --output",
        "fetch videos",
        "fetch --annotation",
        "fetch --archive",
        "fetch --catalogue",
        "prepare --output new --data-dir",
        "preview --config demo --output",
        "preview --config demo --contact-sheet",
    ],
)
def test_an_address_that_nobody_knows_is_one_line(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((1, 1)))
    code, said = refusal([*command.split(), ELSEWHERE], capsys)
    assert code == 2, said
    assert "does not know 'nowhere'" in said
    assert "secret" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_a_page_in_a_store_is_not_opened(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["preview", "--config", "demo", "--output", "memory://lab/p.html", "--open"]
    code, said = refusal(words, capsys)
    assert code == 2
    assert "--open: expected also --output report.html, a file on this machine." in said
