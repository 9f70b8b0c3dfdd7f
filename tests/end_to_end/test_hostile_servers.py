"""Servers that answer without end, without sense or hardly at all: limits of time and size hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import load_dataset

import dancereid
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.reasons import Fate, Reason, fate
from dancereid_pipeline.doctor import environment
from dancereid_pipeline.fetch import clip_fetcher, input_store, tracks_download
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.hostile import BROKEN, LARGE, SLOW
from tests.support.servers.pages import Pages, fetch, fetcher_of
from tests.support.servers.pages import online as online_pages
from tests.support.servers.web import Answer, Site

LIMIT_S = 0.5
MOST = 1 << 20
ALL = {**SLOW, **LARGE, **BROKEN}


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may have a MiB, so that no test has to send more."""
    monkeypatch.setattr(input_store, "MAX_BYTES", MOST)
    monkeypatch.setattr(tracks_download, "MAX_UNPACKED_BYTES", MOST)
    monkeypatch.setattr(clip_fetcher, "MAX_FILE_BYTES", MOST)


def said(name: str, message: str) -> None:
    """Makes sure that a message is a line that says what happened."""
    if name in SLOW:
        assert f"took longer than {LIMIT_S} s" in message
    if name in LARGE:
        assert f"expected at most {MOST:,} bytes, got " in message
    assert "Traceback" not in message
    assert ".." not in message.replace("...", "")


def kept(folder: Path) -> int:
    """The bytes that are kept in a folder, but for locks and records."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".lock", ".json")]
    return sum(p.stat().st_size for p in files)


@pytest.mark.parametrize("name", ALL)
def test_an_annotation(site: Site, remote: dict[str, str], name: str) -> None:
    site.answers["/annotation.json"] = [ALL[name]]
    limit = {"time_limit": LIMIT_S} if name in SLOW else {}
    with pytest.raises(SourceError) as error:
        load_dataset("dancereid", **remote, **limit)
    message = str(error.value)
    said(name, message)
    assert message.startswith(remote["annotation"])
    assert "\n" not in message
    assert kept(Path(remote["download_dir"])) < 2 * MOST


@pytest.mark.parametrize("name", ALL)
def test_an_archive(site: Site, remote: dict[str, str], small: Path, name: str) -> None:
    site.answers["/npy.zip"] = [ALL[name]]
    limit = {"time_limit": LIMIT_S} if name in SLOW else {}
    remote["annotation"] = str(small / "annotation.json")
    with pytest.raises(SourceError) as error:
        load_dataset("dancereid", **remote, **limit)
    _, cause, help_, *more = str(error.value).splitlines()
    said(name, cause)
    assert cause.startswith(f"  {remote['archive']}: ")
    assert (help_[:12], more) == ("What helps: ", [])
    assert kept(Path(remote["download_dir"])) < 2 * MOST


@pytest.mark.parametrize("name", ALL)
def test_a_clip(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    online_pages(monkeypatch)
    with Pages() as site:
        site.answers["/lab/000_aaa.mp4"] = [ALL[name]]
        fetcher = fetcher_of(tmp_path, site.by_clip, time_limit=LIMIT_S if name in SLOW else 60)
        entry = fetch(fetcher)
    assert fate(entry.outcome) is not Fate.GONE
    assert entry.outcome not in (Reason.USED, Reason.NOT_TRIED)
    assert len(entry.detail) < 400
    said(name, entry.detail)
    assert kept(tmp_path / "videos") < 2 * MOST


@pytest.mark.parametrize("name", SLOW)
def test_a_page(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    online_pages(monkeypatch)
    with Pages() as site:
        site.answers["/watch?v=aaa"] = [ALL[name]]
        entry = fetch(fetcher_of(tmp_path, site.by_page, time_limit=LIMIT_S))
    assert entry.outcome is Reason.NETWORK
    said(name, entry.detail)


def test_a_page_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    online_pages(monkeypatch)
    monkeypatch.setattr("dancereid_pipeline.transfer.http_client.MAX_PAGE_BYTES", MOST)
    for name, answer in LARGE.items():
        with Pages() as site:
            site.answers["/watch?v=aaa"] = [answer]
            if name != "3 GiB":  # of which no more comes than it has
                said(name, fetch(fetcher_of(tmp_path, site.by_page)).detail)


@pytest.mark.parametrize("name", ["two bytes at a time", "slow headers"])
def test_a_stream(site: Site, remote: dict[str, str], name: str) -> None:
    # Enough for the other clip, whose requests have the same limit, on a busy machine.
    stream = load_dataset("dancereid", streaming=True, split="test", time_limit=5.0, **remote)
    site.answers["/videos/001_bbb.mp4"] = [SLOW[name]]
    assert {example["video_id"] for example in stream} == {"ccc"}


def test_a_build_goes_on_without_the_video(site: Site, remote: dict[str, str]) -> None:
    site.answers["/videos/001_bbb.mp4"] = [BROKEN["no number as length"]]
    ds = load_dataset("dancereid", **remote)
    assert set(ds["test"]["video_id"]) == {"ccc"}
    (outcome,) = (o for o in dancereid.coverage(ds).outcomes if not o.whole)
    assert (outcome.video_id, outcome.reason) == ("bbb", Reason.UNAVAILABLE)
    assert "the answer of the server is not valid" in outcome.detail


def test_doctor_does_not_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_REQUEST_S", LIMIT_S)
    site.answers["/annotation.json"] = [SLOW["slow headers"]]
    network = Network.read({"annotation": site.address("/annotation.json"), "archive": "npy"}, {})
    found = {c.name: c for c in environment.reach_checks(network, offline=False, client=True)}
    assert found["annotation"].state == "no"
    assert f"no answer within {LIMIT_S} s" in found["annotation"].found


def test_a_large_file_is_refused_before_it_comes(site: Site, remote: dict[str, str]) -> None:
    site.answers["/annotation.json"] = [
        Answer(headers={"Content-Length": str(3 << 30)}, body=bytes(MOST // 2), always=True)
    ]
    with pytest.raises(SourceError, match="expected at most 1,048,576 bytes, got 3,221,225,472;"):
        load_dataset("dancereid", **remote)
    assert len(site.requests) == 1
