"""Refusals as yt-dlp raises them."""

# ruff: noqa: E501  # a message is a line, as it came

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
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
    bug_reports_message,
)

from dancereid_pipeline.common.package_files import install_command
from dancereid_pipeline.common.reasons import STOPPING, Fate, Reason, advice, fate
from dancereid_pipeline.transfer import failures as refusals
from dancereid_pipeline.transfer.failures import causes, reason_of, short_message
from tests.support.data.messages import (
    AGE,
    BLOCKED,
    BOT,
    CLOSED,
    COOKIES,
    FORMAT,
    LIMITED,
    MESSAGES,
    NETWORK,
    ORDER,
    PRIVATE,
    REMOVED,
    UNAVAILABLE,
)
from tests.support.servers.refusing import RefusalIE, refused

WORDS = [(reason, next(text for other, text in MESSAGES if other is reason)) for reason in ORDER]
# Those that say something, not only a status.
SPOKEN = [
    (reason, text)
    for reason, text in MESSAGES
    if any(w.search(text.replace("\u2019", "'")) for _, w in refusals._WORDS)
]


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
def test_the_message_is_short_and_one_line(reason: Reason, message: str) -> None:
    error = refused(raises(ExtractorError(message)), color="always")
    assert "\x1b[" in str(error)
    text = short_message(error)
    assert 5 < len(text) <= 200
    assert text.isprintable()
    assert "  " not in text
    assert not re.search(r"ERROR|\[youtube|refusal|Zhu.*Zhu|report this| --|See |VPN|issues", text)
    # The words that matter are still there.
    assert reason_of(ExtractorError(text)) is reason


def test_the_message_has_no_additions() -> None:
    def line(message: str) -> str:
        return short_message(DownloadError(message))

    assert line("\x1b[0;31mERROR:\x1b[0m [youtube] -Zh_uD: Video unavailable\nGone.") == (
        "Video unavailable Gone"
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
    assert short_message(TimeoutError()) == "TimeoutError"
    assert short_message(DownloadError("ERROR: ")) == "DownloadError"


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
    assert len(short_message(error)) <= 200
    assert "\n" not in short_message(error)


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
        (FORMAT, ["pip install -U 'yt-dlp[default]'", install_command("deno")]),
        (LIMITED, ["an hour", "not more often"]),
    ],
)
def test_advice_names_what_to_do(reason: Reason, names: list[str]) -> None:
    assert all(name in advice(reason) for name in names)
