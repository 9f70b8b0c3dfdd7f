from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.cookies import SUPPORTED_BROWSERS

from dancereid_pipeline.catalogue.catalogue import Catalogue, Video
from dancereid_pipeline.common.address import Address, is_address
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.common.store_path import StorePath
from dancereid_pipeline.transfer.settings import BROWSERS, VIDEO_URL, Network, variable


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, and home, with a file `c.txt`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "c.txt").write_text("")
    return tmp_path


def refused(name: str, value: Any) -> str:
    """What is said of an option's value; of a variable's, the same."""
    with pytest.raises(OptionError) as error:
        Network.read({name: value}, {})
    message = str(error.value)
    assert message.startswith(f"{name}: expected ")
    assert len(message) < 300
    if isinstance(value, str) and value:
        with pytest.raises(OptionError) as error:
            Network.read({}, {variable(name): value})
        assert str(error.value) == message
    return message


def test_nothing_given_is_as_published() -> None:
    network = Network.read({}, {})
    assert network == Network()
    assert (network.annotation, network.archive, network.video_url) == (None, None, VIDEO_URL)
    assert (network.cookies, network.proxy, network.rate) == (None, None, None)
    assert network.time_limit == 3600
    assert network.download_dir.is_absolute()


@pytest.mark.parametrize(
    ("name", "value", "other", "expected"),
    [
        ("annotation", "http://lab/a.json", "b.json", "http://lab/a.json"),
        ("archive", "npy.zip", "http://lab/npy.zip", Path("npy.zip")),
        ("archive", "memory://lab/npy", "npy", StorePath(Address("memory://lab/npy"))),
        ("video_url", "http://lab/{clip}.mp4", "http://lab/{video_id}", "http://lab/{clip}.mp4"),
        ("cookies", "browser:firefox", "browser:chrome", "browser:firefox"),
        ("proxy", "http://p:1", "http://p:2", "http://p:1"),
        ("rate", "2M", "3M", 2 << 20),
        ("time_limit", "60", "61", 60.0),
        ("download_dir", "/data", "/other", Path("/data")),
    ],
)
def test_an_option_wins_over_its_variable(
    name: str, value: str, other: str, expected: object
) -> None:
    environment = {f"DANCEREID_{name.upper()}": other}
    assert getattr(Network.read({name: value}, environment), name) == expected
    from_environment = getattr(Network.read({name: None}, environment), name)
    assert from_environment != expected
    assert from_environment == getattr(Network.read({name: other}, {}), name)
    # An empty variable is how a shell says "not set".
    assert Network.read({}, {variable(name): ""}) == Network()


def test_a_folder_that_has_them_hides_only_the_variables_of_places() -> None:
    environment = {
        "DANCEREID_ANNOTATION": "http://lab/a.json",
        "DANCEREID_ARCHIVE": "http://lab/npy.zip",
        "DANCEREID_RATE": "5",
        "DANCEREID_DOWNLOAD_DIR": "/data",
    }
    assert Network.read({}, environment).annotation == "http://lab/a.json"
    hidden = Network.read({}, environment, read_addresses=False)
    assert (hidden.annotation, hidden.archive) == (None, None)
    assert (hidden.rate, hidden.download_dir) == (5, Path("/data"))
    places = {"annotation": "mine.json", "archive": "mine.zip"}
    given = Network.read(places, environment, read_addresses=False)
    assert (given.annotation, given.archive) == (Path("mine.json"), Path("mine.zip"))


def test_what_else_is_in_the_options_is_left_alone() -> None:
    assert Network.read({"data_dir": "x", "stride": 1}, {"DANCEREID_STRIDE": "1"}) == Network()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("annotation", "HTTPS://lab/a.json", "HTTPS://lab/a.json"),
        ("annotation", Path("a.json"), Path("a.json")),
        ("annotation", "nowhere/a.json", Path("nowhere/a.json")),
        ("archive", "~/npy", Path("~/npy")),
        ("archive", "c.txt/npy.zip", Path("c.txt/npy.zip")),
        ("video_url", "http://lab/{{x}}/{clip}.mp4", "http://lab/{{x}}/{clip}.mp4"),
        ("cookies", "c.txt", "c.txt"),
        ("cookies", "~/c.txt", "~/c.txt"),
        ("cookies", Path("c.txt"), "c.txt"),
        ("cookies", "browser:firefox:a profile", "browser:firefox:a profile"),
        ("proxy", "https://me:secret@proxy.lab:3128", "https://me:secret@proxy.lab:3128"),
        ("proxy", "socks4://p", "socks4://p"),
        ("proxy", "socks4a://p", "socks4a://p"),
        ("proxy", "socks5h://p", "socks5h://p"),
        ("rate", 500, 500),
        ("rate", " 500 ", 500),
        ("rate", "500K", 500 << 10),
        ("rate", "1.5m", 3 << 19),
        ("rate", "0.5K", 512),
        ("rate", "2G", 2 << 30),
        ("time_limit", 0.5, 0.5),
        ("time_limit", "90", 90.0),
    ],
)
def test_good_values_are_taken(here: Path, name: str, value: Any, expected: object) -> None:
    found = getattr(Network.read({name: value}, {}), name)
    expected = expected.expanduser() if isinstance(expected, Path) else expected
    assert (found.with_secrets() if isinstance(found, Address) else found) == expected


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "annotation",
            "nowhere://lab/a.json",
            r"what can be read. nowhere://lab/a.json: .* does not know 'nowhere'",
        ),
        ("annotation", "", "a path, got ''"),
        ("annotation", 5, "a path, got 5"),
        (
            "archive",
            "file:///lab/npy.zip",
            r"what can be read. file:///lab/npy.zip: expected a path. Name the path alone",
        ),
        ("archive", "~nosuchuser/npy.zip", "a path, got '~nosuchuser/npy.zip'"),
        ("archive", ["npy.zip"], r"a path, got \['npy.zip'\]"),
        ("video_url", "http://lab/clip.mp4", r"an address with \{download_id\}.*lab/clip.mp4'"),
        ("video_url", "http://lab/{id}.mp4", r"\{video_id\}, \{clip\} in it, for example .*\{id\}"),
        ("video_url", "http://lab/{clip}/{id}", "an address with"),
        ("video_url", "{clip}.mp4", "an address with"),
        ("video_url", "file:///lab/{clip}", "an address with"),
        ("video_url", "http://lab/{clip.__class__}", "an address with"),
        ("video_url", "http://lab/{clip[0]}", "an address with"),
        ("video_url", "http://lab/{clip:>99999999}", "an address with"),
        ("video_url", "http://lab/{clip:{clip}}", "an address with"),
        ("video_url", "http://lab/{clip!r}", "an address with"),
        ("video_url", "http://lab/{}", "an address with"),
        ("video_url", "http://lab/{0}", "an address with"),
        ("video_url", "http://lab/{{clip}}", "an address with"),
        ("video_url", "http://lab/{clip", "an address with"),
        ("video_url", "http://lab/clip}", "an address with"),
        ("video_url", 7, "an address with .*, got 7"),
        ("cookies", "nowhere.txt", "'browser:firefox'; what was given is not a file"),
        ("cookies", ".", "'browser:firefox'; what was given is not a file"),
        ("cookies", "~nosuchuser/c.txt", "'browser:firefox'; what was given is not a file"),
        ("cookies", "x" * 5000, "'browser:firefox'; what was given is not a file"),
        ("cookies", "a\0b", "'browser:firefox'; what was given is not a file"),
        ("cookies", "browser:netscape", "one of brave, .*, got 'browser:netscape'"),
        ("cookies", "browser:", "one of brave, .*, got 'browser:'"),
        ("cookies", True, "a path, got True"),
        ("rate", "fast", "bytes a second, for example 500K or 2M, got 'fast'"),
        ("rate", "0", "bytes a second"),
        ("rate", "0.5", "bytes a second"),
        ("rate", "-5", "bytes a second"),
        ("rate", "5MB", "bytes a second"),
        ("rate", "9" * 10, "bytes a second"),
        ("rate", True, "bytes a second, .*, got True"),
        ("time_limit", "soon", "seconds, more than 0, got 'soon'"),
        ("time_limit", "0", "seconds"),
        ("time_limit", "-1", "seconds"),
        ("time_limit", "nan", "seconds"),
        ("time_limit", "inf", "seconds"),
        ("time_limit", True, "seconds, more than 0, got True"),
        ("download_dir", "~nosuchuser/x", "a path, got '~nosuchuser/x'"),
        ("download_dir", "a\0b", r"a path, got 'a\\x00b'"),
        ("download_dir", 5, "a path, got 5"),
    ],
)
def test_bad_values_are_refused_with_what_was_expected(
    here: Path, name: str, value: Any, says: str
) -> None:
    assert re.search(says, refused(name, value))


@pytest.mark.parametrize(
    "proxy",
    [
        "me:secret@proxy.lab:3128",
        "ftp://me:secret@proxy.lab",
        "socks5a://me:secret@proxy.lab",
        "socks4h://me:secret@proxy.lab",
        "http:/me:secret@proxy.lab",
        "http:///me:secret",
        "http://",
        ["http://me:secret@proxy.lab"],
    ],
)
def test_a_bad_proxy_is_refused_and_its_password_is_not_shown(proxy: Any) -> None:
    message = refused("proxy", proxy)
    assert "'http://proxy.lab:3128' or 'socks5://127.0.0.1:1080'" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (None, None),
        ("c.txt", None),
        ("browser:firefox", ("firefox",)),
        ("browser:chrome:Profile 1", ("chrome", "Profile 1")),
        ("browser:firefox:C:\\profile", ("firefox", "C:\\profile")),
    ],
)
def test_a_browser_and_its_profile(
    here: Path, cookies: str | None, expected: tuple[str, ...] | None
) -> None:
    assert Network.read({"cookies": cookies}, {}).browser == expected


def test_yt_dlp_knows_all_the_browsers() -> None:
    assert set(BROWSERS) <= SUPPORTED_BROWSERS
    for browser in BROWSERS:
        assert Network.read({"cookies": f"browser:{browser}"}, {}).browser == (browser,)


def test_the_download_folder_stays_where_it_was(here: Path, monkeypatch: Any) -> None:
    network = Network.read({"download_dir": "data"}, {})
    home = Network.read({"download_dir": "~/data"}, {})
    monkeypatch.chdir("/")
    assert network.download_dir == home.download_dir == here / "data"


def video(tmp_path: Path) -> Video:
    path = tmp_path / "catalogue.csv"
    path.write_text("video_id,people,split,download_id\nfirst,1,test,\n--a-b_c,2,test,Again-_1\n")
    return Catalogue.read(path).videos[1]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (None, "https://www.youtube.com/watch?v=Again-_1"),
        ("http://lab/{video_id}/{clip}.mp4", "http://lab/--a-b_c/001_--a-b_c.mp4"),
        ("http://lab/{{{download_id}}}", "http://lab/{Again-_1}"),
    ],
)
def test_the_address_of_a_video_that_was_uploaded_again(
    tmp_path: Path, pattern: str | None, expected: str
) -> None:
    assert Network.read({"video_url": pattern}, {}).address(video(tmp_path)) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("http://lab/a", True),
        ("HTTPS://lab/a", True),
        ("ftp://lab/a", False),
        ("http:/lab", False),
        ("/http://lab", False),
        ("npy.zip", False),
    ],
)
def test_an_address_is_told_from_a_path(place: str, expected: bool) -> None:
    assert is_address(place) is expected


@pytest.mark.parametrize(
    "place",
    ["http://[::/x", "http://lab:abc/x", "http://lab:99999/x", "https:///x", "http://a b/x"],
)
@pytest.mark.parametrize("name", ["annotation", "archive", "video_url", "proxy"])
def test_an_address_that_can_be_none_is_refused(name: str, place: str) -> None:
    refused(name, place.replace("/x", "/{clip}") if name == "video_url" else place)
