"""Random changes of a file's bytes, and of values that a file is written from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

# Where lengths, counts and types stand, these make a reader ask for too much, or too little.
_WORDS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "0",
    "\x00é\ud800",
    [],
    [[[]]],
    {},
    {"": {}},
]


def change_bytes(content: bytes, chance: random.Random) -> bytes:
    """Changes one to four stretches of a file."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4])):
        start = chance.randrange(len(changed) + 1)
        stretch = slice(start, start + chance.choice([1, 1, 4, 30, 400]))
        kind = chance.randrange(6)
        if kind == 0 and start < len(changed):
            changed[start] ^= 1 << chance.randrange(8)
        elif kind == 1:
            size = chance.choice([1, 2, 4, 8])
            word = chance.choice(_WORDS) % 256**size
            changed[start : start + size] = word.to_bytes(size, chance.choice(["little", "big"]))
        elif kind == 2:
            del changed[stretch]
        elif kind == 3:
            changed[start:start] = changed[stretch] * chance.choice([1, 2, 50])
        elif kind == 4:
            changed[stretch] = chance.randbytes(len(changed[stretch]))
        else:
            del changed[start:]
    return bytes(changed)


def change_value(value: Any, chance: random.Random, strange: Sequence[Any] = ()) -> Any:
    """Replaces, removes or repeats something in nested dicts and lists, at random.

    Args:
        value: nested dicts and lists; it stays as it is.
        chance: the source of randomness.
        strange: values to put in, beside those of JSON.
    """
    if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
        return chance.choice([*_VALUES, *strange])
    if isinstance(value, list):
        index = chance.randrange(len(value))
        new = change_value(value[index], chance, strange)
        return value[:index] + [new] * chance.choice([0, 1, 1, 1, 2]) + value[index + 1 :]
    key = chance.choice([*value])
    changed = dict(value)
    if chance.random() < 0.2:
        changed[chance.choice([key, "", "0", "-1", "x" * 300])] = changed.pop(key)
    else:
        changed[key] = change_value(value[key], chance, strange)
    return changed
