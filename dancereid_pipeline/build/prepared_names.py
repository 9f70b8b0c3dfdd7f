"""The names of configs in a prepared folder: `paper`, `paper-tracklet`; or a name of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..catalogue.catalogue import CONFIGS, OWN
from ..common.errors import OptionError
from ..common.validation import shown
from .options import UNITS

# Small letters only: some disks do not tell capitals from others.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


def prepared_name(config: str, unit: str, name: str | None = None) -> str:
    """The name of a config in a prepared folder: `paper`, `paper-tracklet`, `paper-frame`.

    Args:
        config: name of the config.
        unit: what an example is.
        name: what "own" is called there instead; `check_name` has checked it.
    """
    name = name or config
    return name if unit == "crop" else f"{name}-{unit}"


def config_and_unit(prepared: str) -> tuple[str, str]:
    """The config and the unit of a name in a prepared folder."""
    name, unit = _parts(prepared)
    return name if name in CONFIGS else OWN, unit


def is_prepared_name(prepared: str) -> bool:
    """Whether a config may have this name in a prepared folder."""
    name, _ = _parts(prepared)
    return name in CONFIGS or _NAME.fullmatch(name) is not None


def _parts(prepared: str) -> tuple[str, str]:
    """The name without the unit, and the unit."""
    name, _, unit = prepared.rpartition("-")
    return (name, unit) if name and unit in UNITS[1:] else (prepared, "crop")


def check_name(config: str, name: Any) -> None:
    """Refuses a name that a config cannot have in a prepared folder; None is no name.

    Raises:
        OptionError: it is not such a name, or the config is not "own".
    """
    if name is None:
        return
    if config != OWN:
        raise OptionError(
            f"name: is for data of your own, which is config '{OWN}'; '{config}' keeps its name. "
            "Leave name out, or build that config."
        )
    fits = isinstance(name, str) and is_prepared_name(name)
    if not fits or config_and_unit(name) != (OWN, "crop"):
        raise OptionError(
            "name: expected 1 to 50 small letters, digits, - and _, not the name of another config "
            f"({', '.join(c for c in CONFIGS if c != OWN)}), and no -tracklet or -frame at its "
            f"end; got {shown(name)}."
        )


def in_card_order(names: Iterable[str]) -> list[str]:
    """Those that can be names in a prepared folder, in the order of the card."""

    def order(prepared: str) -> tuple[int, str, int]:
        config, unit = config_and_unit(prepared)
        return list(CONFIGS).index(config), _parts(prepared)[0], UNITS.index(unit)

    return sorted(filter(is_prepared_name, names), key=order)
