from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.files import sha256
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.manifest import Entry, Manifest, found
from dancereid_pipeline.formats.clip_facts import ClipFacts
from tests.conftest import PROJECT

REFUSED = Entry(
    video_id="bbb",
    outcome=Reason.REMOVED,
    detail="Video unavailable",
    when="2026-01-02T03:04:05+00:00",
    address="http://site/bbb",
    yt_dlp="2026.01.01",
    asked_with="0123abcd",
)
DATED = replace(REFUSED, since=REFUSED.when)
FACTS = ClipFacts(frames=40, width=160, height=120, fps=29.97, codec="h264")
# Notes a video a line; the first argument is the folder.
NOTE = """
import sys
from pathlib import Path
from dancereid_pipeline.common.errors import Reason
from dancereid_pipeline.fetch.manifest import Entry, Manifest
for name in sys.argv[2:]:
    entry = Entry(video_id=name, outcome=Reason.PRIVATE, when="2026", detail=name * 500)
    Manifest(Path(sys.argv[1])).note(entry)
    print(name, flush=True)
"""


def noting(folder: Path, names: list[str]) -> subprocess.Popen[str]:
    """A process that notes these videos."""
    command = [sys.executable, "-c", NOTE, str(folder), *names]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def used(tmp_path: Path) -> Entry:
    """The entry of a clip in the folder."""
    path = tmp_path / "000_aaa.mp4"
    path.write_bytes(b"a clip")
    return found("aaa", path, FACTS)


def test_what_was_noted_is_read_again(tmp_path: Path, used: Entry) -> None:
    manifest = Manifest(tmp_path)
    assert manifest.read() == {}
    manifest.note(REFUSED)
    manifest.note(used)
    assert manifest.read() == {"aaa": used, "bbb": DATED}
    later = replace(REFUSED, outcome=Reason.NETWORK, detail="")
    manifest.note(later)
    assert Manifest(tmp_path).read() == {"aaa": used, "bbb": replace(later, since=later.when)}


def test_since_when_a_video_is_away_goes_on_while_the_reason_stays(
    tmp_path: Path, used: Entry
) -> None:
    manifest = Manifest(tmp_path)

    def since(day: int, outcome: Reason) -> str:
        when = f"2026-07-{day:02d}T12:00:00+00:00"
        manifest.note(replace(REFUSED, outcome=outcome, when=when))
        return manifest.read()["bbb"].since[:10]

    assert since(1, Reason.REMOVED) == "2026-07-01"
    assert since(2, Reason.REMOVED) == "2026-07-01"
    assert since(3, Reason.PRIVATE) == "2026-07-03"
    assert since(4, Reason.PRIVATE) == "2026-07-03"
    manifest.note(replace(used, video_id="bbb"))
    assert manifest.read()["bbb"].since == ""
    assert since(5, Reason.PRIVATE) == "2026-07-05"


def test_the_file_is_json_for_people_and_programs(tmp_path: Path, used: Entry) -> None:
    manifest = Manifest(tmp_path)
    manifest.note(REFUSED)
    manifest.note(used)
    text = (tmp_path / "manifest.json").read_text()
    first, second = json.loads(text)["videos"]
    assert first == {
        "video_id": "aaa",
        "outcome": "used",
        "when": used.when,
        "file": "000_aaa.mp4",
        "bytes": 6,
        "changed_ns": (tmp_path / "000_aaa.mp4").stat().st_mtime_ns,
        "sha256": sha256(tmp_path / "000_aaa.mp4"),
        "clip": asdict(FACTS),
    }
    # What an entry does not say is left out.
    assert list(second) == [
        *("video_id", "outcome", "detail", "when", "since", "address", "yt_dlp", "asked_with"),
    ]
    assert '\n   "outcome": "removed",\n' in text


def test_an_entry_is_of_the_file_that_was_looked_at(tmp_path: Path, used: Entry) -> None:
    path = tmp_path / used.file
    assert used.is_of(path)
    os.utime(path, ns=(0, used.changed_ns + 1))
    assert not used.is_of(path)
    os.utime(path, ns=(0, used.changed_ns))
    assert used.is_of(path)
    assert not used.is_of(path.rename(tmp_path / "aaa.mp4"))
    path.write_bytes(b"another clip")
    os.utime(path, ns=(0, used.changed_ns))
    assert not used.is_of(path)


ENTRY = {"video_id": "aaa", "outcome": "used", "when": "2026"}
CLIP = asdict(FACTS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"videos": [',
        b"\xff\xfe",
        [],
        3,
        {},
        {"videos": None},
        {"videos": {"aaa": ENTRY}},
        {"videos": [7]},
        {"videos": [{}]},
        {"videos": [{**ENTRY, "outcome": "lost"}]},
        {"videos": [{**ENTRY, "colour": "red"}]},
        {"videos": [{**ENTRY, "video_id": 5}]},
        {"videos": [{**ENTRY, "when": None}]},
        {"videos": [{**ENTRY, "file": ["a.mp4"]}]},
        {"videos": [{**ENTRY, "address": 1}]},
        {"videos": [{**ENTRY, "clip": None}]},
        {"videos": [{**ENTRY, "clip": {"frames": 3}}]},
        {"videos": [{**ENTRY, "clip": {**CLIP, "colour": "red"}}]},
        {"videos": [{**ENTRY, "clip": {**CLIP, "frames": "many"}}]},
    ],
)
def test_a_file_that_is_no_manifest_is_said_and_left_alone(tmp_path: Path, content: Any) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    (tmp_path / "manifest.json").write_bytes(raw)
    with pytest.raises(
        SourceError, match=r"manifest\.json: is not a manifest.*Move it away"
    ) as error:
        Manifest(tmp_path).read()
    assert str(tmp_path) in str(error.value)
    with pytest.raises(SourceError):
        Manifest(tmp_path).note(REFUSED)
    assert (tmp_path / "manifest.json").read_bytes() == raw


def test_a_whole_number_will_do_for_a_rate(tmp_path: Path) -> None:
    clip = {**CLIP, "fps": 30}
    content = {"videos": [{**ENTRY, "clip": clip}]}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert Manifest(tmp_path).read()["aaa"].clip == ClipFacts(**clip)


def test_notes_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    names = [[f"{process}-{number}" for number in range(15)] for process in range(3)]
    processes = [noting(tmp_path, some) for some in names]
    assert [len(process.communicate()[0].split()) for process in processes] == [15, 15, 15]
    assert set(Manifest(tmp_path).read()) == {name for some in names for name in some}


def test_a_kill_leaves_a_manifest_that_can_be_read(tmp_path: Path) -> None:
    after = 17
    with noting(tmp_path, [f"video-{number}" for number in range(2000)]) as process:
        assert process.stdout is not None
        noted = [process.stdout.readline().strip() for _ in range(after)]
        process.kill()
    entries = Manifest(tmp_path).read()
    assert process.returncode != 0
    assert len(noted) == after
    assert set(noted) <= set(entries)
    # Nor does what it was at stand in the way of the next.
    Manifest(tmp_path).note(REFUSED)
    assert Manifest(tmp_path).read() == {**entries, "bbb": DATED}


def test_a_write_that_fails_leaves_the_last_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest(tmp_path)
    manifest.note(REFUSED)
    write = Path.write_text

    def half(path: Path, text: str, encoding: str) -> None:
        write(path, text[: len(text) // 2], encoding)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="No space left"):
        manifest.note(replace(REFUSED, video_id="ccc"))
    assert manifest.read() == {"bbb": DATED}
