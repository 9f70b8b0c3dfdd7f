"""`dancereid COMMAND`: finds the command, runs it, and reports an error in one line.

A command is a module in this folder. It has a docstring, which its `--help` shows, EXAMPLES,
`add_flags(parser)`, and `main(arguments)`, which returns the exit code. It is imported when it
runs.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import importlib
import io
import keyword
import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from ..common.address import without_secrets
from ..common.errors import DanceReIDError, OptionError
from ..common.package_files import install_command
from .flag_types import video_id

COMMANDS = {
    "demo": "load the bundled demo, and draw its people",
    "doctor": "check what this machine can do, and what to install or set",
    "check": "say what is wrong or doubtful in a data folder",
    "import": "make a data folder of videos in another format: MOTChallenge, COCO",
    "fetch": "fetch annotation, tracks and videos; or only videos, into a folder",
    "prepare": "write Parquet files and a dataset card, which load without this package",
    "merge": "join what was built in parts, or the copies of two people",
    "push": "push what was prepared or built to the Hugging Face Hub",
    "takedown": "take videos, or a person, out of what was prepared or pushed",
    "preview": "make a page to look at a dataset",
    "export": "write a folder that other tools read",
    "train": "train a model; the published methods, and better ones",
    "reproduce": "train the published methods, and compare them with the published table",
    "extract": "make features of a split's images",
    "evaluate": "score features: mAP, mINP and CMC",
    "cache": "show or clear what was fetched and built",
}
_LISTED = "\n".join(f"  {name:<9} {text}" for name, text in COMMANDS.items())
_HELP = f"""\
usage: dancereid COMMAND ...

Fetches, builds, shares, shows, trains on and scores the DanceReID dataset.

commands:
{_LISTED}

options:
  -h, --help   show this; after a command: show its options
  --version    show the version of this package

examples:
  dancereid demo
  dancereid prepare --help"""


class _Parser(argparse.ArgumentParser):
    def spare_ids(self, words: Sequence[str]) -> list[str]:
        """Puts a space before each video id that begins with a dash; `video_id` removes it.

        argparse takes a word with a dash for a flag, unless there is a space in it.
        """
        takes_ids = {
            flag: action.type is video_id
            for action in self._actions
            for flag in action.option_strings
        }
        spared, in_ids = [], False
        for word in words:
            flag = word.partition("=")[0]
            in_ids = takes_ids.get(flag, in_ids)
            is_id = in_ids and flag not in takes_ids and word.startswith("-")
            spared.append(f" {word}" if is_id else word)
        return spared

    def error(self, message: str) -> NoReturn:
        """Ends with one line; the default prints the whole usage."""
        # It may quote what was given, for example an address with a password.
        self.exit(2, f"{self.prog}: {without_secrets(message)} (see {self.prog} --help)\n")


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        words: the command and its options; None for those of the command line.

    Returns:
        The exit code: that of the command (0: success), 1 if it failed, 2 for wrong usage, 130
        if it was interrupted, 141 if the reader of its output has closed it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal can show every path
    name, *options = (sys.argv[1:] if words is None else words) or [""]
    if name in COMMANDS:
        return _run_guarded(f"dancereid {name}", lambda: _run(name, options))
    if name in ("-h", "--help"):
        return _run_guarded("dancereid", lambda: print(_HELP) or 0)
    if name == "--version":
        return _run_guarded("dancereid", _version)
    close = difflib.get_close_matches(name, COMMANDS, 1)
    message = f"no command is called '{name}'" if name else "expected a command"
    hint = f", did you mean '{close[0]}'?" if close else ""
    print(f"dancereid: {message}{hint} (see dancereid --help)", file=sys.stderr)
    return 2


def _version() -> int:
    import dancereid  # takes a second

    print(dancereid.__version__)
    return 0


def module_of(name: str) -> str:
    """The name of a command's module: a word of Python, as import, is no name of a module."""
    return f"{name}_" if keyword.iskeyword(name) else name


def _run(name: str, options: Sequence[str]) -> int:
    command = importlib.import_module(f"{__package__}.{module_of(name)}")
    parser = _Parser(
        prog=f"dancereid {name}",
        description=command.__doc__,
        epilog=f"examples:\n{command.EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_flags(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    parser.add_argument("--quiet", action="store_true", help="do not show progress")
    arguments = parser.parse_args(parser.spare_ids(options))
    _choose_progress(quiet=arguments.quiet)
    code: int = command.main(arguments)
    return code


def _choose_progress(*, quiet: bool) -> None:
    if "datasets" not in sys.modules:  # `doctor` runs without it, and is quick
        return
    from ..common.progress import show_progress

    show_progress("nothing" if quiet else "bars" if sys.stderr.isatty() else "lines")


def _run_guarded(name: str, command: Callable[[], Any]) -> int:
    """Runs a command; an expected error becomes one line on stderr, not a traceback."""
    with _closing_quietly():
        return _run_to_line(name, command)


@contextmanager
def _closing_quietly() -> Iterator[None]:
    """Shows no error of a file that only the garbage collector closes, as Python 3.13 does.

    On a full disk, writing such a file has failed before, and that error is shown.
    """
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, OSError):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _run_to_line(name: str, command: Callable[[], Any]) -> int:
    try:
        code = int(command())
        sys.stdout.flush()
        return code
    except OptionError as error:
        code, message = 2, str(error)
    except KeyboardInterrupt as error:
        code, message = 130, "; ".join(["interrupted", *map(str, error.args)])
    except ModuleNotFoundError as error:
        code = 1
        message = (
            f"{error}, in {sys.executable}. Install what this package needs: {install_command()}"
        )
    except (DanceReIDError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            return 141  # as shells do: 128 + SIGPIPE
        code, message = 1, str(error)
    gc.collect()  # ends progress bars that the error keeps open, before its message
    print(f"{name}: {message}", file=sys.stderr)
    return code


def _output_is_closed() -> bool:
    """Whether the reader of standard output has closed it; if so, discards all further output."""
    try:
        poll = select.poll()
        poll.register(sys.stdout, 0)
        closed = bool(poll.poll(0))  # 0: only errors are reported
        if closed:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (AttributeError, OSError):  # Windows has no poll; or stdout is not a file
        return False
    return closed
