"""From nothing to examples over real HTTP: built."""

from __future__ import annotations

import json
import re
from pathlib import Path

import datasets
import pytest
from datasets import load_dataset

import dancereid
from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import (
    DanceReIDError,
    MissingVideosError,
    OptionError,
    SourceError,
)
from dancereid_pipeline.fetch.input_store import _short
from tests.conftest import PEOPLE
from tests.support.data.folders import all_contents, contents
from tests.support.servers.remote import paths, zipped
from tests.support.servers.web import Answer, Site, page

CLIPS = {f"/videos/{row:03d}_{video_id}.mp4" for row, video_id in enumerate(PEOPLE)}


def test_everything_is_fetched_once_and_built(
    site: Site,
    remote: dict[str, str],
    built: dict[str, list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ds = load_dataset("dancereid", **remote)
    assert "4 of 4 videos, 7 of 7 people, 42 of 42 images" in capsys.readouterr().err
    assert all_contents(ds) == built
    assert dancereid.coverage(ds).whole
    assert paths(site) == ["/annotation.json", "/npy.zip", *sorted(CLIPS)]
    assert site.asked() == 0
    again = load_dataset("dancereid", **remote)
    assert all_contents(again) == built
    assert again["test"].cache_files == ds["test"].cache_files
    assert all_contents(load_dataset("dancereid", streaming=True, **remote)) == built
    assert paths(site) == []


def test_what_is_missing_is_said_and_only_what_may_come_back_is_asked_for_again(
    site: Site,
    remote: dict[str, str],
    built: dict[str, list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone, late = "/videos/000_aaa.mp4", "/videos/002_ccc.mp4"
    kept = {path: site.files.pop(path) for path in (gone,)}
    site.answers[late] = [Answer(status=403, always=True)]
    ds = load_dataset("dancereid", **remote)
    coverage = dancereid.coverage(ds)
    assert {o.video_id: o.reason.value for o in coverage.outcomes if not o.images} == {
        "aaa": "removed",
        "ccc": "unavailable",
    }
    since = {o.video_id: o.since for o in coverage.outcomes}
    assert since["aaa"][:2] == since["ccc"][:2] == "20"
    assert since["bbb"] == since["ddd"] == ""
    assert "removed (1): aaa. It was taken down" in caplog.text
    assert "unavailable (1): ccc. Run it again tomorrow" in caplog.text
    assert len(ds["trainval"]) == 6
    paths(site)

    # Nothing has changed: the same files are used, and only one is asked for.
    assert load_dataset("dancereid", **remote)["test"].cache_files == ds["test"].cache_files
    assert paths(site) == [late]

    # What a build once said of a video that is not there need not be so today.
    site.answers[late] = [Answer(status=451, always=True)]
    same = load_dataset("dancereid", **remote)
    assert same["test"].cache_files == ds["test"].cache_files
    assert dancereid.coverage(same).outcomes[2].reason.value == "blocked in this country"
    assert dancereid.coverage(same).fingerprint == coverage.fingerprint
    assert dancereid.coverage(same).outcomes[0].since == since["aaa"]

    # All there again: what is gone is only asked for if that is wanted.
    site.files.update(kept)
    site.answers.clear()
    paths(site)
    load_dataset("dancereid", cookies=None, proxy=None, **remote)
    assert paths(site) == []  # gone, and blocked as long as it is asked for in the same way
    ds = load_dataset("dancereid", download_mode="force_redownload", **remote)
    assert paths(site) == [gone, late]
    assert all_contents(ds) == built


def test_missing_videos_can_be_an_error(site: Site, remote: dict[str, str]) -> None:
    del site.files["/videos/001_bbb.mp4"]
    with pytest.raises(MissingVideosError, match=r"bbb: removed\. .*HTTP Error 404.*gone"):
        load_dataset("dancereid", missing="error", **remote)


def test_a_builder_made_before_anything_was_here_builds_under_the_right_name(
    remote: dict[str, str], cache: str
) -> None:
    early = datasets.load_dataset_builder("dancereid", **remote)
    ds = load_dataset("dancereid", **remote)
    early.download_and_prepare()
    assert early.as_dataset(split="test").cache_files == ds["test"].cache_files
    arrows = [str(path) for path in Path(cache).rglob("*.arrow")]
    assert len(arrows) == 2
    assert not [path for path in arrows if "unfetched" in path]


def test_a_folder_in_which_all_is_there_is_not_written_to(
    remote: dict[str, str], built: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_dataset("dancereid", **remote)

    def lock(folder: Path, name: str) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    for module in ("common.files", "fetch.manifest"):
        monkeypatch.setattr(f"dancereid_pipeline.{module}.lock", lock)
    ds = load_dataset("dancereid", download_mode="force_redownload", **remote)
    assert all_contents(ds) == built


def test_what_lets_somebody_in_is_kept_nowhere(site: Site, remote: dict[str, str]) -> None:
    for name in ("annotation", "archive", "video_url"):
        remote[name] = remote[name].replace("http://", "http://joe:hunter2@") + "?token=pa55"
    del site.files["/videos/001_bbb.mp4"]
    ds = load_dataset("dancereid", **remote)
    assert len(ds["test"]) == 18
    files = [
        path
        for folder in ("download_dir", "cache_dir")
        for path in Path(remote[folder]).rglob("*")
        if path.is_file()
    ]
    assert len(files) > 10
    for path in files:
        assert not {b"hunter2", b"pa55"} & set(re.findall(rb"hunter2|pa55", path.read_bytes()))
    assert "/videos/001_bbb.mp4: HTTP Error 404" in dancereid.coverage(ds).outcomes[1].detail


def test_the_environment_says_where_things_are(
    site: Site,
    remote: dict[str, str],
    small: Path,
    built: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {name: remote.pop(name) for name in list(remote) if name not in ("cache_dir",)}
    catalogue = options.pop("catalogue")
    for name, value in options.items():
        monkeypatch.setenv(f"DANCEREID_{name.upper()}", value)
    ds = load_dataset("dancereid", catalogue=catalogue, **remote)
    assert all_contents(ds) == built
    assert Path(options["download_dir"], "videos", "manifest.json").is_file()
    # A folder that is named has its own; nothing is asked for.
    paths(site)
    site.files.clear()
    folder = {"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}
    assert all_contents(load_dataset("dancereid", **folder, **remote)) == built
    assert paths(site) == []


def test_files_that_a_user_has_are_used_where_they_are(
    site: Site, remote: dict[str, str], small: Path, built: dict[str, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "tracks.tgz").write_bytes(zipped(small))  # what it is, its first bytes tell
    for archive in (small / "npy", tmp_path / "tracks.tgz"):
        local = {**remote, "annotation": str(small / "annotation.json"), "archive": str(archive)}
        assert all_contents(load_dataset("dancereid", **local)) == built
    assert sorted(paths(site)) == sorted(CLIPS)
    assert not list(Path(remote["download_dir"]).glob("npy*"))


def test_an_archive_put_in_place_by_hand_is_used(
    site: Site, remote: dict[str, str], small: Path, built: dict[str, list[str]]
) -> None:
    site.answers["/npy.zip"] = [page("<!DOCTYPE html>Quota exceeded", always=True)]
    with pytest.raises(SourceError) as error:
        load_dataset("dancereid", **remote)
    assert "a web page" in str(error.value)
    place = next(word for word in str(error.value).split() if word.endswith(".zip"))
    assert Path(place).parent == Path(remote["download_dir"])
    assert [p.name for p in Path(place).parent.glob("npy*")] == []  # a page is not kept
    Path(place).write_bytes(zipped(small))
    paths(site)
    assert all_contents(load_dataset("dancereid", **remote)) == built
    assert "/npy.zip" not in paths(site)


def test_an_archive_that_gives_no_ranges_is_fetched_as_a_whole(
    site: Site, remote: dict[str, str], built: dict[str, list[str]]
) -> None:
    site.ranges = False
    stream = load_dataset("dancereid", streaming=True, **remote)
    assert all_contents(stream) == built
    downloads = Path(remote["download_dir"])
    (record,) = downloads.glob("npy*.json")
    assert json.loads(record.read_text())["bytes"] == len(site.files["/npy.zip"])
    assert {p.suffix for p in downloads.glob("npy*") if p.is_file()} == {".zip", ".json"}
    assert {p.name for p in (downloads / "videos").glob("*.mp4")} == {Path(c).name for c in CLIPS}


def test_an_archive_without_tracks_is_not_kept(site: Site, remote: dict[str, str]) -> None:
    right, site.files["/npy.zip"] = site.files["/npy.zip"], b"PK\x05\x06" + bytes(18)
    with pytest.raises(SourceError, match="expected npy files in the archive, found none"):
        load_dataset("dancereid", **remote)
    assert not list(Path(remote["download_dir"]).glob("npy*"))
    # A part of that other archive is no part of this one.
    part = (
        Path(remote["download_dir"])
        / f"npy-{_short(Address(remote['archive']))}.fetched.unchecked.part"
    )
    part.write_bytes(right[:100] + b"x" * 100)
    site.files["/npy.zip"] = right
    assert len(load_dataset("dancereid", **remote)["test"]) == 24


def test_an_annotation_that_is_none_is_not_kept(site: Site, remote: dict[str, str]) -> None:
    site.answers["/annotation.json"] = [page("<html>captive portal</html>")]
    with pytest.raises(SourceError, match=r"Expected \{.*captive portal.*a web page.*by hand"):
        load_dataset("dancereid", **remote)
    assert not list(Path(remote["download_dir"]).glob("annotation*"))
    assert len(load_dataset("dancereid", **remote)["test"]) == 24


def test_offline_what_is_here_is_used(
    site: Site,
    remote: dict[str, str],
    built: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    load_dataset("dancereid", videos=["aaa", "bbb"], **remote)
    paths(site)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    ds = load_dataset("dancereid", **remote)
    assert (len(ds["trainval"]), len(ds["test"])) == (12, 6)
    assert all_contents(ds) == {"trainval": built["trainval"][:12], "test": built["test"][:6]}
    stream = load_dataset("dancereid", streaming=True, split="test", **remote)
    assert contents(stream) == built["test"][:6]
    assert "offline mode" in caplog.text
    assert paths(site) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"annotation": "nowhere.json"}, r"nowhere\.json: cannot read the annotation"),
        ({"archive": "nowhere.zip"}, r"nowhere\.zip: the tracks cannot be read"),
        ({"catalogue": None}, r"video 'aaa' is not in the catalogue"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_wrong_is_said_before_a_clip_is_asked_for(
    site: Site, remote: dict[str, str], wrong: dict[str, str], said: str, streaming: bool
) -> None:
    with pytest.raises(DanceReIDError, match=said):
        load_dataset("dancereid", streaming=streaming, **{**remote, **wrong})
    assert not [path for path in paths(site) if path.startswith("/videos")]


def test_a_folder_that_has_everything_leaves_no_other(
    small: Path, cache: str, tmp_path: Path
) -> None:
    options = {"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}
    downloads = tmp_path / "downloads"
    load_dataset("dancereid", cache_dir=cache, download_dir=str(downloads), **options)
    assert not downloads.exists()


def test_features_can_be_looked_at_before_anything_is_fetched(
    site: Site, remote: dict[str, str]
) -> None:
    builder = datasets.load_dataset_builder("dancereid", **remote)
    assert "keypoints" in builder.info.features
    assert paths(site) == []


def test_a_folder_and_an_address_of_clips_exclude_each_other(
    remote: dict[str, str], small: Path
) -> None:
    with pytest.raises(OptionError, match=r"video_url: the clips are those in"):
        load_dataset("dancereid", data_dir=str(small), **remote)
