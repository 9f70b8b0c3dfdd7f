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
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("collections", "OrderedDict"): "OrderedDict",
    **{
        (f"numpy.{core}.{module}", name): name
        for core in ("core", "_core")
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    },
}


class UnsafePickleError(Exception):
    """The pickle asks for something that pose tracks do not need, or is broken."""


class Name:
    """One of the allowed names, on the stack."""

    __slots__ = ("name",)

    def __init__(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise UnsafePickleError("it asks for something that is not a name")
        if (module, name) not in _NAMES:
            raise UnsafePickleError(f"it asks for {module[:60]}.{name[:60]}")
        self.name = _NAMES[module, name]


class RawArray:
    """The state of a pickled NumPy array. It is not checked yet.

    Attributes:
        shape: the shape in the pickle, of any type and size.
        dtype: dtype of the numbers; None for the outermost array, the only one of objects.
        order: "C" or "F", the order of the numbers.
        data: the bytes of the numbers; for objects, a list.
    """

    __slots__ = ("_outermost", "data", "dtype", "order", "shape")
    data: Any
    dtype: np.dtype[Any] | None
    order: Literal["C", "F"]
    shape: Any

    def __init__(self, outermost: bool = False) -> None:
        self._outermost = outermost

    def build(self, state: Any) -> None:
        """Sets the state as NumPy pickles it: version, shape, dtype, order, data."""
        if type(state) is not tuple or len(state) != 5 or type(state[2]) is not RawDtype:
            raise UnsafePickleError("an array's state is not as NumPy pickles it")
        _, self.shape, dtype, fortran_order, self.data = state
        self.dtype = dtype.value
        if self.dtype is None and not self._outermost:
            raise UnsafePickleError("it holds an array of objects inside another array")
        self.order = "F" if fortran_order else "C"

    def doubles(self, shape: tuple[int, ...]) -> bytes | None:
        """The bytes if it holds float64 of this shape in C order, else None. It makes no array."""
        if getattr(self, "dtype", None) != _DOUBLE or self.order != "C" or self.shape != shape:
            return None
        whole = type(self.data) is bytes and len(self.data) == 8 * math.prod(shape)
        return self.data if whole else None

    def numbers(self) -> NDArray[Any]:
        """The array itself.

        Raises:
            UnsafePickleError: it holds objects, or its shape does not fit its data.
        """
        dtype, data = getattr(self, "dtype", None), _as_bytes(getattr(self, "data", None))
        if dtype is None or type(data) is not bytes or type(self.shape) is not tuple:
            raise UnsafePickleError("an array holds no numbers")
        flat = np.frombuffer(data, dtype) if data else np.empty(0, dtype)
        try:
            array: NDArray[Any] = np.reshape(flat, self.shape, order=self.order)
        except (TypeError, ValueError, OverflowError):
            raise UnsafePickleError("an array's shape does not fit its data") from None
        return array


class RawDtype:
    """A pickled dtype: only its kind, size and byte order are used.

    Attributes:
        value: the dtype; None for objects.
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


def _dtype(spec: Any, *_flags: Any) -> RawDtype:
    if spec in ("O", "O8", "|O"):
        return RawDtype(None)
    if type(spec) is not str or not _NUMBER.fullmatch(spec):
        raise UnsafePickleError("it has a dtype of neither numbers nor objects")
    return RawDtype(np.dtype(spec))


def _scalar(dtype: Any, data: Any = None) -> Any:
    data = _as_bytes(data)
    if type(dtype) is not RawDtype or dtype.value is None or type(data) is not bytes:
        raise UnsafePickleError("it has a scalar that is not a number")
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
