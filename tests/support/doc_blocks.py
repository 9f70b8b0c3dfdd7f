"""The code blocks of a page, and a program that runs those of one page in order.

    python -m tests.support.doc_blocks README.md

A block that cannot run here is marked by a comment in the line above it: `<!-- needs: git -->`.
A `text` block right below a block shows what that prints; `...` stands for anything.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN = ("python", "pycon", "sh")
_FENCE = re.compile(r"```(\w*)")
_NEEDS = re.compile(r"<!-- needs: (.+) -->")
_SETTING = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        page: the file's name.
        line: of its first line of code, from 1.
        language: "python", "pycon", "sh", "text" and so on.
        code: the text.
        needs: what it cannot run without; "" if it can run anywhere.
        follows: only blank lines are between it and the block before.
    """

    page: str
    line: int
    language: str
    code: str
    needs: str
    follows: bool

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """All code blocks of a page, in order."""
    found: list[Block] = []
    above, follows = "", False
    lines = enumerate(path.read_text("utf-8").splitlines(), start=1)
    for number, line in lines:
        fence = _FENCE.fullmatch(line)
        if fence is None:
            follows = follows and not line.strip()
            above = line
            continue
        code = []
        for _, inside in lines:
            if inside == "```":
                break
            code.append(inside)
        needs = _NEEDS.fullmatch(above)
        found.append(
            Block(
                page=path.name,
                line=number + 1,
                language=fence[1],
                code="\n".join(code) + "\n",
                needs=needs[1] if needs else "",
                follows=follows and not needs,
            )
        )
        above, follows = "", True
    return found


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each line of an `sh` block, without settings of variables."""
    for line in block.code.splitlines():
        words = shlex.split(line, comments=True)
        while words and _SETTING.match(words[0]):
            del words[0]
        if words:
            yield words


def run_page(path: Path) -> int:
    """Runs the blocks of a page that can run, and compares what they print.

    Returns:
        How many ran.

    Raises:
        AssertionError: one printed something else than the page shows.
    """
    names: dict[str, Any] = {"__name__": "__page__"}
    ran, printed, last = 0, "", None
    for block in blocks(path):
        if block.language == "text" and block.follows and last is not None:
            compare(block, printed)
        last = block if block.language in RUN and not block.needs else None
        if last is not None:
            printed = _run(block, names)
            ran += 1
    return ran


def compare(block: Block, printed: str) -> None:
    """Raises an `AssertionError` unless `printed` is what the block shows."""
    if not doctest.OutputChecker().check_output(block.code, printed, doctest.ELLIPSIS):
        raise AssertionError(f"{block.where} shows\n{block.code}\nbut this was printed\n{printed}")


def _run(block: Block, names: dict[str, Any]) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        if block.language == "python":
            exec(compile(block.code, block.where, "exec"), names)
        elif block.language == "sh":
            for words in commands(block):
                _run_command(block, words)
    if block.language == "pycon":
        _run_prompts(block, names)
    return output.getvalue()


def _run_command(block: Block, words: list[str]) -> None:
    if words[0] != "dancereid":
        raise AssertionError(f"{block.where}: mark the block with what '{words[0]}' needs")
    code = importlib.import_module("dancereid_pipeline.cli.main").main(words[1:])
    if code != 0:
        raise AssertionError(f"{block.where}: {shlex.join(words)} ended with {code}")


def _run_prompts(block: Block, names: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, names, block.where, block.page, 0)
    told = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    if not test.examples or runner.run(test, out=told.write, clear_globs=False).failed:
        raise AssertionError(f"{block.where}: {told.getvalue() or 'no prompt >>> in it'}")
    names.update(test.globs)


if __name__ == "__main__":
    print(run_page(Path(sys.argv[1])), "blocks ran", file=sys.stderr)
