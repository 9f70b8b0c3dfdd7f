"""A build, or a load, that is interrupted, whose process is killed, or whose disk is full."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError, SourceError, interruptible
from dancereid_pipeline.publish.prepared_folder import load_prepared
from tests.support.command import command, end, hear_ctrl_c, run, start

# Frames enough that both processes are at work for seconds.
LONG = ("--config", "demo", "--stride", "1", "--image-size", "1024", "512", "-j", "2", "--quiet")


# What of a build is there while it is at work.
AT_WORK = {"preview": "cache/**/*.arrow", "prepare": "out/**/files/shard"}


@pytest.fixture(params=AT_WORK)
def building(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A build on two processes of a program of its own, which is at work; and its command."""
    name = request.param
    words = [name, *LONG, "--output", tmp_path / ("out" if name == "prepare" else "out.html")]
    words += ["--cache-dir", tmp_path / "cache"] if name == "preview" else []
    with start(*words, start_new_session=True) as process:
        while not list(tmp_path.glob(AT_WORK[name])):
            assert process.poll() is None
        yield process, name


def children(process: subprocess.Popen[str]) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task")
    found = [c for task in tasks.iterdir() for c in (task / "children").read_text().split()]
    # The tracker of Python's own ends by itself, a moment later.
    tracker = b"resource_tracker"
    return [int(c) for c in found if tracker not in Path(f"/proc/{c}/cmdline").read_bytes()]


def test_ctrl_c_ends_all_processes_with_one_line(
    building: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, name = building
    others = children(process)
    assert len(others) >= 2
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
    output, errors = process.communicate()
    assert (process.returncode, output) == (130, "")
    # Of a dataset of `datasets` nothing is kept.
    kept = "; what was done so far is kept" if name == "prepare" else ""
    assert errors == f"dancereid {name}: interrupted{kept}\n"
    assert not any(Path(f"/proc/{other}").exists() for other in others)
    assert not list(tmp_path.glob(AT_WORK[name]))


@pytest.mark.parametrize("building", ["preview"], indirect=True)
def test_a_killed_process_is_a_line_that_says_what_to_do(
    building: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, name = building
    os.kill(children(process)[0], signal.SIGKILL)
    output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert errors.startswith(f"dancereid {name}: A process of the build was ended from outside")
    assert "with fewer processes (num_proc=, -j).\n" in errors
    assert errors.count("\n") == 1
    assert not list(tmp_path.glob("cache/**/*.arrow"))


@pytest.mark.parametrize("processes", ["0", "-1", "1001"])
def test_a_number_of_processes_that_cannot_be(processes: str) -> None:
    done = run("prepare", "--config", "demo", "--output", "nowhere", "-j", processes)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dancereid prepare: num_proc: expected a whole number from 1 to")
    with pytest.raises(DanceReIDError, match="num_proc: expected a whole number from 1"):
        dancereid.load_dataset("demo", num_proc=int(processes))


def test_of_several_exports_to_one_folder_one_makes_it(tmp_path: Path) -> None:
    words = ("export", "--config", "demo", "--output", tmp_path / "out", "--quiet")
    done = [end(process) for process in [start(*words) for _ in range(3)]]
    assert sorted(each.returncode for each in done) == [0, 1, 1]
    for each in done:
        if each.returncode:
            said = each.stderr.splitlines()[-1]
            assert said.startswith(f"dancereid export: {tmp_path / 'out'}")
            assert "another process has made it" in said or "is there already" in said
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# -- a cache that cannot be used


def limited(size: int) -> Callable[[], None]:
    """For `preexec_fn`: no file may become larger, as on a full disk."""

    def limit() -> None:
        hear_ctrl_c()
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_full_disk_while_a_build_is_written(processes: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    words = ("preview", "--config", "demo", "--cache-dir", cache, "--output", tmp_path / "a.html")
    done = subprocess.run(
        command(*words, "-j", processes, "--quiet"),
        preexec_fn=limited(300_000), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"dancereid preview: {cache}: cannot be used (")
    assert "File too large" in done.stderr
    assert "or name another folder (cache_dir=, --cache-dir)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(cache.glob("**/*.arrow"))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_full_disk_while_shards_are_written(processes: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    words = ("prepare", "--config", "demo", "--output", output, "-j", processes, "--quiet")
    done = subprocess.run(
        command(*words), preexec_fn=limited(300_000), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be used (" in done.stderr
    assert "File too large" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(output.rglob("*.parquet"))
    assert run(*words).returncode == 0  # there is room again


def test_a_full_disk_while_a_prepared_folder_is_loaded(prepared: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    words = (
        "preview",
        "--dataset",
        prepared,
        "--cache-dir",
        cache,
        "--output",
        tmp_path / "a.html",
    )
    done = subprocess.run(
        command(*words, "--quiet"),
        preexec_fn=limited(30_000), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"dancereid preview: {cache}: cannot be used (")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", ["a file", "below a file", "somebody else's"])
def test_a_cache_that_cannot_be_written(
    how: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    if how == "somebody else's":  # not by its permissions, which do not stop root
        cache.mkdir()
        refuse = PermissionError(13, "Permission denied", str(cache))

        def opened(*_: object, **__: object) -> Any:
            raise refuse

        monkeypatch.setattr("tempfile.TemporaryFile", opened)
        monkeypatch.setattr("datasets.builder.FileLock", opened)
    else:
        cache.write_text("mine")
        cache = cache / "below" if how == "below a file" else cache
    said = f"^{cache}: cannot be used .*, or name another folder \\(cache_dir=, --cache-dir\\)"
    for load in (
        lambda: dancereid.load_dataset("demo", cache_dir=str(cache)),
        lambda: datasets.load_dataset("dancereid", "demo", cache_dir=str(cache)),
        lambda: load_prepared(str(prepared), cache_dir=str(cache)),
    ):
        with pytest.raises(SourceError, match=said):
            load()


def test_an_interrupt_says_what_is_kept_only_where_something_is() -> None:
    with pytest.raises(KeyboardInterrupt) as nothing, interruptible("all", lambda: False):
        raise KeyboardInterrupt
    with (
        pytest.raises(KeyboardInterrupt) as something,
        interruptible("the outer"),
        interruptible("the inner"),
    ):
        raise KeyboardInterrupt
    assert (nothing.value.args, something.value.args) == ((), ("the inner",))
