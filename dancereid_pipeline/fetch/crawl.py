"""Fetches the clips of videos into a folder, one after the other, with pauses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import KEPT, VideoError, interruptible
from ..common.files import alone, usable
from ..common.offline import OFFLINE, offline
from ..common.reasons import STOPPING, Fate, Reason, advice, fate
from ..formats.clip_facts import ClipFacts
from ..transfer.download import progress_bar
from ..transfer.settings import Network
from .clip_fetcher import ClipFetcher, asked_with
from .manifest import Entry, Notes, values
from .politeness import StopRule


@dataclass(frozen=True)
class Crawl:
    """The result of a crawl.

    Attributes:
        folder: the folder of the clips.
        entries: one for each video, in the order of the request.
    """

    folder: Path
    entries: tuple[Entry, ...]

    @property
    def whole(self) -> bool:
        """Whether no video is missing."""
        return all(entry.outcome is Reason.USED for entry in self.entries)

    def __str__(self) -> str:
        there = sum(entry.outcome is Reason.USED for entry in self.entries)
        lines = [f"{there} of {len(self.entries)} clips are in {self.folder}", *_rows(self.entries)]
        # A dict removes duplicates and keeps the order.
        for outcome, next_step in dict.fromkeys(
            (f"{entry.outcome.value}: {_fate(entry).value}.", _advice(entry))
            for entry in self.entries
            if entry.outcome is not Reason.USED
        ):
            lines.append(f"{outcome} {next_step}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The entries as JSON; those of missing clips also have a `fate`."""
        videos = [
            values(e) | ({} if e.outcome is Reason.USED else {"fate": _fate(e).value})
            for e in self.entries
        ]
        return json.dumps({"whole": self.whole, "videos": videos}, indent=1)


def _rows(entries: Sequence[Entry]) -> Iterator[str]:
    """One line for each video: the properties of its clip in columns, or why it is missing."""
    cells = {e.video_id: _cells(e, e.clip) for e in entries if e.outcome is Reason.USED and e.clip}
    widths = [max(map(len, column)) for column in zip(*cells.values(), strict=True)]
    id_width = max((len(entry.video_id) for entry in entries), default=0)
    for entry in entries:
        text = f"{entry.outcome.value}: {' '.join(entry.detail.split())}"
        if entry.video_id in cells:
            file, *figures = zip(cells[entry.video_id], widths, strict=True)
            text = "  ".join([file[0].ljust(file[1]), *(cell.rjust(w) for cell, w in figures)])
        yield f"  {entry.video_id:<{id_width}}  {text}"


def _cells(entry: Entry, clip: ClipFacts) -> tuple[str, ...]:
    return (
        entry.file,
        clip.codec,
        f"{clip.width}x{clip.height}",
        f"{clip.fps:g} fps",
        f"{clip.frames:,} frames",
        f"{entry.bytes / 1e6:,.1f} MB",
    )


def _fate(entry: Entry) -> Fate:
    return Fate.FIXABLE if entry.in_the_way else fate(entry.outcome)


def _advice(entry: Entry) -> str:
    if entry.in_the_way:
        return "Your files are not replaced: remove those that you do not want, then run it again."
    return advice(entry.outcome) or "The fetched file is not a complete video: run it again later."


def crawl(
    folder: Path,
    catalogue: Catalogue,
    videos: Sequence[Video],
    network: Network,
    *,
    again: bool = False,
) -> Crawl:
    """Fetches the videos that are missing, one at a time.

    It does not ask again for videos that are gone, or that only other settings can make
    available. A rate limit, a bot check or a network that is down ends the crawl: the remaining
    videos are then "not tried". A second crawl of the folder waits for the first.

    Args:
        folder: the folder for the clips, named as in the catalogue, and `manifest.json`.
        catalogue: all videos.
        videos: the videos to fetch.
        network: their addresses, and the settings of requests.
        again: also ask for videos that are gone.

    Raises:
        SourceError: the folder cannot be used.
    """
    fetcher = ClipFetcher(folder, catalogue, network)
    with usable(folder), alone(folder, "crawl") as since, interruptible(KEPT):
        return Crawl(folder, tuple(_each(fetcher, videos, again, since)))


def _each(
    fetcher: ClipFetcher, videos: Sequence[Video], again: bool, since: str | None
) -> Iterator[Entry]:
    stop_rule = StopRule(OFFLINE if offline() else None)
    seen = fetcher.look()
    with Notes(fetcher.manifest, len(seen.entries)) as notes:
        for number, video in enumerate(videos, start=1):
            entry = fetcher.current_entry(video, seen, notes)
            if _is_wanted(fetcher, video, entry, again, since) and not stop_rule.stopped:
                # Look again: a stream may have fetched the clip meanwhile.
                seen = fetcher.look()
                entry = fetcher.current_entry(video, seen, notes)
            if entry and not _is_wanted(fetcher, video, entry, again, since):
                yield entry
            elif stop_rule.stopped:
                entry = fetcher.refusal(video, VideoError(Reason.NOT_TRIED, stop_rule.stopped))
                yield notes.add(entry) if seen.may_note_untried(video) else entry
            else:
                bar = progress_bar(f"Video {number} of {len(videos)}, {video.clip_stem}")
                with bar as on_bytes:
                    entry = fetcher.fetch(video, on_bytes)
                stop_rule.note(entry)
                yield entry


def _is_wanted(
    fetcher: ClipFetcher, video: Video, entry: Entry | None, again: bool, since: str | None
) -> bool:
    """Whether to ask for a video that has this entry in the manifest.

    `since` is the time at which the wait for another crawl began; its later tries count as tries
    of this crawl.
    """
    if entry is None:
        return True
    if entry.outcome is Reason.USED or entry.in_the_way:
        return False
    if again or entry.address != fetcher.network.address(video):
        return True
    if since and entry.when >= since:
        return False
    if fate(entry.outcome) is Fate.FIXABLE and entry.outcome not in STOPPING:
        # Only asking shows whether the user has signed in with the browser meanwhile.
        changed = entry.asked_with != asked_with(fetcher.network)
        return changed or fetcher.network.browser is not None
    return fate(entry.outcome) is not Fate.GONE
