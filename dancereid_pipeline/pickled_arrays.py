"""NumPy's arrays and numbers as pickles spell them: data to look at, nothing that acts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"[<>=|]?(b1|[iu][1248]|f2|f4|f8|f12|f16)")


class UnsafePickleError(Exception):
    """The pickle asks for something that pose tracks do not need, or is broken."""


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

    def build(self, state: Any) -> None:
        """Takes over the state that NumPy pickles: version, shape, dtype, order, data."""
        if type(state) is not tuple or len(state) != 5 or type(state[2]) is not RawDtype:
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
        dtype, data = getattr(self, "dtype", None), _as_bytes(getattr(self, "data", None))
        if dtype is None or type(data) is not bytes or type(self.shape) is not tuple:
            raise UnsafePickleError("an array holds no numbers")
        flat = np.frombuffer(data, dtype) if data else np.empty(0, dtype)
        try:
            array: NDArray[Any] = np.reshape(flat, self.shape, order=self.order)
        except (TypeError, ValueError, OverflowError):
            raise UnsafePickleError("an array claims another shape than its data has") from None
        return array


class RawDtype:
    """A pickled dtype: only its kind, size and byte order are taken over."""

    __slots__ = ("value",)

    def __init__(self, value: np.dtype[Any] | None) -> None:
        self.value = value

    def build(self, state: Any) -> None:
        """Takes over the byte order from the state that NumPy pickles."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise UnsafePickleError("a dtype's state is not NumPy's")
        if self.value is not None:
            self.value = self.value.newbyteorder(state[1])


def _dtype(spec: Any, *_flags: Any) -> RawDtype:
    if spec in ("O", "O8", "|O"):
        return RawDtype(None)
    if type(spec) is not str or not _NUMBER.fullmatch(spec):
        raise UnsafePickleError("it has a dtype that is neither numbers nor objects")
    return RawDtype(np.dtype(spec))


def _scalar(dtype: Any, data: Any = None) -> Any:
    data = _as_bytes(data)
    if type(dtype) is not RawDtype or dtype.value is None or type(data) is not bytes:
        raise UnsafePickleError("it has a scalar that is not a number")
    if len(data) != dtype.value.itemsize:
        raise UnsafePickleError("it has a scalar of another size than its dtype")
    return np.frombuffer(data, dtype.value)[0].item()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C") -> RawArray:
    array = RawArray()
    array.build((1, shape, dtype, order == "F", data))
    return array


def _as_bytes(data: Any) -> Any:
    """Python 2 has one type for text and bytes; its pickles are read as text."""
    return data.encode("latin-1") if type(data) is str else data


# What a pickle may call, and what is called instead.
CALLS: dict[str, Callable[..., Any]] = {
    "dtype": _dtype,
    "scalar": _scalar,
    "_frombuffer": _from_buffer,
}
