"""The outcomes of a build's videos, as files that its processes write."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ..common.records import parse_record
from .coverage import Outcome


class OutcomeFolder:
    """A folder in which the processes of a build write the outcome of each video, as a file.

    Args:
        fs: the fsspec file system that the build writes to.
        path: path of the folder, which is made.
    """

    def __init__(self, fs: Any, path: str) -> None:
        self._fs = fs
        self._path = path
        fs.makedirs(path, exist_ok=True)

    def keep(self, outcome: Outcome) -> None:
        """Writes an outcome. A video in two splits is built twice, and the last one is kept."""
        with self._fs.open(f"{self._path}/{outcome.video_id}.json", "w") as file:
            json.dump(asdict(outcome), file)

    def gather(self, order: Iterable[str], known: Iterable[Outcome] = ()) -> tuple[Outcome, ...]:
        """The outcomes of these videos, in their order. Those of `known` need no file."""
        outcomes = []
        without_file = {outcome.video_id: outcome for outcome in known}
        for video_id in order:
            if video_id in without_file:
                outcomes.append(without_file[video_id])
                continue
            with self._fs.open(f"{self._path}/{video_id}.json") as file:
                outcomes.append(parse_record(Outcome, json.load(file)))
        return tuple(outcomes)

    def remove(self) -> None:
        """Removes the folder."""
        self._fs.rm(self._path, recursive=True)
