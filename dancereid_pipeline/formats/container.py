"""Opens a clip's container and chooses the stream that is the video.

Only containers that hold their video themselves are opened: FFmpeg also reads playlists,
session descriptions (SDP) and lists of images, and those name other files and servers.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from ..common.cpu import decoder_threads
from ..common.errors import DanceReIDError, InterruptedReadError, VideoError
from ..common.reasons import Reason
from .clip_facts import ClipFacts

logger = logging.getLogger("dancereid")

# A process that is forked, as `datasets` and PyTorch do it, inherits decoders without their
# threads. To remove one, it would wait for these forever. So it never collects such garbage.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=gc.freeze)

# Errors that pass through PyAV when it reads a clip that is fetched meanwhile.
FETCH_ERRORS = (DanceReIDError, InterruptedReadError)

# Titles may be in any encoding. From version 19 on, PyAV replaces what is no UTF-8 by itself.
_ANY_ENCODING: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)
_HEAD_BYTES = 1024
# Types of the box that an mp4 or mov file may begin with: its bytes 4 to 8.
_MP4_BOXES = frozenset(
    (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"free", b"skip", b"wide", b"pnot")
)
_TS_PACKET = 188  # bytes of a packet of an MPEG transport stream, which begins with 0x47
_NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails


def open_clip(path: Path | str, file: Any) -> tuple[av.container.InputContainer, av.VideoStream]:
    """Opens a clip.

    Args:
        path: its name in errors.
        file: its path, or itself as an open file at any offset.

    Returns:
        The container, and the stream that is the video.

    Raises:
        VideoError: it is no video, or no decoder is available for it.
    """
    try:
        container = _open_container(file)
        try:
            stream = _video_stream(container, path)
        except BaseException:
            container.close()
            raise
    except FETCH_ERRORS:
        raise
    except Exception as error:  # PyAV raises errors of many classes, as the file makes it
        raise VideoError(
            Reason.NOT_A_VIDEO,
            f"{path}: cannot be opened as a video ({error_text(error)}). It may be cut off, "
            "or a web page saved as a video; get the clip again.",
        ) from error
    return container, stream


def facts_of(stream: av.VideoStream, frames: int, width: int, height: int) -> ClipFacts:
    """The properties of a clip.

    Args:
        stream: the stream that is the video.
        frames: number of its frames.
        width: of its frames, in pixels.
        height: of its frames, in pixels.
    """
    fps = round(float(stream.average_rate or 0), 3)
    # The name of the codec, not of the decoder.
    return ClipFacts(frames, width, height, fps, stream.codec.canonical_name)


def error_text(error: Exception) -> str:
    """What an error of the operating system, of FFmpeg or of PyAV says."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def damaged(path: object, what: str) -> VideoError:
    """The error of a clip that is damaged; `what` says where and how."""
    return VideoError(Reason.DAMAGED, f"{path}: the video is damaged ({what}). Get the clip again.")


def _open_container(file: Any) -> av.container.InputContainer:
    if isinstance(file, (str, Path)):
        with Path(file).open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
        file = f"file:{file}"  # or FFmpeg takes a name with a colon for an address
    else:
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        file.seek(0)
    options = {"protocol_whitelist": "file"}
    return av.open(file, format=_format(head), options=options, **_ANY_ENCODING)


def _format(head: bytes) -> str:
    """FFmpeg's name of the container that begins with `head`."""
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):  # EBML's mark
        return "matroska"
    if head.startswith(b"RIFF") and head[8:11] == b"AVI":
        return "avi"
    if head and set(head[::_TS_PACKET]) == {0x47}:
        return "mpegts"
    raise ValueError("expected a file that begins as mp4, mov, mkv, webm, avi or ts does")


def _video_stream(container: av.container.InputContainer, path: Path | str) -> av.VideoStream:
    """The stream that is the video: no cover and no preview; the default, else the largest."""
    streams = [s for s in container.streams.video if not s.disposition & _NOT_THE_VIDEO]
    if not streams:
        raise VideoError(Reason.NOT_A_VIDEO, f"{path}: has no video stream. Get the clip again.")
    stream = max(streams, key=_preference)
    if stream.codec_context is None:
        raise VideoError(
            Reason.NO_CODEC,
            f"{path}: this PyAV ({av.__version__}) has no decoder for it. Install a newer one "
            "('pip install -U av'), or get the clip in H.264.",
        )
    if len(streams) > 1:
        logger.warning(
            "%s: has %d video streams; stream %d is read (%d x %d pixels)",
            *(path, len(streams), stream.index, stream.width, stream.height),
        )
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = decoder_threads()
    return stream


def _preference(stream: av.VideoStream) -> tuple[bool, int]:
    is_default = bool(stream.disposition & Disposition.default)
    return is_default, stream.width * stream.height if stream.codec_context else 0
