"""Paths and ids of every kind, in every command that takes them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import dancereid
from dancereid_pipeline.cli.main import main
from tests.support.command import refusal, run

ADDRESS = "s3://user:secret@bucket/data"
# Commands that take a path as their last word, and no address. (Of the others, see
# tests/end_to_end/test_stored_inputs.py.)
TAKES_PATHS = [
    "cache --cache-dir",
    "check",
    "check . --catalogue",
    "demo --output",
    "evaluate x.npy --dataset",
    "export --output",
    "export --dataset",
    "fetch",
    "fetch --download-dir",
    "fetch --cookies",
    "push user/name --dataset",
    "train --method softmax --output",
]


@pytest.mark.parametrize("command", TAKES_PATHS)
def test_an_address_is_refused_where_a_path_is_expected(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((1, 1)))
    code, said = refusal([*command.split(), ADDRESS], capsys)
    assert code == 2, said
    assert "secret" not in said
    assert "expected" in said
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_a_home_folder_is_understood_in_every_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for words in [
        ["demo", "--output", "~/new/demo.png"],
        ["prepare", "--config", "demo", "--output", "~/kept"],
        ["extract", "--model", "colour", "--dataset", "~/kept", "--output", "~/f.parquet"],
        ["evaluate", "~/f.parquet", "--dataset", "~/kept", "--show", "~/shown.png"],
        ["export", "--dataset", "~/kept", "--layout", "market1501", "--output", "~/market"],
        ["preview", "--dataset", "~/kept", "--output", "~/p.html", "--contact-sheet", "~/c.png"],
    ]:
        assert main(words) == 0, words
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"new", "kept", "f.parquet", "shown.png", "market", "p.html", "c.png"}


@pytest.mark.parametrize("name", ["run [v1]", "a*", "ab?", "[abc]"])
def test_a_prepared_folder_whose_path_looks_like_a_pattern(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = dancereid.load_dataset("demo")
    dancereid.prepare(dataset, tmp_path / "abc" / "data")  # the patterns fit this one, too
    folder = tmp_path / name / "data"
    assert main(["prepare", "--config", "demo", "--output", str(folder)]) == 0
    assert "Rename it: load_dataset finds no files below [" in capsys.readouterr().out
    features = str(tmp_path / "f.parquet")
    given = ["--dataset", str(folder)]
    assert main(["extract", "--model", "colour", "--output", features, *given]) == 0
    assert main(["evaluate", features, *given, "--json"]) == 0
    assert main(["preview", *given, "--streaming", "--output", str(tmp_path / "p.html")]) == 0
    assert "4 videos are complete" in (tmp_path / "p.html").read_text("utf-8")


def test_what_save_to_disk_wrote_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = dancereid.load_dataset("demo")
    dataset.save_to_disk(str(tmp_path / "all"))
    dataset["test"].save_to_disk(str(tmp_path / "one"))
    for name in ("all", "one"):
        assert main(["export", "--dataset", str(tmp_path / name)]) == 1
        assert "was written by save_to_disk, expected a folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["./nope", "nope", "/nope/nope", "a/b/c", "nope/"])
def test_a_dataset_that_is_not_there_is_asked_of_nobody(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--dataset", name]) == 1
    assert f"{name}: there is no such folder. Expected one" in capsys.readouterr().err


def test_a_hub_that_cannot_be_reached_is_asked_once(
    online: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def refuse(_: object, name: str, **__: object) -> None:
        asked.append(name)
        raise ConnectionError(111, "Connection refused")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", refuse)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: pytest.fail("asked again"))
    assert main(["export", "--dataset", "nobody/nothing"]) == 1
    said = capsys.readouterr().err
    assert "nobody/nothing: there is no such folder, and the Hub cannot be reached (" in said
    assert "HF_HUB_OFFLINE=1" in said
    assert asked == ["nobody/nothing"]


def test_a_folder_to_push_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "somebody/something", "--dataset", "nope"]) == 1
    assert "nope: there is no such folder." in capsys.readouterr().err


@pytest.mark.parametrize("ids", [["bbb", "-lPW52UidBo"], ["--PW52UidBo"]])
def test_ids_that_begin_with_a_dash(ids: list[str], small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(small, folder)
    for path in [*(folder / "videos").iterdir(), *(folder / "npy").iterdir()]:
        path.rename(path.with_name(path.name.replace("aaa", ids[-1])))
    for path in (folder / "catalogue.csv", folder / "annotation.json"):
        path.write_text(path.read_text().replace("aaa", ids[-1]))
    sources = ["--data-dir", folder, "--catalogue", folder / "catalogue.csv", "--stride", 5]
    done = run("prepare", "--output", tmp_path / "new", "--videos", *ids, "--json", *sources)
    assert done.returncode == 0, done.stderr
    (build,) = json.loads(done.stdout)
    assert {o["video_id"] for o in build["coverage"]["outcomes"] if o["images"]} == set(ids)


def test_a_path_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    for words in [["prepare", "--config", "demo"], ["export", "--config", "demo"]]:
        output = tmp_path / f"データ_{words[0]}"
        done = run(*words, "--output", output, env={**os.environ, "PYTHONIOENCODING": "cp1252"})
        assert done.returncode == 0, done.stderr
        assert "\\u30c7\\u30fc\\u30bf_" in done.stdout
        assert output.is_dir()
