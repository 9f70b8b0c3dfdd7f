from __future__ import annotations

from pathlib import Path

import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import CatalogueError, OptionError
from dancereid_pipeline.formats.annotation import Annotation

HEADER = "video_id,people,split"


def read(tmp_path: Path, text: str | bytes) -> Catalogue:
    path = tmp_path / "catalogue.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Catalogue.read(path)


def test_the_projects_catalogue_has_the_published_ids() -> None:
    catalogue = Catalogue.read()
    first_ids = {video.video_id: video.first_id for video in catalogue}
    assert len(catalogue) == 33
    assert catalogue.videos[-1].person_ids.stop == 178
    # Hand-picked from the published table.
    assert first_ids["ZhuDSdmby8k"] == 0
    assert first_ids["T4vr8mA4hoY"] == 12
    assert first_ids["qz2311gT1y4"] == 35
    assert first_ids["trftzcE6kXA"] == 88
    assert first_ids["7jRvxkYuYvk"] == 97
    assert first_ids["eHKbHoPX9d8"] == 172


def test_paper_splits_have_no_person_in_common() -> None:
    videos = Catalogue.read().choose("paper")
    people = {
        split: {p for v in videos if v.split == split for p in v.person_ids}
        for split in ("trainval", "test")
    }
    assert people["trainval"] == set(range(17, 88))
    assert people["test"] == set(range(17)) | set(range(88, 100))


def test_the_published_list_leaks_five_people() -> None:
    videos = Catalogue.read().choose("published")
    test = {p for v in videos if "test" in v.splits_in("published") for p in v.person_ids}
    trainval = {p for v in videos if "trainval" in v.splits_in("published") for p in v.person_ids}
    assert test == set(range(12)) | set(range(35, 40)) | set(range(88, 100))
    assert test & trainval == set(range(35, 40))


def test_the_catalogues_own_counts_are_those_of_the_annotation(real_annotation: Path) -> None:
    catalogue = Catalogue.read()
    annotation = Annotation.read(real_annotation, catalogue)
    for video in catalogue:
        assert annotation.videos[video.video_id].count(1) == video.annotated
        assert annotation.videos[video.video_id].count(5) == video.annotated_every_5th


def test_first_ids_are_the_sum_of_the_people_above(tmp_path: Path) -> None:
    catalogue = read(tmp_path, f"{HEADER}\na,3,test\nb,1,trainval\nc,2,extra\n")
    assert [list(v.person_ids) for v in catalogue] == [[0, 1, 2], [3], [4, 5]]


def test_a_byte_order_mark_blanks_and_own_columns_are_fine(tmp_path: Path) -> None:
    catalogue = read(tmp_path, f'\ufeff{HEADER},note\n a , 3 ,test,"x, y"\n\nb,1,test,\n')
    assert [(v.video_id, v.people) for v in catalogue] == [("a", 3), ("b", 1)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty file"),
        (HEADER + "\n", "expected a row for each video"),
        ("video_id,people\na,1\n", "'split' is missing"),
        (f"{HEADER}\na,1,test\na,2,test\n", "row 1: expected a new id, but row 0 has 'a' already"),
        (
            f"{HEADER},download_id\na,1,test,\nb,2,test,a\n",
            "row 1: expected a new id, but row 0 has 'a'",
        ),
        (f"{HEADER}\na,1,\n", "line 2, column 'split'"),
        (f"{HEADER}\na,1,val_2\n", "line 2, column 'split'"),
        (f"{HEADER}\na,1,all\n", "line 2, column 'split'"),
        (f"{HEADER}\na,0,test\n", "line 2, column 'people'"),
        (f"{HEADER}\na,,test\n", "line 2, column 'people'"),
        (f"{HEADER}\na,-1,test\n", "line 2, column 'people'"),
        (f"{HEADER}\na,two,test\n", "line 2, column 'people'"),
        (f"{HEADER}\na,1e3,test\n", "line 2, column 'people'"),
        (f"{HEADER}\na,1,test\n../b,1,test\n", "line 3, column 'video_id'"),
        (f"{HEADER}\n,1,test\n", "line 2, column 'video_id'"),
        (f"{HEADER}\na,1,test,extra\n", "line 2: expected 3 fields"),
        (f"{HEADER}\na,1\n", "line 2: expected 3 fields"),
        (f"{HEADER},published_splits\na,1,test,val\n", "column 'published_splits'"),
        (f"{HEADER},published_splits\na,1,test,test test\n", "column 'published_splits'"),
        (f'{HEADER}\n"a,1,test\n', "expected a CSV file"),
        (b"\xff\xfe\x00", "expected a CSV file in UTF-8"),
    ],
)
def test_a_broken_catalogue_is_refused(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(CatalogueError) as error:
        read(tmp_path, text)
    assert says in str(error.value)
    assert "catalogue.csv" in str(error.value)


def test_a_missing_catalogue_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere\.csv"):
        Catalogue.read(tmp_path / "nowhere.csv")


def test_choosing_keeps_row_order_and_ids(tmp_path: Path) -> None:
    catalogue = read(tmp_path, f"{HEADER}\na,3,test\nb,1,trainval\nc,2,test\n")
    chosen = catalogue.choose("paper", ["c", "a"])
    assert [(v.video_id, v.first_id) for v in chosen] == [("a", 0), ("c", 4)]


@pytest.mark.parametrize("videos", [["nobody"], [], ["a", "nobody"]])
def test_choosing_what_is_not_there_is_refused(tmp_path: Path, videos: list[str]) -> None:
    catalogue = read(tmp_path, f"{HEADER}\na,3,test\n")
    with pytest.raises(OptionError, match="Known: a"):
        catalogue.choose("paper", videos)


def test_a_scheme_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="published_splits"):
        read(tmp_path, f"{HEADER}\na,3,test\n").choose("published")


def test_own_data_has_the_splits_that_its_catalogue_names(tmp_path: Path) -> None:
    rows = "a,3,zoo\nb,1,test\nc,2,train\nd,1,dev\ne,1,validation\nf,1,test\n"
    catalogue = read(tmp_path, f"{HEADER}\n{rows}")
    assert catalogue.splits("own") == ("train", "validation", "test", "dev", "zoo")
    assert [(v.video_id, v.first_id) for v in catalogue.choose("own", ["f", "c"])] == [
        ("c", 4), ("f", 8),
    ]  # fmt: skip
    assert [v.video_id for v in catalogue.choose("paper")] == ["b", "f"]


ROWS = b"video_id,people,split\r\na,2,test\r\nb,1,test\r\n"


@pytest.mark.parametrize(
    "content",
    [
        ROWS + b",,\r\n,,,,\r\n , ,\r\n",
        b"sep=,\r\n" + ROWS,
        ROWS.replace(b",", b";"),
        b"\xef\xbb\xbfsep=;\r\n" + ROWS.replace(b",", b";") + b";;\r\n",
        b"sep=\t\r\n" + ROWS.replace(b",", b"\t"),
        ROWS.replace(b",", b"\t"),
        b"\xef\xbb\xbf" + ROWS.replace(b"\r\n", b"\n"),
        ROWS.replace(b"\r\n", b"\r"),
        ROWS.replace(b"\r\n", b",,\r\n"),
        ROWS.replace(b"test\r\n", b"test, ,\r\n"),
        ROWS.replace(b"video_id", b'"video_id"').replace(b"a,", b'"a",'),
    ],
)
def test_a_catalogue_as_excel_saves_it(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content).videos == read(tmp_path, ROWS).videos


def test_an_error_below_a_separator_line_names_the_line_of_the_file(tmp_path: Path) -> None:
    content = b"sep=;\r\n" + ROWS.replace(b",", b";") + b"c;0;test\r\n"
    with pytest.raises(CatalogueError, match=r"line 5, column 'people'"):
        read(tmp_path, content)
