from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import AnnotationError, SourceError
from dancereid_pipeline.formats import annotation
from dancereid_pipeline.formats.annotation import Annotation, _unique_keys


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "catalogue.csv"
    path.write_text("video_id,people,split\na,2,test\nb,1,test\n")
    return Catalogue.read(path)


def read(tmp_path: Path, text: str | bytes, catalogue: Catalogue) -> Annotation:
    path = tmp_path / "annotation.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Annotation.read(path, catalogue)


def test_people_are_in_order_of_their_numbers_not_their_spelling(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    found = read(tmp_path, '{"a": {"10": [7, 3], "9": [0]}}', catalogue).videos["a"]
    assert found.people.tolist() == [9, 10]
    assert [frames.tolist() for frames in found.frames] == [[0], [3, 7]]


def test_counts_by_stride(tmp_path: Path, catalogue: Catalogue) -> None:
    found = read(tmp_path, '{"a": {"0": [0, 1, 5, 10], "1": [5, 6]}}', catalogue).videos["a"]
    assert (found.count(1), found.count(5), found.count(10)) == (6, 4, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "got a list at the top"),
        (b"\xff\xfe", "annotation.json"),
        ("[" * 100_000, "annotation.json"),
        ('{"x": {}}', "video 'x' is not in the catalogue"),
        ('{"a": []}', "got a list"),
        ('{"a": {"0": [0]}}', "expected 2 people"),
        ('{"a": {"0": [], "1": [], "2": []}}', "expected 2 people"),
        ('{"a": {"0": [0], "0": [1]}}', "'0' is twice"),
        ('{"a": {"0": [0], "1": []}, "a": {}}', "'a' is twice"),
        ('{"a": {"0": [0], "01": [0]}}', "got '01'"),
        ('{"a": {"0": [0], "-1": [0]}}', "got '-1'"),
        ('{"a": {"0": [0], "\u0663": [0]}}', "as a decimal number"),
        ('{"a": {"0": [0], "99999999999999999999": [0]}}', "as a decimal number"),
        ('{"a": {"0": [0], "1": {"0": 1}}}', "person 1: expected a list of frames, got a dict"),
        ('{"a": {"0": [0], "1": [0, -4]}}', "person 1: expected frames as whole numbers"),
        ('{"a": {"0": [0], "1": [1.5]}}', "got '1.5'"),
        ('{"a": {"0": [0], "1": [true]}}', "got 'True'"),
        ('{"a": {"0": [0], "1": [NaN]}}', "got 'nan'"),
        ('{"a": {"0": [0], "1": ["3"]}}', "got '3'"),
        ('{"a": {"0": [0], "1": [[3]]}}', "got 'list'"),
        ('{"a": {"0": [0], "1": [1e400]}}', "got 'inf'"),
        ('{"a": {"0": [0], "1": [18446744073709551616]}}', "got '18446744073709551616'"),
        ('{"a": {"0": [0], "1": [4, 8, 4]}}', "person 1: frame 4 is listed twice"),
    ],
)
def test_a_broken_annotation_is_refused(
    tmp_path: Path, catalogue: Catalogue, text: str | bytes, says: str
) -> None:
    with pytest.raises(AnnotationError) as error:
        read(tmp_path, text, catalogue)
    assert says in str(error.value)


def test_a_missing_annotation_is_an_error_with_its_name(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.json"):
        Annotation.read(tmp_path / "nowhere.json", catalogue)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a":{"0":['])
@pytest.mark.parametrize("depth", [1000, 300_000])
def test_a_deep_nest_is_one_error(
    tmp_path: Path, catalogue: Catalogue, opening: str, depth: int
) -> None:
    # How deep Python's JSON reads differs: 1,000 levels are too many for some versions only.
    said = "nested too deep" if depth > 1000 else "nested too deep|Expecting value"
    with pytest.raises(AnnotationError, match=said) as error:
        read(tmp_path, opening * depth, catalogue)
    if "nested" in str(error.value):
        assert error.value.__cause__ is None


def test_a_file_that_is_too_large_is_refused_before_it_is_read_whole(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotation, "MAX_BYTES", 1000)
    (tmp_path / "annotation.json").write_bytes(b"{" + b" " * 10**7)
    tracemalloc.start()
    try:
        with pytest.raises(AnnotationError, match="at most 1,000 bytes"):
            Annotation.read(tmp_path / "annotation.json", catalogue)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


class CountedKey(str):
    """A key that counts how often it is compared."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedKey.compared += 1
        return str.__eq__(self, other)


@pytest.mark.parametrize("size", [1000, 2000, 4000])
def test_a_key_that_is_there_twice_is_found_in_a_pass(size: int) -> None:
    pairs = [(CountedKey(key), 0) for key in [*range(size), size - 1]]
    CountedKey.compared = 0
    with pytest.raises(ValueError, match=f"'{size - 1}' is twice"):
        _unique_keys(pairs)
    assert CountedKey.compared < 3 * size
