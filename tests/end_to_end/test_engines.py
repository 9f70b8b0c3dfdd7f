"""A build by parts, by Dask and into S3; workers and drivers are killed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import dancereid
from tests.conftest import PROJECT
from tests.support.command import command, run
from tests.support.data.folders import prepared_files
from tests.support.servers.s3 import KEY, flags, options, s3_server

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("DANCEREID_TEST_KILLS", "3"))
OPTIONS = ("--config", "demo", "--stride", "2")


def shards(output: Path) -> dict[str, bytes]:
    """The Parquet files and records of the videos."""
    return {
        name: content
        for name, content in prepared_files(output / "demo").items()
        if name != "build.json"
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes."""
    output = tmp_path_factory.mktemp("one")
    dancereid.prepare("demo", output, stride=2)
    found = shards(output)
    assert len(found) == 9
    return found


def test_parts_of_an_array_job_are_merged(expected: dict[str, bytes], tmp_path: Path) -> None:
    for number in (4, 1, 3, 2):
        done = run("prepare", *OPTIONS, "--output", tmp_path, "--part", f"{number}/4")
        assert done.returncode == 0, done.stderr
        assert f"Part {number} of 4 of 'demo': 1 videos" in done.stdout
    assert run("merge", tmp_path).returncode == 0
    assert shards(tmp_path) == expected


def test_the_array_of_jobs_of_the_docs(expected: dict[str, bytes], tmp_path: Path) -> None:
    """A stand-in for Slurm: it runs what the page gives to sbatch, with each task's number."""
    page = (PROJECT / "docs" / "many_machines.md").read_text()
    job = re.search(r"--array=1-40 .*--wrap '(dancereid [^']*)'", page)
    assert job is not None
    words = job[1].replace("--config paper", " ".join(OPTIONS)).replace("/40", "/2")
    words = words.replace("/shared/dancereid", str(tmp_path))
    program = f"{sys.executable} -m dancereid_pipeline"
    for number in ("2", "1"):
        subprocess.run(
            ["bash", "-c", words.replace("dancereid", program, 1)], check=True, cwd=PROJECT,
            env={**os.environ, "SLURM_ARRAY_TASK_ID": number},
        )  # fmt: skip
    assert run("merge", tmp_path).returncode == 0
    assert shards(tmp_path) == expected


def test_dask_on_this_machine_makes_the_same(expected: dict[str, bytes], tmp_path: Path) -> None:
    done = run("prepare", *OPTIONS, "--output", tmp_path, "--engine", "dask", "-j", 2)
    assert done.returncode == 0, done.stderr
    assert shards(tmp_path) == expected


def test_a_scheduler_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:  # it is bound, and does not listen
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        done = run("prepare", *OPTIONS, "--output", tmp_path, "--engine", "dask",
                   "--scheduler", address)  # fmt: skip
    assert done.returncode == 1
    assert f"no scheduler of Dask answers at {address}" in done.stderr.splitlines()[-1]


ENGINES = [("-j", "2"), ("--engine", "dask", "-j", "2")]


@pytest.mark.parametrize("engine", ENGINES)
def test_workers_that_are_killed_cost_a_video_another_try(
    expected: dict[str, bytes], tmp_path: Path, engine: tuple[str, ...]
) -> None:
    killed = 0
    for number in range(KILLS):
        output = tmp_path / str(number)
        words = command("prepare", *OPTIONS, "--output", output, *engine)
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as build:
            for victim in _busy(build, output):
                victim.kill()
                killed += 1
                break
            _, errors = build.communicate()
        assert build.returncode == 0, errors[-3000:]
        assert shards(output) == expected
    assert killed == KILLS


def _busy(build: subprocess.Popen[str], output: Path) -> Iterator[psutil.Process]:
    """The processes that write a shard, as soon as there are any."""
    while build.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            build.wait(0.02)
        # What is looked at may be gone the next moment.
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            if not any(output.rglob("files/shard")):
                continue
            for process in psutil.Process(build.pid).children(recursive=True):
                if any(file.path.endswith("/files/shard") for file in process.open_files()):
                    yield process


@pytest.mark.parametrize("engine", ENGINES)
def test_a_driver_that_is_killed_is_resumed(
    expected: dict[str, bytes], tmp_path: Path, engine: tuple[str, ...]
) -> None:
    words = command("prepare", *OPTIONS, "--output", tmp_path, *engine)
    for _ in range(KILLS):
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as build:
            for _ in _busy(build, tmp_path):
                build.kill()
            build.communicate()
        assert not (tmp_path / "README.md").exists()
    done = run(*words[3:])
    assert done.returncode == 0, done.stderr
    assert shards(tmp_path) == expected


# -- S3


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as address:
        yield address


def test_s3_holds_the_same(expected: dict[str, bytes], s3: str, tmp_path: Path) -> None:
    import s3fs

    output = f"s3://data/{tmp_path.name}"
    for number in (2, 1):
        done = run("prepare", *OPTIONS, "--output", output, "--part", f"{number}/2", *flags(s3))
        assert done.returncode == 0, done.stderr
    done = run("merge", output, *flags(s3))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{output}: ")
    assert KEY not in done.stdout + done.stderr
    fs = s3fs.S3FileSystem(**options(s3))
    bucket = output.removeprefix("s3://")
    names = {path.removeprefix(f"{bucket}/") for path in fs.find(bucket)}
    assert names == {
        "README.md",
        "croissant.json",
        "demo/build.json",
        *(f"demo/{name}" for name in expected),
    }
    for name, content in expected.items():
        assert fs.cat_file(f"{bucket}/demo/{name}") == content
    for name in names:
        assert KEY.encode() not in fs.cat_file(f"{bucket}/{name}")


def test_wrong_keys_and_no_bucket_are_one_line(s3: str, tmp_path: Path) -> None:
    done = run("prepare", *OPTIONS, "--output", "s3://nobody/data", *flags(s3))
    assert done.returncode == 1
    assert "s3://nobody/data: cannot be used (The specified bucket does not" in done.stderr
    assert done.stderr.count("\n") == 1
    assert KEY not in done.stderr
