from __future__ import annotations

import os
import random
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import trustme

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import SourceError, VideoError
from dancereid_pipeline.transfer import download
from dancereid_pipeline.transfer import google_drive as module
from dancereid_pipeline.transfer.google_drive import download_drive, drive_id
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.drive import (
    CONTENT,
    COOKIES,
    FILE_ID,
    FILE_URL,
    MIB,
    REFUSALS,
    REFUSED_RESTS,
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
from tests.support.servers.hostile import SLOW
from tests.support.servers.web import Answer, Hold, Site, page, redirect


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def environment(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Believes the stand-in, has an empty home, and loses no time between two tries."""
    found = trust(authority, tmp_path)
    Path(found["HOME"]).mkdir()
    for name, value in {**found, "HTTPS_PROXY": "", "https_proxy": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(random, "uniform", lambda a, b: 0.0)  # gdown's wait before a retry
    monkeypatch.setattr(module, "_PAUSES_S", (0.0, 0.0))
    return {**os.environ, **found}


@pytest.fixture
def drive(authority: trustme.CA, environment: dict[str, str]) -> Iterator[Drive]:
    with Drive(authority, hosts={"raw.githubusercontent.com": {"/a.json": b"{}"}}) as drive:
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
    assert parts(target) == []
    # Readable as any file is that the user makes, not by its owner only.
    mode = target.stat().st_mode
    target.unlink()
    target.write_bytes(b"old")
    assert target.stat().st_mode == mode
    fetch(drive, target)


@pytest.mark.parametrize("signed_in", [True, False])
def test_nothing_is_printed_or_written_elsewhere(
    drive: Drive, target: Path, tmp_path: Path, environment: dict[str, str], signed_in: bool
) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(COOKIES)
    drive.answers["file"] = [attachment(cut=MIB)]  # gdown would tell of the break
    headers = {"Set-Cookie": "NID=1; Domain=google.com; Path=/", "Location": FILE_URL}
    drive.answers["uc"] = [Answer(status=303, headers=headers, body=b"")]  # and save the cookie
    run = subprocess.run(
        program(drive, target, cookies=str(cookies) if signed_in else ""),
        env=environment,
        capture_output=True,
        timeout=120,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert list((tmp_path / "home").rglob("*")) == []
    sent = drive.of("uc")[0].headers.get("Cookie")
    assert sent == ("SID=secret" if signed_in else None)
    assert "NID=1" in drive.of("warning")[0].headers["Cookie"]


def test_gone_on_with_after_a_kill(drive: Drive, target: Path, environment: dict[str, str]) -> None:
    drive.answers["file"] = [attachment(hold=Hold(after=2 * MIB))]
    with subprocess.Popen(
        program(drive, target, say="yes"), env=environment, stdout=subprocess.PIPE
    ) as run:
        assert any(int(line) >= MIB for line in run.stdout)
        run.kill()
    (part,) = parts(target)
    kept = part.stat().st_size
    assert MIB <= kept <= 2 * MIB
    told = fetch(drive, target)
    assert told[0][0] > kept
    last = drive.of("file")[-1]
    assert (last.range, last.asked) == (f"bytes={kept}-", len(CONTENT) - kept)


def test_a_break_is_gone_on_with(drive: Drive, target: Path) -> None:
    drive.answers["file"] = [attachment(cut=MIB), attachment(cut=MIB)]
    told = fetch(drive, target)
    assert drive.ranges_asked == [None, f"bytes={MIB}-", f"bytes={2 * MIB}-"]
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    target.unlink()
    drive.answers["file"] = [attachment(cut=MIB), attachment(cut=0, always=True)]
    assert "the transfer failed (IncompleteRead" in refused(drive, target)
    drive.answers.clear()
    fetch(drive, target)
    # Behind the first three and what gdown itself tried, which is not tried thrice.
    assert drive.ranges_asked[3 + 1 + 5 :] == [None, f"bytes={MIB}-"]


def test_other_parts_do_not_count(drive: Drive, target: Path) -> None:
    leave_part(target, CONTENT[:MIB])
    leave_part(target, b"other", "abcdefgh")
    older = "1OlderOlderOlderOlderOlderOlder00"
    drive.files[f"/{older}"] = CONTENT[::-1]
    fetch(drive, target, file_id=older)
    fetch(drive, target)
    assert parts(target) == []
    assert drive.ranges_asked == [None, None, f"bytes={MIB}-"]


def test_a_whole_file_without_its_name_needs_no_network(drive: Drive, target: Path) -> None:
    leave_part(target, CONTENT).rename(target.with_name(f"{target.name}.{FILE_ID}"))
    fetch(drive, target)
    assert (parts(target), drive.requests) == ([], [])


@pytest.mark.parametrize("answer", REFUSED_RESTS)
def test_the_rest_is_refused(drive: Drive, target: Path, answer: Answer) -> None:
    rest = f"bytes={MIB}-"
    leave_part(target, CONTENT[:MIB])
    drive.answers["file"] = [attachment(chunked=True), answer]  # as by a link that has grown old
    fetch(drive, target)
    assert drive.ranges_asked == [None, rest] * 2
    target.unlink()
    leave_part(target, CONTENT[:MIB])
    drive.answers["file"] = [attachment(chunked=True), answer] * 2
    fetch(drive, target)
    assert drive.ranges_asked[4:] == [None, rest] * 2 + [None]


def test_a_part_that_leaves_no_rest_is_started_anew(drive: Drive, target: Path) -> None:
    leave_part(target, bytes(len(CONTENT)))
    fetch(drive, target)
    drive.ranges = False
    drive.answers["file"] = [attachment(cut=MIB)]
    fetch(drive, target)


def test_a_part_of_another_file_is_seen_in_the_whole_and_fetched_anew(
    drive: Drive, target: Path, online: list[float]
) -> None:
    unchecked = target.with_name(f"{target.name}.unchecked")
    leave_part(unchecked, bytes(MIB))  # as long as it need be, but not its first bytes
    asked: list[bytes] = []

    def check(path: Path) -> None:
        assert path == unchecked
        asked.append(path.read_bytes())
        if asked[-1] != CONTENT:
            raise SourceError("expected another file")

    link = f"https://drive.google.com/file/d/{FILE_ID}/view"
    download.fetch(Address(link), target, Network(proxy=Address(drive.url)), check=check, what="A")
    assert target.read_bytes() == CONTENT
    assert parts(target) == []
    assert asked == [bytes(MIB) + CONTENT[MIB:], CONTENT]
    assert drive.ranges_asked == [None, f"bytes={MIB}-", None]
    drive.files[f"/{FILE_ID}"] = b"no such file"
    target.unlink()
    with pytest.raises(SourceError, match=r"^expected another file$"):
        download.fetch(
            Address(link), target, Network(proxy=Address(drive.url)), check=check, what="A"
        )
    assert len(asked) == 3  # with no part to blame, once is enough
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("step", ["uc", "warning", "file"])
@pytest.mark.parametrize(("answer", "says", "tries"), REFUSALS)
def test_a_refusal(
    drive: Drive, target: Path, step: str, answer: Answer, says: str, tries: int
) -> None:
    part = leave_part(target, CONTENT[:MIB])
    drive.answers[step] = [replace(answer, always=True)]
    message = refused(drive, target)
    assert message.startswith(f"Google Drive, file {FILE_ID}: {says}")
    assert len(drive.of(step)) == tries
    assert part.read_bytes() == CONTENT[:MIB]


def test_drive_may_fail_for_a_while(drive: Drive, target: Path) -> None:
    # After a 500, and only then, gdown asks for /open, which leads to a page without the file.
    drive.answers["uc"] = [page("<html>", status=500)]
    drive.answers["warning"] = [page("<html>", status=503)]
    fetch(drive, target)
    assert drive.steps == ["uc", "open", "view", "uc", "warning", "uc", "warning", "file"]


@pytest.mark.parametrize("step", ["uc", "warning", "file"])
def test_a_connection_that_breaks_is_tried_again(drive: Drive, target: Path, step: str) -> None:
    drive.answers[step] = [Answer(drop=True), Answer(drop=True)]
    fetch(drive, target)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(headers={"Content-Type": None}, body=b"<html>"), "gdown cannot read the answer"),
        (redirect("https://drive.google.com/uc?id=x", always=True), "Exceeded 30 redirects"),
    ],
)
def test_an_odd_answer(drive: Drive, target: Path, answer: Answer, says: str) -> None:
    drive.answers["uc"] = [answer]
    assert says in refused(drive, target)
    assert parts(target) == []


def test_a_page_that_leads_to_itself_ends(
    drive: Drive, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_S", 0.5)
    drive.answers["file"] = [page(WARNING.format(id=FILE_ID), always=True)]
    assert "no byte arrived within 0.5 s" in refused(drive, target)
    assert len(drive.of("file")) > 1


def test_once_begun_it_may_take_its_time(drive: Drive, target: Path) -> None:
    found: list[bool] = []

    def look(*told: object) -> None:
        timers = [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
        found.append(any(not timer.finished.is_set() for timer in timers))

    fetch(drive, target, progress=look)
    target.unlink()
    drive.answers["uc"] = [page("", always=True)]
    refused(drive, target)
    look()
    assert found == [False] * len(found)


def test_a_proxy_that_is_not_there(drive: Drive, target: Path) -> None:
    message = refused(drive, target, proxy=Address("http://user:hidden@127.0.0.1:1"))
    assert message.endswith("Connection refused).")
    assert "hidden" not in message
    with Site() as site:  # a server that is no proxy
        assert "the proxy cannot reach it (Tunnel connection" in refused(site, target)


def test_a_certificate_of_somebody_else(
    drive: Drive, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trust(trustme.CA(), tmp_path)["REQUESTS_CA_BUNDLE"])
    assert "certificate verify failed" in refused(drive, target)


def test_a_place_that_cannot_be_written(drive: Drive, target: Path) -> None:
    target.parent.write_text("a file")
    assert f"{target.parent}: cannot be written (" in refused(drive, target)
    target.parent.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        message = refused(drive, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{target}: cannot be written (File too large)" in message
    assert parts(target)[0].stat().st_size == MIB
    fetch(drive, target)


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt(), SourceError("x"), OSError(28, "full"), KeyError("x")], ids=repr
)
def test_whoever_watches_may_end_it(drive: Drive, target: Path, raised: BaseException) -> None:
    def enough(done: int, total: int | None) -> None:
        if done >= MIB:
            raise raised

    with pytest.raises(type(raised)) as error:
        fetch(drive, target, progress=enough)
    assert error.value is raised
    assert len(drive.of("file")) == 1
    fetch(drive, target)
    assert drive.ranges_asked[-1] == f"bytes={MIB}-"


def test_no_faster_than_asked(drive: Drive, target: Path) -> None:
    start = time.monotonic()
    fetch(drive, target, rate=8 * MIB)
    assert time.monotonic() - start >= len(CONTENT) / (8 * MIB)


def test_the_stand_in_is_other_hosts_too(drive: Drive) -> None:
    drive.files["/a.json"] = b"own"
    proxies = {"http": drive.url, "https": drive.url}
    for host, content in {"https://raw.githubusercontent.com": b"{}", "http://lab": b"own"}.items():
        assert requests.get(f"{host}/a.json", proxies=proxies).content == content


LINKS = f"""
https://drive.google.com/file/d/{FILE_ID}/view?usp=sharing
https://drive.google.com/file/d/{FILE_ID}
https://drive.google.com/file/u/1/d/{FILE_ID}/edit
https://drive.google.com/u/0/uc?export=download&id={FILE_ID}
http://docs.google.com/uc?id={FILE_ID}&confirm=t
HTTPS://Drive.Google.com/open?id={FILE_ID}#x
https://drive.usercontent.google.com/download?id={FILE_ID}&export=download&confirm=t
""".split()
OTHERS = f"""
https://drive.google.com/drive/folders/{FILE_ID}?id={FILE_ID}
https://drive.google.com/file/d/{FILE_ID}.zip
https://drive.google.com/uc?id={FILE_ID}&id=1Another0000
https://drive.google.com/uc?id={FILE_ID}/../../passwd
https://drive.google.com/uc?id=short
https://drive.google.com/uc
https://drive.google.com.evil.org/uc?id={FILE_ID}
https://drive.google.com@evil.org/uc?id={FILE_ID}
https://mirror.lab/file/d/{FILE_ID}/view
ftp://drive.google.com/uc?id={FILE_ID}
drive.google.com/uc?id={FILE_ID}
https://[drive.google.com/uc
data/npy.zip
""".split()


@pytest.mark.parametrize("address", [*LINKS, *OTHERS])
def test_links_to_a_file(address: str) -> None:
    assert drive_id(address) == (FILE_ID if address in LINKS else None)


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_answer_is_given_up(drive: Drive, target: Path, name: str) -> None:
    drive.answers["file"] = [SLOW[name]]
    with pytest.raises(VideoError, match=r"^took longer than 0.5 s; what was fetched so far is k"):
        fetch(drive, target, time_limit=0.5)
    assert not target.exists()


def test_a_file_that_is_too_large_is_not_kept(drive: Drive, target: Path) -> None:
    whole = f"expected at most {MIB:,} bytes, got {len(CONTENT):,}; it was not kept"
    with pytest.raises(VideoError, match=whole):
        download_drive(
            *(FILE_ID, Network(proxy=Address(drive.url)), None, lambda done, total: None, target),
            most=MIB,
        )
    assert parts(target) == []
