"""One video in, its shards and its record out; on this machine and by executors."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest

import dancereid
from dancereid_pipeline.build.config import DanceReIDConfig
from dancereid_pipeline.common.errors import DanceReIDError, SourceError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.storage import Storage
from dancereid_pipeline.shards.build_shard import ShardJob, build_shard
from dancereid_pipeline.shards.engines import run_by, run_here
from dancereid_pipeline.shards.shard_jobs import jobs_of, part_of
from dancereid_pipeline.shards.shard_record import ShardRecord, record_names
from tests.support.data.folders import contents, prepared_files


def plan_jobs(folder: Path, **options: Any) -> list[ShardJob]:
    """The jobs of a data folder."""
    config = DanceReIDConfig(
        name="paper", data_dir=str(folder), catalogue=str(folder / "catalogue.csv"), **options
    )
    return jobs_of(config.request().plan())


@pytest.fixture
def jobs(small: Path) -> list[ShardJob]:
    """The jobs of the small folder."""
    return plan_jobs(small)


def test_whoever_builds_a_video_gets_the_same_bytes(jobs: list[ShardJob], tmp_path: Path) -> None:
    job = jobs[0]
    record = build_shard(job, Storage.of(tmp_path / "a"))
    again = build_shard(pickle.loads(pickle.dumps(job)), Storage.of(tmp_path / "b"))  # our own
    build_shard(job, Storage.of(tmp_path / "a"))  # over what is there
    assert again == record
    files = prepared_files(tmp_path / "a")
    assert files == prepared_files(tmp_path / "b")
    assert list(files) == ["000-aaa.json", "trainval-000-aaa.parquet"]
    assert len(pickle.dumps(job)) < 10_000


def test_a_shard_has_the_examples_of_the_builder(
    jobs: list[ShardJob], built: dict[str, list[str]], tmp_path: Path
) -> None:
    storage = Storage.of(tmp_path)
    records = [build_shard(job, storage) for job in jobs]
    for split in built:
        names = [s.name for r in records for s in r.shards if s.split == split]
        found = datasets.Dataset.from_parquet([str(tmp_path / name) for name in names])
        assert contents(found) == built[split]
        assert found.features == dancereid.DanceReID(config_name="demo").info.features
    assert [r.outcome.images for r in records] == [12, 6, 18, 6]
    assert [ShardRecord.read(storage, name) for name in record_names(storage)] == records


def test_a_video_in_two_splits_is_built_once(jobs: list[ShardJob], tmp_path: Path) -> None:
    job = replace(jobs[0], video=replace(jobs[0].video, splits=("trainval", "test")))
    record = build_shard(job, Storage.of(tmp_path))
    assert [shard.name for shard in record.shards] == [
        "trainval-000-aaa.parquet",
        "test-000-aaa.parquet",
    ]
    assert len({(tmp_path / shard.name).read_bytes() for shard in record.shards}) == 1


def test_a_video_without_an_image_has_only_a_record(folder: Path, tmp_path: Path) -> None:
    (folder / "videos" / "000_aaa.mp4").write_bytes(b"no clip")
    job = plan_jobs(folder, videos=["aaa", "ccc"])[0]
    output = tmp_path / "output"
    record = build_shard(job, Storage.of(output))
    assert record.outcome.reason is Reason.NOT_A_VIDEO
    assert str(folder) in record.outcome.detail
    assert list(prepared_files(output)) == ["000-aaa.json"]
    written = ShardRecord.read(Storage.of(output), "000-aaa")
    assert written == replace(record, outcome=replace(record.outcome, detail=""))
    left_out = plan_jobs(folder, videos=["aaa", "ccc"])[1]
    assert build_shard(left_out, Storage.of(tmp_path)).outcome.reason is Reason.LEFT_OUT


def test_what_a_record_depends_on(folder: Path) -> None:
    first = plan_jobs(folder)
    assert [job.inputs for job in first] == [job.inputs for job in plan_jobs(folder)]
    assert len({job.inputs for job in first}) == 4
    annotation = json.loads((folder / "annotation.json").read_text())
    annotation["ccc"]["3"] = [5]
    (folder / "annotation.json").write_text(json.dumps(annotation))
    os.utime(folder / "videos" / "003_ddd.mp4", (1, 1))
    second = plan_jobs(folder)
    changed = [a.inputs != b.inputs for a, b in zip(first, second, strict=True)]
    assert changed == [False, False, True, True]
    assert first[0].build == second[0].build
    assert first[0].build.differences(plan_jobs(folder, stride=1)[0].build) == ["stride=1, not 5"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["outcome"].update(examples=3), "says {'trainval': 3}"),
        (lambda r: r["outcome"].update(images=3), "count other images"),
        (lambda r: r["shards"][0].update(name="../x.parquet"), "it has shard"),
        (lambda r: r["outcome"].update(video_id="../aaa"), "is the record of"),
        (lambda r: r["figures"].update(images_a_person=[1]), "count other images"),
        (lambda r: r["build"]["options"].update(stride=0), "stride"),
        (lambda r: r.update(more=1), "is not known"),
        (lambda r: r.clear(), "is missing"),
    ],
)
def test_a_record_of_a_stranger_is_checked(
    jobs: list[ShardJob], tmp_path: Path, change: Callable[[Any], Any], said: str
) -> None:
    storage = Storage.of(tmp_path)
    build_shard(jobs[0], storage)
    values = json.loads(storage.read("000-aaa.json"))
    change(values)
    storage.write("000-aaa.json", json.dumps(values).encode())
    with pytest.raises(DanceReIDError, match=said):
        ShardRecord.read(storage, "000-aaa")
    storage.write("000-aaa.json", b"[" * 100_000)
    with pytest.raises(SourceError, match=r"000-aaa\.json: is not the record of a video"):
        ShardRecord.read(storage, "000-aaa")


def test_parts_have_whole_videos_and_about_the_same_work(small: Path) -> None:
    jobs = plan_jobs(small, stride=1)
    for parts in (1, 2, 3, 4, 7):
        shared = [part_of(jobs, number, parts) for number in range(1, parts + 1)]
        names = [job.name for part in shared for job in part]
        assert sorted(names) == [job.name for job in jobs]
        assert len(shared[0]) - len(shared[-1]) <= 1
    assert part_of(jobs, 7, 7) == []


# -- engines


class Losing(ThreadPoolExecutor):
    """Loses the first tasks that it is given, as an executor whose workers are killed."""

    lost = 1

    def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
        if self.lost:
            self.lost -= 1
            future: Future[Any] = Future()
            future.set_exception(RuntimeError("worker was killed"))
            return future
        return super().submit(*arguments, **options)


def test_a_task_that_is_lost_is_submitted_once_more(
    jobs: list[ShardJob], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Losing(1) as executor:
        records = list(run_by(executor, jobs, Storage.of(tmp_path)))
    assert sorted(record.name for record in records) == [job.name for job in jobs]
    assert "aaa: is built once more (RuntimeError: worker was killed)" in caplog.text


def test_a_task_that_is_lost_twice_is_an_error(jobs: list[ShardJob], tmp_path: Path) -> None:
    with Losing(1) as executor:
        executor.lost = 5  # the four tasks, and the first one again
        with pytest.raises(DanceReIDError, match=r"the worker that built it was lost.*twice"):
            list(run_by(executor, jobs, Storage.of(tmp_path)))


def test_an_executor_of_processes_builds_and_a_broken_one_is_an_error(
    jobs: list[ShardJob], tmp_path: Path
) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        records = list(run_by(executor, jobs[:1], Storage.of(tmp_path)))
        assert [record.name for record in records] == [jobs[0].name]
        with pytest.raises(BrokenExecutor):
            executor.submit(os._exit, 1).result()
        with pytest.raises(DanceReIDError, match=r"takes no tasks \(BrokenProcessPool"):
            list(run_by(executor, jobs, Storage.of(tmp_path)))


@pytest.mark.parametrize("engine", ["here", "executor"])
def test_a_folder_that_cannot_be_written_to_is_said(
    jobs: list[ShardJob], tmp_path: Path, engine: str
) -> None:
    (tmp_path / "file").write_text("")
    storage = Storage.of(tmp_path / "file" / "folder")
    with ThreadPoolExecutor(2) as executor:
        run = run_here(jobs, storage, 2) if engine == "here" else run_by(executor, jobs, storage)
        with pytest.raises(SourceError, match="cannot be used"):
            list(run)
