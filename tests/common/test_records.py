from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.common.records import parse_record


class Colour(str, Enum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    share: float
    on: bool = False


@dataclass(frozen=True)
class Outer:
    name: str
    count: int | None
    colour: Colour
    pair: tuple[int, int]
    inner: tuple[Inner, ...]
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    anything: Any = None


INNER = st.builds(Inner, st.floats(allow_nan=False) | st.integers(), st.booleans())


@given(
    st.builds(
        Outer,
        st.text(),
        st.none() | st.integers(),
        st.just(Colour.RED),
        st.tuples(st.integers(), st.integers()),
        st.lists(INNER, max_size=3).map(tuple),
        st.dictionaries(st.text(), INNER, max_size=3),
        st.lists(st.none() | st.booleans()),
    )
)
def test_what_was_written_comes_back(outer: Outer) -> None:
    assert parse_record(Outer, json.loads(json.dumps(asdict(outer)))) == outer


GOOD = {"name": "a", "count": None, "colour": "red", "pair": [1, 2], "inner": [{"share": 0.5}]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": 3}, "Outer.name: expected str, got 3"),
        ({"name": None}, "Outer.name: expected str, got None"),
        ({"count": 0.5}, "Outer.count: expected int, got 0.5"),
        ({"count": True}, "Outer.count: expected int, got True"),
        ({"colour": "blue"}, "'blue' is not a valid Colour"),
        ({"colour": ["red"]}, "Outer.colour: expected Colour"),
        ({"pair": [1]}, "Outer.pair: expected tuple"),
        ({"pair": [1, "2"]}, r"Outer.pair\[1\]: expected int, got '2'"),
        ({"inner": {}}, "Outer.inner: expected tuple"),
        ({"inner": [{}]}, r"Outer.inner\[0\].share: is missing"),
        ({"inner": [{"share": "x"}]}, r"Outer.inner\[0\].share: expected float"),
        ({"inner": [{"share": 1, "on": 1}]}, r"Outer.inner\[0\].on: expected bool, got 1"),
        ({"by_name": {"b": 3}}, "Outer.by_name.b: expected Inner, got 3"),
        ({"by_name": []}, "Outer.by_name: expected Mapping"),
        ({"more": 1}, "Outer.more: is not known"),
    ],
)
def test_a_wrong_value_is_named(changed: dict[str, Any], said: str) -> None:
    parse_record(Outer, GOOD)
    with pytest.raises(ValueError, match=said):
        parse_record(Outer, GOOD | changed)
    with pytest.raises(ValueError, match="Outer: expected Outer, got 7"):
        parse_record(Outer, 7)
