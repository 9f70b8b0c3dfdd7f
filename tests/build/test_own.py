"""Config "own": a folder with its own catalogue, splits of any name, and a title."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dancereid
from dancereid_pipeline.build.coverage import Coverage
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common.errors import CatalogueError, OptionError
from tests.support.data.folders import all_contents, write_folder

PEOPLE = {"aaa": [0, 1], "bbb": [0], "ccc": [3, 0, 17], "ddd": [0]}
SPLITS = {"aaa": "train", "bbb": "validation", "ccc": "test", "ddd": "holdout"}
IDS = {"train": {0, 1}, "validation": {2}, "test": {3, 4, 5}, "holdout": {6}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("own") / "data", PEOPLE, frames=11, splits=SPLITS)


@pytest.fixture(scope="module")
def own(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    options = {"data_dir": str(data), "cache_dir": str(tmp_path_factory.mktemp("cache"))}
    return dancereid.load_dataset("own", title="My dancers", **options)


def ids(dataset: Any) -> dict[str, set[int]]:
    return {split: set(rows["person_id"]) for split, rows in dataset.items()}


def test_splits_and_ids_are_those_of_the_catalogue(own: Any) -> None:
    assert list(own) == ["train", "validation", "test", "holdout"]
    assert ids(own) == IDS
    assert [len(rows) for rows in own.values()] == [6, 3, 9, 3]


def test_ids_do_not_depend_on_what_is_missing(folder: Path, data: Path, cache: str) -> None:
    copy = write_folder(folder.parent / "other", PEOPLE, frames=11, splits=SPLITS)
    (copy / "videos" / "000_aaa.mp4").unlink()
    (copy / "videos" / "001_bbb.mp4").unlink()
    ds = dancereid.load_dataset("own", data_dir=str(copy), cache_dir=cache)
    assert ids(ds) == {**IDS, "train": set(), "validation": set()}
    assert dancereid.coverage(ds).splits == {"train": 0, "validation": 0, "test": 9, "holdout": 3}


def test_a_stream_has_the_same(own: Any, data: Path) -> None:
    stream = dancereid.load_dataset("own", data_dir=str(data), streaming=True)
    assert list(stream) == list(own)
    assert [e["person_id"] for e in stream["holdout"]] == list(own["holdout"]["person_id"])


def test_the_title_is_in_coverage_description_page_and_card(own: Any, tmp_path: Path) -> None:
    found = dancereid.coverage(own)
    assert str(found).startswith("My dancers 'own': 4 of 4 videos, 7 of 7 people, 21 of 21 images")
    assert Coverage.from_json(found.to_json()) == found
    assert "YouTube" not in own["test"].info.description
    html = dancereid.preview(own).html
    assert "<title>My dancers: own</title>" in html
    assert '<p class="eyebrow">My dancers</p>' in html
    dancereid.prepare(own, tmp_path / "prepared")
    card = (tmp_path / "prepared" / "README.md").read_text("utf-8")
    assert "\n# My dancers\n" in card
    assert "pretty_name: My dancers\n" in card


def test_what_was_prepared_loads_by_name_with_the_same_content(
    own: Any, tmp_path: Path, cache: str
) -> None:
    import datasets

    dancereid.prepare(own, tmp_path / "prepared")
    again = datasets.load_dataset(str(tmp_path / "prepared"), "own", cache_dir=cache)
    assert all_contents(again) == all_contents(own)
    assert dancereid.coverage(again).title == "My dancers"


def test_another_title_needs_no_other_build(data: Path, cache: str) -> None:
    first = dancereid.load_dataset("own", data_dir=str(data), cache_dir=cache)
    second = dancereid.load_dataset("own", data_dir=str(data), cache_dir=cache, title="<b>New</b>")
    assert str(dancereid.coverage(first)).startswith("Own videos 'own'")
    assert str(dancereid.coverage(second)).startswith("<b>New</b> 'own'")
    assert first["test"].cache_files == second["test"].cache_files
    assert "&lt;b&gt;New&lt;/b&gt;: own</title>" in dancereid.preview(second).html


def test_layouts_train_on_train_and_validation(own: Any, data: Path, tmp_path: Path) -> None:
    catalogue = data / "catalogue.csv"
    dancereid.export(own, tmp_path / "published", catalogue=catalogue)
    split = json.loads((tmp_path / "published" / "splits.json").read_text())[0]
    assert (split["trainval"], split["query"]) == ([0, 1, 2], [3, 4, 5])
    dancereid.export(own, tmp_path / "market1501", layout="market1501", catalogue=catalogue)
    people = {
        folder.name: {int(path.name[:4]) - 1 for path in folder.iterdir()}
        for folder in (tmp_path / "market1501").iterdir()
    }
    assert people["bounding_box_train"] == {0, 1, 2}
    assert people["query"] | people["bounding_box_test"] == {3, 4, 5}
    assert people["extra"] == {6}


@pytest.mark.parametrize(
    ("config", "options", "error", "says"),
    [
        ("own", {"data_dir": None}, OptionError, "needs data_dir"),
        ("own", {"title": ""}, OptionError, "title: expected a text"),
        ("own", {"title": "two\nlines"}, OptionError, "title: expected a text"),
        ("own", {"title": "x" * 101}, OptionError, "title: expected a text"),
        ("own", {"title": 3}, OptionError, "title: expected a text"),
        ("paper", {"title": "Mine"}, OptionError, "names data of your own"),
        ("own", {"data_dir": "{empty}"}, CatalogueError, "catalogue.csv: cannot read"),
    ],
)
def test_what_is_refused(
    config: str, options: dict[str, Any], error: type[Exception], says: str, data: Path, cache: str
) -> None:
    given = {"data_dir": str(data), **options}
    if given["data_dir"] == "{empty}":
        given["data_dir"] = str(data / "npy")
    with pytest.raises(error, match=says):
        dancereid.load_dataset(config, cache_dir=cache, **given)


def test_the_command_takes_the_same(data: Path, cache: str, tmp_path: Path, capsys: Any) -> None:
    flags = ["--config", "own", "--data-dir", str(data), "--cache-dir", cache, "--quiet"]
    page = tmp_path / "page.html"
    assert main(["preview", *flags, "--title", "Mine", "--output", str(page)]) == 0
    assert "<title>Mine: own</title>" in page.read_text("utf-8")
    assert main(["preview", *flags, "--split", "tset", "--output", str(page)]) == 2
    assert "config 'own' has train and validation and test and holdout" in capsys.readouterr().err
    assert main(["check", str(data), "--quiet"]) == 0
    assert "4 of 4 videos of 'own'" in capsys.readouterr().out
