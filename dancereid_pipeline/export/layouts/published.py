"""The layout that the published generator writes and the published training code reads.

    images/PPPP_FFFFFF.jpg    the crop; the name is person id and frame
    poses/PPPP_FFFFFF.txt     17 lines "x y", in crop pixels
    skeleton/PPPP_FFFFFF.jpg  the crop with its pose, if there are skeletons
    meta.json  splits.json  video.json
    DanceReID.h5              if `h5` is given

With `split_folder` the files of a video are in `images/VVV_videoid/` and so on. The index of a
person in `identities` of meta.json is the person id, so people without images have an empty list
there. splits.json names only people who have images, since readers draw from it. People of
`train` and `validation`, in data of one's own, are among those of `trainval`. video.json has
all videos and people of the catalogue, with or without images: the sampler of ST-ReIDNet looks
people up in it by their index among the people of trainval, and needs every index to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...catalogue.catalogue import TRAINING_SPLITS, Video
from .base import NAME, Layout, VideoInFolder, people_in, quoted, write_json
from .hdf5 import Hdf5Part, join

if TYPE_CHECKING:
    from ...build.samples import Sample

HDF5 = "DanceReID.h5"
_HELD_OUT = 10  # people of trainval that the published reader takes for validation
_POSE = "%r %r\n" * 17


class Published(Layout):
    """Writes the published layout.

    Args:
        part, video, splits: as for every layout.
        split_folder: write a folder for each video.
        h5: also write an HDF5 file.
    """

    default_folder = "DanceReID"
    folders = ("images", "poses")
    others = ("skeleton", "meta.json", "splits.json", "video.json", HDF5)

    def __init__(
        self,
        part: Path,
        video: Video,
        splits: tuple[str, ...],
        *,
        split_folder: bool = False,
        h5: bool = False,
    ) -> None:
        super().__init__(part, video, splits)
        self._inside = f"{video.clip_stem}/" if split_folder else ""
        self._files: list[str] = []
        for kind in ("images", "poses", "skeleton"):
            (part / kind / self._inside).mkdir(parents=True)
        self._hdf5 = Hdf5Part(part / HDF5) if h5 else None

    def add(self, sample: Sample) -> None:
        """As every layout."""
        name = f"{self._inside}{sample.stem}"
        self._write(f"images/{name}.jpg", sample.image)
        self._write(f"poses/{name}.txt", pose_text(sample.keypoints).encode())
        if sample.skeleton is not None:
            self._write(f"skeleton/{name}.jpg", sample.skeleton)
        if self._hdf5:
            self._hdf5.add(sample)

    def _write(self, path: str, content: bytes) -> None:
        self.write(path, content)
        self._files.append(path)

    def close(self) -> None:
        """As every layout."""
        if self._hdf5:
            self._hdf5.close()

    @classmethod
    def how_to_read(cls, folder: Path, trainval: int) -> str:
        """As every layout."""
        if not trainval:
            return "# The published reader needs people of trainval, and there are none."
        # The reader holds out the last people of trainval, and refuses to hold out all.
        few = f", num_val={min(1, trainval - 1)}" if trainval <= _HELD_OUT else ""
        return f"DanceReid({quoted(folder)}{few})  # of the published training code"

    def files(self) -> dict[str, str]:
        """As every layout."""
        return {path: path for path in self._files}

    @classmethod
    def finish(
        cls, folder: Path, videos: Sequence[VideoInFolder], catalogue: Sequence[Video]
    ) -> None:
        """As every layout."""
        identities: list[list[str]] = [[] for _ in range(catalogue[-1].person_ids.stop)]
        for video in videos:
            for person, names in video.names("images").items():
                identities[person] = names
        people = {video.video_id: list(video.person_ids) for video in catalogue}
        counts = [sum(len(identities[p]) for p in of_video) for of_video in people.values()]
        test = people_in(videos, "images", "test")
        meta = {
            "name": NAME,
            "shot": "single",
            "identities": identities,
            "n_detects": counts,
            "total_detects": sum(counts),
        }
        trainval = people_in(videos, "images", *TRAINING_SPLITS)
        write_json(folder / "meta.json", meta)
        write_json(folder / "splits.json", [{"trainval": trainval, "query": test, "gallery": test}])
        write_json(folder / "video.json", people)
        parts = [part for video in videos if (part := video.part / HDF5).is_file()]
        if parts:
            join(parts, folder / HDF5)


def pose_text(keypoints: NDArray[np.float64]) -> str:
    """Formats a pose as readers parse it.

    Args:
        keypoints: x, y in crop pixels, `[17, 2]`.

    Returns:
        A line "x y" for each joint, with enough digits to give the same float64 again.
    """
    return _POSE % tuple(keypoints.ravel().tolist())
