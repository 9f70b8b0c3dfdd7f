"""A page with a picture of each doubtful run and a tick; its button saves what was ticked."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.files import replaced
from ..common.store_path import AnyPath
from ..formats.npy_tracks import Tracks
from ..inputs.data_folder import open_clip_at
from .clip_checks import rate_multiple
from .doubtful_runs import Run, doubtful_runs

_MOST = 500  # runs on a page: more than anybody ticks in an hour
_HEIGHT = 240  # of a picture, in pixels
_AROUND = 0.5  # of a bbox's height: what is shown around it
_COLOURS = ((40, 40, 230), (230, 120, 30))  # blue, green, red: of the person, and of the other one
_SCRIPT = """
const ticks = [...document.querySelectorAll("input")];
const ticked = () => ticks.filter((tick) => tick.checked).map((tick) => JSON.parse(tick.value));
document.addEventListener("change", () => {
  document.getElementById("count").textContent = `${ticked().length} ticked`;
});
document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ticked: ticked()}, null, 1)]));
  link.download = "doubtful.json";
  link.click();
});
"""


class DoubtfulPage:
    """Collects the doubtful runs of videos, and their pictures."""

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._found = 0
        self._videos = 0

    def add(self, video_id: str, clip: AnyPath, tracks: Tracks, kept: Tracks) -> None:
        """Adds the runs of a video.

        Args:
            video_id: the video id.
            clip: its clip.
            tracks: its tracks.
            kept: its annotated detections, sorted by frame and then by person.

        Raises:
            VideoError: the clip does not fit, or a frame that is shown is damaged.
        """
        runs = doubtful_runs(kept)
        self._found += len(runs)
        self._videos += bool(runs)
        shown = runs[: _MOST - len(self._entries)]
        if not shown:
            return
        pictures = _pictures(clip, tracks, kept, shown)
        self._entries += [
            _entry(video_id, run, pictures.get(index, []), len(self._entries) + index)
            for index, run in enumerate(shown)
        ]

    def write(self, path: Path) -> None:
        """Writes the page; a file that is there is replaced.

        Raises:
            SourceError: it cannot be written.
        """
        more = "" if self._found <= _MOST else f" The first {_MOST} are shown."
        summary = (
            f"Doubtful runs of frames: {self._found:,}. Videos that have some: "
            f"{self._videos:,}.{more} The frame before is on the left, the first doubtful frame on "
            "the right; the person is in red, another one in blue. Tick what is wrong, and save. "
            "Then 'dancereid check FOLDER --drop doubtful.json --output annotation.json' writes an "
            "annotation without it."
        )
        template = Template(Path(__file__).with_suffix(".html").read_text("utf-8"))
        html = template.substitute(
            script=_SCRIPT,
            script_hash=base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode(),
            summary=escape(summary),
            runs="".join(self._entries),
        )
        with replaced(path) as unfinished:
            unfinished.write_text(html, "utf-8", errors="replace")


def _entry(video_id: str, run: Run, pictures: list[bytes], number: int) -> str:
    value = {
        "video_id": video_id, "person": run.person, "first": run.first, "last": run.last,
    }  # fmt: skip
    frames = f"frame {run.first}"
    if run.last != run.first:
        frames = f"frames {run.first} to {run.last}"
    other = "" if run.other is None else f", with person {run.other}"
    text = escape(f"{video_id}, person {run.person}, {frames}: {run.kind.value}{other}")
    images = "".join(
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">\n'
        for jpeg in pictures
    )
    tick = f'<input type="checkbox" id="t{number}" value="{escape(json.dumps(value))}">'
    return f'<li><label for="t{number}">{tick} {text}</label>\n{images}</li>\n'


def _pictures(
    path: AnyPath, tracks: Tracks, kept: Tracks, runs: list[Run]
) -> dict[int, list[bytes]]:
    """The pictures of each run, by its index: of the frame before, and of its first frame."""
    wanted: dict[int, list[int]] = {}
    for index, run in enumerate(runs):
        for frame in (run.first - 1, run.first):
            wanted.setdefault(frame, []).append(index)
    wanted.pop(-1, None)
    found: dict[int, list[bytes]] = {}
    with open_clip_at(path) as clip:
        multiple = rate_multiple(clip.frame_count, tracks.frame_count, str(path))
        for number, decoded in clip.read([frame * multiple for frame in wanted]):
            frame = number // multiple
            for index in wanted[frame]:
                jpeg = _picture(decoded, kept, frame, runs[index])
                found.setdefault(index, []).append(jpeg)
    return found


def _picture(decoded: Any, kept: Tracks, frame: int, run: Run) -> bytes:
    """The part of a frame around a run's bboxes, with their outlines, as JPEG."""
    boxes = [_bboxes(kept, frame, person) for person in (run.person, run.other)]
    (around,) = _bboxes(kept, run.first, run.person)
    margin = _AROUND * max(around[3] - around[1], around[2] - around[0])
    sides = np.array([decoded.width, decoded.height])
    low = np.clip(around[:2] - margin, 0, sides - 2).astype(int)
    high = np.clip(around[2:] + margin, low + 2, sides).astype(int)
    pixels = np.ascontiguousarray(decoded.bgr(low[1], high[1], low[0], high[0]))
    scale = _HEIGHT / pixels.shape[0]
    size = max(1, round(pixels.shape[1] * scale)), _HEIGHT
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    for colour, of_person in zip(_COLOURS, boxes, strict=True):
        for bbox in of_person:
            corners = np.clip((bbox.reshape(2, 2) - low) * scale, -9999, 9999).astype(int)
            cv2.rectangle(pixels, corners[0].tolist(), corners[1].tolist(), colour, 2)
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return content.tobytes()


def _bboxes(kept: Tracks, frame: int, person: int | None) -> NDArray[np.float64]:
    """The bbox of a person in a frame, `[1, 4]`; `[0, 4]` if there is none."""
    start, stop = np.searchsorted(kept.frame, [frame, frame + 1]).tolist()
    return kept.bbox[start:stop][kept.person[start:stop] == (-1 if person is None else person)]
