"""Why a video gave all, some or none of its images; whether that may change, and what to do."""

from __future__ import annotations

from enum import Enum

from .package_files import install_command


class Reason(str, Enum):
    """Why a video gave all, some or none of its images. The list is closed."""

    USED = "used"
    NO_CLIP = "no clip"
    NO_TRACKS = "no tracks"
    NO_ANNOTATION = "no annotation"
    AMBIGUOUS = "several files"
    BAD_TRACKS = "bad tracks"
    NOT_A_VIDEO = "not a video"
    NO_CODEC = "no decoder"
    NO_FRAMES = "no frames"
    WRONG_LENGTH = "wrong length"
    WRONG_SIZE = "wrong size"
    DAMAGED = "damaged"
    LEFT_OUT = "left out by choice"
    # Why a clip could not be fetched; `refusals` tells them apart.
    RATE_LIMITED = "rate-limited"
    BOT_CHECK = "bot check"
    AGE = "age-restricted"
    PRIVATE = "private"
    ACCOUNT_CLOSED = "account closed"
    REMOVED = "removed"
    BLOCKED = "blocked in this country"
    NO_FORMAT = "no fitting format"
    NETWORK = "network"
    UNAVAILABLE = "unavailable"
    NOT_TRIED = "not tried"


class Fate(str, Enum):
    """Whether trying again can help."""

    GONE = "gone"
    MAY_COME_BACK = "may come back"
    FIXABLE = "you can fix it"


# These answers are about whoever asks, not about one video: every further request makes it worse.
STOPPING: frozenset[Reason] = frozenset({Reason.RATE_LIMITED, Reason.BOT_CHECK})
_FATES: dict[Reason, tuple[Fate, str]] = {
    Reason.RATE_LIMITED: (
        Fate.MAY_COME_BACK,
        "Too many requests came from here: wait an hour, then run it again, and not more often.",
    ),
    Reason.BOT_CHECK: (
        Fate.FIXABLE,
        "Give the cookies of a browser that is signed in, with cookies='browser:firefox' or the "
        "path of a cookies.txt, or use another network.",
    ),
    Reason.AGE: (
        Fate.FIXABLE,
        "Give the cookies of an adult's account, with cookies='browser:firefox' or a cookies.txt.",
    ),
    Reason.PRIVATE: (
        Fate.GONE,
        "Only those its owner chose, or who paid, may watch it: go on without it, or ask the "
        "owner for the clip and put it into videos/.",
    ),
    Reason.ACCOUNT_CLOSED: (
        Fate.GONE,
        "It went with its account: go on without it, or put a copy that you have into videos/.",
    ),
    Reason.REMOVED: (
        Fate.GONE,
        "It was taken down: go on without it, or put a copy that you have into videos/.",
    ),
    Reason.BLOCKED: (
        Fate.FIXABLE,
        "It may be watched in other countries: go through a proxy in one of them, with "
        "proxy='socks5://127.0.0.1:1080' or whatever its address is.",
    ),
    Reason.NO_FORMAT: (
        Fate.FIXABLE,
        "Update yt-dlp, with pip install -U 'yt-dlp[default]', and give it a JavaScript runtime, "
        f"with {install_command('deno')}.",
    ),
    Reason.NETWORK: (
        Fate.MAY_COME_BACK,
        "Check the connection, and proxy= if you use one, then run it again; what came is kept.",
    ),
    Reason.UNAVAILABLE: (
        Fate.MAY_COME_BACK,
        "Run it again tomorrow; if it stays so, update yt-dlp with "
        "pip install -U 'yt-dlp[default]', or go on without it.",
    ),
    Reason.NOT_TRIED: (
        Fate.MAY_COME_BACK,
        "The fetching ended before its turn, an open stream or another process has it, or offline "
        "mode is on: run it again then.",
    ),
}
# All of them: why a clip could not be fetched, as against what is wrong with one that is there.
REFUSALS = frozenset(_FATES)


def fate(reason: Reason) -> Fate:
    """Whether trying again can help. What came and was no whole video may be one next time."""
    return _FATES[reason][0] if reason in _FATES else Fate.MAY_COME_BACK


def advice(reason: Reason) -> str:
    """What the user does next, one sentence; "" where the outcome's detail says it."""
    return _FATES[reason][1] if reason in _FATES else ""
