"""The published HDF5 file, a part a video, and the parts joined.

Under `dataset/`: `images/STEM` and `skeleton/STEM`, shape (1,), the JPEG as a variable-length
array of uint8; `poses/STEM`, float64 `[17, 2]`. STEM is `PPPP_FFFFFF`.

An HDF5 file that is being written when its writer is killed cannot be read again. So each
video has a file of its own, written as its images come, and those of the videos that are
done are still good; in the end their entries are copied, as they are, into one file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...build.samples import Sample

T = TypeVar("T")


class Hdf5Part:
    """The HDF5 file of one video.

    Args:
        path: to be made.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        # Ctrl-C is raised in the main thread, wherever it is; in the midst of what HDF5 calls
        # it would be a failed write, see `_Disk`. So HDF5 has a thread of its own.
        self._thread = ThreadPoolExecutor(1)
        self._entries = self._wait_for(lambda: _Entries(path))

    def add(self, sample: Sample) -> None:
        """Writes a sample.

        Raises:
            OSError: it cannot be written.
        """
        self._wait_for(lambda: self._entries.add(sample))

    def close(self) -> None:
        """No more is to come.

        Raises:
            OSError: something was still to be written, and cannot be.
        """
        with self._thread:
            self._wait_for(self._entries.close)

    def _wait_for(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()


def join(parts: Iterable[Path], path: Path) -> None:
    """Joins the files of videos into one.

    Args:
        parts: they stay as they are.
        path: of the whole; replaced if it is there.

    Raises:
        OSError: it cannot be written.
    """
    with ThreadPoolExecutor(1) as thread:  # as above
        thread.submit(_join, parts, path).result()


def _join(parts: Iterable[Path], path: Path) -> None:
    import h5py

    with _Disk(path) as disk:
        with h5py.File(disk, "w") as whole:
            for part in parts:
                with h5py.File(part) as of_video:
                    for kind, entries in of_video.get("dataset", {}).items():
                        folder = whole.require_group(f"dataset/{kind}")
                        for stem in map(str.encode, entries):
                            h5py.h5o.copy(entries.id, stem, folder.id, stem)
                disk.check()
        disk.check()


class _Entries:
    """Writes entries into a new file.

    Through h5py's lower half, which is the library's own functions: an entry takes a third of
    the time that it takes through the upper one.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self._lower = h5py
        self._groups: dict[str, Any] = {}
        self._one = h5py.h5s.create_simple((1,))
        self._joints = h5py.h5s.create_simple((17, 2))
        self._jpeg = h5py.h5t.py_create(h5py.vlen_dtype(np.uint8), logical=True)
        self._timeless = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        self._timeless.set_obj_track_times(False)  # the same samples give the same bytes
        self._disk = _Disk(path)
        self._file = h5py.File(self._disk, "w")

    def add(self, sample: Sample) -> None:
        self._add_jpeg("images", sample.stem, sample.image)
        if sample.skeleton is not None:
            self._add_jpeg("skeleton", sample.stem, sample.skeleton)
        number = self._lower.h5t.IEEE_F64LE
        self._add("poses", sample.stem, number, self._joints, sample.keypoints)
        self._disk.check()

    def _add_jpeg(self, kind: str, stem: str, jpeg: bytes) -> None:
        value = np.empty(1, object)
        value[0] = np.frombuffer(jpeg, np.uint8)
        self._add(kind, stem, self._jpeg, self._one, value)

    def _add(self, kind: str, stem: str, of_type: Any, space: Any, value: NDArray[Any]) -> None:
        if kind not in self._groups:
            self._groups[kind] = self._file.create_group(f"dataset/{kind}").id
        name, group = stem.encode(), self._groups[kind]
        entry = self._lower.h5d.create(group, name, of_type, space, dcpl=self._timeless)
        everything = self._lower.h5s.ALL
        entry.write(everything, everything, np.ascontiguousarray(value))

    def close(self) -> None:
        self._file.close()
        self._disk.close()
        self._disk.check()


class _Disk(io.RawIOBase):
    """A file that keeps from HDF5 what the system refuses, a full disk say, and tells it later.

    HDF5 itself loses its way then: it passes over some errors, and may crash on closing. What
    was refused is lost, and so is the file; but whoever asks `check` hears of it.

    Args:
        path: to be made.

    Raises:
        OSError: it cannot be.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._refused: OSError | None = None

    def check(self) -> None:
        """Tells what was refused.

        Raises:
            OSError: something was.
        """
        if self._refused is not None:
            raise self._refused

    # What h5py asks of a file follows.

    def readinto(self, buffer: Any) -> int:
        got = self._file.readinto(buffer) or 0
        buffer[got:] = bytes(len(buffer) - got)
        return len(buffer)

    def write(self, content: Any) -> int:
        written = 0
        while written < len(content) and self._refused is None:
            try:
                written += self._file.write(content[written:])
            except OSError as error:
                self._refused = error
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._refused = error
            return size or 0

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()
