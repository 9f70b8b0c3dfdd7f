"""The published addresses, all hosts being one stand-in behind a proxy."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

import dancereid
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.transfer.settings import ANNOTATION_URL, DRIVE_IDS
from tests.conftest import PROJECT
from tests.support.servers.drive import QUOTA, Drive, trust
from tests.support.servers.remote import zipped
from tests.support.servers.web import page

VIDEO = "LuidpS7an4w"
CLIP = f"/005_{VIDEO}.mp4"


@pytest.fixture(scope="module")
def rehearsed(real_annotation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in of one real video, at its real length."""
    folder = tmp_path_factory.mktemp("rehearsed")
    labels = json.loads(real_annotation.read_text())
    (folder / "one.json").write_text(json.dumps({VIDEO: labels[VIDEO]}))
    script = PROJECT / "tools" / "rehearse.py"
    command = [sys.executable, script, folder / "one.json", folder / "data"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "data"


@pytest.fixture
def internet(
    rehearsed: Path,
    real_annotation: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    online: list[float],
) -> Iterator[Drive]:
    authority = trustme.CA()
    for name, value in trust(authority, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "authority.pem"))
    monkeypatch.setattr(random, "uniform", lambda a, b: 0.0)  # gdown's wait before a retry
    monkeypatch.setattr("dancereid_pipeline.transfer.google_drive._PAUSES_S", (0.0, 0.0))
    address = urlsplit(ANNOTATION_URL)
    hosts = {str(address.hostname): {address.path: real_annotation.read_bytes()}}
    with Drive(authority, hosts=hosts) as drive:
        drive.files[f"/{DRIVE_IDS[0]}"] = zipped(rehearsed)
        drive.files[CLIP] = (rehearsed / "videos" / CLIP[1:]).read_bytes()
        yield drive


def load(internet: Drive, tmp_path: Path) -> object:
    return dancereid.load_dataset(
        "paper",
        split="trainval",
        videos=[VIDEO],
        proxy=internet.url,
        video_url="http://mirror.lab/{clip}.mp4",
        download_dir=str(tmp_path / "downloads"),
        cache_dir=str(tmp_path / "cache"),
    )


def test_everything_comes_from_where_it_was_published(internet: Drive, tmp_path: Path) -> None:
    ds = load(internet, tmp_path)
    assert len(ds) == 1112
    assert dancereid.coverage(ds).whole
    hosts = [request.host for request in internet.requests]
    assert hosts[0] == "raw.githubusercontent.com"
    assert hosts[-1] == "mirror.lab"
    assert "drive.usercontent.google.com" in hosts
    record = json.loads((tmp_path / "downloads" / "npy.json").read_text())
    assert DRIVE_IDS[0] in record["address"]
    internet.requests.clear()
    assert len(load(internet, tmp_path)) == 1112
    assert internet.requests == []


def test_where_the_newer_archive_is_not_to_be_had_the_older_is_taken(
    internet: Drive, tmp_path: Path
) -> None:
    internet.files[f"/{DRIVE_IDS[1]}"] = internet.files.pop(f"/{DRIVE_IDS[0]}")
    internet.answers["warning"] = [page(QUOTA)]
    assert len(load(internet, tmp_path)) == 1112
    record = json.loads((tmp_path / "downloads" / "npy.json").read_text())
    assert DRIVE_IDS[1] in record["address"]


def test_without_any_the_error_says_what_helps(internet: Drive, tmp_path: Path) -> None:
    internet.answers["warning"] = [page(QUOTA, always=True)]
    with pytest.raises(SourceError) as error:
        load(internet, tmp_path)
    said = str(error.value)
    for words in (*DRIVE_IDS, "quota", "wait a day", "cookies=", "your own Drive", "archive="):
        assert words in said
    assert str(tmp_path / "downloads" / "npy") + ".zip" in said
    assert not list((tmp_path / "downloads").glob("npy*"))


def test_a_page_that_drive_sends_as_the_file_is_not_kept(internet: Drive, tmp_path: Path) -> None:
    for file_id in DRIVE_IDS:
        internet.files[f"/{file_id}"] = b"<!DOCTYPE html><title>Sign in</title>"
    with pytest.raises(SourceError, match=r"expected an archive.*a web page"):
        load(internet, tmp_path)
    assert not list((tmp_path / "downloads").glob("npy*"))


def test_another_annotation_than_the_published_is_refused(internet: Drive, tmp_path: Path) -> None:
    (place,) = (path for path in internet.files if path.startswith("raw.githubusercontent.com"))
    internet.files[place] = internet.files[place].replace(b"1", b"2", 1)
    with pytest.raises(SourceError, match=r"expected the published file \(sha256 66ddffe4"):
        load(internet, tmp_path)
    assert not list((tmp_path / "downloads").glob("annotation*"))
