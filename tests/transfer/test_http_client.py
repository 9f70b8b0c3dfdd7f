from __future__ import annotations

import io
import logging
import random
import socket
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import tqdm

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.transfer.download import fetch, progress_bar
from dancereid_pipeline.transfer.http_client import client, cookies_copy
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.web import Answer, Site, redirect

CONTENT = random.Random(6).randbytes(100_000)
COOKIES = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tSID\tsecret\n"


@pytest.fixture
def site(site: Site) -> Site:
    site.files["/a.bin"] = CONTENT
    return site


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "a.bin"


def get(address: str, target: Path, network: Network) -> None:
    fetch(Address(address), target, network, check=lambda _: None, what="A")
    assert target.read_bytes() == CONTENT


def test_offline_nothing_is_asked(site: Site, target: Path) -> None:
    with pytest.raises(SourceError) as error:
        get(site.address("/a.bin"), target, Network())
    expected = f"{site.url}/a.bin: expected this file in {target.parent}, since offline mode is on"
    assert expected in str(error.value)
    assert (site.requests, target.parent.exists()) == ([], False)


@pytest.mark.parametrize("status", [302, 308])
def test_a_redirect_is_followed(site: Site, target: Path, online: list[float], status: int) -> None:
    site.answers["/moved"] = [redirect(site.address("/a.bin"), status=status)]
    get(site.address("/moved"), target, Network())
    assert [r.path for r in site.requests] == ["/moved", "/a.bin"]


def test_a_redirect_that_leads_to_itself_ends(
    site: Site, target: Path, online: list[float]
) -> None:
    site.answers["/a.bin"] = [redirect("/b.bin", always=True)]
    site.answers["/b.bin"] = [redirect("/a.bin", always=True)]
    with pytest.raises(SourceError, match="redirect loop"):
        get(site.address("/a.bin"), target, Network())
    assert list(target.parent.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_told(
    site: Site, target: Path, online: list[float]
) -> None:
    folder = target.parent
    folder.write_text("mine")
    for path in (target, target / "deeper"):
        with pytest.raises(SourceError, match=rf"^{path.parent}: cannot be used .* another folder"):
            get(site.address("/a.bin"), path, Network())
    assert (folder.read_text(), site.requests) == ("mine", [])


def test_a_connection_that_is_not_permitted_is_no_fault_of_the_folder(
    target: Path, online: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(SourceError, match=r"a\.bin: .*Permission denied"):
        get("http://127.0.0.1:9/a.bin", target, Network())


def test_cookies_are_sent_and_their_file_is_left_as_it_was(
    site: Site, target: Path, online: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(COOKIES)
    before = path.stat().st_mtime_ns
    site.answers["/a.bin"] = [Answer(headers={"Set-Cookie": "new=1; Max-Age=9999"})]
    get(site.address("/a.bin"), target, Network(cookies=str(path)))
    assert site.requests[0].headers["Cookie"] == "SID=secret"
    assert (path.read_text(), path.stat().st_mtime_ns) == (COOKIES, before)
    get(site.address("/a.bin"), target, Network())
    assert "Cookie" not in site.requests[1].headers


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile of Firefox with a cookie in it."""
    folder = tmp_path / "a profile"
    folder.mkdir()
    with sqlite3.connect(folder / "cookies.sqlite") as database:
        database.execute(
            "CREATE TABLE moz_cookies (host, name, value, path, expiry, isSecure, originAttributes)"
        )
        row = ("127.0.0.1", "SID", "secret", "/", 2**31, 0, "")
        database.execute("INSERT INTO moz_cookies VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    database.close()
    return folder


def test_cookies_of_a_browser_are_sent(
    site: Site, target: Path, online: list[float], profile: Path
) -> None:
    get(site.address("/a.bin"), target, Network(cookies=f"browser:firefox:{profile}"))
    assert site.requests[0].headers["Cookie"] == "SID=secret"


def test_others_get_a_copy_of_the_cookies(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(COOKIES)
    for cookies in (f"{tmp_path}/c.txt", f"browser:firefox:{profile}"):
        with cookies_copy(Network(cookies=cookies)) as copy:
            assert copy is not None
            assert "127.0.0.1\tFALSE\t/\tFALSE\t" in copy.read_text()
            assert copy.read_text().endswith("\tSID\tsecret\n")
            copy.write_text("")
        assert not copy.exists()
    assert (tmp_path / "c.txt").read_text() == COOKIES
    with cookies_copy(Network()) as copy:
        assert copy is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: .*No such file"),
        (b"{}", "the first line is not"),
        (b"\xff\xfe\xff", "cannot be read: .*utf-8"),
        (
            COOKIES.encode() + b".lab\tpa55\n",
            "line 3: expected 7 fields .*found 2",
        ),
        # What yt-dlp would print, or quote in an error, with the value.
        (
            COOKIES.encode() + b"a.lab\tFALSE\t/\tFALSE\tnever\tSID\tpa55\n",
            "line 3: expected a n",
        ),
        (COOKIES.encode() + b"a.lab\tTRUE\t/\tFALSE\t0\tSID\tpa55\n", "line 3: expected TRUE as"),
    ],
)
def test_cookies_that_cannot_be_read_are_told(
    site: Site,
    target: Path,
    online: list[float],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    content: bytes | None,
    said: str,
) -> None:
    path = tmp_path / "c.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=rf"c\.txt'.*{said}.* cookies\.txt in Netscape") as error:
        get(site.address("/a.bin"), target, Network(cookies=str(path)))
    assert (site.requests, target.exists()) == ([], False)
    assert "pa55" not in str(error.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize("cookies", ["~nosuchuser/c.txt", "browser:firefox:/no/such/profile"])
def test_cookies_that_are_nowhere_are_told(target: Path, online: list[float], cookies: str) -> None:
    with pytest.raises(SourceError, match=f"cookies='{cookies}' cannot be read"):
        get("http://127.0.0.1:9/a.bin", target, Network(cookies=cookies))


def test_the_client_speaks_to_the_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("DEBUG", "dancereid"), client(Network()) as ydl:
        ydl.report_warning("careful")
        ydl.to_screen("hello")
    assert ("dancereid", logging.INFO, "yt-dlp: careful") in caplog.record_tuples
    assert ("dancereid", logging.DEBUG, "hello") in caplog.record_tuples
    assert capfd.readouterr() == ("", "")


def test_a_proxy_is_asked_in_place_of_the_host(
    site: Site, target: Path, online: list[float]
) -> None:
    get("http://mirror.invalid/a.bin", target, Network(proxy=Address(site.url)))
    assert [(r.host, r.path) for r in site.requests] == [("mirror.invalid", "/a.bin")]


def test_the_rate_is_kept_to(
    site: Site, target: Path, online: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("yt_dlp.downloader.common.time.sleep", waits.append)
    get(site.address("/a.bin"), target, Network(rate=10_000))
    # After the first block of 1 KiB, each time until the average is right again.
    assert max(waits) > 1
    waits.clear()
    get(site.address("/a.bin"), target, Network())
    assert waits == []


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[tqdm.tqdm]:
    """The bars that are shown, at a second a look at the clock."""
    made: list[tqdm.tqdm] = []

    def bar(**options: object) -> AbstractContextManager[tqdm.tqdm]:
        made.append(tqdm.tqdm(file=io.StringIO(), mininterval=0, **options))
        return made[-1]

    monkeypatch.setattr("dancereid_pipeline.transfer.download.progress", bar)
    seconds = iter(range(10**9))
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(seconds)))
    return made


def test_the_bar_shows_what_is_there_and_how_fast_it_came(bars: list[tqdm.tqdm]) -> None:
    with progress_bar("Tracks") as on_bytes:
        (bar,) = bars
        on_bytes(500_000_000, None)
        assert (bar.desc, bar.n, bar.total) == ("Tracks", 500_000_000, None)
        for there in (500_001_000, 500_002_000, 500_003_000):
            on_bytes(there, 600_000_000)
        assert (bar.n, bar.total) == (500_003_000, 600_000_000)
        # What an earlier run brought did not come at once.
        assert bar.format_dict["rate"] <= 1000
        on_bytes(1000, 600_000_000)
        assert (bar.n, bar.initial) == (1000, 1000)
        on_bytes(600_000_000, 600_000_000)
        assert bar.n == 600_000_000
        assert "572M/572M" in bar.fp.getvalue()
        assert bar.disable  # closed, so that what comes next may have a line of its own
        on_bytes(600_000_000, 600_000_000)


def test_the_bar_is_told_of_every_block(
    site: Site, target: Path, online: list[float], bars: list[tqdm.tqdm]
) -> None:
    target.parent.mkdir()
    target.with_name("a.bin.unchecked.part").write_bytes(CONTENT[:40_000])
    get(site.address("/a.bin"), target, Network())
    (bar,) = bars
    assert (bar.n, bar.total) == (100_000, 100_000)
    assert 40_000 < bar.initial <= 41_024
    assert "97.7k/97.7k" in bar.fp.getvalue()
