"""Why a video gave all, some or none of its images, whether this may change, and what to do."""

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
    TAKEN_DOWN = "taken down"
    # Why a clip could not be fetched: `transfer.failures` finds the one that fits.
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


# A server refuses all requests of this user, not only one video: more requests make it worse.
STOPPING: frozenset[Reason] = frozenset({Reason.RATE_LIMITED, Reason.BOT_CHECK})
_FATES: dict[Reason, tuple[Fate, str]] = {
    Reason.RATE_LIMITED: (
        Fate.MAY_COME_BACK,
        "Too many requests came from here: wait an hour, then run it again, and not more often.",
    ),
    Reason.BOT_CHECK: (
        Fate.FIXABLE,
        "Pass the cookies of a browser that is signed in, with cookies='browser:firefox' or the "
        "path of a cookies.txt, or use another network.",
    ),
    Reason.AGE: (
        Fate.FIXABLE,
        "Pass the cookies of an adult's account, with cookies='browser:firefox' or the path of a "
        "cookies.txt.",
    ),
    Reason.PRIVATE: (
        Fate.GONE,
        "Only people whom its owner chose, or who paid, may watch it: go on without it, or ask the "
        "owner for the clip and put it into videos/.",
    ),
    Reason.ACCOUNT_CLOSED: (
        Fate.GONE,
        "Its account was closed: go on without it, or put a copy that you have into videos/.",
    ),
    Reason.REMOVED: (
        Fate.GONE,
        "It was taken down: go on without it, or put a copy that you have into videos/.",
    ),
    Reason.BLOCKED: (
        Fate.FIXABLE,
        "Other countries may allow it: use a proxy in one of them, for example with "
        "proxy='socks5://127.0.0.1:1080'.",
    ),
    Reason.NO_FORMAT: (
        Fate.FIXABLE,
        "Update yt-dlp, with pip install -U 'yt-dlp[default]', and give it a JavaScript runtime, "
        f"with {install_command('deno')}.",
    ),
    Reason.NETWORK: (
        Fate.MAY_COME_BACK,
        "Check the connection, and proxy= if you use one, then run it again: it continues from "
        "there.",
    ),
    Reason.UNAVAILABLE: (
        Fate.MAY_COME_BACK,
        "Run it again tomorrow. If it is still unavailable, update yt-dlp with "
        "pip install -U 'yt-dlp[default]', or go on without it.",
    ),
    Reason.NOT_TRIED: (
        Fate.MAY_COME_BACK,
        "The run ended before its turn, or another process or an open stream is fetching it: run "
        "it again later. If offline mode is on, turn it off first.",
    ),
}
# The reasons why a clip could not be fetched; the others are about a clip that is there.
REFUSALS = frozenset(_FATES)


def fate(reason: Reason) -> Fate:
    """Whether trying again can help. It can where a clip came but was broken."""
    return _FATES[reason][0] if reason in _FATES else Fate.MAY_COME_BACK


def advice(reason: Reason) -> str:
    """What the user can do next; "" where the outcome's detail says it."""
    return _FATES[reason][1] if reason in _FATES else ""
