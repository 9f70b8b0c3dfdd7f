"""A finding: what is doubtful in the tracks or the annotation of a video."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """What is doubtful. The list is closed."""

    BBOX_ORDER = "bboxes in another order"
    NO_AREA = "bboxes without an area"
    JOINTS_OUTSIDE = "joints outside their bboxes"
    WIDE = "bboxes wider than tall"
    IDS_SHIFTED = "person ids off by one"
    ABSENT = "annotated people not in the tracks"
    PAST_TRACKS = "annotation longer than the tracks"
    JUMP = "people who jump"
    SWAPPED = "people who may be swapped"
    TWICE = "people who are twice in a frame"


# Where these are found, bboxes say nothing of how people move.
BBOX_KINDS = frozenset((Kind.BBOX_ORDER, Kind.NO_AREA, Kind.JOINTS_OUTSIDE))
_ADVICE = {
    Kind.BBOX_ORDER: "Write box_pos as x1, x2, y1, y2, then build again: these crops show other "
    "parts of the frame.",
    Kind.NO_AREA: "Write box_pos as x1, x2, y1, y2, with x1 < x2 and y1 < y2: these detections "
    "give no image.",
    Kind.JOINTS_OUTSIDE: "Look at the images. Bboxes and joints must be in pixels of the same "
    "clip, and of the same person.",
    Kind.WIDE: "Look at the images. If people stand in them, the clip was turned by 90 degrees, or "
    "x and y are exchanged.",
    Kind.IDS_SHIFTED: "In the tracks, id counts from 1; in the annotation, people count from 0: "
    "person 0 is id 1. Correct the annotation, then build again: these images bear the ids of "
    "other people.",
    Kind.ABSENT: "Compare the ids: person 0 of the annotation is id 1 of the tracks.",
    Kind.PAST_TRACKS: "Check that both are of the same clip at the same frame rate; frames count "
    "from 0 in both.",
    Kind.JUMP: "Look at these frames: in one frame a person moves by half of the own height.",
    Kind.SWAPPED: "Look at these frames: from here on, each of the two may bear the other's id.",
    Kind.TWICE: "Look at these frames: two ids have nearly the same bbox and joints.",
}


@dataclass(frozen=True)
class Finding:
    """What is doubtful in a video. Its images are made all the same.

    Attributes:
        kind: what is doubtful.
        video_id: the video.
        message: how often it was found, and where first, in plain words.
        frame: the first frame in which it was found; None if it concerns the whole video.
        person: the person in the video, from 0, of that detection; None like `frame`.
    """

    kind: Kind
    video_id: str
    message: str
    frame: int | None = None
    person: int | None = None

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE[self.kind]

    def __str__(self) -> str:
        return f"{self.kind.value}. {self.message} {self.advice}"
