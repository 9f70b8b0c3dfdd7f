"""A page to look at a dataset: one HTML file, which needs no server and no network.

In the order of the data: `dataset_rows` reads a dataset; `people`, `timelines`, `figures` and
`findings` (both by `measures`) make the parts of the page; `render` joins them by the templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ...common.store_path import AnyPath, output_path, written
from ...common.validation import require_extra


@dataclass(frozen=True)
class Preview:
    """A page to look at a dataset. A notebook shows it as the output of a cell.

    Attributes:
        html: the page.
    """

    html: str = field(repr=False)

    def save(
        self, path: str | AnyPath, storage_options: Mapping[str, Any] | None = None
    ) -> AnyPath:
        """Writes the page to a file; an existing file is replaced, when the new one is complete.

        Args:
            path: path of the file, or its address in a store.
            storage_options: what fsspec is called with for an address.

        Returns:
            The path, with `~` replaced.

        Raises:
            SourceError: the file cannot be written.
        """
        path = output_path("path", path, storage_options)
        with written(path) as unfinished:
            # UTF-8 cannot hold a lone surrogate (from JSON), which is no reason to fail.
            unfinished.write_text(self.html, "utf-8", errors="replace")
        return path

    def _repr_html_(self) -> str:
        """The page in a frame, which keeps its styles and names apart from the notebook's."""
        return (
            '<iframe title="Preview of the dataset" sandbox="allow-scripts" '
            'style="width:100%;height:80vh;min-height:480px;border:0" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


def preview(dataset: Any, *, people: int | None = 24, split: str | None = None) -> Preview:
    """Makes a page to look at a dataset: its people and poses, timelines, figures and problems.

    Args:
        dataset: what `load_dataset` returned, built or streaming, or a split of it. Of a stream
            only the first examples are read.
        people: number of people to show, spread over the dataset; None for as many as fit. The
            default is small, since a notebook stores the page.
        split: name of the only split to show; all if None.

    Returns:
        The page: a notebook shows it, `save` writes it.

    Raises:
        DanceReIDError: the dataset cannot be shown, or jinja2 or matplotlib is not installed.
    """
    require_preview()
    # Here, not above: `import dancereid` must work without jinja2 and matplotlib.
    from .render import render

    return Preview(render(dataset, people, split))


def require_preview() -> None:
    """Raises an error if a library that draws the page is not installed.

    Raises:
        DanceReIDError: jinja2 or matplotlib is not installed.
    """
    require_extra("preview", "jinja2", "matplotlib")
