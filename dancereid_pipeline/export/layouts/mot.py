"""The layout of MOTChallenge, for trackers and for what scores them.

    sequences/SPLIT/VIDEOID/gt/gt.txt       a line for each annotated person in each frame
    sequences/SPLIT/VIDEOID/gt/labels.txt   the name of class 1, for labelling tools
    sequences/SPLIT/VIDEOID/seqinfo.ini     length, size, frame rate
    sequences/SPLIT/VIDEOID/img1/000001.jpg the frames, if they are asked for
    seqmaps/SPLIT.txt                       the names of the split's sequences

Frames, ids and pixels count from 1. An id is the person in the video plus 1, so ids of different
sequences are not different people. Numbers have all digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...catalogue.catalogue import Video, in_order
from ...formats.mot import mot_lines, sequence_info
from ..tracked_frame import Detection, WholeFrame
from .base import Layout, VideoInFolder, quoted


class Mot(Layout):
    """Writes the layout of MOTChallenge."""

    default_folder = "mot"
    folders = ("sequences", "seqmaps")

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        super().__init__(part, video, splits)
        self._files: list[str] = []
        self._lines = (part / "gt.txt").open("w", encoding="ascii", newline="\n")
        self._folders = [f"sequences/{split}/{video.video_id}" for split in splits]
        for folder in self._folders:
            for name in ("gt", "img1"):
                (part / folder / name).mkdir(parents=True)

    def add(self, item: Detection | WholeFrame) -> None:
        """As every layout."""
        if isinstance(item, WholeFrame):
            self._write(f"img1/{item.frame + 1:06d}.jpg", item.jpeg)
            return
        self._clip = item.clip
        self._lines.writelines(mot_lines([item.frame], [item.person], item.bbox[None]))

    def _write(self, name: str, content: bytes) -> None:
        for folder in self._folders:
            self.write(f"{folder}/{name}", content)
            self._files.append(f"{folder}/{name}")

    def close(self) -> None:
        """As every layout."""
        self._lines.close()

    @classmethod
    def how_to_read(cls, folder: Path, trainval: int) -> str:  # noqa: ARG003  # a layout may
        """As every layout."""
        return f"motmetrics.io.loadtxt({quoted(folder / 'sequences/SPLIT/VIDEOID/gt/gt.txt')})"

    def files(self) -> dict[str, str]:
        """As every layout."""
        self._lines.close()
        if not (lines := (self.part / "gt.txt").read_bytes()):
            return {}
        clip = self._clip
        info = sequence_info(
            self.video.video_id,
            frames=clip.frames,
            width=clip.width,
            height=clip.height,
            fps=clip.fps,
            ending=".jpg",
        )
        self._write("gt/gt.txt", lines)
        self._write("gt/labels.txt", b"person\n")
        self._write("seqinfo.ini", info.encode())
        return {path: path for path in self._files}

    @classmethod
    def finish(
        cls,
        folder: Path,
        videos: Sequence[VideoInFolder],
        catalogue: Sequence[Video],  # noqa: ARG003  # a layout may
    ) -> None:
        """As every layout."""
        written = [video for video in videos if video.files]
        for split in in_order(split for video in written for split in video.splits):
            names = [v.video.video_id for v in written if split in v.splits]
            text = "\n".join(["name", *names, ""])  # the first line is a header
            (folder / "seqmaps" / f"{split}.txt").write_text(text, "utf-8")
