"""`dancereid doctor` as a user runs it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import command
from tests.support.servers.web import Site

# Whatever the disk: the command sees one with room.
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
    """What the command finds around it: a network, room, and nothing set."""
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


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return command.run("doctor", *arguments, cwd=Path(environment["PYTHONPATH"]), env=environment)


def run_all(
    environment: dict[str, str], *commands: tuple[str, ...]
) -> Iterable[subprocess.CompletedProcess[str]]:
    """The command, several at once."""
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
        (
            ["--proxy", "me:pa55@proxy.lab"],
            "proxy: expected the address of a proxy",
        ),
        (
            ["--video-url", "http://mirror.lab/"],
            "video_url: expected an address with",
        ),
        (
            ["--cookies", "nowhere.txt"],
            "cookies: expected the path of a cookies.txt",
        ),
        (["--annotation", ""], "annotation: expected a path"),
    ],
)
def test_a_bad_value_is_one_line(
    environment: dict[str, str], arguments: list[str], expected: str
) -> None:
    done = run(environment, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"dancereid doctor: {expected}")
    assert "pa55" not in done.stderr
