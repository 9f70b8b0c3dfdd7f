"""Samples of all videos -> a folder in a layout that re-ID code reads.

The samples come from the videos, or from a dataset that was built of them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..build.coverage import Coverage, Outcome
from ..catalogue.catalogue import TRAINING_SPLITS
from ..common.errors import KEPT, MissingVideosError, OptionError, SourceError, interruptible
from ..common.files import alone, usable
from ..common.parallel import side_by_side
from ..common.progress import progress
from ..common.reasons import Reason
from ..common.records import parse_record
from ..common.report import Report
from ..common.resumable_folder import ResumableFolder, refuse_target
from ..common.validation import checked_path, whole_number
from .layouts import ALL_LAYOUTS, TRACKING_LAYOUTS, LayoutOptions
from .layouts.base import VideoInFolder
from .sample_source import Contents, Work, from_dataset
from .tracked_frame import WholeFrame

_ENTRIES = sorted({name for kind in ALL_LAYOUTS.values() for name in (*kind.folders, *kind.others)})


@dataclass(frozen=True, repr=False)
class Exported(Report):
    """A folder that was written.

    Attributes:
        folder: its path.
        layout: name of its layout.
        coverage: what it holds, and what is missing.
    """

    folder: Path
    layout: str
    coverage: Coverage

    def __str__(self) -> str:
        where = f"{self.folder}: layout {self.layout}. To read it:"
        return f"{self.coverage}\n{where}\n  {self.how_to_read}"

    @property
    def how_to_read(self) -> str:
        """A line of Python."""
        outcomes = self.coverage.outcomes
        trainval = sum(o.people for o in outcomes if not set(o.splits).isdisjoint(TRAINING_SPLITS))
        return ALL_LAYOUTS[self.layout].how_to_read(self.folder, trainval)

    def to_json(self) -> str:
        """One line of JSON."""
        coverage = json.loads(self.coverage.to_json())
        return json.dumps({"folder": str(self.folder), "layout": self.layout, "coverage": coverage})


def write_folder(
    contents: Contents,
    output: str | Path,
    options: LayoutOptions,
    *,
    processes: int = 1,
    force: bool = False,
) -> Exported:
    """Writes a folder, which gets its name when it is complete; see `export`.

    Until then it is made in `OUTPUT.unfinished`, beside it. The next run with the same options
    continues an interrupted one, and the result is the same.

    Raises:
        DanceReIDError: the folder is there or cannot be written, or not one image could be made.
    """
    processes = whole_number("num_proc", processes, 1, 1000)
    target = refuse_output(output, force=force)
    most, people = options.kind.most_people, contents.rows[-1].person_ids.stop
    if most is not None and people > most:
        raise OptionError(
            f"layout '{options.layout}': its readers know {most:,} people at most, and the "
            f"catalogue has {people:,}. Ask for another layout."
        )
    unfinished = ResumableFolder(target)
    with usable(unfinished.path, "and run it again to continue; or name another folder"):
        unfinished.path.mkdir(parents=True, exist_ok=True)
        with (
            alone(unfinished.path, "folder") as since,
            interruptible(KEPT, unfinished.any_done),
        ):
            if since and target.exists() and not force:
                unfinished.remove()
                raise SourceError(
                    f"{target}: another process has made it, while this one waited. Use it; or "
                    "name another folder; or make it again with --force (force=True)."
                )
            unfinished.begin(_asked(contents, options), _ENTRIES, force=force)
            _write_parts(contents, unfinished, options, processes)
            coverage = _put_together(contents, unfinished, options)
    return Exported(target, options.layout, coverage)


def refuse_output(output: str | Path, *, force: bool) -> Path:
    """Refuses a folder that `write_folder` would not write; gives its absolute path.

    Raises:
        DanceReIDError: it is there, and is not to be replaced; or it is no path.
    """
    target = checked_path("output", output).absolute()
    if ".." in target.parts:
        target = target.resolve()
    refuse_target(target, _ENTRIES, force=force)
    return target


def _asked(contents: Contents, options: LayoutOptions) -> dict[str, Any]:
    """All that the folder depends on, as JSON gives it back."""
    digest = hashlib.sha256(contents.fingerprint.encode())
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    asked = {
        "config": contents.coverage.config,
        **asdict(options),
        **contents.coverage.options,
        "inputs": digest.hexdigest(),
    }
    return dict(json.loads(json.dumps(asked)))


def _write_parts(
    contents: Contents, unfinished: ResumableFolder, options: LayoutOptions, processes: int
) -> None:
    """Writes the part of every video that is not done yet."""
    waiting = [work for work in contents.works if unfinished.done(work[0].clip_stem) is None]
    total = sum(samples.outcome.expected or 0 for _, samples in contents.works)
    left = sum(samples.outcome.expected or 0 for _, samples in waiting)
    write = functools.partial(_write_part, unfinished, options)
    with (
        progress(desc="All videos", unit=" images", total=total, initial=total - left) as bar,
        closing(side_by_side(write, waiting, processes)) as steps,
        ExitStack() as shown,
    ):
        bars: dict[int, Any] = {}
        for index, is_done, _ in steps:
            if index not in bars:
                video, samples = waiting[index]
                of_video = {"desc": video.video_id, "total": samples.outcome.expected}
                bars[index] = shown.enter_context(progress(unit=" images", leave=False, **of_video))
            if is_done:
                bars[index].close()
            else:
                bars[index].update()
                bar.update()


def _write_part(
    unfinished: ResumableFolder, options: LayoutOptions, work: Work
) -> Generator[None, None, None]:
    """Writes the part of one video; yields None for every image."""
    video, samples = work
    key = video.clip_stem
    # A process of a run that was killed may still write its last image.
    with alone(unfinished.path, key):
        part = unfinished.begin_part(key)
        with closing(options.open(part, video, samples.outcome.splits)) as layout:
            for sample in samples:
                layout.add(sample)
                if not isinstance(sample, WholeFrame):
                    yield
            # A sequence that lacks frames must not look whole.
            lost = options.tracking and samples.outcome.reason is not Reason.USED
            files = {} if lost else layout.files()
        unfinished.keep(key, {"outcome": asdict(samples.outcome), "files": files})


def _put_together(
    contents: Contents, unfinished: ResumableFolder, options: LayoutOptions
) -> Coverage:
    """Makes the folder of its parts, which are all done."""
    outcomes, written = [], []
    for video, _ in contents.works:
        key = video.clip_stem
        if record := unfinished.done(key):
            outcome = parse_record(Outcome, record["outcome"])
            outcomes.append(outcome)
            part, files = unfinished.part(key), record["files"]
            written.append(VideoInFolder(video, outcome.splits, part, files))
    coverage = replace(contents.coverage, outcomes=tuple(outcomes))
    if not any(coverage.splits.values()):
        unfinished.remove()
        raise MissingVideosError(f"Not one image could be made.\n{coverage}")
    for name in options.kind.folders:
        (unfinished.folder / name).mkdir(exist_ok=True)
    for video_in_folder in written:
        unfinished.take_in(video_in_folder.video.clip_stem, video_in_folder.files)
    options.kind.finish(unfinished.folder, written, contents.rows)
    unfinished.finish()
    return coverage


def export(
    dataset: Mapping[str, Any],
    output: str | Path,
    *,
    layout: str = "published",
    split_folder: bool = False,
    h5: bool = False,
    catalogue: str | Path | None = None,
    num_proc: int = 1,
    force: bool = False,
) -> Exported:
    """Writes a built dataset as a folder that re-ID code reads, without the videos.

    Images are the dataset's, byte for byte. Poses are its keypoints, float32 (float64 in a
    folder that is written from the videos). Skeleton pictures are written if the dataset has
    them: load it with skeleton=True.

    Args:
        dataset: all splits, as `load_dataset` gave them: built here, or by name or from a
            folder that `prepare` wrote. A dataset that `filter` made smaller works too.
        output: the folder, which gets its name when it is whole.
        layout: "published", "market1501" or "open-reid".
        split_folder: published only: a folder a video.
        h5: published only: also an HDF5 file; needs the extra `h5` of this package.
        catalogue: the CSV that it was built with; DanceReID's own, or the demo's, if None.
        num_proc: number of videos that are written at the same time. With more than 1, your own
            program must call this under `if __name__ == "__main__"`, since the processes import it.
        force: replace the folder if it is there, and start again one that is half done with
            other options.

    Returns:
        What was written; it prints as a summary.

    Raises:
        DanceReIDError: an option or the dataset is not what it must be, or the folder is
            there or cannot be written.
    """
    if layout in TRACKING_LAYOUTS:
        raise OptionError(
            f"layout: '{layout}' has bboxes and keypoints in pixels of the video, which a built "
            "dataset has not. Write it from the videos: dancereid export --layout "
            f"{layout} --data-dir FOLDER."
        )
    options = LayoutOptions(layout=layout, split_folder=split_folder, h5=h5)
    contents = from_dataset(dataset, catalogue)
    return write_folder(contents, output, options, processes=num_proc, force=force)
