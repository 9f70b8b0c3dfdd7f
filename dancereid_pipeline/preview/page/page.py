"""A page to look at a dataset: one HTML file, without server or network.

In the order the data walks: `reading` (a dataset of any door -> plain values), `wall` (people and
their crops), `timeline`, `measures` (what is counted), `findings` (what is worth acting on),
`figures`, `page` (all of it, by the templates).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ...common.files import replaced
from ...common.validation import require_extra


@dataclass(frozen=True)
class Preview:
    """A page. A notebook shows it where it stands.

    Attributes:
        html: all of it.
    """

    html: str = field(repr=False)

    def save(self, path: str | Path) -> Path:
        """Writes the page, all of it or nothing; a file that is there is overwritten.

        Raises:
            SourceError: it cannot be written there.
        """
        with replaced(Path(path).expanduser()) as unfinished:
            # A lone surrogate (from JSON) has no place in UTF-8, and is no reason to fail.
            unfinished.write_text(self.html, "utf-8", errors="replace")
        return Path(path).expanduser()

    def _repr_html_(self) -> str:
        """A frame of its own: its styles and names are not the notebook's, nor the reverse."""
        return (
            '<iframe title="Preview of the dataset" sandbox="allow-scripts" '
            'style="width:100%;height:80vh;min-height:480px;border:0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


def preview(dataset: Any, *, people: int | None = 24, split: str | None = None) -> Preview:
    """A page to look at a dataset: its people, their poses, who is where when, what is odd.

    Args:
        dataset: what `load_dataset` gave, built or streaming, from wherever; or a split of it. Of
            a stream only the first examples are read.
        people: how many to show, spread over all; few, since a notebook keeps the page. None for
            as many as a page holds.
        split: only this one.

    Returns:
        The page: a notebook shows it, `save` writes it.

    Raises:
        DanceReIDError: it cannot be looked at, or what draws is not installed.
    """
    require_preview()
    # Here, not above: `import dancereid` must do without what only pages need.
    from .render import render

    return Preview(render(dataset, people, split))


def require_preview() -> None:
    """Refuses to begin if what draws a page is not installed.

    Raises:
        DanceReIDError: it is not.
    """
    require_extra("preview", "jinja2", "matplotlib")
