"""The lists of the published layout, as the published reader and its sampler take them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.export.layouts.base import VideoInFolder
from dancereid_pipeline.export.layouts.published import Published
from tests.support.readers import held_out, st_neighbours


def lists_of(config: str, folder: Path, missing: str = "") -> list[list[int]]:
    """The lists of a config with one image a person; gives the people of each written video."""
    catalogue, written = Catalogue.read(), []
    for video in catalogue.choose(config):
        if video.video_id != missing:
            names = [f"images/{person:04d}_000000.jpg" for person in video.person_ids]
            files = dict(zip(names, names, strict=True))
            written.append(VideoInFolder(video, video.splits_in(config), folder, files))
    folder.mkdir()
    rows = catalogue.videos[: catalogue.choose(config)[-1].row + 1]
    Published.finish(folder, written, rows)
    return [list(video.video.person_ids) for video in written]


@pytest.mark.parametrize("config", ["paper", "full", "published"])
def test_the_published_sampler_finds_everybody(tmp_path: Path, config: str) -> None:
    lists_of(config, tmp_path / "out")
    looked_up = st_neighbours(tmp_path / "out")
    assert len(looked_up) == 71
    assert looked_up[12] == [13, 14, 15, 16]  # of the video that `published` leaves out
    assert st_neighbours(tmp_path / "out", mended=True) != looked_up
    line = Published.how_to_read(tmp_path / "out", 71)
    assert eval(line, {"DanceReid": held_out}) == list(range(78, 88))


@pytest.mark.parametrize("people", [1, 2, 10, 11])
def test_the_line_to_read_it_works_with_few_people(tmp_path: Path, people: int) -> None:
    folder = tmp_path / 'a "folder"'
    folder.mkdir()
    splits = [{"trainval": list(range(people))}]
    (folder / "splits.json").write_text(json.dumps(splits))
    line = Published.how_to_read(folder, people)
    assert eval(line, {"DanceReid": held_out})


def test_mended_the_published_sampler_finds_everybody_whatever_is_missing(tmp_path: Path) -> None:
    failed = []
    for missing in Catalogue.read().choose("paper"):
        folder = tmp_path / missing.video_id
        written = lists_of("paper", folder, missing.video_id)
        (split,) = json.loads((folder / "splits.json").read_text())
        trainval = split["trainval"]
        for index, others in enumerate(st_neighbours(folder, mended=True)):
            together = {trainval[index], *(trainval[other] for other in others)}
            assert sorted(together) in written
        try:
            st_neighbours(folder)
        except LookupError:
            failed.append(missing.split)
    assert set(failed) == {"trainval"}  # as docs/export.md says
