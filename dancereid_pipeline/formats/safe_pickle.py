"""Reads the pickle inside an npy file of tracks without running anything in it.

A pickle is a program for a small stack machine, and Python's own machine calls
whatever the program names. The one here only builds data. It knows the opcodes that
NumPy's pickles consist of and no others (no extension codes, no instances); a program
may ask for ten names, each of which stands for one that merely holds data; and every
length is held against the bytes that are there. NumPy's `dtype.__setstate__` would
take flags that corrupt memory, so nothing of NumPy's is reachable either.

It also hands over the frames and forgets them, some at a time as NumPy's pickles batch
them (1,000), so that a long clip's detections are never all held as objects.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .pickled_numpy import CALLS, Name, RawArray, RawDtype, UnsafePickleError, spelled_array

_SCALARS = (int, str, float, bytes, bool, type(None))


class _Root:
    """Stands for the outermost dict, whose items are handed over and forgotten."""


_STOP, _MEMOIZE, _BINGET, _BININT1, _LONG_BINGET = b".\x94hKj"
_SEARCHED_AT_ONCE = 1 << 20


def _may_be_fetched(data: bytes) -> set[int]:
    """Memo entries that may be referred to again: some hundreds of hundreds of thousands.

    Some are not: wherever a byte looks like the opcode that fetches, it is taken for it. That
    costs a little memory, while walking the program would cost half the time of running it.
    """
    fetched = set(range(256))  # all that the short opcode can name
    octets = np.frombuffer(data, np.uint8)
    for start in range(0, len(data) - 4, _SEARCHED_AT_ONCE):
        part = octets[start : start + _SEARCHED_AT_ONCE]
        for place in (start + np.flatnonzero(part == _LONG_BINGET)).tolist():
            index = int.from_bytes(data[place + 1 : place + 5], "little")
            if index < len(data):  # an entry takes a byte at least
                fetched.add(index)
    return fetched


class _Machine:
    """Runs a pickle that can only build data. One method an opcode, of the same name."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._memo_size = 0
        self._fetched = _may_be_fetched(data)
        self._arrays = 0
        self._encoded = 0
        self._root: _Root | None = None
        self._handed_over: list[tuple[Any, Any]] = []
        self.result: Any = None

    def run(self) -> Iterator[tuple[Any, Any]]:
        """The items of the outermost dict, as they are built; then `result` is set."""
        opcodes: list[Callable[[], None]] = [self._unknown] * 256
        for known in pickletools.opcodes:
            opcodes[ord(known.code)] = getattr(self, known.name, self._unknown)
        data, stack, memo, fetched = self._data, self._stack, self._memo, self._fetched
        place = self._place
        while (opcode := data[place]) != _STOP:
            place += 1
            # Three opcodes of five are one of these; a call each would double the time.
            if opcode == _MEMOIZE:
                if self._memo_size in fetched:
                    memo[self._memo_size] = stack[-1]
                self._memo_size += 1
            elif opcode == _BINGET:
                stack.append(memo[data[place]])
                place += 1
                if type(stack[-1]) is Name:
                    place = self._array_after(place)
            elif opcode == _BININT1:
                stack.append(data[place])
                place += 1
            else:
                self._place = place
                opcodes[opcode]()
                place = self._place
                if self._handed_over:
                    yield from self._handed_over
                    self._handed_over.clear()
        self.result = stack[-1]

    @property
    def made_a_dict_in_an_array(self) -> bool:
        """Whether the result is a 0-d object array around the outermost dict."""
        array = self.result
        return (
            type(array) is RawArray
            and getattr(array, "dtype", True) is None
            and array.shape == ()
            and type(array.data) is list
            and len(array.data) == 1
            and array.data[0] is self._root
            and self._root is not None
        )

    def _unknown(self) -> None:
        place = self._place - 1
        raise UnsafePickleError(f"opcode 0x{self._data[place]:02x} at byte {place} is not for data")

    def _array_after(self, place: int) -> int:
        """Where a name was fetched: makes at once the array of numbers that it is there for.

        An array is some twenty opcodes, and half of what all tracks consist of. Whatever is
        not spelled just so is left to them.

        Returns:
            The place after it; `place` if none was made.
        """
        if self._stack[-1].name != "_reconstruct":
            return place
        spelled = spelled_array(self._data, place, self._memo, self._memo_size)
        if spelled is None or not self._fetched.isdisjoint(spelled[1]):
            return place
        self._stack[-1], entries, place = spelled
        self._memo_size += len(entries)
        self._arrays += 1
        return place

    # -- arguments

    def _take(self, size: int) -> bytes:
        start = self._place
        self._place = start + size
        if self._place > len(self._data):
            raise UnsafePickleError("it claims more bytes than there are")
        return self._data[start : self._place]

    def _counted(self, width: int) -> bytes:
        return self._take(int.from_bytes(self._take(width), "little"))

    def _line(self) -> str:
        return self._take(self._data.index(b"\n", self._place) + 1 - self._place)[:-1].decode()

    def _to_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    # -- numbers, texts, bytes

    def PROTO(self) -> None:
        self._place += 1

    def FRAME(self) -> None:
        self._place += 8

    def NONE(self) -> None:
        self._stack.append(None)

    def NEWTRUE(self) -> None:
        self._stack.append(True)

    def NEWFALSE(self) -> None:
        self._stack.append(False)

    def BININT(self) -> None:
        self._stack.append(int.from_bytes(self._take(4), "little", signed=True))

    def BININT2(self) -> None:
        self._stack.append(int.from_bytes(self._take(2), "little"))

    def LONG1(self) -> None:
        self._stack.append(int.from_bytes(self._counted(1), "little", signed=True))

    def BINFLOAT(self) -> None:
        self._stack.append(struct.unpack(">d", self._take(8))[0])

    def BINSTRING(self) -> None:
        self._stack.append(self._counted(4).decode("latin-1"))

    def SHORT_BINSTRING(self) -> None:
        self._stack.append(self._counted(1).decode("latin-1"))

    def BINBYTES(self) -> None:
        self._stack.append(self._counted(4))

    def SHORT_BINBYTES(self) -> None:
        self._stack.append(self._counted(1))

    def BINBYTES8(self) -> None:
        self._stack.append(self._counted(8))

    BYTEARRAY8 = BINBYTES8

    def BINUNICODE(self) -> None:
        self._stack.append(self._counted(4).decode())

    def SHORT_BINUNICODE(self) -> None:
        self._stack.append(self._counted(1).decode())

    # -- tuples, lists, dicts

    def MARK(self) -> None:
        self._marks.append(len(self._stack))

    def EMPTY_TUPLE(self) -> None:
        self._stack.append(())

    def TUPLE(self) -> None:
        self._stack.append(tuple(self._to_mark()))

    def TUPLE1(self) -> None:
        self._stack[-1:] = [(self._stack[-1],)]

    def TUPLE2(self) -> None:
        self._stack[-2:] = [(self._stack[-2], self._stack[-1])]

    def TUPLE3(self) -> None:
        self._stack[-3:] = [(self._stack[-3], self._stack[-2], self._stack[-1])]

    def EMPTY_LIST(self) -> None:
        self._stack.append([])

    def APPEND(self) -> None:
        self._extend([self._stack.pop()])

    def APPENDS(self) -> None:
        self._extend(self._to_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self._stack[-1]) is not list:
            raise UnsafePickleError("it appends to something other than a list")
        self._stack[-1].extend(items)

    def EMPTY_DICT(self) -> None:
        if self._root is None:
            self._root = _Root()
            self._stack.append(self._root)
        else:
            self._stack.append({})

    def SETITEM(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_items([key, value])

    def SETITEMS(self) -> None:
        self._set_items(self._to_mark())

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if len(items) % 2 or type(target) not in (dict, _Root):
            raise UnsafePickleError("it sets items of something other than a dict")
        for key in items[::2]:
            # A nested tuple can take forever to hash, or overflow the stack.
            if type(key) not in _SCALARS and not (
                type(key) is tuple and all(type(part) in _SCALARS for part in key)
            ):
                raise UnsafePickleError("it has a key that is neither number nor text")
        pairs = zip(items[::2], items[1::2], strict=True)
        if target is self._root:
            self._handed_over.extend(pairs)
        else:
            target.update(pairs)

    # -- the memo: what is referred to again

    def BINPUT(self) -> None:
        self._remember(self._take(1)[0])

    def LONG_BINPUT(self) -> None:
        self._remember(int.from_bytes(self._take(4), "little"))

    def _remember(self, index: int) -> None:
        self._memo_size += 1
        if index in self._fetched:
            self._memo[index] = self._stack[-1]

    def LONG_BINGET(self) -> None:
        self._stack.append(self._memo[int.from_bytes(self._take(4), "little")])

    # -- names, and the few things they can be called for

    def GLOBAL(self) -> None:
        self._stack.append(Name(self._line(), self._line()))

    def STACK_GLOBAL(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(Name(module, name))

    def REDUCE(self) -> None:
        arguments, named = self._stack.pop(), self._stack.pop()
        if type(named) is not Name or type(arguments) is not tuple:
            raise UnsafePickleError("it calls something that is no function")
        if named.name == "OrderedDict" and not arguments:
            self.EMPTY_DICT()
        elif named.name == "_reconstruct":
            self._stack.append(self._reconstruct(*arguments))
        elif named.name == "encode":
            self._stack.append(self._encode(*arguments))
        elif named.name in CALLS:
            self._stack.append(CALLS[named.name](*arguments))
        else:
            raise UnsafePickleError(f"it calls {named.name}")

    def _reconstruct(self, subtype: Any, shape: Any, typecode: Any) -> RawArray:
        # NumPy pickles every array as an empty one whose state then follows.
        of_numpy = type(subtype) is Name and subtype.name == "ndarray"
        if not of_numpy or shape != (0,) or typecode not in (b"b", "b"):
            raise UnsafePickleError("it makes an array in a way that NumPy does not")
        self._arrays += 1
        return RawArray(outermost=self._arrays == 1)

    def _encode(self, text: Any, encoding: Any = "latin-1") -> bytes:
        # How pickles that Python 2 can read spell bytes.
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise UnsafePickleError("it encodes something other than Latin-1 text")
        self._encoded += len(text)
        if self._encoded > len(self._data):  # one text, again and again
            raise UnsafePickleError("it encodes more than it holds")
        return text.encode("latin-1")

    def BUILD(self) -> None:
        state = self._stack.pop()
        if type(self._stack[-1]) not in (RawArray, RawDtype):
            raise UnsafePickleError("it sets the state of something that has none")
        self._stack[-1].build(state)


def dict_items(data: bytes, start: int) -> Iterator[tuple[Any, Any]]:
    """The items of the dict in a pickled 0-d object array, one by one.

    Args:
        data: holds the pickle.
        start: where it starts.

    Yields:
        Key and value, of numbers, texts, lists, dicts, tuples and `RawArray`s.

    Raises:
        UnsafePickleError: it is anything else, or broken. (Items may have been yielded.)
    """
    machine = _Machine(data, start)
    try:
        yield from machine.run()
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise UnsafePickleError(f"it is broken ({type(error).__name__})") from error
    if not machine.made_a_dict_in_an_array:
        raise UnsafePickleError("it is no dict in a 0-d object array")
