from __future__ import annotations

import os
import random
import re
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.files import start_of
from dancereid_pipeline.transfer import http_client
from dancereid_pipeline.transfer.download import download, fetch, fetch_range
from dancereid_pipeline.transfer.http_client import client, retry_wait_s
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.web import Answer, Hold, Site, page

CONTENT = random.Random(5).randbytes(600_000)


@pytest.fixture
def site(site: Site) -> Site:
    site.files["/a.bin"] = CONTENT
    return site


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "a.bin"


def get(site: Site, target: Path, **network: object) -> None:
    def check(unchecked: Path) -> None:
        assert unchecked != target
        if unchecked.read_bytes() != CONTENT:
            raise SourceError(f"expected another file, got {start_of(unchecked)}")

    fetch(Address(site.address("/a.bin")), target, Network(**network), check=check, what="A")


def transfer(site: Site, target: Path) -> None:
    """Downloads without a check."""
    with client(Network()) as ydl:
        download(ydl, {"url": site.address("/a.bin")}, target)


def refused(site: Site, target: Path, **network: object) -> str:
    with pytest.raises(SourceError) as error:
        get(site, target, **network)
    assert not target.exists()
    assert len(str(error.value)) < 400
    return str(error.value)


def left(target: Path) -> dict[str, int]:
    """Files beside the target, and their sizes."""
    return {p.name: p.stat().st_size for p in target.parent.iterdir()}


def ranges(site: Site) -> list[str | None]:
    return [request.range for request in site.requests]


def rest(site: Site) -> int:
    """Where the rest began that the last request asked for, and got, alone."""
    last = site.requests[-1]
    assert last.range
    start = int(last.range.removeprefix("bytes=").removesuffix("-"))
    assert last.asked == len(CONTENT) - start
    return start


def test_a_file_is_fetched_whole(
    site: Site, target: Path, online: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert left(target) == {"a.bin": len(CONTENT)}
    assert ranges(site) == [None]
    target.write_bytes(b"old")
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("how", [{}, {"length": 10**6}, {"chunked": True}])
def test_after_a_break_only_the_rest_is_asked_for(
    site: Site, target: Path, online: list[float], how: dict[str, object]
) -> None:
    site.answers["/a.bin"] = [Answer(cut=400_000, **how)]
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert len(site.requests) == 2
    assert 0 < rest(site) <= 400_000
    assert online == []


PROGRAM = """
import contextlib, sys
from pathlib import Path
from dancereid_pipeline.common.address import Address
from dancereid_pipeline.transfer import download
from dancereid_pipeline.transfer.settings import Network

download.progress_bar = lambda _: contextlib.nullcontext(lambda *told: print(*told, flush=True))
address, target = sys.argv[1:]
download.fetch(Address(address), Path(target), Network(), check=lambda _: None, what="")
"""


def test_what_a_killed_run_left_is_gone_on_with(
    site: Site, target: Path, online: list[float]
) -> None:
    hold = Hold(after=400_000)
    site.answers["/a.bin"] = [Answer(hold=hold)]
    command = [sys.executable, "-c", PROGRAM, site.address("/a.bin"), str(target)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "0"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout
        told = next((line for line in run.stdout if int(line.split()[0]) > 100_000), None)
        run.kill()
    hold.go_on.set()
    assert told
    assert told.split()[1] == str(len(CONTENT))
    (name, size), *others = left(target).items()
    assert (name, others) == ("a.bin.unchecked.part", [])
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert rest(site) == size > 0
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    ("name", "content", "first"),
    [
        ("a.bin.unchecked.part", CONTENT[:200_000], ["bytes=200000-"]),
        # Of another file, which was there before: seen in the whole, and begun anew.
        ("a.bin.unchecked.part", bytes(200_000), ["bytes=200000-", None]),
        # As long as the file, or longer: the server has no more.
        ("a.bin.unchecked.part", CONTENT, ["bytes=600000-"]),
        ("a.bin.unchecked.part", bytes(600_000), ["bytes=600000-"]),
        ("a.bin.unchecked.part", bytes(900_000), ["bytes=900000-"]),
        # Whole, and not looked at yet.
        ("a.bin.unchecked", CONTENT, []),
        ("a.bin.unchecked", bytes(600_000), [None]),
    ],
)
def test_whatever_is_left_the_file_is_right(
    site: Site, target: Path, online: list[float], name: str, content: bytes, first: list[str]
) -> None:
    target.parent.mkdir()
    target.with_name(name).write_bytes(content)
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert left(target) == {"a.bin": len(CONTENT)}
    assert ranges(site)[: len(first)] == first
    assert bool(site.requests) == bool(first)


@pytest.mark.parametrize("headers", [{"Content-Range": "bytes */600000"}, {}])
def test_a_part_behind_which_there_is_no_more(
    site: Site, target: Path, online: list[float], headers: dict[str, str]
) -> None:
    part = target.with_name("a.bin.part")
    target.parent.mkdir()
    # As long as the file: it is whole, if the server says how long that is.
    part.write_bytes(CONTENT)
    site.answers["/a.bin"] = [Answer(status=416, headers=headers)] * 2
    transfer(site, target)
    assert target.read_bytes() == CONTENT
    assert site.asked() == (0 if headers else len(CONTENT))
    # Longer: it is of another file, whatever `check` may say.
    target.unlink()
    part.write_bytes(CONTENT + b"more")
    site.answers["/a.bin"] = [Answer(status=416, headers=headers)] * 2
    transfer(site, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"", CONTENT[:200_000], bytes(200_000)])
def test_a_server_without_ranges_sends_all_of_it_again(
    site: Site, target: Path, online: list[float], part: bytes
) -> None:
    site.ranges = False
    site.answers["/a.bin"] = [Answer(cut=400_000)]
    target.parent.mkdir()
    target.with_name("a.bin.unchecked.part").write_bytes(part)
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert site.asked() == 2 * len(CONTENT)


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(status=500)],
        [Answer(status=503)],
        [Answer(drop=True)],
        [Answer(status=502), Answer(drop=True), Answer(cut=1000), Answer(cut=0), Answer(drop=True)],
    ],
)
def test_what_passes_is_tried_again_after_growing_pauses(
    site: Site,
    target: Path,
    online: list[float],
    monkeypatch: pytest.MonkeyPatch,
    answers: list[Answer],
) -> None:
    attempts: list[int] = []
    monkeypatch.setattr(http_client, "retry_wait_s", lambda n: attempts.append(n) or 0.0)
    site.answers["/a.bin"] = list(answers)
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert attempts == list(range(len(answers)))
    assert online == []


def test_pauses_grow_to_a_minute() -> None:
    assert [retry_wait_s(n) for n in range(8)] == [0, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [(7,), (60, 0, 2)])
def test_a_server_that_asks_for_it_is_waited_for_as_long(
    site: Site, target: Path, online: list[float], status: int, seconds: tuple[int, ...]
) -> None:
    busy = [Answer(status=status, headers={"Retry-After": str(s)}) for s in seconds]
    site.answers["/a.bin"] = [*busy[:1], Answer(cut=400_000), *busy[1:]]
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert online == list(seconds)
    assert rest(site) > 0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("seconds", "waits"), [("61", 0), ("3600", 0), ("5", 3)])
def test_a_server_that_asks_for_too_much_is_told_with_its_seconds(
    site: Site, target: Path, online: list[float], status: int, seconds: str, waits: int
) -> None:
    site.answers["/a.bin"] = [Answer(status=status, headers={"Retry-After": seconds}, always=True)]
    message = refused(site, target)
    assert f"HTTP Error {status}" in message
    assert f"; the server asks to wait {int(seconds):,} s" in message
    assert online == [float(seconds)] * waits
    assert len(site.requests) == 1 + waits


@pytest.mark.parametrize("status", [401, 403, 404, 429, 451])
def test_an_answer_that_says_no_is_not_asked_again(
    site: Site, target: Path, online: list[float], status: int
) -> None:
    site.answers["/a.bin"] = [Answer(status=status)]
    message = refused(site, target)
    assert message.startswith(f"{site.url}/a.bin: HTTP Error {status}: ")
    assert (len(site.requests), online, left(target)) == (1, [], {})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(status=500, always=True), "HTTP Error 500"),
        (Answer(drop=True, always=True), "closed connection"),
        (Answer(cut=100, always=True), "100 bytes read, 599900 more expected"),
    ],
)
def test_what_does_not_pass_is_told_in_the_end(
    site: Site, target: Path, online: list[float], answer: Answer, says: str
) -> None:
    site.answers["/a.bin"] = [answer]
    assert says in refused(site, target)
    assert (len(site.requests), left(target)) == (6, {})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (page("<!DOCTYPE html><p>Welcome"), r"25 bytes .* b'<!DOCTYPE html><p>W.* \(a web page\)$"),
        (Answer(length=599_000), r"599,000 bytes that begin with b'[^(]*$"),
        (Answer(body=b""), "any data blocks"),
    ],
)
def test_what_is_no_such_file_is_not_kept(
    site: Site, target: Path, online: list[float], answer: Answer, says: str
) -> None:
    site.answers["/a.bin"] = [answer]
    assert re.search(says, refused(site, target))
    assert left(target) == {}


def test_a_part_is_blamed_once(site: Site, target: Path, online: list[float]) -> None:
    site.files["/a.bin"] = CONTENT[::-1]
    target.parent.mkdir()
    target.with_name("a.bin.unchecked.part").write_bytes(CONTENT[:200_000])
    checked: list[bytes] = []

    def check(unchecked: Path) -> None:
        checked.append(unchecked.read_bytes())
        if len(checked) < 3:
            raise SourceError("expected another file")

    with pytest.raises(SourceError, match="expected another file"):
        fetch(Address(site.address("/a.bin")), target, Network(), check=check, what="A")
    assert checked == [CONTENT[:200_000] + CONTENT[::-1][200_000:], CONTENT[::-1]]
    assert left(target) == {}


def test_nothing_is_there_under_its_name_before_all_is(
    site: Site, target: Path, online: list[float]
) -> None:
    hold = Hold(after=400_000)
    site.answers["/a.bin"] = [Answer(hold=hold)]
    thread = threading.Thread(target=get, args=(site, target))
    thread.start()
    try:
        assert hold.reached.wait(30)
        assert not target.exists()
        assert set(left(target)) <= {"a.bin.unchecked.part"}
    finally:
        hold.go_on.set()
        thread.join(30)
    assert target.read_bytes() == CONTENT


def test_a_file_comes_range_by_range(site: Site, target: Path, online: list[float]) -> None:
    part = target.with_name("a.bin.part")
    target.parent.mkdir()
    info = {"url": site.address("/a.bin")}
    with client(Network()) as ydl:
        assert fetch_range(ydl, info, target, 100_000) == len(CONTENT)
        assert left(target) == {part.name: 100_000}
        assert fetch_range(ydl, info, target, 150_000) == len(CONTENT)
        assert part.read_bytes() == CONTENT[:150_000]
        assert fetch_range(ydl, info, target, 700_000) == len(CONTENT)
    assert left(target) == {"a.bin": len(CONTENT)}
    assert target.read_bytes() == CONTENT
    assert ranges(site) == ["bytes=0-99999", "bytes=100000-149999", "bytes=150000-699999"]
    assert site.asked() == len(CONTENT)


def test_what_is_left_of_a_range_is_downloaded(
    site: Site, target: Path, online: list[float]
) -> None:
    target.parent.mkdir()
    info = {"url": site.address("/a.bin")}
    with client(Network()) as ydl:
        fetch_range(ydl, info, target, 100_000)
        download(ydl, info, target)
    assert target.read_bytes() == CONTENT
    assert rest(site) == 100_000


def test_the_rest_of_a_file_that_has_changed_is_not_appended(
    site: Site, target: Path, online: list[float]
) -> None:
    target.parent.mkdir()
    info = {"url": site.address("/a.bin")}
    with client(Network()) as ydl:
        fetch_range(ydl, info, target, 100_000)
        site.files["/a.bin"] = CONTENT[::-1]
        download(ydl, info, target)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_full_disk_is_told_and_what_came_is_kept(
    site: Site, target: Path, online: list[float]
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        message = refused(site, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message.startswith(f"{target}.unchecked: cannot be written (File too large). Make room")
    assert "what was fetched so far is kept" in message
    assert left(target) == {"a.bin.unchecked.part": 300_000}
    assert len(site.requests) == 1
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert rest(site) == 300_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk without room")
def test_no_room_from_the_start_is_told(site: Site, target: Path, online: list[float]) -> None:
    target.parent.mkdir()
    target.with_name("a.bin.unchecked.part").symlink_to("/dev/full")
    assert "cannot be written (No space left on device). Make room" in refused(site, target)
