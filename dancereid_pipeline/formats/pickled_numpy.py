"""NumPy's arrays and numbers in a pickle, as plain data: nothing of them is executed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_DOUBLE = np.dtype(np.float64)
_NUMBER = re.compile(r"[<>=|]?(b1|[iu][1248]|f2|f4|f8|f12|f16)")
# The names that a pickle may ask for.
_NAMES = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    ),
}
# Classes of plain data, which other fields may hold. None of them is ever called.
_PLAIN = {
    **dict.fromkeys(
        ("builtins", "__builtin__"),
        "bool bytearray bytes complex dict float frozenset int list range set slice str tuple "
        "xrange",
    ),
    "collections": "Counter deque",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    **dict.fromkeys(
        ("pathlib", "pathlib._local"), "PosixPath PurePosixPath PureWindowsPath WindowsPath"
    ),
}


class UnsafePickleError(Exception):
    """The pickle asks for something that pose tracks do not need, or is broken."""


class Plain:
    """Stands for plain data that nobody looks at: its content is not kept.

    Attributes:
        kind: what it is, for errors: the name of a class.
    """

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Name:
    """One of the allowed names, on the stack.

    Attributes:
        name: the name, without its module.
        plain: whether it is a class of plain data.
    """

    __slots__ = ("name", "plain")

    def __init__(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise UnsafePickleError("it asks for something that is not a name")
        self.plain = name in _PLAIN.get(module, "").split()
        if not self.plain and (module, name) not in _NAMES:
            raise UnsafePickleError(f"it asks for {module[:60]}.{name[:60]}")
        self.name = name


class RawArray:
    """The state of a pickled NumPy array. It is not checked yet.

    Attributes:
        shape: the shape in the pickle, of any type and size.
        dtype: dtype of the numbers; None if it holds anything else.
        order: "C" or "F", the order of the numbers.
        data: the bytes of the numbers; for objects, a list.
    """

    __slots__ = ("data", "dtype", "order", "shape")
    data: Any
    dtype: np.dtype[Any] | None
    order: Literal["C", "F"]
    shape: Any

    def build(self, state: Any) -> None:
        """Sets the state as NumPy pickles it: version, shape, dtype, order, data."""
        if type(state) is not tuple or len(state) != 5 or type(state[2]) is not RawDtype:
            raise UnsafePickleError("an array's state is not as NumPy pickles it")
        _, self.shape, dtype, fortran_order, self.data = state
        self.dtype = dtype.value
        self.order = "F" if fortran_order else "C"

    def doubles(self, shape: tuple[int, ...]) -> bytes | None:
        """The bytes if it holds float64 of this shape in C order, else None. It makes no array."""
        if getattr(self, "dtype", None) != _DOUBLE or self.order != "C" or self.shape != shape:
            return None
        whole = type(self.data) is bytes and len(self.data) == 8 * math.prod(shape)
        return self.data if whole else None

    def numbers(self, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """The array as float64 if it holds real numbers of this shape, else None."""
        dtype = getattr(self, "dtype", None)
        if dtype is None or dtype.kind not in "iuf" or self.shape != shape:
            return None
        data = _as_bytes(self.data)
        if type(data) is not bytes or len(data) != dtype.itemsize * math.prod(shape):
            return None
        flat = np.frombuffer(data, dtype).astype(np.float64)
        return flat.reshape(shape, order=self.order)

    def __str__(self) -> str:
        """What it is, for errors."""
        shape = getattr(self, "shape", None)
        if type(shape) is not tuple or len(shape) > 4 or {*map(type, shape)} - {int}:
            return "an array"
        of_what = "" if self.dtype is not None else ", not of numbers"
        return f"an array of shape {shape}"[:60] + of_what


class RawDtype:
    """A pickled dtype: only its kind, size and byte order are used.

    Attributes:
        value: the dtype of numbers; None for any other.
    """

    __slots__ = ("value",)

    def __init__(self, value: np.dtype[Any] | None) -> None:
        self.value = value

    def build(self, state: Any) -> None:
        """Sets the byte order from the state as NumPy pickles it."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise UnsafePickleError("a dtype's state is not as NumPy pickles it")
        if self.value is not None:
            self.value = self.value.newbyteorder(state[1])


def _reconstruct(subtype: Any, shape: Any, typecode: Any) -> RawArray:
    # NumPy pickles each array as an empty one, and then its state.
    of_numpy = type(subtype) is Name and subtype.name == "ndarray"
    if not of_numpy or shape != (0,) or typecode not in (b"b", "b"):
        raise UnsafePickleError("it makes an array in a way that NumPy does not")
    return RawArray()


def _dtype(spec: Any, *_flags: Any) -> RawDtype:
    is_number = type(spec) is str and _NUMBER.fullmatch(spec)
    return RawDtype(np.dtype(spec) if is_number else None)


def _scalar(dtype: Any, data: Any = None) -> Any:
    if type(dtype) is not RawDtype:
        raise UnsafePickleError("it has a scalar without a dtype")
    if dtype.value is None:
        return Plain("NumPy scalar that is no number")
    data = _as_bytes(data)
    if type(data) is not bytes:
        raise UnsafePickleError("it has a scalar without bytes")
    if len(data) != dtype.value.itemsize:
        raise UnsafePickleError("it has a scalar whose size is not that of its dtype")
    return np.frombuffer(data, dtype.value)[0].item()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C") -> RawArray:
    array = RawArray()
    array.build((1, shape, dtype, order == "F", data))
    return array


def _as_bytes(data: Any) -> Any:
    """Bytes for text: Python 2 has one type for both, and its pickles are read as text."""
    return data.encode("latin-1") if type(data) is str else data


# The functions that a pickle may call, by name, and what is called instead.
CALLS: dict[str, Callable[..., Any]] = {
    "_reconstruct": _reconstruct,
    "dtype": _dtype,
    "scalar": _scalar,
    "_frombuffer": _from_buffer,
}


def _pattern(put: bytes, first_put: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Patterns of the opcodes before and after an array's bytes.

    Before the bytes, after the GET of `_reconstruct`: its arguments `(ndarray, (0,), b"b")`, the
    call, and the state `(1, shape, dtype, order, bytes)` up to the number of bytes.
    """
    empty, arguments, call = rb"h(.)K\x00\x85" + first_put, rb"h(.)\x87" + put, b"R" + put
    state = rb"\(K\x01(K.\x85|K.K.\x86)" + put + rb"h(.)([\x88\x89])(?:C(.)|B(....))"
    before, after = empty + arguments + call + state, put + b"t" + put + b"b"
    return re.compile(before, re.DOTALL), re.compile(after, re.DOTALL)


# The opcodes of nearly all arrays. They put six objects into the memo, with consecutive numbers:
# by MEMOIZE, which does not contain the number (protocol 4), or by LONG_BINPUT (older protocols).
_PATTERNS = {
    b"\x94": _pattern(rb"\x94", rb"()\x94"),
    b"r": _pattern(rb"r....", rb"r(....)"),
}
_FIRST_PUT = len(b"h.K\x00\x85")
_PUTS = 6


def usual_array(
    program: bytes, offset: int, memo: Mapping[int, Any], memo_size: int
) -> tuple[RawArray, range, int] | None:
    """Reads an array of numbers at once if it has the opcodes that nearly all arrays have.

    Args:
        program: the pickle.
        offset: offset behind the GET of `_reconstruct`.
        memo: the objects that the pickle can refer to, by number.
        memo_size: how many objects were put into the memo.

    Returns:
        The array, the numbers that its parts have in the memo, and the offset behind it. None
        if it has other opcodes, or is not an array of numbers.
    """
    put = offset + _FIRST_PUT
    before, after = _PATTERNS.get(program[put : put + 1], (None, None))
    start = before.match(program, offset) if before else None
    if start is None or after is None:
        return None
    subtype, entry, typecode, shape, dtype, order, short, long = start.groups()
    end = start.end() + int.from_bytes(short or long, "little")
    rest = after.match(program, end)
    kind, items = memo[subtype[0]], memo[dtype[0]]
    if rest is None or type(items) is not RawDtype or items.value is None:
        return None
    if type(kind) is not Name or kind.name != "ndarray" or memo[typecode[0]] not in (b"b", "b"):
        return None
    array = RawArray()
    array.shape, array.dtype = tuple(shape[1:-1:2]), items.value
    array.order, array.data = "F" if order == b"\x88" else "C", program[start.end() : end]
    first = int.from_bytes(entry, "little") if entry else memo_size
    return array, range(first, first + _PUTS), rest.end()
