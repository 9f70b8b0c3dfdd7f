"""A prepared folder of a stranger: its rows may name files and addresses, or hold no image."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError
from dancereid_pipeline.publish.prepared_folder import load_prepared
from dancereid_pipeline.shards.build_record import RECORD
from tests.support.command import refusal
from tests.support.servers.web import Site

SHARD, ROW = "test-002-ccc.parquet", 11  # the test split's row 17
IN_SPLIT = 17


def write(folder: Path, image: Any, column: str = "image") -> Path:
    """Changes one row of a prepared folder, and the record so that it fits."""
    path = folder / "paper" / SHARD
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[ROW][column] = image
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    record = json.loads((folder / "paper" / RECORD).read_text("utf-8"))
    for shard in record["shards"]:
        if shard["name"] == SHARD:
            shard["bytes"] = path.stat().st_size
            shard["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "paper" / RECORD).write_text(json.dumps(record), "utf-8")
    return folder


def picture(kind: str, size: tuple[int, int] = (128, 256)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (255, 0, 255)).save(file, kind)
    return file.getvalue()


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """An image that the stranger would like to have."""
    path = tmp_path / "private.jpg"
    path.write_bytes(picture("JPEG"))
    return path


DOORS: dict[str, Callable[[Any, Path, Path], Any]] = {
    "preview": lambda ds, out, _: dancereid.preview(ds).save(out),
    "as_arrays": lambda ds, _, __: dancereid.as_arrays(ds),
    "prepare": lambda ds, out, _: dancereid.prepare(ds, out),
    "export": lambda ds, out, small: dancereid.export(ds, out, catalogue=small / "catalogue.csv"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_private_file_is_not_read(
    door: str, output: Path, small: Path, private: Path, cache: str, tmp_path: Path
) -> None:
    write(output, {"bytes": None, "path": str(private)})
    ds = datasets.load_dataset(str(output), cache_dir=cache)  # as a user may load it
    said = rf"Split test, row {IN_SPLIT}, column 'image': .* found only the path '.*private\.jpg'"
    with pytest.raises(DanceReIDError, match=said):
        DOORS[door](ds, tmp_path / "out", small)
    assert not (tmp_path / "out" / "paper").exists()
    assert not (tmp_path / "out").is_file()


def test_a_stream_reads_no_private_file(output: Path, private: Path, cache: str) -> None:
    write(output, {"bytes": None, "path": str(private)})
    stream = datasets.load_dataset(str(output), cache_dir=cache, streaming=True)
    with pytest.raises(DanceReIDError, match=rf"row {IN_SPLIT}.* only the path '.*private\.jpg'"):
        dancereid.preview(stream)
    with pytest.raises(DanceReIDError, match=r"only the path '.*private\.jpg'"):
        list(dancereid.as_arrays(stream["test"]))


def test_a_stream_keeps_its_bytes_beside_a_file_of_the_same_name(
    output: Path, private: Path, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pq.read_table(output / "paper" / SHARD)["image"][0].as_py()
    (private.parent / first["path"]).write_bytes(private.read_bytes())
    monkeypatch.chdir(private.parent)
    stream = datasets.load_dataset(str(output), cache_dir=cache, streaming=True)
    arrays = list(dancereid.as_arrays(stream["test"]))
    expected = np.asarray(Image.open(io.BytesIO(first["bytes"])))
    assert any(np.array_equal(example["image"], expected) for example in arrays)
    assert (255, 0, 255) not in {tuple(example["image"][0, 0].tolist()) for example in arrays}
    assert "<html" in dancereid.preview(stream).html


@pytest.mark.parametrize(
    "image", [None, {"bytes": None, "path": None}, {"bytes": b"", "path": "a.jpg"}]
)
def test_a_row_without_an_image_is_named(image: Any, output: Path, cache: str) -> None:
    write(output, image)
    said = rf"{output}, split test, row {IN_SPLIT}, column 'image': expected an image as bytes"
    with pytest.raises(DanceReIDError, match=said):
        load_prepared(str(output), cache_dir=cache)


def is_readable(shard: Path) -> bool:
    try:
        return pq.read_table(shard).num_rows > 0
    except pa.ArrowInvalid:
        return False


@pytest.mark.parametrize("column", ["keypoints", "person_id", "video_id", "frame", "bbox"])
def test_a_row_without_a_value_is_named(column: str, output: Path, cache: str) -> None:
    try:
        write(output, None, column)
    except pa.ArrowNotImplementedError:
        pytest.skip("this PyArrow writes no null among lists of a fixed size")
    if not all(map(is_readable, output.rglob("*.parquet"))):
        pytest.skip("this PyArrow reads no null among lists of a fixed size")
    said = rf"split test, row {IN_SPLIT}, column '{column}': expected a value, found nothing"
    with pytest.raises(DanceReIDError, match=said):
        load_prepared(str(output), cache_dir=cache)
    with pytest.raises(DanceReIDError, match=said.capitalize()):
        dancereid.as_arrays(datasets.load_dataset(str(output), cache_dir=cache))


def test_no_address_is_asked(output: Path, site: Site, cache: str, online: list[float]) -> None:
    write(output, {"bytes": None, "path": f"{site.url}/x.jpg"})
    ds = datasets.load_dataset(str(output), cache_dir=cache)
    for door in (dancereid.preview, dancereid.as_arrays):
        with pytest.raises(DanceReIDError, match=r"only the path 'http://.*x\.jpg', which is not"):
            door(ds)
    assert site.requests == []


COMMANDS = {
    "preview": ("--output", "page.html"),
    "export": ("--output", "out"),
    "extract": ("--model", "colour", "--output", "features.parquet"),
    "evaluate": ("features.npy",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_it_in_a_line(
    command: str, output: Path, private: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write(output, {"bytes": None, "path": str(private)})
    # `datasets` knows a folder by its name and its card: another test may have loaded the original.
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    monkeypatch.chdir(tmp_path)
    np.save("features.npy", np.eye(24))
    before = sorted(path.name for path in tmp_path.iterdir())
    words = [command, *COMMANDS[command], "--dataset", output, "--quiet"]
    code, said = refusal(words, capsys)
    assert code == 1
    assert f"{output}, split test, row {IN_SPLIT}, column 'image'" in said
    assert "private.jpg', which is not read" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == before


# -- what is passed on


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (b"\xff\xd8\xff" + b"x" * 100, "not an image"),
        (picture("PNG"), "cannot identify"),
        (picture("JPEG", (64, 128)), "128 x 64 pixels"),
        (picture("JPEG")[:-200], "truncated"),
        (picture("JPEG", (3000, 3000)), "3000 x 3000 pixels"),
    ],
    ids=["SVG", "start of a JPEG", "PNG", "small", "cut", "large"],
)
def test_only_crops_are_passed_on(
    content: bytes, says: str, output: Path, small: Path, cache: str, tmp_path: Path
) -> None:
    write(output, {"bytes": content, "path": "a.jpg"})
    ds = load_prepared(str(output), cache_dir=cache)
    said = rf"expected a JPEG of 256 x 128 pixels, .*{says}"
    with pytest.raises(DanceReIDError, match=rf"Split test, row {IN_SPLIT}, .*{said}"):
        dancereid.prepare(ds, tmp_path / "again")
    with pytest.raises(DanceReIDError, match=rf"ccc, image 'a\.jpg': {said}"):
        dancereid.export(ds, tmp_path / "out", catalogue=small / "catalogue.csv")
    with pytest.raises(DanceReIDError, match=rf"{SHARD}, row {ROW}, .*{said}"):
        dancereid.push_to_hub(output, "somebody/something")
    assert not (tmp_path / "again" / "paper").exists()
    assert not (tmp_path / "out").exists()


def test_what_is_pushed_names_no_private_file(output: Path, private: Path) -> None:
    write(output, {"bytes": None, "path": str(private)})
    with pytest.raises(DanceReIDError, match=rf"{SHARD}, row {ROW}, .* only the path"):
        dancereid.push_to_hub(output, "somebody/something")


# -- what `datasets` would make of our own


@pytest.mark.parametrize("streaming", [False, True])
def test_a_build_stores_no_path_of_a_file_in_the_current_folder(
    private: Path, cache: str, monkeypatch: pytest.MonkeyPatch, streaming: bool
) -> None:
    monkeypatch.chdir(private.parent)
    private.rename("0002_000015.jpg")
    with pytest.raises(DanceReIDError, match=r"0002_000015\.jpg: has the name of an image"):
        list(dancereid.load_dataset("demo", cache_dir=cache, streaming=streaming)["trainval"])
