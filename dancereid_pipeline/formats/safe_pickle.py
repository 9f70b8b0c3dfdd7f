"""Reads the pickle inside an npy file of tracks. Nothing in it is executed.

A pickle is a program for a small stack machine, and Python's own machine calls any function
that the program names. The machine here only builds data. It knows only the opcodes that pickles
of data have (no extension codes, no instances). A program may ask for a few names; each stands for
something here that only holds data. Each length is compared with the bytes that are there. No
function of NumPy can be called either: the flags of `dtype.__setstate__` can corrupt memory.

What nobody looks at (sets, dates, arrays of text) becomes `Plain` or stays raw.

The machine yields the frames in blocks, as NumPy's pickles have them (1,000), and keeps none of
them. So the detections of a long clip are never all in memory as objects.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from .pickle_memo import referred_entries
from .pickled_numpy import CALLS, Name, Plain, RawArray, RawDtype, UnsafePickleError, usual_array

_KEYS = {int, str, float, bytes, bool, type(None), Plain}


class _Root:
    """Stands for the outermost dict, whose items are yielded and not kept."""


_STOP, _MEMOIZE, _BINGET, _BININT1 = b".\x94hK"
# An empty list takes 1 byte in a pickle and 64 in memory. In tracks, a container takes at least 4
# bytes: an empty frame with its number. A dict with items takes three times as much in both.
_BYTES_PER_CONTAINER = 4
_FILLED_DICT = 2  # more than an empty one
_MAX_DEPTH = 1000  # Python's own pickler does not nest deeper
_BYTES_PER_ENTRY = 8  # an entry of the memo takes some 130 in memory
# To hash a long tuple, or to call with it, again and again would take time squared.
_MAX_KEY_PARTS = 16
_MAX_ARGUMENTS = 8


class _Machine:
    """Runs a pickle that can only build data. Each opcode has a method of the same name."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._memo_size = 0
        self._referred = referred_entries(data)
        self._containers, self._most_containers = 0, len(data) // _BYTES_PER_CONTAINER
        self._encoded = 0
        self._has_root = False
        self._ready: list[Any] = []  # keys and values in turn
        self.result: Any = None

    def run(self) -> Iterator[tuple[Any, Any]]:
        """Yields the items of the outermost dict as they are built; sets `result` at the end."""
        opcodes: list[Callable[[], None]] = [self._unknown] * 256
        for known in pickletools.opcodes:
            opcodes[ord(known.code)] = getattr(self, known.name, self._unknown)
        data, stack, memo, referred = self._data, self._stack, self._memo, self._referred
        offset = self._offset
        while (opcode := data[offset]) != _STOP:
            offset += 1
            # Three of five opcodes are one of these; a call for each would double the time.
            if opcode == _MEMOIZE:
                if referred[self._memo_size]:
                    self._keep(self._memo_size)
                self._memo_size += 1
            elif opcode == _BINGET:
                stack.append(memo[data[offset]])
                offset += 1
                if type(stack[-1]) is Name:
                    offset = self._array_at(offset)
            elif opcode == _BININT1:
                stack.append(data[offset])
                offset += 1
            else:
                self._offset = offset
                opcodes[opcode]()
                offset = self._offset
                if self._ready:
                    self._ready.reverse()
                    while self._ready:  # each frame is gone before the next one is looked at
                        yield self._ready.pop(), self._ready.pop()
        self.result = stack[-1]

    @property
    def made_a_dict_in_an_array(self) -> bool:
        """Whether the result is a 0-d array that holds the outermost dict."""
        array = self.result
        return (
            type(array) is RawArray
            and getattr(array, "shape", None) == ()
            and type(array.data) is list
            and len(array.data) == 1
            and type(array.data[0]) is _Root
        )

    def _unknown(self) -> None:
        offset = self._offset - 1
        opcode = self._data[offset]
        raise UnsafePickleError(f"opcode 0x{opcode:02x} at byte {offset} is not for data")

    def _array_at(self, offset: int) -> int:
        """Makes an array of numbers at once, if one begins behind the name on the stack.

        An array has about twenty opcodes; half of all opcodes in tracks belong to arrays. An
        array with other opcodes than usual is made by running them one by one.

        Returns:
            The offset behind the array; `offset` if none was made.
        """
        if self._stack[-1].name != "_reconstruct":
            return offset
        found = usual_array(self._data, offset, self._memo, self._memo_size)
        if found is None or self._referred.find(1, found[1].start, found[1].stop) >= 0:
            return offset
        self._stack[-1], entries, offset = found
        self._memo_size += len(entries)
        return offset

    def near(self) -> str:
        """The key of the entry that is being built, for errors; "" if there is none."""
        for mark in reversed(self._marks):
            if [*map(type, self._stack[mark - 1 : mark])] == [dict]:
                keys = [item for item in self._stack[mark:] if type(item) is str]
                return f", near the field {keys[-1][:40]!r}" if keys else ""
        return ""

    # -- arguments

    def _take(self, size: int) -> bytes:
        start = self._offset
        self._offset = start + size
        if self._offset > len(self._data):
            raise UnsafePickleError("it claims more bytes than it has")
        return self._data[start : self._offset]

    def _counted(self, width: int) -> bytes:
        return self._take(int.from_bytes(self._take(width), "little"))

    def _line(self) -> str:
        return self._take(self._data.index(b"\n", self._offset) + 1 - self._offset)[:-1].decode()

    def _to_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    # -- numbers, texts, bytes

    def PROTO(self) -> None:
        self._offset += 1

    def FRAME(self) -> None:
        self._offset += 8

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

    def LONG4(self) -> None:
        self._counted(4)
        self._stack.append(Plain("huge int"))

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
        self._stack.append(self._counted(4).decode(errors="surrogatepass"))

    def SHORT_BINUNICODE(self) -> None:
        self._stack.append(self._counted(1).decode(errors="surrogatepass"))

    # -- tuples, lists, dicts, sets

    def MARK(self) -> None:
        if len(self._marks) == _MAX_DEPTH:
            raise UnsafePickleError(f"it is nested deeper than {_MAX_DEPTH:,} levels")
        self._marks.append(len(self._stack))

    def EMPTY_TUPLE(self) -> None:
        self._stack.append(())

    def _count_container(self) -> None:
        self._containers += 1
        if self._containers > self._most_containers:
            raise UnsafePickleError("it holds more lists, tuples and dicts than its size allows")

    def TUPLE(self) -> None:
        self._count_container()
        self._stack.append(tuple(self._to_mark()))

    def TUPLE1(self) -> None:
        self._count_container()
        self._stack[-1:] = [(self._stack[-1],)]

    def TUPLE2(self) -> None:
        self._count_container()
        self._stack[-2:] = [(self._stack[-2], self._stack[-1])]

    def TUPLE3(self) -> None:
        self._count_container()
        self._stack[-3:] = [(self._stack[-3], self._stack[-2], self._stack[-1])]

    def EMPTY_LIST(self) -> None:
        self._count_container()
        self._stack.append([])

    def APPEND(self) -> None:
        self._extend([self._stack.pop()])

    def APPENDS(self) -> None:
        self._extend(self._to_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self._stack[-1]) is list:
            self._stack[-1].extend(items)
        elif type(self._stack[-1]) is not Plain:  # the items of plain data are dropped
            raise UnsafePickleError("it appends to something other than a list")

    def EMPTY_SET(self) -> None:
        self._plain("set")

    ADDITEMS = APPENDS

    def FROZENSET(self) -> None:
        self._to_mark()
        self._plain("frozenset")

    def _plain(self, kind: str) -> None:
        # Each its own: two of them may be different keys of one dict.
        self._count_container()
        self._stack.append(Plain(kind))

    def EMPTY_DICT(self) -> None:
        self._count_container()
        self._stack.append({} if self._has_root else _Root())
        self._has_root = True

    def SETITEM(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_items([key, value])

    def SETITEMS(self) -> None:
        self._set_items(self._to_mark())

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if len(items) % 2 or type(target) not in (dict, _Root):
            raise UnsafePickleError("it sets items of something other than a dict")
        plain = {*map(type, islice(items, 0, None, 2))} <= _KEYS
        if not plain and not all(type(key) in _KEYS or _is_short(key) for key in items[::2]):
            raise UnsafePickleError("it has a key that is neither a number nor text")
        if type(target) is _Root:
            self._ready = items
            return
        if not target:
            self._containers += _FILLED_DICT  # the next container is checked
        target.update(_pairs(items))

    # -- the memo: objects that the pickle refers to again

    def BINPUT(self) -> None:
        self._remember(self._take(1)[0])

    def LONG_BINPUT(self) -> None:
        self._remember(int.from_bytes(self._take(4), "little"))

    def _remember(self, index: int) -> None:
        self._memo_size += 1
        if index < len(self._referred) and self._referred[index]:
            self._keep(index)

    def _keep(self, index: int) -> None:
        self._memo[index] = self._stack[-1]
        if index > 256 and len(self._memo) * _BYTES_PER_ENTRY > len(self._data):
            raise UnsafePickleError("it refers to more objects again than its size allows")

    def LONG_BINGET(self) -> None:
        self._stack.append(self._memo[int.from_bytes(self._take(4), "little")])

    # -- names, and the few calls that are allowed

    def GLOBAL(self) -> None:
        self._stack.append(Name(self._line(), self._line()))

    def STACK_GLOBAL(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(Name(module, name))

    def REDUCE(self) -> None:
        arguments, named = self._stack.pop(), self._stack.pop()
        if type(named) is not Name or type(arguments) is not tuple:
            raise UnsafePickleError("it calls something that is not a function")
        if named.plain:
            self._plain(named.name)
            return
        if len(arguments) > _MAX_ARGUMENTS:
            raise UnsafePickleError("it calls a function with too many arguments")
        self._count_container()
        if named.name == "defaultdict" or (named.name == "OrderedDict" and not arguments):
            self.EMPTY_DICT()
        elif named.name == "encode":
            self._stack.append(self._encode(*arguments))
        elif named.name in CALLS:
            self._stack.append(CALLS[named.name](*arguments))
        else:
            raise UnsafePickleError(f"it calls {named.name}")

    def _encode(self, text: Any, encoding: Any = "latin-1") -> bytes:
        # Pickles that Python 2 can read have text instead of bytes.
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise UnsafePickleError("it encodes something other than Latin-1 text")
        self._encoded += len(text)
        if self._encoded > len(self._data):  # the same text again and again
            raise UnsafePickleError("it encodes more text than it has")
        return text.encode("latin-1")

    def BUILD(self) -> None:
        state = self._stack.pop()
        if type(self._stack[-1]) not in (RawArray, RawDtype):
            raise UnsafePickleError("it sets the state of something without a state")
        self._stack[-1].build(state)


def _is_short(key: Any) -> bool:
    """Whether it is a flat, short tuple. To hash others can take forever, or overflow the stack."""
    return type(key) is tuple and len(key) <= _MAX_KEY_PARTS and {*map(type, key)} <= _KEYS


def _pairs(items: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Keys and values, from a list where they stand in turn. It makes no copy."""
    each = iter(items)
    return zip(each, each, strict=True)


def dict_items(data: bytes, start: int) -> Iterator[tuple[Any, Any]]:
    """Yields the items of the dict in a pickled 0-d object array.

    Args:
        data: bytes that hold the pickle.
        start: offset of the pickle in them.

    Yields:
        Key and value, made of numbers, texts, lists, dicts, tuples, `RawArray` and `Plain`.

    Raises:
        UnsafePickleError: the pickle is broken or holds anything else. Some items may have
            been yielded before.
    """
    machine = _Machine(data, start)
    try:
        yield from machine.run()
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{error}{machine.near()}") from error
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise UnsafePickleError(f"it is broken ({type(error).__name__})") from error
    if not machine.made_a_dict_in_an_array:
        raise UnsafePickleError("it is not a dict in a 0-d object array")
