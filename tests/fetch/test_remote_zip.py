from __future__ import annotations

import io
import os
import random
import resource
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from dancereid_pipeline.common.errors import Reason, SourceError, VideoError
from dancereid_pipeline.fetch import remote_zip
from dancereid_pipeline.fetch.remote_zip import RemoteTracks, RemoteZip
from dancereid_pipeline.formats import track_archive as archives
from dancereid_pipeline.transfer.download import NoRangesError, client
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.web import Answer, Site, page

MEMBERS = {
    f"npy/333_{i:02}_video{i}_matching.npy": random.Random(i).randbytes(50_000 + i)
    for i in range(20)
}
NAME = "npy/333_07_video7_matching.npy"


def zipped(members: dict[str, bytes] = MEMBERS, comment: bytes = b"", zip64: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
        archive.comment = comment
    return file.getvalue()


ARCHIVE = zipped()


@pytest.fixture
def site(site: Site, online: list[float]) -> Site:
    site.files["/npy.zip"] = ARCHIVE
    return site


def listed(site: Site) -> dict[str, int]:
    with RemoteZip(site.address("/npy.zip"), Network()) as archive:
        return dict(archive.tracks())


def tracks(site: Site, folder: Path, name: str = NAME) -> RemoteTracks:
    size = listed(site)[name]
    kept = folder / "npy" / Path(name).name
    return RemoteTracks(site.address("/npy.zip"), name, size, Network(), kept)


def refused(track: RemoteTracks, says: str) -> VideoError:
    with pytest.raises(VideoError, match=says) as error:
        track.read()
    assert not track.kept.exists()
    return error.value


def test_members_are_listed_with_few_bytes(site: Site) -> None:
    assert listed(site) == {name: len(content) for name, content in MEMBERS.items()}
    assert len(site.files["/npy.zip"]) > 10**6
    assert (len(site.requests), site.asked()) == (1, 8192)


def test_what_is_no_npy_file_is_not_listed(site: Site) -> None:
    site.files["/npy.zip"] = zipped(
        {"a/x.npy": b"1", "a/.x.npy": b"2", "a.txt": b"", "x.npy/": b""}
    )
    assert listed(site) == {"a/x.npy": 1}


@pytest.mark.parametrize("name", [min(MEMBERS), NAME, max(MEMBERS)])
def test_a_member_is_read_without_the_others(site: Site, tmp_path: Path, name: str) -> None:
    track = tracks(site, tmp_path, name)
    site.requests.clear()
    assert track.read() == MEMBERS[name]
    assert (track.name, str(track)) == (name, f"{site.url}/npy.zip::{name}")
    # The end with the directory, and the member.
    assert len(site.requests) == 2
    assert site.asked() < 8192 + len(MEMBERS[name]) + 200


def test_what_was_read_is_kept(site: Site, tmp_path: Path) -> None:
    track = tracks(site, tmp_path)
    track.read()
    assert [p.name for p in (tmp_path / "npy").iterdir()] == [Path(NAME).name]
    site.requests.clear()
    assert track.read() == MEMBERS[NAME] == track.kept.read_bytes()
    assert site.requests == []


def test_a_folder_that_cannot_be_made_is_told(site: Site, tmp_path: Path) -> None:
    track = tracks(site, tmp_path)
    (tmp_path / "npy").write_text("mine")
    with pytest.raises(SourceError, match=r"npy: cannot be made \(File exists\)"):
        track.read()


def test_a_full_disk_is_told_and_nothing_half_is_kept(site: Site, tmp_path: Path) -> None:
    track = tracks(site, tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(SourceError, match=r"matching\.npy: cannot be written .* Make room"):
            track.read()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "npy").iterdir()) == []
    assert track.read() == MEMBERS[NAME]


def test_a_damaged_member_is_that_videos_outcome(site: Site, tmp_path: Path) -> None:
    track = tracks(site, tmp_path)
    content = bytearray(site.files["/npy.zip"])
    content[content.index(NAME.encode()) + 10_000] ^= 1
    site.files["/npy.zip"] = bytes(content)
    error = refused(track, r"matching\.npy: cannot be read \(.*\)\. Get the archive in another way")
    assert error.reason is Reason.BAD_TRACKS
    assert tracks(site, tmp_path, max(MEMBERS)).read() == MEMBERS[max(MEMBERS)]


def overwritten(site: Site, at: int, value: int) -> None:
    """Writes a number of four bytes into the archive."""
    content = bytearray(site.files["/npy.zip"])
    struct.pack_into("<I", content, at, value)
    site.files["/npy.zip"] = bytes(content)


# Places in a member's header, at the start of the archive and in the directory.
LOCAL_PACKED, LOCAL_SIZE, PACKED, SIZE, PLACE = 18, 22, 20, 24, 42


@pytest.mark.parametrize("at", [LOCAL_PACKED, LOCAL_SIZE])
def test_a_damaged_local_header_does_no_harm(site: Site, tmp_path: Path, at: int) -> None:
    overwritten(site, site.files["/npy.zip"].index(NAME.encode()) - 30 + at, 2**32 - 1)
    assert tracks(site, tmp_path).read() == MEMBERS[NAME]


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        (SIZE, 10, "Bad CRC-32"),
        (SIZE, 2**32 - 2, "4,294,967,294 bytes, more than the 268,435,456 that tracks may have"),
        (PACKED, 10, "cannot be read"),
        (PLACE, 10, "cannot be read"),
        (PLACE, 2**32 - 2, "a part from 4,294,967,294 to "),
    ],
)
def test_a_directory_that_lies_of_a_member_is_noticed(
    site: Site, tmp_path: Path, at: int, value: int, says: str
) -> None:
    overwritten(site, site.files["/npy.zip"].rindex(NAME.encode()) - 46 + at, value)
    track = tracks(site, tmp_path)
    site.requests.clear()
    assert refused(track, says).reason is Reason.BAD_TRACKS
    assert site.asked() < 200_000


@pytest.mark.parametrize("value", [10, 2**32 - 2])
def test_an_end_that_lies_of_the_directory_is_noticed(
    site: Site, tmp_path: Path, value: int
) -> None:
    end = len(site.files["/npy.zip"]) - 22
    overwritten(site, end + 16, value)  # where it begins: `zipfile` believes its size instead
    refused(tracks(site, tmp_path), "a part from -?[0-9,]+ to ")
    overwritten(site, end + 12, value)  # its size
    with pytest.raises(zipfile.BadZipFile):
        listed(site)
    assert site.asked() < 200_000


def test_a_member_that_is_listed_as_too_large_is_not_asked_for(site: Site, tmp_path: Path) -> None:
    track = replace(tracks(site, tmp_path), size=(256 << 20) + 1)
    site.requests.clear()
    assert refused(track, "268,435,457 bytes, more than").reason is Reason.BAD_TRACKS
    assert site.requests == []


def test_the_file_on_the_server_reads_as_one_on_disk(site: Site) -> None:
    site.files["/a.bin"] = content = random.Random(3).randbytes(20_000)
    steps = [(-1, io.SEEK_END, 5), (-9000, io.SEEK_END, 900), (-850, io.SEEK_CUR, 900)]
    steps += [(0, io.SEEK_SET, 10), (0, io.SEEK_CUR, 10), (11_000, io.SEEK_SET, 3000)]
    steps += [(-5, io.SEEK_CUR, 10), (19_990, io.SEEK_SET, 99), (12_000, io.SEEK_SET, -1)]
    steps += [(20_000, io.SEEK_SET, 5), (99_999, io.SEEK_SET, 5), (3, io.SEEK_SET, 0)]
    local = io.BytesIO(content)
    with client(Network()) as ydl:
        remote = remote_zip._RangeFile(ydl, site.address("/a.bin"))
        for place, whence, count in steps:
            assert remote.seek(place, whence) == local.seek(place, whence)
            assert remote.read(count) == local.read(count)
            assert remote.tell() == local.tell()
        with pytest.raises(OSError, match="before"):
            remote.seek(-20_001, io.SEEK_END)
        assert remote.tell() == local.tell()


def test_no_part_is_larger_than_tracks_can_be(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = tracks(site, tmp_path)
    monkeypatch.setattr(remote_zip, "MAX_TRACKS_BYTES", 20_000)
    site.requests.clear()
    refused(track, "a part of 50,.* bytes, more than any tracks have")
    assert site.asked() == 8192


@pytest.mark.parametrize("changed", [MEMBERS | {NAME: b"new" * 20_000}, {NAME: b"n"}])
def test_an_archive_that_changed_since_it_was_listed_gives_what_it_has_now(
    site: Site, tmp_path: Path, changed: dict[str, bytes]
) -> None:
    track = tracks(site, tmp_path)
    site.files["/npy.zip"] = zipped(changed)
    assert track.read() == changed[NAME]


def test_a_member_that_is_gone_or_grew_too_large_is_told(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = tracks(site, tmp_path)
    monkeypatch.setattr(archives, "MAX_TRACKS_BYTES", 60_000)
    site.files["/npy.zip"] = zipped({NAME: bytes(60_001)})
    refused(track, "60,001 bytes, more than")
    site.files["/npy.zip"] = zipped({"npy/other.npy": b""})
    assert refused(track, "There is no item named").reason is Reason.BAD_TRACKS


def test_an_archive_that_changes_while_it_is_read_is_told(site: Site, tmp_path: Path) -> None:
    track = tracks(site, tmp_path)
    with RemoteZip(track.address, Network()) as archive:
        site.files["/npy.zip"] = zipped({NAME: bytes(10**6), "x": os.urandom(10**6)})
        with pytest.raises(ValueError, match="it changed while it was read"):
            archive.read(NAME)


@pytest.mark.parametrize(
    ("comment", "zip64"),
    [
        (b"c", False),
        (b"c" * 9000, False),
        (b"c" * 65_535, False),
        (b"", True),
        (b"c" * 65_535, True),
    ],
)
def test_zip64_and_long_comments_are_read(
    site: Site, tmp_path: Path, comment: bytes, zip64: bool
) -> None:
    site.files["/npy.zip"] = zipped(comment=comment, zip64=zip64)
    track = tracks(site, tmp_path)
    assert track.read() == MEMBERS[NAME]


def test_a_directory_longer_than_the_first_block_is_read(site: Site, tmp_path: Path) -> None:
    members = {f"npy/{'long' * 20}{i}.npy": str(i).encode() for i in range(1000)}
    site.files["/npy.zip"] = zipped(members)
    assert listed(site) == {name: len(content) for name, content in members.items()}
    name = f"npy/{'long' * 20}500.npy"
    assert tracks(site, tmp_path, name).read() == b"500"


@pytest.mark.parametrize(
    "content", [b"", b"<html>quota exceeded</html>", b"PK\5\6", ARCHIVE[:-30], bytes(100_000)]
)
def test_what_is_no_zip_is_an_error(site: Site, content: bytes) -> None:
    site.files["/npy.zip"] = content
    with pytest.raises((zipfile.BadZipFile, NoRangesError, VideoError)):
        listed(site)


def test_a_server_without_ranges_is_told_apart(site: Site, tmp_path: Path) -> None:
    track = tracks(site, tmp_path)
    site.ranges = False
    with pytest.raises(NoRangesError):
        listed(site)
    site.answers["/npy.zip"] = [page("<html>")]
    with pytest.raises(NoRangesError):
        listed(site)
    # It had them when the member was listed.
    assert refused(track, "the server gives only whole files").reason is Reason.BAD_TRACKS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=404, always=True), Reason.REMOVED),
        (Answer(status=500, always=True), Reason.NETWORK),
        (Answer(status=429, headers={"Retry-After": "999"}, always=True), Reason.RATE_LIMITED),
    ],
)
def test_a_server_that_says_no_has_a_reason(
    site: Site, tmp_path: Path, answer: Answer, reason: Reason
) -> None:
    track = tracks(site, tmp_path)
    site.answers["/npy.zip"] = [answer]
    assert refused(track, f"HTTP Error {answer.status}").reason is reason


def test_what_passes_is_tried_again(site: Site, tmp_path: Path, online: list[float]) -> None:
    track = tracks(site, tmp_path)
    site.answers["/npy.zip"] = [
        Answer(status=500),
        Answer(cut=100),
        Answer(drop=True),
        Answer(status=503, headers={"Retry-After": "7"}),
    ]
    assert track.read() == MEMBERS[NAME]
    assert online == [0, 0, 0, 7]
