"""S3 whose answers fail, break off or come slowly: a build gives the same bytes, or one line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline.common.storage import Storage
from tests.support.command import run
from tests.support.data.folders import prepared_files
from tests.support.servers.s3 import KEY, Fault, SpoiltS3, flags, options, s3_server

pytestmark = pytest.mark.slow

ONCE = {**os.environ, "AWS_MAX_ATTEMPTS": "2"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(scope="module")
def stored(server: str, small: Path) -> str:
    """The address of the small folder in the bucket."""
    import s3fs

    s3fs.S3FileSystem(**options(server)).put(str(small), "data/in", recursive=True)
    return "s3://data/in"


@pytest.fixture
def spoilt(server: str) -> Iterator[SpoiltS3]:
    with SpoiltS3(server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def expected(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The shards that the small folder gives."""
    output = tmp_path_factory.mktemp("expected")
    options = {"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}
    dancereid.prepare("paper", output, **options)
    files = prepared_files(output / "paper").items()
    found = {name: content for name, content in files if name.endswith(".parquet")}
    assert len(found) == 4
    return found


def prepare(stored: str, output: object, endpoint: str) -> subprocess.CompletedProcess[str]:
    inputs = ["--data-dir", stored, "--catalogue", f"{stored}/catalogue.csv"]
    return run("prepare", *inputs, "--output", output, *flags(endpoint), env=ONCE)


def shards(server: str, output: str) -> dict[str, bytes]:
    folder = Storage.of(f"{output}/paper", options(server))
    return {n: folder.read(n) for n in folder.names() if n.endswith(".parquet")}


def records(server: str, output: str) -> set[str]:
    """The names of all records, of the finished config and of its parts."""
    folder = Storage.of(output, options(server))
    names = folder.folder("paper").names() | folder.folder(".parts-paper").names()
    return {name for name in names if re.fullmatch(r"\d{3}-.*\.json", name)}


def test_answers_that_fail_once_change_nothing(
    stored: str, expected: dict[str, bytes], server: str, spoilt: SpoiltS3, tmp_path: Path
) -> None:
    output = f"s3://data/{tmp_path.name}"
    spoilt.faults = [
        Fault("503", r"GET /data/in/videos/.*"),
        Fault("cut", r"GET /data/in/videos/.*"),
        Fault("slow", r"GET /data/in/videos/.*"),
        Fault("cut", r"GET /data/in/npy/.*"),
        Fault("drop", r"GET /data/in/annotation.json"),
        Fault("500", r"(HEAD|GET) /data/in/catalogue.csv"),
        Fault("500", r"PUT /data/.*\.parquet"),
        Fault("lost", r"PUT /data/.*\.json"),
        Fault("cut", r"GET /data"),  # a listing
    ]
    done = prepare(stored, output, spoilt.url)
    assert done.returncode == 0, done.stderr
    assert {name.split()[0] for name in spoilt.done} == {
        "503", "cut", "slow", "drop", "500", "lost",
    }  # fmt: skip
    assert len(spoilt.done) > 20
    assert shards(server, output) == expected
    assert len(records(server, output)) == 4
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "requests", "said"),
    [
        ("503", r"GET /data/in/videos/002_ccc.mp4", "s3://data/in/videos/002_ccc.mp4: cannot be"),
        ("cut", r"GET /data/in/videos/002_ccc.mp4", "s3://data/in/videos/002_ccc.mp4: cannot be"),
        ("500", r"GET /data/in/npy/.*_ccc_.*", "_ccc_matching.npy: cannot be read"),
        ("503", r"PUT /data/.*/test-002-ccc.parquet", ": cannot be used"),
        ("drop", r"PUT /data/.*/002-ccc.json", ": cannot be used"),
        ("403", r"GET /data/in/annotation.json", "annotation.json: cannot be read"),
    ],
)
def test_a_store_that_goes_on_failing_is_a_line_and_the_build_is_resumed(
    stored: str, expected: dict[str, bytes], server: str, spoilt: SpoiltS3, tmp_path: Path,
    kind: str, requests: str, said: str,
) -> None:  # fmt: skip
    output = f"s3://data/{tmp_path.name}"
    spoilt.faults = [Fault(kind, requests, times=1000)]
    done = prepare(stored, output, spoilt.url)
    assert done.returncode == 1, done.stderr
    assert spoilt.done
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dancereid prepare: ")
    assert said in last
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr
    assert "002-ccc.json" not in records(server, output)
    assert "README.md" not in Storage.of(output, options(server)).names()
    spoilt.faults = []
    done = prepare(stored, output, spoilt.url)
    assert done.returncode == 0, done.stderr
    assert shards(server, output) == expected


def test_from_a_store_into_a_folder(
    stored: str, expected: dict[str, bytes], server: str, tmp_path: Path
) -> None:
    done = prepare(stored, tmp_path / "out", server)
    assert done.returncode == 0, done.stderr
    files = prepared_files(tmp_path / "out")
    assert {n: files[f"paper/{n}"] for n in expected} == expected
    assert KEY.encode() not in b"".join(files.values())


def test_what_others_put_into_the_store_is_seen(server: str, tmp_path: Path) -> None:
    import s3fs

    ours = Storage.of(f"s3://data/{tmp_path.name}", options(server))
    ours.write("a", b"1")
    assert ours.names() == {"a"}
    # Another client, as another machine is one.
    other = s3fs.S3FileSystem(**options(server), skip_instance_cache=True)
    other.pipe_file(f"data/{tmp_path.name}/b", b"2")
    assert ours.names() == {"a", "b"}
