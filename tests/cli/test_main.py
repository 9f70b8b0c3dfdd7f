"""What all commands have in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline.cli import demo
from dancereid_pipeline.cli.main import COMMANDS, main, module_of
from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from tests.conftest import PROJECT
from tests.support.command import command, hear_ctrl_c


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: dancereid {name} [")
    assert f"\nexamples:\n  dancereid {name}" in text
    assert "  --json " in text
    assert "  --quiet " in text


def test_every_command_is_a_file_and_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in listed
        assert (PROJECT / "dancereid_pipeline" / "cli" / f"{module_of(name)}.py").is_file()
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{dancereid.__version__}\n"


def test_its_help_waits_for_nothing_heavy() -> None:
    program = (
        "import sys; from dancereid_pipeline.cli.main import main; main(['--help']);"
        "print([m for m in ('datasets', 'numpy', 'dancereid', 'yt_dlp') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "dancereid: expected a command (see dancereid --help)\n"),
        (
            ["prepair"],
            "dancereid: no command is called 'prepair', did you mean 'prepare'? (see dancereid "
            "--help)\n",
        ),
        (["zzz"], "dancereid: no command is called 'zzz' (see dancereid --help)\n"),
    ],
)
def test_what_is_no_command(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (OptionError("stride: no"), 2, "stride: no"),
        (DanceReIDError("broken"), 1, "broken"),
        (OSError(28, "No space left on device"), 1, "[Errno 28] No space left on device"),
        (BrokenPipeError(32, "of a network"), 1, "[Errno 32] of a network"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_goes_wrong_is_a_line(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(arguments: object) -> int:
        raise raised

    monkeypatch.setattr(demo, "main", fail)
    assert main(["demo"]) == code
    assert capsys.readouterr() == ("", f"dancereid demo: {said}\n")


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(demo, "main", fail)
    with pytest.raises(ZeroDivisionError):
        main(["demo"])


def test_where_what_it_needs_is_not_installed_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-E", "-S", "-m", "dancereid_pipeline", "prepare"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("dancereid prepare: No module named '")
    assert "pip install . in a checkout of dancereid" in done.stderr


def test_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("cache", "--cache-dir", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")
