"""`dancereid COMMAND`: finds the command, runs it, and says in one line what went wrong.

A command is a module of this folder with a docstring, which its `--help` shows, with EXAMPLES,
`add_flags(parser)` and `main(arguments)`, which gives the exit code. It is imported when it runs.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import importlib
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..common.errors import DanceReIDError, OptionError
from ..common.package_files import install_command

COMMANDS = {
    "demo": "load the bundled demo, and draw its people",
    "doctor": "say what this machine can do, and what to do where it cannot",
    "fetch": "fetch annotation, tracks and videos; or only videos, into a folder",
    "prepare": "write Parquet and a dataset card, which load without this package",
    "push": "push what was prepared or built to the Hugging Face Hub",
    "preview": "make a page to look at a dataset",
    "export": "write a folder that other tools read",
    "extract": "make features of a split's images",
    "evaluate": "score features: mAP, mINP and CMC",
    "cache": "show or clear what was fetched and built",
}
_HELP = "\n".join(
    [
        "usage: dancereid COMMAND ...",
        "",
        "The DanceReID dataset, and what its users do with it.",
        "",
        "commands:",
        *(f"  {name:<9} {text}" for name, text in COMMANDS.items()),
        "",
        "options:",
        "  -h, --help   show this, or with a command its options",
        "  --version    show the version of this package",
        "",
        "examples:",
        "  dancereid demo",
        "  dancereid prepare --help",
    ]
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Ends with a line, where the default prints all the usage."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        words: the command and its options; those of the command line if None.

    Returns:
        The exit code: the command's own (0 is well), 1 if it failed, 2 for wrong usage, 130 if
        it was interrupted, 141 if nobody reads its output any more.
    """
    name, *options = (sys.argv[1:] if words is None else words) or [""]
    if name in COMMANDS:
        return _guarded(f"dancereid {name}", lambda: _run(name, options))
    if name in ("-h", "--help"):
        return _guarded("dancereid", lambda: print(_HELP) or 0)
    if name == "--version":
        return _guarded("dancereid", _version)
    close = difflib.get_close_matches(name, COMMANDS, 1)
    said = f"no command is called '{name}'" if name else "expected a command"
    hint = f", did you mean '{close[0]}'?" if close else ""
    print(f"dancereid: {said}{hint} (see dancereid --help)", file=sys.stderr)
    return 2


def _version() -> int:
    import dancereid  # takes a second

    print(dancereid.__version__)
    return 0


def _run(name: str, options: Sequence[str]) -> int:
    command = importlib.import_module(f"{__package__}.{name}")
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
    arguments = parser.parse_args(options)
    _choose_progress(quiet=arguments.quiet)
    code: int = command.main(arguments)
    return code


def _choose_progress(*, quiet: bool) -> None:
    if "datasets" not in sys.modules:  # as in `doctor`, which has to do without, and is quick
        return
    from ..common.progress import show_progress

    show_progress("nothing" if quiet else "bars" if sys.stderr.isatty() else "lines")


def _guarded(name: str, command: Callable[[], Any]) -> int:
    """Runs a command; a user's mistake becomes a line on stderr, not a traceback."""
    try:
        code = int(command())
        sys.stdout.flush()
        return code
    except OptionError as error:
        code, said = 2, str(error)
    except KeyboardInterrupt:
        code, said = 130, "interrupted; what came so far is kept"
    except ModuleNotFoundError as error:
        code = 1
        said = f"{error}, in {sys.executable}. Install what this package needs: {install_command()}"
    except (DanceReIDError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return 141  # as a shell counts it: 128 and the signal
        code, said = 1, str(error)
    gc.collect()  # progress bars that the error held open end here, not below its message
    print(f"{name}: {said}", file=sys.stderr)
    return code


def _nobody_reads() -> bool:
    """Whether standard output is closed at its other end; then nothing more is written there."""
    try:
        poll = select.poll()
        poll.register(sys.stdout, 0)
        closed = bool(poll.poll(0))  # nothing is asked for but errors
        if closed:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (AttributeError, OSError):  # Windows has no poll; or it is no file
        return False
    return closed
