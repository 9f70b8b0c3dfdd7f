"""Builds the pages of docs/ into out/site. Every warning is an error.

    python tools/build_site.py

The site must need no other host for fonts, styles, scripts or pictures; links that a reader may
follow are left alone. Exit code 0: the site is there; 1: something is wrong, and was printed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SITE = PROJECT / "out" / "site"
# Griffe reads docstrings. Zensical passes on what it warns of, and calls it no issue.
_WARNING = re.compile(r"^(griffe|WARNING)", re.MULTILINE)
# What a browser fetches by itself, by tag; any other attribute is followed only by a click.
_FETCHED = {
    "link": ("href",),
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
}
# Relations of a link that say something about the page, and fetch nothing.
_NOT_FETCHED = {"canonical", "next", "prev", "alternate", "edit"}
_ELSEWHERE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
_IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
# The theme's script fetches Mermaid from elsewhere for a page with such a drawing.
_DRAWING = "mermaid"


class _Page(HTMLParser):
    """Collects what a page makes a browser fetch from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and set(given.get("rel", "").split()) & _NOT_FETCHED:
            return
        for name in _FETCHED.get(tag, ()):
            if _ELSEWHERE.match(given.get(name, "")):
                self.found.append(f"<{tag} {name}={given[name]}>")
        if _DRAWING in given.get("class", "").split():
            self.found.append(f"<{tag} class={_DRAWING}>")
        self.found += _IN_STYLES.findall(given.get("style", ""))


def fetched_from_elsewhere(path: Path) -> list[str]:
    """What a page or a style sheet makes a browser fetch from another host."""
    text = path.read_text("utf-8")
    if path.suffix == ".css":
        return _IN_STYLES.findall(text)
    page = _Page()
    page.feed(text)
    return page.found + _IN_STYLES.findall(" ".join(re.findall(r"(?s)<style.*?</style>", text)))


def faults(site: Path) -> Iterator[str]:
    """A line for each thing that is fetched from elsewhere; one if there is no site."""
    pages = sorted(site.rglob("*.html"))
    if not pages:
        yield f"{site}: expected pages, found none. Build them: make docs"
    for path in [*pages, *sorted(site.rglob("*.css"))]:
        for what in fetched_from_elsewhere(path):
            yield f"{path}: {what} is fetched from another host"


def main() -> int:
    """Builds, checks, prints what is wrong."""
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(  # noqa: S603  # this environment's own program
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wrong = list(faults(SITE)) if built.returncode == 0 else []
    print("\n".join([built.stdout.strip(), *wrong]))
    if built.returncode or wrong or _WARNING.search(built.stdout):
        return 1
    print(f"{SITE / 'index.html'}: open it in a browser")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
