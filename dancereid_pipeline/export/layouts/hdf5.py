"""Writes the published HDF5 file: first a file for each video, then all joined.

Under `dataset/` it has `images/STEM` and `skeleton/STEM`, shape (1,), the JPEG as a
variable-length array of uint8; and `poses/STEM`, float64 `[17, 2]`. STEM is `PPPP_FFFFFF`.

If a process is killed while it writes an HDF5 file, the file cannot be read again. So each video
has its own file, and the files of finished videos stay good. At the end their entries are copied
into one file.
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
        path: path of the new file.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        # Python raises Ctrl-C in the main thread. In a method that HDF5 calls (see `_HDF5File`)
        # it would be a failed write. So HDF5 runs in another thread.
        self._thread = ThreadPoolExecutor(1)
        self._entries = self._wait_for(lambda: _Entries(path))

    def add(self, sample: Sample) -> None:
        """Writes a sample.

        Raises:
            OSError: the file cannot be written.
        """
        self._wait_for(lambda: self._entries.add(sample))

    def close(self) -> None:
        """Closes the file.

        Raises:
            OSError: the rest cannot be written.
        """
        with self._thread:
            self._wait_for(self._entries.close)

    def _wait_for(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()


def join(parts: Iterable[Path], path: Path) -> None:
    """Joins the files of videos into one file.

    Args:
        parts: the files of the videos, which do not change.
        path: path of the joined file; an existing file is replaced.

    Raises:
        OSError: the file cannot be written.
    """
    with ThreadPoolExecutor(1) as thread:  # for the reason in `Hdf5Part`
        thread.submit(_join, parts, path).result()


def _join(parts: Iterable[Path], path: Path) -> None:
    import h5py

    with _HDF5File(path) as file:
        with h5py.File(file, "w") as joined:
            for part in parts:
                with h5py.File(part) as of_video:
                    for kind, entries in of_video.get("dataset", {}).items():
                        group = joined.require_group(f"dataset/{kind}")
                        for stem in map(str.encode, entries):
                            h5py.h5o.copy(entries.id, stem, group.id, stem)
                file.check()
        file.check()


class _Entries:
    """Writes entries into a new file.

    It uses the low-level functions of h5py, which take a third of the time of the others.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self._h5py = h5py
        self._groups: dict[str, Any] = {}
        self._one = h5py.h5s.create_simple((1,))
        self._joints = h5py.h5s.create_simple((17, 2))
        self._jpeg = h5py.h5t.py_create(h5py.vlen_dtype(np.uint8), logical=True)
        self._timeless = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        self._timeless.set_obj_track_times(False)  # so the same samples give the same bytes
        self._raw_file = _HDF5File(path)
        self._file = h5py.File(self._raw_file, "w")

    def add(self, sample: Sample) -> None:
        self._add_jpeg("images", sample.stem, sample.image)
        if sample.skeleton is not None:
            self._add_jpeg("skeleton", sample.stem, sample.skeleton)
        number = self._h5py.h5t.IEEE_F64LE
        self._add("poses", sample.stem, number, self._joints, sample.keypoints)
        self._raw_file.check()

    def _add_jpeg(self, kind: str, stem: str, jpeg: bytes) -> None:
        value = np.empty(1, object)
        value[0] = np.frombuffer(jpeg, np.uint8)
        self._add(kind, stem, self._jpeg, self._one, value)

    def _add(self, kind: str, stem: str, of_type: Any, space: Any, value: NDArray[Any]) -> None:
        if kind not in self._groups:
            self._groups[kind] = self._file.create_group(f"dataset/{kind}").id
        name, group = stem.encode(), self._groups[kind]
        entry = self._h5py.h5d.create(group, name, of_type, space, dcpl=self._timeless)
        everything = self._h5py.h5s.ALL
        entry.write(everything, everything, np.ascontiguousarray(value))

    def close(self) -> None:
        self._file.close()
        self._raw_file.close()
        self._raw_file.check()


class _HDF5File(io.RawIOBase):
    """A file that hides write errors (for example a full disk) from HDF5; `check` raises them.

    HDF5 does not handle write errors well: it ignores some, and may crash when it closes the
    file. After an error the file is broken.

    Args:
        path: path of the new file.

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._error: OSError | None = None

    def check(self) -> None:
        """Raises the last write error.

        Raises:
            OSError: there was one.
        """
        if self._error is not None:
            raise self._error

    # h5py calls the following methods.

    def readinto(self, buffer: Any) -> int:
        got = self._file.readinto(buffer) or 0
        buffer[got:] = bytes(len(buffer) - got)
        return len(buffer)

    def write(self, content: Any) -> int:
        written = 0
        while written < len(content) and self._error is None:
            try:
                written += self._file.write(content[written:])
            except OSError as error:
                self._error = error
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = error
            return size or 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()
