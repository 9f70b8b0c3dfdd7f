"""Whether a machine is ready: the script as a user runs it, and its checks one by one."""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import date
from pathlib import Path
from types import ModuleType

import cv2
import pytest
import yt_dlp.version
import yt_dlp_ejs
from yt_dlp.utils import _jsruntime

from dancereid_pipeline.cli.flags import add_network_flags
from dancereid_pipeline.doctor import software as doctor
from dancereid_pipeline.doctor.check import Check
from dancereid_pipeline.transfer.settings import Network
from tests.conftest import PROJECT
from tests.support.servers.web import Site

# Whatever the disk: the script sees one with room.
DISK = """
import shutil
shutil.disk_usage = lambda path: shutil._ntuple_diskusage(10**11, 0, 10**11)
"""


@pytest.fixture
def site() -> Iterator[Site]:
    """A lab's mirror: labels, tracks, and clips that are not asked for."""
    with Site() as site:
        site.files = {"/annotation.json": b"{}", "/npy.zip": b"PK"}
        yield site


@pytest.fixture
def closed() -> str:
    """An address on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the script finds around it: a network, room, and nothing set."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(DISK)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("DANCEREID_", "HF_")) and "PROXY" not in name.upper()
    }
    return kept | {
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
        "PYTHONPATH": str(tmp_path / "site"),
    }


def run(
    environment: dict[str, str], *arguments: str, script: str = "doctor"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROJECT / "scripts" / f"{script}.py", *arguments],
        cwd=environment["PYTHONPATH"], env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def run_all(
    environment: dict[str, str], *commands: tuple[str, ...]
) -> Iterable[subprocess.CompletedProcess[str]]:
    """The script, several at once."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda arguments: run(environment, *arguments), commands))


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    """The checks by name, from --json."""
    assert done.stderr == ""
    told = json.loads(done.stdout)
    found = {check["name"]: check for check in told["checks"]}
    assert len(found) == len(told["checks"]) == 19
    missing = [check for check in told["checks"] if check["state"] == "no"]
    assert all(check["advice"] for check in missing)
    assert told["ready"] is not bool(missing)
    assert done.returncode == (1 if missing else 0)
    return found


def of_mirror(site: Site) -> tuple[str, ...]:
    return (
        "--annotation", site.address("annotation.json"),
        "--archive", site.address("npy.zip"),
        "--video-url", site.address("videos/{clip}.mp4"),
    )  # fmt: skip


def by_name(found: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_a_mirror_that_answers_is_enough(site: Site, environment: dict[str, str]) -> None:
    found = rows(run(environment, *of_mirror(site), "--json"))
    assert {found[name]["state"] for name in ("annotation", "tracks", "videos")} == {"yes"}
    assert found["annotation"]["found"] == f"{site.url.removeprefix('http://')} answers"
    # Nothing is fetched; that the mirror's root has no page (404) is no matter.
    asked = sorted((request.method, request.path) for request in site.requests)
    assert asked == [("HEAD", "/"), ("HEAD", "/annotation.json"), ("HEAD", "/npy.zip")]
    assert found["download folder"]["state"] == found["cache folder"]["state"] == "yes"
    assert not Path(environment["HF_HOME"], "dancereid").exists()


def test_the_table_says_what_the_json_says(site: Site, environment: dict[str, str]) -> None:
    arguments = (*of_mirror(site), "--annotation", site.address("nowhere.json"))
    told, done, ready = run_all(environment, (*arguments, "--json"), arguments, of_mirror(site))
    found = rows(told)
    assert done.returncode == 1
    lines, checks = done.stdout.splitlines(), list(found.values())
    assert lines[-1] == "Not ready: annotation."
    assert ready.stdout.endswith("Ready: all that is needed is there.\n")
    table: list[dict[str, str]] = []
    for line in lines[:-2]:
        if advice := re.match(r" +-> (.+)", line):
            table[-1]["advice"] = advice[1]
        else:
            name, state, what = re.split(r"  +", line, maxsplit=2)
            table.append({"name": name, "state": state, "found": what, "advice": ""})
    assert table == checks


def test_nobody_there(site: Site, closed: str, environment: dict[str, str]) -> None:
    environment["DANCEREID_ANNOTATION"] = f"{closed}/annotation.json?token=0p3n"
    done = run(environment, *of_mirror(site)[2:], "--json")
    found = rows(done)["annotation"]
    assert found["state"] == "no"
    assert found["found"].startswith(closed.removeprefix("http://"))
    assert "refused" in found["found"]
    assert "--annotation or DANCEREID_ANNOTATION" in found["advice"]
    assert "0p3n" not in done.stdout


def test_offline_mode_asks_nobody(site: Site, environment: dict[str, str]) -> None:
    environment["HF_HUB_OFFLINE"] = "1"
    here = Path(environment["PYTHONPATH"])
    found = rows(run(environment, *of_mirror(site), "--archive", str(here / "npy"), "--json"))
    assert found["annotation"]["state"] == found["videos"]["state"] == "skipped"
    assert "HF_HUB_OFFLINE or HF_DATASETS_OFFLINE" in found["videos"]["found"]
    assert (found["tracks"]["state"], site.requests) == ("no", [])  # a path needs no network
    (here / "npy").mkdir()
    assert run(environment, *of_mirror(site), "--archive", str(here / "npy")).returncode == 0


def test_a_proxy_is_used_and_its_password_never_shown(
    site: Site, closed: str, environment: dict[str, str]
) -> None:
    mirror = (
        "--annotation", "http://u:pa55@labels.invalid/annotation.json",
        "--archive", "http://tracks.invalid/npy.zip",
        "--video-url", "http://clips.invalid/{clip}.mp4",
    )  # fmt: skip
    environment["DANCEREID_PROXY"] = site.url.replace("//", "//me:pa55@")
    done = run(environment, *mirror, "--json")
    assert rows(done)["settings"]["found"] == "DANCEREID_PROXY (not shown)"
    hosts = {request.host for request in site.requests}
    assert hosts == {"labels.invalid", "tracks.invalid", "clips.invalid"}
    refused = run(environment, *mirror, "--proxy", closed.replace("//", "//me:pa55@"), "--json")
    found = rows(refused)
    assert {found[name]["state"] for name in ("annotation", "tracks", "videos")} == {"no"}
    assert "proxy" in found["videos"]["found"]
    assert found["settings"]["found"] == "DANCEREID_PROXY is set, but --proxy is used"
    assert "pa55" not in done.stdout + refused.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--proxy", "me:pa55@proxy.lab"], "doctor: proxy: expected the address of a proxy"),
        (["--video-url", "http://mirror.lab/"], "doctor: video_url: expected an address with"),
        (["--cookies", "nowhere.txt"], "doctor: cookies: expected the path of a cookies.txt"),
        (["--annotation", ""], "doctor: annotation: expected a path"),
    ],
)
def test_a_bad_value_is_one_line(
    environment: dict[str, str], arguments: list[str], expected: str
) -> None:
    done = run(environment, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(expected)
    assert "pa55" not in done.stderr


def test_nothing_installed_yet() -> None:
    done = subprocess.run(
        [sys.executable, "-E", "-S", PROJECT / "scripts" / "doctor.py"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("doctor: No module named 'dancereid_pipeline'. In the checkout,")


def test_every_option_of_the_network_is_a_flag() -> None:
    parser = argparse.ArgumentParser()
    add_network_flags(parser)
    told = " ".join(parser.format_help().split())
    for field in fields(Network):
        assert f" --{field.name.replace('_', '-')} " in told
        assert f"(DANCEREID_{field.name.upper()})" in told


def test_a_module_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    monkeypatch.delitem(sys.modules, "yt_dlp.version")
    found = by_name(doctor.checks(Network(), environment={}))
    opencv = Check("OpenCV", "no", "not installed", "pip install -U 'opencv-python-headless'")
    assert found["OpenCV"] == opencv
    assert found["yt-dlp"].advice == "pip install -U 'yt-dlp[default]'"
    assert found["JavaScript runtime"] == Check("JavaScript runtime", "skipped", "needs yt-dlp")
    assert not doctor.all_there(found.values())


def test_datasets_or_pyav_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setitem(sys.modules, "av", None)
    here = Network(annotation="a.json", archive="npy", video_url="http://127.0.0.1:1/{clip}")
    found = by_name(doctor.checks(here, environment={}))
    assert found["datasets"].state == found["PyAV"].state == "no"
    assert found["cache folder"] == Check("cache folder", "skipped", "needs datasets")
    assert found["AV1"] == Check("AV1", "skipped", "needs PyAV")
    assert found["download folder"].state != "skipped"


def test_a_module_is_broken_or_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def opencv() -> Check:
        return by_name(doctor.version_checks())["OpenCV"]

    assert opencv().state == "yes"
    monkeypatch.setattr(cv2, "__version__", "4.5.0")
    assert opencv().state == "no"
    assert re.fullmatch(r"4\.5\.0, but >=[\d.]+ is needed", opencv().found)
    monkeypatch.setattr(cv2, "__version__", "built-here")
    assert opencv().state == "yes"
    monkeypatch.setitem(sys.modules, "cv2", ModuleType("cv2"))
    assert opencv().found == "installed incompletely"
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    monkeypatch.delitem(sys.modules, "cv2")
    monkeypatch.syspath_prepend(tmp_path)
    assert opencv().found == "cannot be imported: libGL.so.1: cannot open"
    monkeypatch.setattr(yt_dlp_ejs, "version", "0.0.1")
    ejs = by_name(doctor.version_checks())["yt-dlp-ejs"]
    assert (ejs.state, ejs.found[:16]) == ("no", "0.0.1, but ==0.8")


@pytest.mark.parametrize(
    ("version", "state"),
    [("2099.01.31", "yes"), ("2099.01.30", "warning"), ("2099.1.2.dev0", "warning")],
)
def test_an_old_yt_dlp_is_told(monkeypatch: pytest.MonkeyPatch, version: str, state: str) -> None:
    monkeypatch.setattr(yt_dlp.version, "__version__", version)
    check = by_name(doctor.version_checks(today=date(2099, 5, 1)))["yt-dlp"]
    assert (check.state, bool(check.advice)) == (state, state == "warning")


@pytest.mark.skipif(os.name == "nt", reason="stands in for programs with shell scripts")
def test_what_runs_javascript(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def install(name: str, says: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / name).chmod(0o755)

    monkeypatch.setattr(_jsruntime, "_find_exe", lambda name: str(tmp_path / name))
    check = doctor.javascript_check()
    assert (check.state, check.found) == ("no", "none of deno, node, bun, quickjs")
    assert check.advice == "pip install 'dancereid[deno]', or install Node.js 22.0.0 or newer"
    install("node", "v20.20.2")
    assert doctor.javascript_check().found == "node 20.20.2, but yt-dlp needs 22.0.0 or newer"
    # Only YouTube needs one.
    found = by_name(doctor.checks(Network(), environment={}))
    assert found["JavaScript runtime"].state == "no"
    mirror = Network(video_url="http://youtube.com.mirror.lab/{clip}.mp4")
    found = by_name(doctor.checks(mirror, environment={}))
    assert found["JavaScript runtime"].state == "warning"
    assert found["JavaScript runtime"].advice == check.advice
    install("deno", "deno 2.9.5 (stable)")
    assert doctor.javascript_check() == Check("JavaScript runtime", "yes", "deno 2.9.5")


def test_decoders_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    found = by_name(doctor.codec_checks())
    assert [check.state for check in found.values()] == ["yes"] * 3
    for name, decoder in {"H.264": "h264", "VP9": "vp9", "AV1": "av1"}.items():
        assert decoder in found[name].found
    monkeypatch.setitem(doctor._CLIPS, "AV1", base64.b64encode(b"not a clip").decode())
    broken = by_name(doctor.codec_checks())["AV1"]
    assert (broken.state, broken.advice) == ("no", "pip install -U --force-reinstall av")
