from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.servers.web import Answer, Hold, Site, page, redirect

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.files["/clips/a.mp4"] = CONTENT
        yield site


def ask(site: Site, path: str = "/clips/a.mp4", method: str = "GET", **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(site.address(path), method=method, headers=named)
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


def test_a_file_and_what_was_asked(site: Site) -> None:
    whole = ask(site)
    assert (whole.status, whole.headers["Content-Type"], whole.read()) == (
        200,
        "video/mp4",
        CONTENT,
    )
    head = ask(site, method="HEAD")
    assert (head.headers["Content-Length"], head.read()) == (str(len(CONTENT)), b"")
    assert ask(site, "/clips/b.mp4?x=1").status == 404
    seen = [(r.method, r.path, r.asked, r.sent) for r in site.requests]
    size = len(CONTENT)
    assert seen[:2] == [("GET", "/clips/a.mp4", size, size), ("HEAD", "/clips/a.mp4", 0, 0)]
    assert site.requests[2].query == {"x": "1"}
    assert site.asked("/clips/a") == len(CONTENT) < site.asked()


@pytest.mark.parametrize(
    ("wanted", "part", "content_range"),
    [
        ("bytes=0-9", CONTENT[:10], "bytes 0-9/256000"),
        ("bytes=255990-", CONTENT[-10:], "bytes 255990-255999/256000"),
        ("bytes=-7", CONTENT[-7:], "bytes 255993-255999/256000"),
        ("bytes=255999-900000", CONTENT[-1:], "bytes 255999-255999/256000"),
    ],
)
def test_a_range(site: Site, wanted: str, part: bytes, content_range: str) -> None:
    answer = ask(site, Range=wanted)
    assert (answer.status, answer.headers["Content-Range"]) == (206, content_range)
    assert answer.read() == part
    assert (site.requests[0].range, site.asked()) == (wanted, len(part))


def test_a_range_that_cannot_be_had(site: Site) -> None:
    beyond = ask(site, Range="bytes=256000-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */256000")
    tag = beyond.headers["ETag"]
    assert ask(site, Range="bytes=5-", If_Range=tag).status == 206
    assert ask(site, Range="bytes=5-", If_Range='"another"').read() == CONTENT
    assert ask(site, Range="bytes=1-2,5-6").status == 200
    site.files["/clips/a.mp4"] = b"changed"
    assert ask(site, Range="bytes=5-", If_Range=tag).read() == b"changed"
    site.ranges = False
    assert ask(site, Range="bytes=5-").status == 200


def test_scripted_answers_come_first_and_once(site: Site) -> None:
    site.answers["/clips/a.mp4"] = [
        Answer(status=429, headers={"Retry-After": "7"}),
        page("<html>"),
        Answer(chunked=True),
        Answer(cut=1000),
        Answer(length=256007),
        Answer(drop=True),
        redirect("/clips/a.mp4"),
    ]
    assert ask(site).headers["Retry-After"] == "7"
    assert ask(site).read() == b"<html>"
    chunked = ask(site)
    assert (chunked.headers["Content-Length"], chunked.read()) == (None, CONTENT)
    for received in (1000, 256000):
        with pytest.raises(http.client.IncompleteRead) as error:
            ask(site).read()
        assert len(error.value.partial) == received
    with pytest.raises(http.client.RemoteDisconnected):
        ask(site)
    assert ask(site).read() == CONTENT
    site.answers["/"] = [redirect("/", always=True)]
    assert ask(site, "/").status == 302


def test_held_until_told(site: Site) -> None:
    hold = Hold(after=1000)
    site.answers["/clips/a.mp4"] = [Answer(hold=hold)]
    answer = ask(site)
    assert answer.read(1000) == CONTENT[:1000]
    assert hold.reached.wait(30)
    assert site.requests[0].sent == 1000
    rest: list[bytes] = []
    reader = threading.Thread(target=lambda: rest.append(answer.read()))
    reader.start()
    hold.go_on.set()
    reader.join(30)
    assert rest == [CONTENT[1000:]]


def test_clients_that_go_away_leave_no_trace(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    hold = Hold(after=1000)
    site.files["/large"] = bytes(1 << 23)
    site.answers["/large"] = [Answer(hold=hold)]
    ask(site, "/large").close()
    hold.go_on.set()
    assert ask(site).read() == CONTENT
    assert capfd.readouterr() == ("", "")
