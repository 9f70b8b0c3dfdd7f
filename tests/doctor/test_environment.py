"""Folders, addresses, cookies and variables, as `doctor` looks at them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.doctor.environment import (
    cookies_check,
    disk_checks,
    reach_checks,
    settings_check,
)
from dancereid_pipeline.transfer.http_client import client
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.web import Answer, Site

GB = 10**9
HEADER = b"# Netscape HTTP Cookie File\n"
COOKIES = HEADER + b".a.b\tTRUE\t/\tTRUE\t0\tSID\tpa55\n"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Site() as site:
        site.files = {"/annotation.json": b"{}", "/npy.zip": b"PK"}
        yield site


def mirror(site: Site) -> Network:
    return Network(
        annotation=Address(site.address("annotation.json")),
        archive=Address(site.address("npy.zip")),
        video_url=Address(site.address("videos/{clip}.mp4")),
    )


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"/annotation.json": [Answer(status=405)]}, {"annotation": "yes"}),  # knows only GET
        ({"/npy.zip": [Answer(status=403, always=True)]}, {"tracks": "no"}),
        ({"/": [Answer(status=502)]}, {"videos": "no"}),
        ({"/": [Answer(status=429)]}, {"videos": "warning"}),
        ({"/": [Answer(drop=True, always=True)]}, {"videos": "no"}),
    ],
)
def test_what_a_status_means(
    site: Site, answers: dict[str, list[Answer]], expected: dict[str, str]
) -> None:
    site.answers = answers
    found = reach_checks(mirror(site), offline=False, client=True)
    states = dict.fromkeys(("annotation", "tracks", "videos"), "yes") | expected
    assert {check.name: check.state for check in found} == states
    assert all(check.advice for check in found if check.state != "yes")


def test_the_systems_proxy_is_used_and_blamed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", "http://me:pa55@[proxy.invalid")
    assert "pa55" not in str(reach_checks(mirror(site), offline=False, client=True))
    monkeypatch.setenv("http_proxy", "http://me:pa55@127.0.0.1:1")
    found = reach_checks(mirror(site), offline=False, client=True)
    assert all("the proxy: Connection refused" in check.found for check in found)
    assert all("HTTP_PROXY" in check.advice for check in found)
    assert site.requests == []


def test_disk_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Enough for one of the two folders, not for both.
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=7 * GB))
    folders = (tmp_path / "dancereid", tmp_path / "datasets")
    downloads, cache = disk_checks(*folders)
    assert downloads.state == cache.state == "no"
    needed = "7.0 GB free, about 7.5 GB needed including the cache folder"
    assert downloads.found == f"{folders[0]}: {needed}"
    assert "--download-dir or DANCEREID_DOWNLOAD_DIR" in downloads.advice
    assert "HF_DATASETS_CACHE or HF_HOME" in cache.advice
    assert list(tmp_path.iterdir()) == []
    assert disk_checks(folders[0], None)[0].state == "yes"
    # What was fetched already need not fit again.
    videos = folders[0] / "videos"
    videos.mkdir(parents=True)
    (videos / "lost.mp4").symlink_to("nowhere")
    with (videos / "clip.mp4").open("wb") as clip:
        clip.truncate(GB)  # a hole, which takes no room
    downloads, cache = disk_checks(*folders)
    assert downloads.state == cache.state == "yes"
    assert "7.0 GB free and 1.0 GB already fetched" in downloads.found


def test_folders_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "unplugged")
    before = sorted(tmp_path.rglob("*"))
    for bad in ("file/below", "link"):
        downloads, cache = disk_checks(tmp_path / bad, tmp_path / "cache" / "x")
        assert (downloads.state, cache.name) == ("no", "cache folder")
        assert downloads.found.startswith(f"{tmp_path / bad}: cannot be written to (No")
        assert "--download-dir" in downloads.advice
    assert sorted(tmp_path.rglob("*")) == before

    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found = disk_checks(tmp_path, tmp_path)
    assert [check.state for check in found] == ["no", "no"]
    assert "(Permission denied)" in found[1].found


def test_variables() -> None:
    environment = {"DANCEREID_RATE": "", "HOME": "/", "DANCEREID_SHARED": "/data"}
    assert settings_check(environment, ()).state == "yes"
    environment |= {
        "DANCEREID_DOWNLOAD_DIR": "/data",
        "DANCEREID_ARCHIVE": "http://u:pa55@lab/npy.zip?token=0p3n",
        "DANCEREID_COOKIES": "c.txt",
    }
    check = settings_check(environment, ("cookies",))
    assert check.state == "yes"
    assert check.found == (
        "DANCEREID_ARCHIVE=http://lab/npy.zip; DANCEREID_COOKIES is set, but --cookies is used; "
        "DANCEREID_DOWNLOAD_DIR=/data"
    )
    check = settings_check({"DANCEREID_PROXI": "http://u:pa55@h"}, ())
    assert (check.state, check.found) == ("warning", "DANCEREID_PROXI is unknown")
    assert check.advice == "Did you mean DANCEREID_PROXY?"
    assert "DANCEREID_TIME_LIMIT" in settings_check({"DANCEREID_X": "1"}, ()).advice


@pytest.mark.parametrize(
    ("content", "state"),
    [(COOKIES, "yes"), (COOKIES.replace(b".a.b", b"#HttpOnly_.a.b"), "yes"), (HEADER, "warning")],
)
def test_cookies_that_fetching_reads(tmp_path: Path, content: bytes, state: str) -> None:
    (tmp_path / "cookies.txt").write_bytes(content)
    network = Network(cookies=str(tmp_path / "cookies.txt"))
    check = cookies_check(network)
    assert (check.state, bool(check.advice)) == (state, state == "warning")
    with client(network) as fetching:
        assert len(fetching.cookiejar) == (state == "yes")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no file"),
        pytest.param(b"", id="empty"),
        pytest.param(b'[{"name": "SID", "value": "pa55"}]', id="JSON"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(COOKIES.removeprefix(HEADER), id="no header"),
        pytest.param(COOKIES + b".lab\tpa55\n", id="one line of two"),
        pytest.param(COOKIES.replace(b"\t", b" "), id="no tabs"),
    ],
)
def test_cookies_that_fetching_refuses_are_refused_in_the_same_words(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "cookies.txt").write_bytes(content)
    network = Network(cookies=str(tmp_path / "cookies.txt"))
    with pytest.raises(SourceError) as refused, client(network):
        pass
    check = cookies_check(network)
    assert (check.state, f"{check.found} {check.advice}") == ("no", str(refused.value))
    assert check.found
    assert "cookies.txt in Netscape's format" in check.advice
    assert "pa55" not in check.found


def test_cookies_of_a_browser_are_left_alone() -> None:
    assert cookies_check(Network(cookies="browser:firefox")).state == "skipped"
    assert cookies_check(Network()).found == "none given"
