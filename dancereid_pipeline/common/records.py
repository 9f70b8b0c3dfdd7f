"""JSON -> dataclasses, with every value checked: it may come from anybody."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def parse_record(kind: type[T], values: Any) -> T:
    """The inverse of `dataclasses.asdict`, for values as JSON gives them back.

    Args:
        kind: a dataclass. Its fields may be texts, numbers, enums, dataclasses; tuples and
            mappings of these; or None, where the type says so.
        values: what should be such a record.

    Raises:
        ValueError: a value is missing, is too many, or is not of its field's type; the message
            names it.
    """
    record: T = _parse(kind, values, kind.__name__)
    return record


def _parse(kind: Any, value: Any, name: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _parse(inner, value, name)
    if origin is tuple and isinstance(value, list | tuple):
        endless = arguments[-1] is Ellipsis
        kinds = [arguments[0]] * len(value) if endless else arguments
        if len(kinds) == len(value):
            parts = enumerate(zip(kinds, value, strict=True))
            return tuple(_parse(each, part, f"{name}[{i}]") for i, (each, part) in parts)
    elif origin is Mapping and isinstance(value, dict):
        return {key: _parse(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    elif is_dataclass(kind) and isinstance(value, dict):
        return _parse_fields(kind, value, name)
    elif isinstance(kind, type) and issubclass(kind, Enum) and isinstance(value, str):
        return kind(value)
    elif kind in (str, bool, int, float) and _is(kind, value):
        return value
    raise ValueError(f"{name}: expected {getattr(kind, '__name__', kind)}, got {value!r:.60}")


def _parse_fields(kind: Any, values: dict[str, Any], name: str) -> Any:
    hints = get_type_hints(kind)
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    for wrong in (*sorted(needed - values.keys()), *sorted(values.keys() - hints.keys())):
        raise ValueError(f"{name}.{wrong}: {'is missing' if wrong in needed else 'is not known'}")
    return kind(
        **{key: _parse(hints[key], value, f"{name}.{key}") for key, value in values.items()}
    )


def _is(kind: type, value: Any) -> bool:
    """Whether a value is of a plain type. JSON has whole numbers for floats; True is no number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)
