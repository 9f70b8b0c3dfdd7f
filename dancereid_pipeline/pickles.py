"""Reads the pickle inside an npy file of tracks without running anything in it.

A pickle is a program. Two gates stand before it: every opcode is checked first (no
extension codes, no instances, no claims beyond the data), and of all names in the
world ten may be asked for, each of which gets a stand-in that only holds data.
NumPy's own `dtype.__setstate__` would take flags that corrupt memory, so none of
NumPy's functions is reachable either; arrays come out as `RawArray`.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"[<>=|]?(b1|[iu][1248]|f2|f4|f8|f12|f16)")


class UnsafePickleError(Exception):
    """The pickle asks for something that pose tracks do not need."""


class RawArray:
    """The state of a pickled NumPy array, not yet trusted.

    Attributes:
        shape: as claimed.
        dtype: of its items; None for the one array of objects, the outermost.
        data: the items' bytes, or (objects) a list.
    """

    __slots__ = ("_outermost", "data", "dtype", "order", "shape")
    data: Any
    dtype: np.dtype[Any] | None
    order: Literal["C", "F"]
    shape: Any

    def __init__(self, outermost: bool = False) -> None:
        self._outermost = outermost

    def __setstate__(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5 or type(state[2]) is not _RawDtype:
            raise UnsafePickleError("an array's state is not NumPy's")
        _, self.shape, dtype, fortran_order, self.data = state
        self.dtype = dtype.value
        if self.dtype is None and not self._outermost:
            raise UnsafePickleError("it holds an array of objects in another")
        self.order = "F" if fortran_order else "C"

    def numbers(self) -> NDArray[Any]:
        """The array itself.

        Raises:
            UnsafePickleError: it holds objects, or its shape claims another size.
        """
        dtype: np.dtype[Any] | None = getattr(self, "dtype", None)
        if dtype is None or type(self.data) is not bytes or type(self.shape) is not tuple:
            raise UnsafePickleError("an array holds no numbers")
        flat = np.frombuffer(self.data, dtype) if self.data else np.empty(0, dtype)
        try:
            array: NDArray[Any] = np.reshape(flat, self.shape, order=self.order)
        except (TypeError, ValueError, OverflowError):
            raise UnsafePickleError("an array claims another shape than its data has") from None
        return array


class _RawDtype:
    """A pickled dtype: only its kind, size and byte order are taken over."""

    __slots__ = ("value",)

    def __init__(self, value: np.dtype[Any] | None) -> None:
        self.value = value

    def __setstate__(self, state: Any) -> None:
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise UnsafePickleError("a dtype's state is not NumPy's")
        if self.value is not None:
            self.value = self.value.newbyteorder(state[1])


class _Name:
    """An allowed name. It can be called, or handed over; nothing can be set on it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise UnsafePickleError("it sets the state of a function")


def _dtype(spec: Any, *_flags: Any) -> _RawDtype:
    if type(spec) is bytes:
        spec = spec.decode("latin-1")
    if spec in ("O", "O8", "|O"):
        return _RawDtype(None)
    if type(spec) is not str or not _NUMBER.fullmatch(spec):
        raise UnsafePickleError("it has a dtype that is neither numbers nor objects")
    return _RawDtype(np.dtype(spec))


def _scalar(dtype: Any, data: Any = None) -> Any:
    if type(data) is str:
        data = data.encode("latin-1")
    if type(dtype) is not _RawDtype or dtype.value is None or type(data) is not bytes:
        raise UnsafePickleError("it has a scalar that is not a number")
    if len(data) != dtype.value.itemsize:
        raise UnsafePickleError("it has a scalar of another size than its dtype")
    return np.frombuffer(data, dtype.value)[0].item()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C") -> RawArray:
    if type(data) is bytearray:
        data = bytes(data)
    array = RawArray()
    array.__setstate__((1, shape, dtype, order == "F", data))
    return array


def _encode(text: Any, encoding: Any = "latin-1") -> bytes:
    """How Python 2 compatible pickles spell bytes."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError("it encodes something other than Latin-1 text")
    return text.encode("latin-1")


def _forbidden(*_args: Any) -> Any:
    raise UnsafePickleError("it calls numpy.ndarray")


_NDARRAY = _Name(_forbidden)


_NAMES: dict[tuple[str, str], _Name] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Name(_dtype),
    ("_codecs", "encode"): _Name(_encode),
    ("collections", "OrderedDict"): _Name(dict),
    **{
        (f"numpy.{core}.{module}", name): _Name(function)
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


_RECONSTRUCT = (
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
)


class _Unpickler(pickle.Unpickler):
    _arrays = 0

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _RECONSTRUCT:
            return _Name(self._reconstruct)
        try:
            return _NAMES[module, name]
        except KeyError:
            raise UnsafePickleError(f"it asks for {module[:60]}.{name[:60]}") from None

    def _reconstruct(self, subtype: Any, shape: Any, typecode: Any) -> RawArray:
        # NumPy pickles every array as an empty one whose state then follows.
        if subtype is not _NDARRAY or shape != (0,) or typecode not in (b"b", "b"):
            raise UnsafePickleError("it makes an array in a way that NumPy does not")
        self._arrays += 1
        return RawArray(outermost=self._arrays == 1)


# All that NumPy's pickles of protocols 2 to 5 consist of; not the extension registry,
# instances, sets, out-of-band buffers, nor protocol 0's spelled-out numbers.
_ALLOWED_OPCODES = frozenset(
    """PROTO FRAME STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE
    BININT BININT1 BININT2 LONG1 BINFLOAT BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES
    BINBYTES8 BYTEARRAY8 BINUNICODE SHORT_BINUNICODE BINUNICODE8
    EMPTY_LIST APPEND APPENDS LIST EMPTY_DICT SETITEM SETITEMS DICT
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 BINGET LONG_BINGET BINPUT LONG_BINPUT MEMOIZE
    GLOBAL STACK_GLOBAL REDUCE BUILD""".split()  # noqa: SIM905  # a table reads better so
)
_MEMO_OPCODES = frozenset(b"jr")  # LONG_BINGET, LONG_BINPUT: C code makes room up to the index


def _opcode_sizes() -> list[int]:
    """By opcode: the size with its argument, 0 if not allowed, or pickletools' negative code."""
    sizes = [0] * 256
    for opcode in pickletools.opcodes:
        if opcode.name in _ALLOWED_OPCODES:
            size = 0 if opcode.arg is None else opcode.arg.n
            sizes[ord(opcode.code)] = 1 + size if size >= 0 else size
    return sizes


_SIZES = _opcode_sizes()
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def _check_opcodes(data: bytes) -> None:
    """Walks the program once, so that no claim in it is taken at its word."""
    place, end, sizes = 0, len(data), _SIZES
    while place < end:
        opcode = data[place]
        size = sizes[opcode]
        if size > 0:
            if opcode in _MEMO_OPCODES:
                if int.from_bytes(data[place + 1 : place + 5], "little") > end:
                    raise UnsafePickleError("it claims more objects than it has bytes")
            elif opcode == 0x2E:  # STOP
                return
            place += size
        elif size == 0:
            raise UnsafePickleError(f"opcode 0x{opcode:02x} at byte {place} is not for data")
        elif size in _LENGTH_BYTES:
            start = place + 1 + _LENGTH_BYTES[size]
            place = start + int.from_bytes(data[place + 1 : start], "little")
        else:  # GLOBAL: a module and a name, a line each
            place = data.find(b"\n", data.find(b"\n", place) + 1) + 1
            if place == 0:
                break
    raise UnsafePickleError("it is cut off")


def load(data: bytes) -> Any:
    """Unpickles plain data: numbers, texts, lists, dicts, tuples and `RawArray`s.

    Raises:
        UnsafePickleError: it is anything else, or broken.
    """
    _check_opcodes(data)
    try:
        return _Unpickler(io.BytesIO(data), encoding="latin-1").load()
    except UnsafePickleError:
        raise
    # A broken program can make the unpickler raise nearly anything.
    except Exception as error:
        raise UnsafePickleError(f"it is broken ({type(error).__name__})") from error
