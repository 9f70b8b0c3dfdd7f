"""`scripts/gen_dancereid.py` as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import dancereid
from tests.conftest import PROJECT
from tests.support.readers import (
    files,
    read_hdf5,
    read_market1501,
    read_open_reid,
    read_published,
)
from tests.support.servers.remote import serve
from tests.support.servers.web import Site

LAST = "demo_House4"


def start(
    place: Path, *arguments: object, bars: bool = False, **variables: str
) -> subprocess.Popen[str]:
    """The script, started in a folder; interrupts reach it wherever tests run."""
    here = {"PYTHONPATH": str(PROJECT), "HF_DATASETS_DISABLE_PROGRESS_BARS": str(int(not bars))}
    return subprocess.Popen(
        [sys.executable, PROJECT / "scripts" / "gen_dancereid.py", *map(str, arguments)],
        cwd=place,
        env={**os.environ, **here, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run(place: Path, *arguments: object) -> tuple[int, str, str]:
    """Its exit code, and what it said on stdout and on stderr."""
    with start(place, *arguments) as process:
        output, errors = process.communicate()
    assert "Traceback" not in errors
    return process.returncode, output, errors


def places(folder: Path, **others: Path) -> Iterable[object]:
    """The published command's three places, of a folder that has all of them."""
    found = {"i": folder / "videos", "n": folder / "npy", "a": folder / "annotation.json"}
    for flag, place in {**found, **others}.items():
        yield from (f"-{flag}", place)


def test_the_published_command(golden: Path, tmp_path: Path) -> None:
    flags = ("-d", 10, "-gs", "-h5", "--split-folder", "--keypoints", "published")
    code, output, errors = run(tmp_path, *places(golden), "-o", "deep/er/out", *flags)
    assert code == 0
    assert "20 of 21 videos are missing; continuing without them" in errors
    first, *_, where, how = output.splitlines()
    assert first.startswith("DanceReID 'paper': 1 of 21 videos, 5 of 100 people, 37 of ")
    target = tmp_path / "deep" / "er" / "out"
    assert where == f"{target}: layout published. To read it:"
    assert str(target) in how
    found = read_published(target, skeletons=True)
    assert len(found.images) == 37
    assert found.lists["meta"]["identities"][0][0].startswith("000_ZhuDSdmby8k/0000_")
    assert read_hdf5(target / "DanceReID.h5").images == found.images


def test_the_demo_in_every_layout_for_a_program(tmp_path: Path, cache: str) -> None:
    loaded = dancereid.coverage(dancereid.load_dataset("demo", cache_dir=cache))
    place = tmp_path / "here"
    place.mkdir()
    for layout, folder, images in (
        ("published", "DanceReID", lambda f: read_published(f).images),
        (
            "market1501",
            "market1501",
            lambda f: [s for of in read_market1501(f).values() for s in of],
        ),
        ("open-reid", "open-reid", lambda f: read_open_reid(f).images),
    ):
        code, output, errors = run(place, "--demo", "--layout", layout, "--json")
        assert (code, errors) == (0, "")
        said = json.loads(output)
        assert (said["folder"], said["layout"]) == (str(place / folder), layout)
        assert said["coverage"] == json.loads(loaded.to_json())
        assert len(images(place / folder)) == 265
    assert sorted(p.name for p in place.iterdir()) == ["DanceReID", "market1501", "open-reid"]


def test_a_catalogue_and_an_archive_of_one_s_own(folder: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "tracks"), "zip", folder / "npy")
    where = places(folder, n=tmp_path / "tracks.zip")
    own = ("--catalogue", folder / "catalogue.csv", "-o", "out")
    code, output, _ = run(tmp_path, *where, *own, "-d", 15)
    assert code == 0
    assert output.startswith("DanceReID 'paper': 4 of 4 videos, 7 of 7 people, 14 of 14 images")
    # The folder with all three in it is as good.
    assert run(tmp_path, "-i", folder, *own[:2], "-o", "again", "-d", 15)[0] == 0
    assert files(tmp_path / "out") == files(tmp_path / "again")


def test_from_where_load_dataset_finds_it(small: Path, site: Site, tmp_path: Path) -> None:
    found = serve(site, small)
    flags = [part for name, value in found.items() for part in (flag(name), value)]
    here = ("--download-dir", "downloads", "-o", "out", "-d", 15)
    with start(tmp_path, *flags, *here, HF_HUB_OFFLINE="0") as process:
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert output.startswith("DanceReID 'paper': 4 of 4 videos, 7 of 7 people, 14 of 14 images")
    own = ("--catalogue", small / "catalogue.csv")
    assert run(tmp_path, "-i", small, *own, "-o", "again", "-d", 15)[0] == 0
    assert files(tmp_path / "out") == files(tmp_path / "again")


def flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def test_from_what_was_prepared(tmp_path: Path, cache: str) -> None:
    ds = dancereid.load_dataset("demo", cache_dir=cache, stride=20)
    dancereid.prepare(ds, tmp_path / "prepared")
    flags = ("--dataset", "prepared", "-o", "out", "--layout", "market1501")
    code, output, _ = run(tmp_path, *flags)
    assert code == 0
    assert output.startswith("DanceReID 'demo': 4 of 4 videos")
    dancereid.export(ds, tmp_path / "expected", layout="market1501")
    assert files(tmp_path / "out") == files(tmp_path / "expected")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-o", "taken", "--demo"], 1, "{}/taken is there already. Name another folder, or repl"),
        (["-o", "taken/thesis/out", "--demo"], 1, "{}/taken/thesis/out.unfinished: cannot be wr"),
        (["-d", "0", "--demo"], 2, "stride: expected a whole number from 1"),
        (["-gs", "--layout", "open-reid", "--demo"], 2, "-gs: skeletons are a part of layout 'pu"),
        (["-i", "nowhere"], 1, "data_dir '{}/nowhere' is not a folder"),
        (["-i", "."], 1, "{}/annotation.json is missing"),
        (["--dataset", "nowhere"], 1, "nowhere: cannot be loaded as a dataset ("),
        (["--dataset", "nowhere", "-d", "5"], 2, "--dataset: nowhere was built already, so strid"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis").write_text("mine")
    got, output, errors = run(tmp_path, *arguments)
    assert (got, output) == (code, "")
    line = errors.splitlines()[-1]
    assert said.format(tmp_path) in line
    assert line.startswith("gen_dancereid")
    assert files(tmp_path) == {"taken/thesis": b"mine"}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The demo's every second frame."""
    place = tmp_path_factory.mktemp("expected")
    assert run(place, "--demo", "-d", 2)[0] == 0
    return files(place / "DanceReID")


@pytest.mark.parametrize(
    ("processes", "by", "code"),
    [(1, signal.SIGINT, 130), (2, signal.SIGINT, 130), (2, signal.SIGKILL, -9)],
)
def test_interrupted_it_goes_on_and_ends_the_same(
    tmp_path: Path, expected: dict[str, bytes], processes: int, by: signal.Signals, code: int
) -> None:
    with start(tmp_path, "--demo", "-d", 2, "-j", processes, bars=True) as process:
        assert process.stderr is not None
        said = ""
        while LAST not in said:  # a bar of its own: it has begun, so two at least are done
            said += process.stderr.read(1) or pytest.fail(f"it ended: {said}")
        # To all processes of the terminal, as Ctrl-C is; or to the one that was started.
        os.killpg(process.pid, by) if by == signal.SIGINT else process.send_signal(by)
        output, errors = process.communicate()
    assert (process.returncode, output) == (code, "")
    assert "Traceback" not in errors
    if by == signal.SIGINT:
        last = errors.splitlines()[-1]
        assert last == "gen_dancereid: interrupted; what came so far is kept"
    assert [p.name for p in tmp_path.iterdir()] == ["DanceReID.unfinished"]
    assert len(list((tmp_path / "DanceReID.unfinished" / "done").iterdir())) >= 2
    assert run(tmp_path, "--demo", "-d", 2, "-j", 3 - processes)[0] == 0
    assert files(tmp_path / "DanceReID") == expected
