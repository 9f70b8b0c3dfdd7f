"""`dancereid fetch` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline.cli.network_flags import flag
from dancereid_pipeline.common.package_files import install_command
from dancereid_pipeline.fetch.manifest import Manifest
from tests.conftest import PROJECT
from tests.support import command
from tests.support.servers.pages import Pages, catalogue_of, clip_bytes, plugin
from tests.support.servers.remote import serve
from tests.support.servers.web import Answer, Hold, Site


@pytest.fixture
def web() -> Iterator[Site]:
    """A server on the loopback."""
    with Site() as web:
        yield web


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Pages]:
    """A mirror of two of the three videos."""
    catalogue_of(tmp_path, "aaa", "bbb", "long-id_ccc")
    with Pages() as site:
        site.files["/lab/000_aaa.mp4"] = clip_bytes(120)
        site.files["/lab/002_long-id_ccc.mp4"] = clip_bytes()
        yield site


def start(place: Path, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """The command, started in a folder with a catalogue."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("DANCEREID_", "HF_HUB")) and "PROXY" not in name.upper()
    }
    here = {"HF_HUB_OFFLINE": "0", "PYTHONPATH": str(PROJECT)}
    return command.start("fetch", *arguments, cwd=place, env=kept | here | variables)


def end(process: subprocess.Popen[str]) -> tuple[int | None, str, str]:
    """Its exit code, and what it said on stdout and on stderr."""
    done = command.end(process)
    return done.returncode, done.stdout, done.stderr


def run(place: Path, *arguments: object, **variables: str) -> tuple[int | None, str, str]:
    return end(start(place, *arguments, **variables))


def paths(site: Pages) -> list[str]:
    return [request.path for request in site.requests]


def test_a_crawl_from_first_to_last(site: Pages, tmp_path: Path) -> None:
    arguments = ("videos", "catalogue.csv", "--video-url", site.by_clip)
    code, output, errors = run(tmp_path, *arguments)
    first, a, b, c, last = output.splitlines()
    assert first == "2 of 3 clips are in videos"
    megabytes = f"{len(clip_bytes(120)) / 1e6:.1f}"
    assert (
        a
        == f"  aaa          000_aaa.mp4          h264  160x120  30 fps  120 frames  {megabytes} MB"
    )
    assert b == "  bbb          removed: HTTP Error 404: Not Found"
    assert c == "  long-id_ccc  002_long-id_ccc.mp4  h264  160x120  30 fps   40 frames  0.0 MB"
    assert last.startswith("removed: gone. It was taken down: go on without it, or put a copy")
    assert (code, errors) == (3, "")
    # Gone is not asked for again, unless the user says so.
    site.files["/lab/001_bbb.mp4"] = clip_bytes()
    code, output, errors = run(tmp_path, *arguments, "--again")
    assert (code, errors) == (0, "")
    assert output.startswith("3 of 3 clips are in videos\n")
    assert paths(site) == [
        *("/lab/000_aaa.mp4", "/lab/001_bbb.mp4", "/lab/002_long-id_ccc.mp4", "/lab/001_bbb.mp4"),
    ]
    assert sorted(p.name for p in (tmp_path / "videos").iterdir()) == [
        *(".locks", "000_aaa.mp4", "001_bbb.mp4", "002_long-id_ccc.mp4", "manifest.json"),
    ]


def test_some_videos_for_a_program(site: Pages, tmp_path: Path) -> None:
    arguments = ("deep/er/videos", "catalogue.csv", "--json", "--videos", "bbb", "aaa")
    code, output, errors = run(tmp_path, *arguments, DANCEREID_VIDEO_URL=site.by_clip)
    assert (code, errors) == (3, "")
    said = json.loads(output)
    assert said["whole"] is False
    assert [(v["video_id"], v["outcome"], v.get("fate")) for v in said["videos"]] == [
        ("aaa", "used", None),
        ("bbb", "removed", "gone"),
    ]
    assert said["videos"][0]["clip"]["frames"] == 120
    assert paths(site) == ["/lab/000_aaa.mp4", "/lab/001_bbb.mp4"]


def test_a_page_of_dancereid_s_own_catalogue(site: Pages, tmp_path: Path) -> None:
    site.add("ZhuDSdmby8k", clip_bytes(), "18", "137", "299")
    path = os.pathsep.join((str(PROJECT), str(plugin(tmp_path / "plugins"))))
    code, output, errors = run(
        *(tmp_path, "videos", "--video-url", site.by_page, "--videos", "ZhuDSdmby8k"),
        PYTHONPATH=path,
    )
    assert (code, errors) == (0, "")
    assert "  ZhuDSdmby8k  000_ZhuDSdmby8k.mp4  h264  " in output
    assert paths(site) == ["/watch", "/media/137/ZhuDSdmby8k"]


def test_offline_nothing_is_asked(site: Pages, tmp_path: Path) -> None:
    arguments = ("videos", "catalogue.csv", "--video-url", site.by_clip)
    code, output, _ = run(tmp_path, *arguments, HF_HUB_OFFLINE="1")
    assert code == 3
    assert output.count("not tried: offline mode is on") == 3
    assert paths(site) == []


def test_what_cannot_be_is_said_in_a_line(site: Pages, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("video_id\nx\n")
    for name, content in (("taken/.locks", ""), ("odd/manifest.json", "{")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    cases = {
        "videos x.csv y.csv": (2, "dancereid fetch: unrecognized arguments: y.csv (see dancereid"),
        "videos --archive npy.zip": (2, "dancereid fetch: --archive: with FOLDER, only videos"),
        "videos --rate fast": (2, "dancereid fetch: rate: expected bytes a second"),
        "videos catalogue.csv --videos zzz": (2, "dancereid fetch: videos=['zzz']: expected"),
        "videos bad.csv": (1, "dancereid fetch: bad.csv: column 'people', 'split' is missing"),
        "taken catalogue.csv": (1, "dancereid fetch: taken: cannot be used ("),
        "odd catalogue.csv": (
            1,
            "dancereid fetch: odd/manifest.json: is not a manifest of fetched",
        ),
    }
    variables = {"DANCEREID_VIDEO_URL": site.by_clip}
    # All at once: most of the time goes into starting them.
    started = [start(tmp_path, *arguments.split(), **variables) for arguments in cases]
    for process, (code, said) in zip(started, cases.values(), strict=True):
        got, output, errors = end(process)
        assert (got, output) == (code, "")
        assert errors.startswith(said)
        assert errors.count("\n") == 1
    assert paths(site) == []


def test_an_interrupt_leaves_what_came_for_the_next_time(site: Pages, tmp_path: Path) -> None:
    hold = Hold(after=1)
    site.answers["/lab/002_long-id_ccc.mp4"] = [Answer(cut=9000), Answer(hold=hold)]
    arguments = ("videos", "catalogue.csv", "--video-url", site.by_clip)
    with start(tmp_path, *arguments) as process:
        assert hold.reached.wait(60)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    hold.go_on.set()
    assert (process.returncode, output) == (130, "")
    told, last = errors.splitlines()
    assert told.startswith("[download] Got error: 9000 bytes read")
    assert last == "dancereid fetch: interrupted; what was done so far is kept"
    part = tmp_path / "videos" / "002_long-id_ccc.mp4.unchecked.part"
    size = part.stat().st_size
    assert 4000 < size <= 9001
    assert sorted(Manifest(part.parent).read()) == ["aaa", "bbb"]
    assert run(tmp_path, *arguments)[0] == 3
    assert [request.range for request in site.requests][4:] == [f"bytes={size}-"]
    assert (part.parent / "002_long-id_ccc.mp4").read_bytes() == clip_bytes()
    assert not part.exists()


def test_two_at_once_ask_for_each_video_once(site: Pages, tmp_path: Path) -> None:
    hold = Hold(after=9000)
    site.answers["/lab/000_aaa.mp4"] = [Answer(hold=hold)]
    arguments = ("videos", "catalogue.csv", "--video-url", site.by_clip, "--json")
    with start(tmp_path, *arguments) as first:
        assert hold.reached.wait(60)
        with start(tmp_path, *arguments) as second:
            assert second.stderr is not None
            assert second.stderr.readline() == (
                "Another process is at work in videos; waiting for it.\n"
            )
            hold.go_on.set()
            said = [process.communicate() for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [3, 3]
    assert said[0] == said[1]
    assert said[0][1] == ""
    assert len(json.loads(said[0][0])["videos"]) == 3
    assert paths(site) == ["/lab/000_aaa.mp4", "/lab/001_bbb.mp4", "/lab/002_long-id_ccc.mp4"]
    assert sorted(Manifest(tmp_path / "videos").read()) == ["aaa", "bbb", "long-id_ccc"]


def test_without_a_folder_all_goes_where_load_dataset_looks(
    small: Path, tmp_path: Path, web: Site
) -> None:
    options = {**serve(web, small), "download_dir": str(tmp_path / "downloads")}
    flags = [word for name, value in options.items() for word in (flag(name), value)]
    code, output, errors = run(tmp_path, *flags, "--videos", "aaa", "bbb")
    assert code == 0, errors
    assert output == f"{tmp_path / 'downloads'}: annotation, tracks, and 2 of 2 videos\n"
    web.files = {name: v for name, v in web.files.items() if "ddd" not in name}
    code, output, errors = run(tmp_path, *flags, "--json")
    assert code == 3
    said = json.loads(output)
    assert (said["folder"], said["whole"]) == (options["download_dir"], False)
    outcomes = {video["video_id"]: video["outcome"] for video in said["videos"]}
    assert outcomes == {"aaa": "used", "bbb": "used", "ccc": "used", "ddd": "removed"}
    code, output, errors = run(tmp_path, *flags)
    assert code == 3
    assert output.splitlines()[0].endswith(": annotation, tracks, and 3 of 4 videos")
    assert output.splitlines()[1].startswith("  ddd: removed. ")
    ds = dancereid.load_dataset(**options, cache_dir=str(tmp_path / "cache"))
    built = {video for split in ds.values() for video in split["video_id"]}
    assert built == {"aaa", "bbb", "ccc"}


def test_the_published_command(site: Pages, tmp_path: Path) -> None:
    done = subprocess.run(
        [PROJECT / "scripts" / "run.sh", "videos", "catalogue.csv"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DANCEREID_VIDEO_URL": site.by_clip,
            "HF_HUB_OFFLINE": "0",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("2 of 3 clips are in videos\n")
    done = subprocess.run(
        ["/bin/sh", PROJECT / "scripts" / "run.sh", "videos"],
        env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert install_command() in done.stderr
