"""Refusals as yt-dlp raises them; the messages were collected from its code and its users."""

# ruff: noqa: E501  # a message is a line, as it came

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import (
    HTTPError,
    IncompleteRead,
    ProxyError,
    SSLError,
    TransportError,
)
from yt_dlp.utils import (
    ContentTooShortError,
    DownloadError,
    ExtractorError,
    GeoRestrictedError,
    UnavailableVideoError,
    bug_reports_message,
)

from dancereid_pipeline import refusals
from dancereid_pipeline.errors import Reason
from dancereid_pipeline.refusals import STOPPING, Fate, advice, causes, fate, reason_of, told

LIMITED, BOT, AGE, PRIVATE = Reason.RATE_LIMITED, Reason.BOT_CHECK, Reason.AGE, Reason.PRIVATE
CLOSED, REMOVED, BLOCKED = Reason.ACCOUNT_CLOSED, Reason.REMOVED, Reason.BLOCKED
FORMAT, NETWORK, UNAVAILABLE = Reason.NO_FORMAT, Reason.NETWORK, Reason.UNAVAILABLE

ORDER = [LIMITED, BOT, AGE, PRIVATE, CLOSED, REMOVED, BLOCKED, FORMAT, NETWORK, UNAVAILABLE]

COOKIES = (
    "Use --cookies-from-browser or --cookies for the authentication. "
    "See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  "
    "for how to manually pass cookies. "
    "Also see  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#exporting-youtube-cookies  "
    "for tips on effectively exporting YouTube cookies"
)
SLOWER = (
    "has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to "
    "add a delay between video requests to avoid exceeding the rate limit. For more information, "
    "refer to  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#this-content-isnt-available-try-again-later"
)
GONE = "Video unavailable. This video is no longer available "
OTHERS = "Video unavailable. This video contains content from "
NO_RUNTIME = (
    "n challenge solving failed: Some formats may be missing. Ensure you have a supported "
    "JavaScript runtime and challenge solver script distribution installed."
)

MESSAGES = [
    (LIMITED, f"This content isn't available, try again later. The current session {SLOWER}"),
    (LIMITED, f"Video unavailable. This content isn't available, try again later. Your account {SLOWER}"),
    (LIMITED, "Video unavailable. This content isn\u2019t available, try again later."),
    (LIMITED, "Unable to download webpage: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)"),
    (BOT, f"Sign in to confirm you\u2019re not a bot. {COOKIES}"),
    (BOT, f"Sign in to confirm you're not a bot. {COOKIES}"),
    (BOT, "Sign in to confirm you\u2019re not a bot. This helps protect our community. Learn more"),
    (BOT, "Sign in to confirm that you're not a bot"),
    (BOT, f"Please sign in. {COOKIES}"),
    (BOT, "Video unavailable. YouTube is requiring a captcha challenge before playback"),
    (BOT, "All player responses are invalid. Your IP is likely being blocked by Youtube"),
    (BOT, "This video is only available for registered users. Use --cookies for the authentication"),
    (AGE, f"Sign in to confirm your age. This video may be inappropriate for some users. {COOKIES}"),
    (AGE, "This video may be inappropriate for some users."),
    (AGE, "This video is age-restricted and only available on YouTube. Learn more"),
    (AGE, "Video unavailable. The following content has been identified by the YouTube community as inappropriate or offensive to some audiences."),
    (PRIVATE, f"Private video. Sign in if you've been granted access to this video. {COOKIES}"),
    (PRIVATE, "This video is private. If the owner of this video has granted you access, please sign in."),
    (PRIVATE, "Video unavailable. This video is private"),
    (PRIVATE, "Join this channel to get access to members-only content like this video, and other exclusive perks."),
    (PRIVATE, "This video is available to this channel\u2019s members on level: Tier 2 (or any higher level)."),
    (PRIVATE, "This video is only available to Music Premium members"),
    (PRIVATE, "This video requires payment to watch."),
    (PRIVATE, "Unable to download webpage: HTTP Error 401: Unauthorized"),
    (CLOSED, f"{GONE}because the YouTube account associated with this video has been terminated."),
    (CLOSED, f"{GONE}because the uploader has closed their YouTube account."),
    (CLOSED, "The YouTube account associated with this video has been terminated due to multiple third-party notifications of copyright infringement."),
    (CLOSED, "This account has been terminated because we received multiple third-party claims of copyright infringement regarding material the user posted."),
    (REMOVED, "Video unavailable. This video has been removed by the uploader"),
    (REMOVED, "This video has been removed for violating YouTube's Terms of Service"),
    (REMOVED, "This video has been removed for violating YouTube's policy on nudity or sexual content"),
    (REMOVED, f"{GONE}due to a copyright claim by Some Records"),
    (REMOVED, f"{GONE}due to a privacy claim by a third party."),
    (REMOVED, f"{OTHERS}SME, who has blocked it on copyright grounds"),
    (REMOVED, f"{OTHERS}UMG and WMG, one or more of whom have blocked it on copyright grounds."),
    (REMOVED, "Video unavailable. It was removed following a copyright removal request by Some Records Inc."),
    (REMOVED, "Video unavailable. This video isn't available anymore"),
    (REMOVED, "This video does not exist."),
    (REMOVED, "This video is a duplicate of a previously uploaded video."),
    (REMOVED, "Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)"),
    (BLOCKED, "Video unavailable. The uploader has not made this video available in your country"),
    (BLOCKED, f"{OTHERS}SME, who has blocked it in your country on copyright grounds"),
    (BLOCKED, f"{OTHERS}UMG. It is not available in your country."),
    (BLOCKED, "Unfortunately, this video is not available in your country because it could contain music for which we could not agree on conditions of use with GEMA."),
    (BLOCKED, "Video unavailable. This content is not available on this country domain due to a legal complaint from the government."),
    (BLOCKED, "This video is not available from your location due to geo restriction"),
    (BLOCKED, "This video is no longer available in your region"),
    (FORMAT, "Requested format is not available. Use --list-formats for a list of available formats"),
    (FORMAT, "No video formats found!"),
    (FORMAT, "This video is DRM protected"),
    (FORMAT, "Only images are available for download. use --list-formats to see them"),
    (FORMAT, NO_RUNTIME),
    (FORMAT, "Signature extraction failed: Some formats may be missing"),
    (FORMAT, "The page needs to be reloaded.. The page needs to be reloaded."),
    (FORMAT, f"Unable to extract uploader id{bug_reports_message()}"),
    (FORMAT, "YouTube is no longer supported in this application or device."),
    (FORMAT, "Unsupported URL: https://mirror.lab/videos/000_ZhuDSdmby8k"),
    (NETWORK, "Unable to download webpage: <urlopen error [Errno 110] Connection timed out>"),
    (NETWORK, "Unable to download API page: <urlopen error [Errno -3] Temporary failure in name resolution>"),
    (NETWORK, "[Errno 8] nodename nor servname provided, or not known"),
    (NETWORK, "<urlopen error [Errno 11001] getaddrinfo failed>"),
    (NETWORK, str(UnavailableVideoError(OSError(101, "Network is unreachable")))),
    (NETWORK, "[download] Got error: HTTPSConnectionPool(host='rr1---sn-a5mekndl.googlevideo.com', port=443): Read timed out. (read timeout=20.0)"),
    (NETWORK, "\r[download] Got error: 1048576 bytes read, 9437184 more expected. Giving up after 10 retries"),
    (NETWORK, "A network error has occurred. (caused by <IncompleteRead: 5 bytes read, 7 more expected>)"),
    (NETWORK, "Unable to download webpage: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)"),
    (NETWORK, "unable to download video data: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"),
    (NETWORK, "content too short (expected 7 bytes and served 5)"),
    (NETWORK, "Did not get any data blocks"),
    (NETWORK, f"Failed to extract any player response{bug_reports_message()}"),
    (NETWORK, "Unable to download API page: HTTP Error 503: Service Unavailable"),
    (UNAVAILABLE, "Video unavailable"),
    (UNAVAILABLE, "This video is unavailable"),
    (UNAVAILABLE, "Video unavailable. This content isn\u2019t available."),
    (UNAVAILABLE, "Premieres in 3 hours"),
    (UNAVAILABLE, "This live event will begin in a few moments."),
    (UNAVAILABLE, "This live stream recording is not available."),
    (UNAVAILABLE, "unable to download video data: HTTP Error 403: Forbidden"),
    (UNAVAILABLE, "\r[download] Got error: HTTP Error 403: Forbidden. Giving up after 10 retries"),
    (UNAVAILABLE, "fragment 844 not found, unable to continue"),
    (UNAVAILABLE, "An extractor error has occurred. (caused by KeyError('streamingData'))"),
]  # fmt: skip
WORDS = [(reason, next(text for other, text in MESSAGES if other is reason)) for reason in ORDER]
# Those that say something, not only a status.
SPOKEN = [
    (reason, text)
    for reason, text in MESSAGES
    if any(w.search(text.replace("\u2019", "'")) for _, w in refusals._WORDS)
]


class RefusalIE(InfoExtractor):
    """Fails as the test wants it to."""

    _VALID_URL = r"refusal:(?P<id>.+)"
    fails: Callable[[RefusalIE], Any]

    def _real_extract(self, url: str) -> dict[str, Any]:
        return self.fails(self)


def refused(
    fails: Callable[[RefusalIE], Any], *, download: bool = False, **params: Any
) -> DownloadError:
    """The error that a client ends with whose extractor does what `fails` does."""
    silent = {"quiet": True, "no_warnings": True, "noprogress": True, "logger": Silent()}
    once = {"retries": 0, "extractor_retries": 0, "fragment_retries": 0, "proxy": ""}
    with YoutubeDL({**silent, **once, **params}, auto_init=False) as ydl:
        extractor = RefusalIE()
        extractor.fails = fails
        ydl.add_info_extractor(extractor)
        with pytest.raises(DownloadError) as error:
            ydl.extract_info("refusal:ZhuDSdmby8k", download=download)
    return error.value


class Silent:
    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


def raises(error: BaseException) -> Callable[[RefusalIE], Any]:
    def fails(extractor: RefusalIE) -> Any:
        raise error

    return fails


def raised_from(cause: BaseException, message: str) -> ExtractorError:
    """As extractors make them: in the handler of what went wrong."""
    try:
        raise cause
    except type(cause) as error:
        return ExtractorError(message, cause=error, video_id="ZhuDSdmby8k")


class Answer:
    """A response as far as yt-dlp's own HTTPError looks at it."""

    def __init__(self, status: int, reason: str = "") -> None:
        self.status, self.reason = status, reason

    def close(self) -> None: ...


def http_error(status: int) -> HTTPError:
    return HTTPError(Answer(status, "Whatever"))


# The messages


def test_every_reason_has_messages() -> None:
    assert len(MESSAGES) >= 40
    for reason in ORDER:
        assert len([other for other, _ in MESSAGES if other is reason]) >= 3


@pytest.mark.parametrize(("reason", "message"), MESSAGES)
def test_a_message_has_its_reason(reason: Reason, message: str) -> None:
    for expected in (True, False):
        error = refused(raises(ExtractorError(message, expected=expected)))
        assert reason_of(error) is reason
    assert reason_of(ExtractorError(message)) is reason
    # As the downloader ends after its last retry: nothing but the text.
    assert reason_of(DownloadError(f"ERROR: {message}", (None, None, None))) is reason


@pytest.mark.parametrize(("reason", "message"), MESSAGES)
def test_what_is_told_is_short_and_one_line(reason: Reason, message: str) -> None:
    error = refused(raises(ExtractorError(message)), color="always")
    assert "\x1b[" in str(error)
    text = told(error)
    assert 5 < len(text) <= 200
    assert text.isprintable()
    assert "  " not in text
    assert not re.search(r"ERROR|\[youtube|refusal|Zhu.*Zhu|report this| --|See |VPN|issues", text)
    # The words that matter are still there.
    assert reason_of(ExtractorError(text)) is reason


def test_what_is_told() -> None:
    def line(message: str) -> str:
        return told(DownloadError(message))

    assert line("\x1b[0;31mERROR:\x1b[0m [youtube] -Zh_uD: Video unavailable\nGone.") == (
        "Video unavailable Gone."
    )
    assert line("ERROR: [youtube:tab] PL12: This playlist does not exist") == (
        "This playlist does not exist"
    )
    assert line(f"ERROR: [youtube] a: Please sign in. {COOKIES}") == "Please sign in"
    assert line(f"ERROR: [youtube] a: {MESSAGES[0][1]}").endswith("for up to an hour")
    assert line(f"ERROR: Failed to extract any player response{bug_reports_message()}") == (
        "Failed to extract any player response"
    )
    assert line("ERROR: \r[download] Got error: HTTP Error 403: Forbidden") == (
        "Got error: HTTP Error 403: Forbidden"
    )
    assert line(MESSAGES[3][1]) == "Unable to download webpage: HTTP Error 429: Too Many Requests"
    assert line("[Errno 111] Connection refused") == "[Errno 111] Connection refused"
    assert line("no proxy http://me:secret@proxy.lab:3128 here") == (
        "no proxy http://proxy.lab:3128 here"
    )
    assert line("x" * 500) == "x" * 197 + "..."
    assert told(TimeoutError()) == "TimeoutError"
    assert told(DownloadError("ERROR: ")) == "DownloadError"


# The order


@pytest.mark.parametrize(("first", "second"), [*combinations(WORDS[:-1], 2)])
def test_words_are_tried_in_order(first: tuple[Reason, str], second: tuple[Reason, str]) -> None:
    for outer, inner in ((first, second), (second, first)):
        try:
            raise ExtractorError(inner[1])
        except ExtractorError:
            error = refused(raises(ExtractorError(outer[1])))
        # It was really remembered.
        assert inner[1] in "".join(map(str, causes(error)))
        assert reason_of(error) is first[0]


def test_words_are_in_this_order_and_no_reason_is_twice() -> None:
    assert [reason for reason, _ in refusals._WORDS] == ORDER


def misread() -> list[tuple[Reason, Reason]]:
    """The pairs of reasons whose words in one message give not the upper of the two."""
    pairs = combinations(WORDS, 2)
    return [
        (upper, lower)
        for (upper, text), (lower, other) in pairs
        if reason_of(DownloadError(f"ERROR: {other}\n{text}")) is not upper
    ]


@pytest.mark.parametrize("place", range(len(ORDER) - 1))
def test_two_rows_in_another_order_are_noticed(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not misread()
    rows = list(refusals._WORDS)
    rows[place], rows[place + 1] = rows[place + 1], rows[place]
    monkeypatch.setattr(refusals, "_WORDS", tuple(rows))
    assert (ORDER[place], ORDER[place + 1]) in misread()


def test_the_real_messages_alone_notice_a_reversed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_WORDS", refusals._WORDS[::-1])
    wrong = {reason for reason, text in MESSAGES if reason_of(ExtractorError(text)) is not reason}
    assert wrong >= {LIMITED, BOT, AGE, PRIVATE, CLOSED, REMOVED, BLOCKED}


# What is behind the message


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, UNAVAILABLE), (401, PRIVATE), (403, UNAVAILABLE), (404, REMOVED), (407, NETWORK),
        (408, NETWORK), (410, REMOVED), (416, UNAVAILABLE), (429, LIMITED), (451, BLOCKED),
        (500, NETWORK), (502, NETWORK), (503, NETWORK), (599, NETWORK),
    ],
)  # fmt: skip
def test_a_status_behind_a_message_that_says_nothing(status: int, reason: Reason) -> None:
    error = refused(raises(raised_from(http_error(status), "Something went wrong")))
    # What yt-dlp calls the original is the bare status.
    assert type(error.exc_info[1]).__name__ == "HTTPError"
    assert reason_of(error) is reason
    assert reason_of(http_error(status)) is reason


@pytest.mark.parametrize(("reason", "message"), SPOKEN)
@pytest.mark.parametrize("status", [404, 429])
def test_words_win_over_a_status_along_the_way(reason: Reason, message: str, status: int) -> None:
    assert reason_of(refused(raises(raised_from(http_error(status), message)))) is reason


@pytest.mark.parametrize("wrong", [404, 410])
def test_a_bot_check_is_not_a_removed_video(wrong: int) -> None:
    try:
        raise ExtractorError("Sign in to confirm you\u2019re not a bot")
    except ExtractorError:
        error = refused(raises(raised_from(http_error(wrong), f"HTTP Error {wrong}: Not Found")))
    assert reason_of(error) is BOT


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (TransportError(cause="the line was cut"), NETWORK),
        (IncompleteRead(partial=5, expected=7), NETWORK),
        (SSLError("odd"), NETWORK),
        (ProxyError("odd"), NETWORK),
        (TimeoutError(), NETWORK),
        (socket.gaierror(-3, "odd"), NETWORK),
        (ConnectionResetError(), NETWORK),
        (ssl.SSLError("odd"), NETWORK),
        (ContentTooShortError(5, 7), NETWORK),
        (GeoRestrictedError("Nicht in diesem Land", countries=["DE"]), BLOCKED),
        (OSError("No route to host"), NETWORK),
        (OSError(28, "No space left on device"), UNAVAILABLE),
        (KeyError("streamingData"), UNAVAILABLE),
    ],
)
def test_a_kind_behind_a_message_that_says_nothing(cause: Exception, reason: Reason) -> None:
    assert reason_of(cause) is reason
    assert reason_of(raised_from(cause, "Something went wrong")) is reason
    assert reason_of(refused(raises(raised_from(cause, "Something went wrong")))) is reason
    wrapped = ValueError("ours")
    wrapped.__cause__ = cause
    assert reason_of(wrapped) is reason


def test_a_cause_that_was_disowned_does_not_count() -> None:
    error = ValueError("odd")
    error.__context__ = http_error(404)
    assert reason_of(error) is REMOVED
    error.__cause__ = None  # `raise error from None`
    assert reason_of(error) is UNAVAILABLE


def test_causes_in_a_circle_come_to_an_end() -> None:
    one, other = ValueError("odd"), TimeoutError()
    one.__cause__, other.__cause__ = other, one
    assert [*causes(one)] == [one, other]
    assert reason_of(one) is NETWORK


# As extractors and the client raise it


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        (lambda ie: ie.raise_no_formats("Video unavailable", expected=True), UNAVAILABLE),
        (lambda ie: ie.raise_no_formats("Premieres in 2 days", expected=True), UNAVAILABLE),
        (lambda ie: ie.raise_no_formats(f"Private video. {COOKIES}", expected=True), PRIVATE),
        (lambda ie: ie.report_drm("ZhuDSdmby8k"), FORMAT),
        (lambda ie: {"id": "a", "title": "a", "formats": []}, FORMAT),
        (lambda ie: {"id": "a", "title": "a", "formats": [], "_has_drm": True}, FORMAT),
        (lambda ie: {"id": "a", "title": "a", "url": "http://a.lab/a.jpg", "vcodec": "none"}, FORMAT),
        (lambda ie: ie._search_regex("x", "y", "player"), FORMAT),
        (lambda ie: ie.raise_login_required(), BOT),
        (lambda ie: ie.raise_login_required("Sign in to confirm your age"), AGE),
        (lambda ie: ie.raise_geo_restricted(), BLOCKED),
        (lambda ie: ie.raise_geo_restricted("Nur dort", countries=["DE"]), BLOCKED),
        (lambda ie: ie.raise_geo_restricted("The uploader has not made this video available in your country"), BLOCKED),
        (lambda ie: {}["streamingData"], UNAVAILABLE),
        (lambda ie: ie._parse_json("{", "ZhuDSdmby8k"), UNAVAILABLE),
    ],
)  # fmt: skip
def test_what_extractors_raise(fails: Callable[[RefusalIE], Any], reason: Reason) -> None:
    error = refused(fails, format="bestvideo", geo_bypass=False)
    assert reason_of(error) is reason
    assert len(told(error)) <= 200
    assert "\n" not in told(error)


# Over real connections

LOOP = "/loop"


class Handler(BaseHTTPRequestHandler):
    """Answers /404 with 404, /loop with itself, /closed with nothing, /short with too little."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        what = self.path.strip("/")
        if what == "closed":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if what == "slow":
            time.sleep(1)
            return
        self.send_response(302 if self.path == LOOP else 200 if what == "short" else int(what))
        self.send_header("Location", LOOP)
        self.send_header("Content-Length", "7" if what == "short" else "0")
        self.end_headers()
        if what == "short":
            self.wfile.write(b"\0video"[:5])

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


ANSWERS = [
    ("/401", PRIVATE), ("/403", UNAVAILABLE), ("/404", REMOVED), ("/410", REMOVED),
    ("/429", LIMITED), ("/451", BLOCKED), ("/500", NETWORK), ("/503", NETWORK),
    ("/407", NETWORK), ("/closed", NETWORK), ("/slow", NETWORK), (LOOP, NETWORK),
]  # fmt: skip


def patience(path: str) -> float:
    return 0.3 if path == "/slow" else 20


@pytest.mark.parametrize("client", [set(), {"prefer-legacy-http-handler"}], ids=["new", "old"])
@pytest.mark.parametrize(("path", "reason"), ANSWERS)
def test_answers_to_the_page(path: str, reason: Reason, client: set[str], server: str) -> None:
    def page(extractor: RefusalIE) -> Any:
        return extractor._download_webpage(server + path, "ZhuDSdmby8k")

    error = refused(page, compat_opts=client, socket_timeout=patience(path))
    assert reason_of(error) is reason
    assert told(error).startswith("Unable to download webpage: ")


@pytest.mark.parametrize(("path", "reason"), [*ANSWERS, ("/short", NETWORK)])
def test_answers_to_the_clip(path: str, reason: Reason, server: str, tmp_path: Path) -> None:
    def clip(extractor: RefusalIE) -> Any:
        return {"id": "a", "title": "a", "url": server + path, "ext": "mp4"}

    outtmpl = str(tmp_path / "clip.mp4")
    error = refused(clip, download=True, outtmpl=outtmpl, socket_timeout=patience(path))
    assert reason_of(error) is reason


def test_words_on_a_page_that_is_not_there_either(server: str) -> None:
    def page(extractor: RefusalIE) -> Any:
        try:
            extractor._download_webpage(f"{server}/404", "ZhuDSdmby8k")
        except ExtractorError as error:
            raise ExtractorError(f"Sign in to confirm you\u2019re not a bot. {COOKIES}") from error

    error = refused(page)
    assert 404 in [getattr(cause, "status", None) for cause in causes(error)]
    assert reason_of(error) is BOT
    assert told(error) == "Sign in to confirm you\u2019re not a bot"


@pytest.mark.parametrize("client", [set(), {"prefer-legacy-http-handler"}], ids=["new", "old"])
@pytest.mark.parametrize("way", ["direct", "proxy", "tls"])
def test_no_connection(way: str, client: set[str], nobody: str, server: str) -> None:
    address = {
        "direct": f"{nobody}/a.mp4",
        "proxy": "http://mirror.invalid/a.mp4",
        "tls": f"{server}/a.mp4".replace("http:", "https:"),
    }[way]
    proxy = nobody.replace("//", "//me:secret@") if way == "proxy" else ""
    error = refused(
        lambda ie: ie._download_webpage(Request(address), "a"), proxy=proxy, compat_opts=client
    )
    assert reason_of(error) is NETWORK
    assert "secret" not in told(error)


# Fates


def test_every_reason_of_fetching_has_a_fate_and_advice() -> None:
    fetching = list(Reason)[list(Reason).index(Reason.RATE_LIMITED) :]
    assert fetching == [*ORDER, Reason.NOT_TRIED]
    by_fate = {kind: {reason for reason in fetching if fate(reason) is kind} for kind in Fate}
    assert by_fate == {
        Fate.GONE: {PRIVATE, CLOSED, REMOVED},
        Fate.FIXABLE: {BOT, AGE, BLOCKED, FORMAT},
        Fate.MAY_COME_BACK: {LIMITED, NETWORK, UNAVAILABLE, Reason.NOT_TRIED},
    }
    assert {LIMITED, BOT} == STOPPING
    for reason in fetching:
        text = advice(reason)
        assert text.endswith(".")
        assert text.isprintable()
        assert len(text) < 200


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        (BOT, ["cookies='browser:firefox'", "cookies.txt", "another network"]),
        (AGE, ["cookies='browser:firefox'", "adult"]),
        (BLOCKED, ["proxy='", "countries"]),
        (FORMAT, ["pip install -U 'yt-dlp[default]'", "pip install 'dancereid[deno]'"]),
        (LIMITED, ["an hour", "not more often"]),
    ],
)
def test_advice_names_what_to_do(reason: Reason, names: list[str]) -> None:
    assert all(name in advice(reason) for name in names)
