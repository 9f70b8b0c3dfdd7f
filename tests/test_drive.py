from __future__ import annotations

import os
import random
import re
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from dancereid_pipeline import drive as module
from dancereid_pipeline.drive import drive_id
from dancereid_pipeline.errors import SourceError
from tests.support.drive import (
    BUSY,
    CONTENT,
    COOKIES,
    FILE_ID,
    FILE_URL,
    QUOTA,
    REFUSALS,
    WARNING,
    Drive,
    attachment,
    fetch,
    leave_part,
    parts,
    program,
    refused,
    trust,
)
from tests.support.web import Answer, Hold, Site, page, redirect


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def environment(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Believes the stand-in, has an empty home, and loses no time between two tries."""
    found = trust(authority, tmp_path)
    Path(found["HOME"]).mkdir()
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(random, "uniform", lambda a, b: 0.0)  # gdown's wait before a retry
    monkeypatch.setattr(module, "_PAUSES_S", (0.0, 0.0))
    return {**os.environ, **found}


@pytest.fixture
def drive(authority: trustme.CA, environment: dict[str, str]) -> Iterator[Drive]:
    with Drive(authority) as drive:
        drive.files[f"/{FILE_ID}"] = CONTENT
        yield drive


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "npy.zip"


@pytest.mark.parametrize("large", [True, False])
def test_a_file_is_fetched_whole(drive: Drive, target: Path, large: bool) -> None:
    drive.large = large
    told = fetch(drive, target)
    assert drive.steps == (["uc", "warning", "file"] if large else ["uc", "file"])
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert parts(target) == []
    # Readable as any file is that the user makes, not by its owner only.
    umask = os.umask(0o022)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    target.write_bytes(b"old")
    fetch(drive, target)


@pytest.mark.parametrize("signed_in", [True, False])
def test_nothing_is_printed_or_written_but_the_file(
    drive: Drive, target: Path, tmp_path: Path, environment: dict[str, str], signed_in: bool
) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(COOKIES)
    drive.answers["file"] = [attachment(cut=1 << 20)]  # gdown would tell of the break
    headers = {"Set-Cookie": "NID=1; Domain=google.com; Path=/", "Location": FILE_URL}
    drive.answers["uc"] = [Answer(status=303, headers=headers, body=b"")]  # and save the cookie
    run = subprocess.run(
        program(drive, target, cookies=str(cookies) if signed_in else ""),
        env=environment,
        capture_output=True,
        timeout=120,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert target.read_bytes() == CONTENT
    assert list((tmp_path / "home").rglob("*")) == []
    assert cookies.read_text() == COOKIES
    sent = drive.of("uc")[0].headers.get("Cookie")
    assert sent == ("SID=secret" if signed_in else None)
    assert "NID=1" in drive.of("warning")[0].headers["Cookie"]


def test_gone_on_with_after_a_kill(drive: Drive, target: Path, environment: dict[str, str]) -> None:
    drive.answers["file"] = [attachment(hold=Hold(after=2 << 20))]
    with subprocess.Popen(
        program(drive, target, say="yes"), env=environment, stdout=subprocess.PIPE
    ) as run:
        assert any(int(line) >= 1 << 20 for line in run.stdout)
        run.send_signal(signal.SIGKILL)
    (part,) = parts(target)
    kept = part.stat().st_size
    assert 1 << 20 <= kept <= 2 << 20
    told = fetch(drive, target)
    assert parts(target) == []
    last = drive.of("file")[-1]
    assert (last.range, last.asked) == (f"bytes={kept}-", len(CONTENT) - kept)
    assert told[0][0] > kept
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_break_is_gone_on_with(drive: Drive, target: Path) -> None:
    drive.answers["file"] = [attachment(cut=1 << 20), attachment(cut=1 << 20)]
    told = fetch(drive, target)
    ranges = [r.range for r in drive.of("file")]
    assert ranges == [None, f"bytes={1 << 20}-", f"bytes={2 << 20}-"]
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_what_came_before_the_last_break_is_kept(drive: Drive, target: Path) -> None:
    drive.answers["file"] = [attachment(cut=1 << 20), attachment(cut=0, always=True)]
    assert "the transfer failed (IncompleteRead" in refused(drive, target)
    assert len(drive.of("file")) == 1 + 5  # retries
    (part,) = parts(target)
    assert part.read_bytes() == CONTENT[: 1 << 20]
    drive.answers.clear()
    fetch(drive, target)
    assert drive.of("file")[-1].range == f"bytes={1 << 20}-"


@pytest.mark.parametrize("kept", [len(CONTENT), len(CONTENT) + 1000])
def test_a_part_that_leaves_no_rest_is_started_anew(drive: Drive, target: Path, kept: int) -> None:
    leave_part(target, bytes(kept))
    fetch(drive, target)


def test_without_ranges_a_part_is_started_anew(drive: Drive, target: Path) -> None:
    drive.ranges = False
    leave_part(target, CONTENT[:5000])
    fetch(drive, target)
    assert drive.of("file")[-1].range is None
    drive.answers["file"] = [attachment(cut=1 << 20)]
    fetch(drive, target)


def test_several_parts_do_not_block(drive: Drive, target: Path) -> None:
    leave_part(target, CONTENT[: 1 << 20])
    leave_part(target, b"other", "abcdefgh")
    fetch(drive, target)
    assert parts(target) == []
    assert drive.of("file")[-1].range == f"bytes={1 << 20}-"


def test_a_whole_file_without_its_name_needs_no_network(drive: Drive, target: Path) -> None:
    leave_part(target, CONTENT).rename(target.with_name(f"{target.name}.{FILE_ID}"))
    fetch(drive, target)
    assert parts(target) == []
    assert drive.requests == []


def test_a_part_of_another_file_is_not_gone_on_with(drive: Drive, target: Path) -> None:
    older = "1OlderOlderOlderOlderOlderOlder00"
    drive.files[f"/{older}"] = CONTENT[::-1]
    leave_part(target, CONTENT[: 1 << 20])
    fetch(drive, target, file_id=older)


@pytest.mark.parametrize("step", ["uc", "warning", "file"])
@pytest.mark.parametrize(("answer", "says"), REFUSALS, ids=[says for _, says in REFUSALS])
def test_a_refusal_says_which(
    drive: Drive, target: Path, step: str, answer: Answer, says: str
) -> None:
    drive.answers[step] = [replace(answer, always=True)]
    message = refused(drive, target)
    assert says in message
    assert message.startswith(f"Google Drive, file {FILE_ID}: ")
    assert drive.asked() < len(CONTENT)
    # Whoever fails is asked again; whoever says no is not.
    assert len(drive.of(step)) == (3 if answer is BUSY else 1)


@pytest.mark.parametrize(("answer", "says"), REFUSALS, ids=[says for _, says in REFUSALS])
def test_a_part_outlives_a_refusal_of_the_rest(
    drive: Drive, target: Path, answer: Answer, says: str
) -> None:
    part = leave_part(target, CONTENT[: 1 << 20])
    drive.answers["file"] = [attachment(), answer] * 3
    message = refused(drive, target)
    # gdown does not read what came in place of the rest, so that only its status and address tell.
    known = answer.status in (404, 429, 503) or answer.status == 302
    assert not known or says in message
    assert part.read_bytes() == CONTENT[: 1 << 20]
    # The link may have grown old, so all begins anew, but not where that was asked for too often.
    assert len(drive.of("file")) == (2 if answer.status == 429 else 6)


def test_a_link_that_has_grown_old_is_asked_for_again(drive: Drive, target: Path) -> None:
    drive.answers["file"] = [attachment(cut=1 << 20), page(WARNING.format(id=FILE_ID))]
    fetch(drive, target)
    assert drive.steps == ["uc", "warning", "file", "file", "uc", "warning", "file", "file"]
    assert drive.of("file")[-1].range == f"bytes={1 << 20}-"


def test_a_file_that_is_not_there(drive: Drive, target: Path) -> None:
    assert "there is no such file" in refused(drive, target, file_id="1Unknown00")


def test_drive_may_fail_for_a_while(drive: Drive, target: Path) -> None:
    # After a 500, and only then, gdown asks for /open, which leads to a page without the file.
    drive.answers["uc"] = [page("<html>", status=500)]
    drive.answers["file"] = [attachment(cut=1 << 20), BUSY]
    fetch(drive, target)
    assert drive.steps[:3] == ["uc", "open", "view"]
    assert drive.of("file")[-1].range == f"bytes={1 << 20}-"
    drive.answers["uc"] = [page("<html>", status=500, always=True)]
    target.unlink()
    assert "itself fails (HTTP 500)" in refused(drive, target)


@pytest.mark.parametrize("step", ["uc", "warning", "file"])
def test_a_connection_that_breaks_is_tried_again(drive: Drive, target: Path, step: str) -> None:
    drive.answers[step] = [Answer(drop=True), Answer(drop=True)]
    fetch(drive, target)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            Answer(headers={"Content-Type": None}, body=b"<html>"),
            "gdown cannot read Drive's answer",
        ),
        (attachment(length=len(CONTENT) + 9, always=True), "does not fit together"),
        (redirect("https://drive.google.com/uc?id=x", always=True), "Exceeded 30 redirects"),
        (Answer(drop=True, always=True), "Remote end closed connection"),
    ],
)
def test_an_odd_answer(drive: Drive, target: Path, answer: Answer, says: str) -> None:
    drive.answers["uc"] = [answer]
    assert says in refused(drive, target)


@pytest.mark.parametrize("start", [b"<!DOCTYPE html>", b"\n <HTML>"])
def test_a_page_is_not_taken_for_the_file(drive: Drive, target: Path, start: bytes) -> None:
    drive.files[f"/{FILE_ID}"] = start + b"<title>odd</title>"
    assert "a page came in place of the file" in refused(drive, target)
    assert parts(target) == []


def test_a_page_that_leads_to_itself_ends(
    drive: Drive, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_S", 0.5)
    drive.answers["file"] = [page(WARNING.format(id=FILE_ID), always=True)]
    assert "not a byte of it came within" in refused(drive, target)
    assert len(drive.of("file")) > 1


def test_once_begun_it_may_take_its_time(drive: Drive, target: Path) -> None:
    def running() -> list[threading.Timer]:
        timers = [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
        return [t for t in timers if not t.finished.is_set()]

    found: list[list[threading.Timer]] = []
    fetch(drive, target, progress=lambda done, total: found.append(running()))
    assert found
    assert not any(found)
    drive.answers["uc"] = [page(QUOTA)]
    target.unlink()
    refused(drive, target)
    assert not running()


def test_a_proxy_that_is_not_there(drive: Drive, target: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://user:hidden@127.0.0.1:{taken.getsockname()[1]}"
        message = refused(drive, target, proxy=nobody)
    assert "the proxy does not lead there (Connection refused)" in message
    assert "hidden" not in message
    with Site() as site:  # a server that is no proxy
        assert "the proxy does not lead there (Tunnel connection" in refused(site, target)


def test_the_environments_proxy(
    drive: Drive, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", drive.url)
    fetch(drive, target, proxy=None)
    fetch(drive, target)
    target.unlink()
    # It would win over the one that was asked for.
    assert "HTTPS_PROXY" in refused(drive, target, proxy="http://127.0.0.1:9")


def test_a_certificate_of_somebody_else(
    drive: Drive, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trust(trustme.CA(), tmp_path)["REQUESTS_CA_BUNDLE"])
    assert "certificate verify failed" in refused(drive, target)


@pytest.mark.parametrize(
    "content", [None, b"SID=secret", COOKIES.encode() + b"half\ta line\n", b"\xff\xfe"]
)
@pytest.mark.filterwarnings("error")
def test_cookies_that_cannot_be_read(
    drive: Drive, target: Path, tmp_path: Path, content: bytes | None
) -> None:
    cookies = tmp_path / "cookies.txt"
    if content is not None:
        cookies.write_bytes(content)
    message = refused(drive, target, cookies_file=cookies)
    assert message.startswith(f"{cookies}: expected a cookies.txt")
    assert drive.requests == []


def test_a_place_that_cannot_be_written(drive: Drive, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    target = tmp_path / "data" / "npy.zip"
    with pytest.raises(SourceError, match=re.escape(f"{target.parent}: cannot be written")):
        fetch(drive, target)


def test_a_disk_that_is_full(drive: Drive, target: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        message = refused(drive, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{target}: cannot be written (File too large)" in message
    assert parts(target)[0].stat().st_size == 1 << 20
    fetch(drive, target)


def test_whoever_watches_may_end_it(drive: Drive, target: Path) -> None:
    class EnoughError(Exception):
        pass

    def enough(done: int, total: int | None) -> None:
        if done >= 1 << 20:
            raise EnoughError

    with pytest.raises(EnoughError):
        fetch(drive, target, progress=enough)
    fetch(drive, target)
    assert drive.of("file")[-1].range == f"bytes={1 << 20}-"


def test_no_faster_than_asked(drive: Drive, target: Path) -> None:
    start = time.monotonic()
    fetch(drive, target, rate=8 << 20)
    assert time.monotonic() - start >= len(CONTENT) / (8 << 20)


LINKS = f"""
https://drive.google.com/file/d/{FILE_ID}/view?usp=sharing
https://drive.google.com/file/d/{FILE_ID}
https://drive.google.com/file/u/1/d/{FILE_ID}/edit
https://drive.google.com/u/0/uc?export=download&id={FILE_ID}
http://docs.google.com/uc?id={FILE_ID}&confirm=t
HTTPS://Drive.Google.com/open?id={FILE_ID}#x
https://drive.usercontent.google.com/download?id={FILE_ID}&export=download&confirm=t
"""
OTHERS = f"""
https://drive.google.com/drive/folders/{FILE_ID}?id={FILE_ID}
https://drive.google.com/file/d/{FILE_ID}.zip
https://drive.google.com/uc?id={FILE_ID}&id=1Another0000
https://drive.google.com/uc?id=../../../etc/passwd
https://drive.google.com/uc?id=short
https://drive.google.com/uc
https://drive.google.com.evil.org/uc?id={FILE_ID}
https://drive.google.com@evil.org/uc?id={FILE_ID}
https://mirror.lab/file/d/{FILE_ID}/view
ftp://drive.google.com/uc?id={FILE_ID}
drive.google.com/uc?id={FILE_ID}
https://[drive.google.com/uc
data/npy.zip
"""


@pytest.mark.parametrize("address", LINKS.split())
def test_links_to_a_file(address: str) -> None:
    assert drive_id(address) == FILE_ID


@pytest.mark.parametrize("address", OTHERS.split())
def test_links_to_anything_else(address: str) -> None:
    assert drive_id(address) is None
