"""How far a long step is: a bar; in a log, a line now and then; or nothing."""

from __future__ import annotations

import io
import sys
from typing import Any

from datasets.utils import tqdm

_EVERY_S = 30.0
_SHORT_S = 5.0  # what took no longer has no line at its end
_KNOWN_END = (
    "{desc}: {n_fmt} of {total_fmt}{unit}, {percentage:.0f} %, {elapsed}, {remaining} left{postfix}"
)
_UNKNOWN_END = "{desc}: {n_fmt}{unit}, {elapsed}{postfix}"


class _Lines(tqdm):
    """Writes a line every half minute, and one at the end of what took longer than a moment."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if options.get("leave") is False:  # a detail of a longer step, which has its own lines
            options["disable"] = True
        # tqdm's own text, with which it moves a terminal's cursor, goes nowhere.
        options |= {"file": io.StringIO(), "delay": _SHORT_S, "miniters": 1}
        options |= {"mininterval": _EVERY_S, "maxinterval": _EVERY_S}
        self._told = -1  # the count of the last line
        super().__init__(*arguments, **options)

    def __str__(self) -> str:
        self.bar_format = _KNOWN_END if self.total else _UNKNOWN_END
        return super().__str__()

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:  # noqa: ARG002
        """Called by tqdm when it is time to show something, with "" to clear it."""
        if msg is None and self.n != self._told:
            print(self, file=sys.stderr, flush=True)
            self._told = self.n
        return True

    def close(self) -> None:
        """Ends with a line, unless it was short."""
        if not self.disable:
            self.last_print_t = self._time()
        super().close()


class _Nothing(tqdm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "disable": True})


_KINDS = {"bars": tqdm, "lines": _Lines, "nothing": _Nothing}
_shown = tqdm


def progress(*arguments: Any, **options: Any) -> Any:
    """What tells how far a step is; takes what `tqdm` takes, and is used like it.

    HF_DATASETS_DISABLE_PROGRESS_BARS turns it off, as it does the bars of `datasets`.
    """
    return _shown(*arguments, **options)


def show_progress(kind: str) -> None:
    """Chooses, for this process, how progress is shown: by `datasets`, too.

    Args:
        kind: "bars", "lines" or "nothing".
    """
    global _shown
    before, _shown = _shown, _KINDS[kind]
    # `datasets` has no setting for this. Its modules know their bar by this name.
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("hf_tqdm") is before:
            module.hf_tqdm = _shown  # type: ignore[attr-defined]
