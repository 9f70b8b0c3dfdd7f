"""`dancereid export`, and the published command, as a user runs them."""

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
from PIL import Image

import dancereid
from dancereid_pipeline.cli.network_flags import flag
from dancereid_pipeline.common.package_files import install_command
from tests.conftest import PROJECT
from tests.support import command
from tests.support.command import refusal
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
H5 = install_command("h5")


def start(place: Path, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """The command, started in a folder."""
    here = {"PYTHONPATH": str(PROJECT)}
    return command.start(
        *("export", *arguments),
        cwd=place,
        env={**os.environ, **here, **variables},
        start_new_session=True,
    )


def run(place: Path, *arguments: object) -> tuple[int, str, str]:
    """Its exit code, and what it said on stdout and on stderr."""
    done = command.end(start(place, *arguments))
    return done.returncode, done.stdout, done.stderr


def published(place: Path, *arguments: object) -> tuple[int, str, str]:
    """As `run`, but for the published command."""
    done = subprocess.run(
        [sys.executable, PROJECT / "scripts" / "gen_DanceReID.py", *map(str, arguments)],
        cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def inputs(folder: Path, **others: Path) -> Iterable[object]:
    """The published command's three inputs, of a folder that has all of them."""
    found = {"i": folder / "videos", "n": folder / "npy", "a": folder / "annotation.json"}
    for letter, path in {**found, **others}.items():
        yield from (f"-{letter}", path)


def test_the_published_command(golden: Path, tmp_path: Path) -> None:
    flags = ("-d", 10, "-gs", "-h5", "--split-folder", "--keypoints", "published")
    code, output, errors = published(tmp_path, *inputs(golden), "-o", "deep/er/out", *flags)
    assert code == 0
    assert "20 of 21 videos are missing; continuing without them" in errors
    first, *_, where, how = output.splitlines()
    assert first.startswith("DanceReID 'paper': 1 of 21 videos, 5 of 100 people, 37 of ")
    target = tmp_path / "deep" / "er" / "out"
    assert where == f"{target}: layout published. To read it:"
    assert how == "  # The published reader needs people of trainval, and there are none."
    found = read_published(target, skeletons=True)
    assert len(found.images) == 37
    assert found.lists["meta"]["identities"][0][0].startswith("000_ZhuDSdmby8k/0000_")
    assert read_hdf5(target / "DanceReID.h5").images == found.images


def test_the_published_command_where_nothing_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-E", "-S", PROJECT / "scripts" / "gen_DanceReID.py", "-o", "out"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("gen_DanceReID: dancereid is not installed for ")
    assert done.stderr.endswith(f"{install_command()}\n")


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
        code, output, errors = run(place, "--config", "demo", "--layout", layout, "--json")
        assert (code, errors) == (0, "")
        said = json.loads(output)
        assert (said["folder"], said["layout"]) == (str(place / folder), layout)
        assert said["coverage"] == json.loads(loaded.to_json())
        assert len(images(place / folder)) == 265
    assert sorted(p.name for p in place.iterdir()) == ["DanceReID", "market1501", "open-reid"]


def test_a_catalogue_and_an_archive_of_one_s_own(folder: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "tracks"), "zip", folder / "npy")
    where = inputs(folder, n=tmp_path / "tracks.zip")
    own = ("--catalogue", folder / "catalogue.csv")
    (tmp_path / "x").mkdir()
    full = ("--output-path=x/../out", "--down-sample", 15, "--no-duplicate", "-nd")
    code, output, _ = published(tmp_path, *where, *own, *full)
    assert code == 0
    assert output.startswith("DanceReID 'paper': 4 of 4 videos, 7 of 7 people, 14 of 14 images")
    where, how = output.splitlines()[-2:]
    assert where == f"{tmp_path}/out: layout published. To read it:"
    assert how.startswith(f'  DanceReid("{tmp_path}/out", num_val=')
    # The folder with all three in it is as good.
    again = ("--data-dir", folder, *own, "--output", "again", "--stride", 15)
    assert run(tmp_path, *again)[0] == 0
    assert files(tmp_path / "out") == files(tmp_path / "again")


def test_from_where_load_dataset_finds_it(small: Path, site: Site, tmp_path: Path) -> None:
    found = serve(site, small)
    flags = [part for name, value in found.items() for part in (flag(name), value)]
    here = ("--download-dir", "downloads", "--output", "out", "--stride", 15)
    done = command.end(start(tmp_path, *flags, *here, HF_HUB_OFFLINE="0"))
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert said.startswith("DanceReID 'paper': 4 of 4 videos, 7 of 7 people, 14 of 14 images")
    own = ("--data-dir", small, "--catalogue", small / "catalogue.csv")
    assert run(tmp_path, *own, "--output", "again", "--stride", 15)[0] == 0
    assert files(tmp_path / "out") == files(tmp_path / "again")


def test_only_some_videos_at_another_size(folder: Path, tmp_path: Path) -> None:
    own = ("--data-dir", folder, "--catalogue", folder / "catalogue.csv", "--layout", "open-reid")
    flags = ("--videos", "aaa", "--image-size", 64, 32, "--jpeg-quality", 90, "--output", "out")
    code, output, _ = run(tmp_path, *own, *flags)
    assert code == 0
    assert output.startswith("DanceReID 'paper': 1 of 1 videos, 2 of 2 people")
    images = [Image.open(path) for path in (tmp_path / "out").rglob("*.jpg")]
    assert len(images) == 12
    assert {image.size for image in images} == {(32, 64)}


def test_from_what_was_prepared(tmp_path: Path, cache: str) -> None:
    ds = dancereid.load_dataset("demo", cache_dir=cache, stride=20)
    dancereid.prepare(ds, tmp_path / "prepared")
    flags = ("--dataset", "prepared", "--output", "out", "--layout", "market1501")
    code, output, _ = run(tmp_path, *flags)
    assert code == 0
    assert output.startswith("DanceReID 'demo': 4 of 4 videos")
    dancereid.export(ds, tmp_path / "expected", layout="market1501")
    assert files(tmp_path / "out") == files(tmp_path / "expected")


OUTPUT = ("--config", "demo", "--output")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([*OUTPUT, "taken"], 1, "{}/taken is there already. Name another folder, or replace it"),
        ([*OUTPUT, "taken/thesis/out"], 1, "{}/taken/thesis/out: cannot be written to ("),
        (["--config", "demo", "--stride", "0"], 2, "stride: expected a whole number from 1"),
        (["--skeleton", "--layout", "open-reid"], 2, "--skeleton: only layout 'published'"),
        (["--h5", "--layout", "open-reid"], 2, "h5: is an option of layout 'published', not of"),
        (["--data-dir", "nowhere"], 1, "data_dir '{}/nowhere' is not a folder"),
        (["--data-dir", "."], 1, "{}/annotation.json is missing"),
        (["--dataset", "nowhere"], 1, "nowhere: there is no such folder. Expected one"),
        (["--dataset", "nowhere", "--stride", "5"], 2, "nowhere is taken as it is, so --stride ca"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    tmp_path: Path,
    arguments: list[str],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis").write_text("mine")
    got, line = refusal(["export", *arguments], capsys)
    assert got == code
    assert said.format(tmp_path) in line
    assert files(tmp_path) == {"taken/thesis": b"mine"}


def test_what_can_be_refused_before_fetching_is(
    small: Path,
    remote: dict[str, str],
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    Path("taken").write_text("mine")
    flags = [part for name, value in remote.items() for part in (flag(name), value)]
    flags = flags[: flags.index("--cache-dir")]
    for arguments, said in {
        ("--h5",): f"extra 'h5', and h5py cannot be imported ({{}}). Install the extra: {H5}",
        ("--output", "taken"): "taken is there already",
        ("--output", "taken/out"): "taken/out: cannot be written to (",
    }.items():
        code, line = refusal(["export", *flags, *arguments], capsys)
        assert code == 1
        for part in said.split("{}"):
            assert part in line
    assert site.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The demo's every second frame."""
    place = tmp_path_factory.mktemp("expected")
    assert run(place, "--config", "demo", "--stride", 2)[0] == 0
    return files(place / "DanceReID")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "by", "code"),
    [(1, signal.SIGINT, 130), (2, signal.SIGINT, 130), (2, signal.SIGKILL, -9)],
)
def test_interrupted_it_goes_on_and_ends_the_same(
    tmp_path: Path, expected: dict[str, bytes], processes: int, by: signal.Signals, code: int
) -> None:
    part = tmp_path / "DanceReID.unfinished" / "parts" / f"003_{LAST}"
    flags = ("--config", "demo", "--stride", 2)
    with start(tmp_path, *flags, "-j", processes) as process:
        while not part.is_dir():  # it has begun, so two at least are done
            assert process.poll() is None
        # To all processes of the terminal, as Ctrl-C is; or to the one that was started.
        os.killpg(process.pid, by) if by == signal.SIGINT else process.send_signal(by)
        output, errors = process.communicate()
    assert (process.returncode, output) == (code, "")
    assert "Traceback" not in errors
    if by == signal.SIGINT:
        last = errors.splitlines()[-1]
        assert last == "dancereid export: interrupted; what was done so far is kept"
    assert [p.name for p in tmp_path.iterdir()] == ["DanceReID.unfinished"]
    assert len(list((tmp_path / "DanceReID.unfinished" / "done").iterdir())) >= 2
    assert run(tmp_path, *flags, "-j", 3 - processes)[0] == 0
    assert files(tmp_path / "DanceReID") == expected
