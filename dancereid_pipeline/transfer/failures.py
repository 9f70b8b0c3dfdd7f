"""Finds the reason, of a closed list, why a clip could not be fetched, from an exception.

yt-dlp raises one kind of error for nearly everything. Only its text says what happened, and the
text is mostly YouTube's. Only this module interprets that text.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from pathlib import Path

from ..common.address import without_secrets
from ..common.errors import SourceError, VideoError
from ..common.reasons import Reason

# Tried from top to bottom, as messages overlap: most begin with "Video unavailable.", many of
# them continue with "Sign in", and that of a closed account has "no longer available because".
_WORDS: tuple[tuple[Reason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(words, re.IGNORECASE))
    for reason, words in (
        (Reason.RATE_LIMITED, r"rate-limited|content isn't available, try again later"),
        (
            Reason.BOT_CHECK,
            # With small letters it means PRIVATE: "... has granted you access, please sign in".
            r"not a (ro)?bot|captcha challenge|IP is likely being blocked|(?-i:Please sign in)"
            r"|only available for registered users|login details are needed",
        ),
        (
            Reason.AGE,
            r"confirm your age|age[- ](restricted|verification)|inappropriate for some users"
            r"|potentially (offensive or )?inappropriate|inappropriate or offensive",
        ),
        (
            Reason.PRIVATE,
            r"private video|video is private|granted (you )?access|members[- ]only"
            r"|channel.s members|premium members|requires payment",
        ),
        (
            Reason.ACCOUNT_CLOSED,
            r"account (associated with this video )?(has been|is) (terminated|closed|suspended)"
            r"|closed their (YouTube )?account",
        ),
        (
            Reason.REMOVED,
            r"(has been|was) (removed|deleted)|isn't available any ?more|video does(n't| not) exist"
            r"|no longer available(?! in your)|blocked it on copyright grounds"
            r"|duplicate of (a previously uploaded|another YouTube) video",
        ),
        (
            Reason.BLOCKED,
            r"(in|from) your (country|region|location)|on this country domain|geo[- ]?restrict",
        ),
        (
            Reason.NO_FORMAT,
            r"format is not available|no video formats|only images are available|DRM protected"
            r"|n challenge solving|(signature|nsig) extraction|JavaScript runtime"
            r"|unable to extract|page needs to be reloaded|no longer supported in this app"
            r"|unsupported URL",
        ),
        (
            Reason.NETWORK,
            r"network error|timed?[- ]?out|failed to establish"
            r"|connection (refused|reset|aborted|broken)|remote end closed|name resolution"
            r"|(name or service|servname).* not known|getaddrinfo failed|network is unreachable"
            r"|no route to host|redirect loop|(connect to|error with|cannot reach) proxy"
            r"|tunnel connection failed|\[SSL|certificate verify failed|violation of protocol"
            r"|content too short|bytes read, \d+ more expected|any data blocks"
            r"|extract any player response",
        ),
        (
            Reason.UNAVAILABLE,
            r"video (is )?unavailable|(video|content|recording) (is not|isn't) available"
            r"|premieres? in|premiere will begin|live event (will begin|has ended)",
        ),
    )
)

# By the name of a class or of one it derives from: yt-dlp is slow to import and may be missing.
_KINDS: dict[str, Reason] = {
    "GeoRestrictedError": Reason.BLOCKED,
    "TransportError": Reason.NETWORK,  # yt-dlp's, with SSLError, ProxyError, IncompleteRead
    "ContentTooShortError": Reason.NETWORK,
    "ConnectionError": Reason.NETWORK,  # Python's and that of `requests`
    "TimeoutError": Reason.NETWORK,
    "SSLError": Reason.NETWORK,
    "gaierror": Reason.NETWORK,
}

_STATUSES = {
    401: Reason.PRIVATE,
    # The answer to programs that the site does not accept, and to addresses that are too old.
    403: Reason.UNAVAILABLE,
    404: Reason.REMOVED,
    407: Reason.NETWORK,
    408: Reason.NETWORK,
    410: Reason.REMOVED,
    429: Reason.RATE_LIMITED,
    451: Reason.BLOCKED,
    **dict.fromkeys(range(500, 600), Reason.NETWORK),
}
_STATUS = re.compile(r"HTTP Error (\d{3})\b")

# What clients raise where a server's answer is not valid, besides errors of their own.
CLIENT_ERRORS = (OSError, ValueError, TypeError, LookupError, HTTPException)

_LONGEST = 200
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# "ERROR: [youtube] ZhuDSdmby8k: ", or a part of it.
_HEAD = re.compile(r"^(ERROR:\s*|\[[\w:.+-]+\]\s+([^\s:]+:\s+)?)+")
# From here on, yt-dlp no longer says what happened, but which of its own options may help.
_TAIL = re.compile(
    r"[.;]?\s*(please report this issue|See\s+https?://|Also see|Use --|It is recommended to use"
    r"|For more (information|details), refer|You might want to use a VPN"
    # Repeats the text before it.
    r"|\(caused by (<HTTPError|\w*(Transport|SSL|Proxy|Verify)Error\()).*",
    re.IGNORECASE,
)


def reason_of(error: BaseException) -> Reason:
    """The reason why fetching raised an error. `UNAVAILABLE` if nothing shows the reason.

    The texts of this error and of all its causes are searched first. The innermost cause is often
    only the HTTP status of another request, while YouTube's text is in an outer error.

    Fetch, and call this function, outside of an `except` block: Python and yt-dlp would record the
    error of that block as a cause.
    """
    errors = list(causes(error))
    return _by_words(errors) or _by_kind(errors) or _by_status(errors) or Reason.UNAVAILABLE


def short_message(error: BaseException) -> str:
    """The text of an error in one short line, without full stop and yt-dlp's additions."""
    text = " ".join(_COLOUR.sub("", str(error)).split())
    text = without_secrets(_TAIL.sub("", _HEAD.sub("", text))).strip()
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 3].rstrip() + "..."
    elif text.endswith(".") and not text.endswith(".."):
        text = text[:-1]  # it becomes a part of a longer sentence
    return text or type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all its causes, the last error first.

    yt-dlp keeps causes in several attributes.
    """
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        # yt-dlp's `exc_info` has a class and a traceback in it, its `cause` may be a string.
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        exc_info = getattr(cause, "exc_info", None)
        waiting += exc_info if isinstance(exc_info, tuple) else ()
        waiting += getattr(cause, "cause", None), cause.__cause__
        if not cause.__suppress_context__:
            waiting.append(cause.__context__)


def _by_words(errors: Iterable[BaseException]) -> Reason | None:
    # YouTube writes both apostrophes.
    text = "\n".join(map(str, errors)).replace("\u2019", "'")
    return next((reason for reason, words in _WORDS if words.search(text)), None)


def _by_kind(errors: Iterable[BaseException]) -> Reason | None:
    names = (kind.__name__ for error in errors for kind in type(error).__mro__)
    return next((_KINDS[name] for name in names if name in _KINDS), None)


def _by_status(errors: Iterable[BaseException]) -> Reason | None:
    """The reason of the last HTTP status that has one."""
    for error in errors:
        # After retries yt-dlp has forgotten the error itself, and only its text is left.
        text = _STATUS.search(str(error))
        status = int(text[1]) if text else getattr(error, "status", None)
        if isinstance(status, int) and status in _STATUSES:
            return _STATUSES[status]
    return None


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last on file systems with 4 GiB at most
_UNWRITABLE = (*_FULL, errno.EROFS, errno.EACCES, errno.EPERM)


def fetch_error(error: Exception, path: Path) -> VideoError | SourceError:
    """Turns an error of yt-dlp into one of this project.

    Args:
        error: the error.
        path: the path of the file that was fetched.

    Returns:
        A `VideoError` if the site or the network refused, a `SourceError` if this machine cannot
        write the file.
    """
    from yt_dlp.networking.exceptions import TransportError

    for cause in causes(error):
        if isinstance(cause, TransportError):
            break  # its causes are about a connection, which may be "not permitted", too
        if isinstance(cause, OSError) and cause.errno in _UNWRITABLE:
            return SourceError(
                f"{path}: cannot be written ({cause.strerror}). Make room there and get permission "
                "to write, or name another folder; what was fetched so far is kept."
            )
    wait = asked_to_wait_s(error)
    hint = f"; the server asks to wait {wait:,.0f} s" if wait else ""
    message = short_message(error)
    if isinstance(error, CLIENT_ERRORS) and not isinstance(error, OSError):
        message = f"the answer of the server is not valid ({type(error).__name__}: {message})"
    return VideoError(reason_of(error), message + hint)


def asked_to_wait_s(error: BaseException) -> float | None:
    """Seconds in the server's Retry-After, or None; also if it is a date, which means days."""
    for cause in causes(error):
        if getattr(cause, "status", None) in (429, 503):
            response = getattr(cause, "response", None)  # as yt-dlp's HTTPError has it
            text = response.headers.get("Retry-After") if response else None
            return float(text) if text and text.isascii() and text.isdigit() else None
    return None
