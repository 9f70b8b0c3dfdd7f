from __future__ import annotations

import gzip
import os
import random
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dancereid_pipeline.common.errors import SourceError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats import track_archive as archives
from dancereid_pipeline.formats.track_archive import ARCHIVE_SUFFIXES, tracks_in
from tests.support.data.archives import add, contents, pack

A, B = random.Random(1).randbytes(5000), random.Random(2).randbytes(9000)
ZEROS = bytes(16 << 20)  # packs 1000 : 1


def refused(archive: Path, says: str) -> None:
    with pytest.raises(SourceError, match=says) as error:
        tracks_in(archive)
    assert str(error.value).startswith(f"{archive}: cannot be read as an archive (")
    assert "unpack it into a folder and use the folder instead." in str(error.value)


def patched(archive: Path, at: int, form: str, value: int) -> None:
    """Overwrites a number in the headers of a zip's only member; `at` is that in the central one.

    The local header has the same fields, two bytes earlier.
    """
    content = bytearray(archive.read_bytes())
    struct.pack_into(form, content, content.index(b"PK\x01\x02") + at, value)
    struct.pack_into(form, content, content.index(b"PK\x03\x04") + at - 2, value)
    archive.write_bytes(content)


FLAGS, METHOD, CRC, SIZE = 8, 10, 16, 24


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_names_that_lead_elsewhere_lead_nowhere(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    (tmp_path / "data/aaa.npy").write_bytes(b"of somebody else")
    names = ["../aaa.npy", f"{tmp_path}/bbb.npy", "x/../../../ccc.npy", "C:\\ddd.npy", "~/eee.npy"]
    archive = pack(folder / f"npy{suffix}", {name: name.encode() for name in names})
    assert [track.read() for track in tracks_in(archive)] == [name.encode() for name in names]
    files = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert sorted(files) == ["data/aaa.npy", f"data/deep/npy{suffix}"]
    assert (tmp_path / "data/aaa.npy").read_bytes() == b"of somebody else"


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_links_and_devices_in_a_tar_are_not_looked_at(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "secret.npy").write_bytes(b"of somebody else")
    with tarfile.open(tmp_path / f"npy{suffix}", f"w:{suffix[5:]}") as archive:
        add(archive, "real.npy", A)
        for target in (str(tmp_path / "secret.npy"), "secret.npy", "../secret.npy", "real.npy"):
            add(archive, "sym.npy", type=tarfile.SYMTYPE, linkname=target)
            add(archive, "hard.npy", type=tarfile.LNKTYPE, linkname=target)
        add(archive, "zero.npy", type=tarfile.CHRTYPE, devmajor=1, devminor=5)
        add(archive, "disk.npy", type=tarfile.BLKTYPE, devmajor=8, devminor=0)
        add(archive, "pipe.npy", type=tarfile.FIFOTYPE)
        add(archive, "folder.npy", type=tarfile.DIRTYPE)
        # Of the same name as one that is regular.
        add(archive, "real.npy", type=tarfile.SYMTYPE, linkname=str(tmp_path / "secret.npy"))
        add(archive, "late.npy", B)
    assert contents(tmp_path / f"npy{suffix}") == {"real.npy": A, "late.npy": B}


def test_links_and_folders_in_a_zip_are_not_looked_at(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "npy.zip", "w") as archive:
        for name, mode in {"link.npy": stat.S_IFLNK, "real.npy": stat.S_IFREG, "f.npy/": 0}.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            archive.writestr(info, str(tmp_path / "secret.npy"))
    assert list(contents(tmp_path / "npy.zip")) == ["real.npy"]


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TRACKS_BYTES", 1 << 20)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 4 << 20)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.xz", ".tar.bz2", ".tar"])
@pytest.mark.parametrize("name", ["aaa.npy", "readme"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, suffix: str, name: str) -> None:
    archive = pack(tmp_path / f"npy{suffix}", {name: ZEROS, "bbb.npy": B})
    if suffix != ".tar.bz2":  # which packs all of it into one block
        # What lies behind the limit may be missing: nobody gets there.
        os.truncate(archive, archive.stat().st_size // 2)
    refused(archive, "unpacks to more than the 4,194,304 bytes")


@pytest.mark.usefixtures("small_limits")
def test_a_bomb_inside_another_packing_is_not_unpacked(tmp_path: Path) -> None:
    archive = pack(tmp_path / "npy.tar.gz", {"aaa.npy": ZEROS})
    archive.write_bytes(gzip.compress(archive.read_bytes()))
    refused(archive, "checksum|header")


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_a_huge_member_is_refused_and_the_others_are_read(tmp_path: Path, suffix: str) -> None:
    archive = pack(tmp_path / f"npy{suffix}", {"aaa.npy": ZEROS[: 2 << 20], "bbb.npy": B})
    huge, other = tracks_in(archive)
    with pytest.raises(VideoError, match="2,097,152 bytes, more than the 1,048,576") as error:
        huge.read()
    assert error.value.reason is Reason.BAD_TRACKS
    assert str(error.value).startswith(f"{archive}::aaa.npy: ")
    assert other.read() == B


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("kind_of_header", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
@pytest.mark.parametrize("size", [5 << 30, -512])
def test_a_header_that_claims_what_cannot_be_is_refused(
    tmp_path: Path, suffix: str, kind_of_header: bytes, size: int
) -> None:
    with tarfile.open(
        tmp_path / f"npy{suffix}", f"w:{suffix[5:]}", format=tarfile.GNU_FORMAT
    ) as archive:
        add(archive, "a.npy", A)
        add(archive, "long", type=kind_of_header, size=size)
        add(archive, "b.npy", B)
    refused(tmp_path / f"npy{suffix}", "its headers have more than 16,777,216 bytes|invalid header")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("long", [False, True], ids=["many headers", "one long header"])
def test_headers_have_a_limit_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, long: bool
) -> None:
    monkeypatch.setattr(archives, "MAX_HEADER_BYTES", 32 << 10)
    packed = {"aaa.npy": ZEROS[: 1 << 20], "bbb.npy": B}  # larger than the headers may be
    assert contents(pack(tmp_path / f"good{suffix}", packed)) == packed
    names = ["a" * (40 << 10)] if long else [f"{number}.txt" for number in range(100)]
    archive = pack(tmp_path / f"npy{suffix}", {**packed, **dict.fromkeys(names, b"")})
    refused(archive, "its headers have more than 32,768 bytes")


def test_members_are_not_kept(tmp_path: Path) -> None:
    archive = pack(tmp_path / "npy.tar", {f"{number}.npy": b"" for number in range(9)})
    with tarfile.open(archive) as opened:
        sizes = [len(opened.members) for _ in archives._regular(opened)]
    assert sizes == [0] * 9


def test_a_member_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "npy.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        add(archive, "a.npy", A)
        # The header after this one would be this one.
        add(archive, "b.npy", size=-512)
    refused(tmp_path / "npy.tar", "b.npy has -512 bytes|invalid header")


def lying(path: Path, at: int, form: str, value: int, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("aaa.npy", A)
    patched(path, at, form, value)
    return path


@pytest.mark.parametrize(
    ("at", "form", "value", "says"),
    [
        (SIZE, "<I", 10, "Bad CRC-32"),
        (SIZE, "<I", len(A) - 1, "Bad CRC-32"),
        (SIZE, "<I", len(A) + 1, "5,000 bytes, not 5,001 as the archive says"),
        (SIZE, "<I", 2**32 - 2, "4,294,967,294 bytes, more than"),
        (FLAGS, "<H", 1, "is encrypted"),
        (CRC, "<I", 1, "Bad CRC-32"),
        (METHOD, "<H", 12, "packed with method 12"),  # bzip2
        (METHOD, "<H", 99, "packed with method 99"),  # encrypted by WinZip
    ],
)
def test_a_zip_that_is_not_what_it_says_is_refused(
    tmp_path: Path, at: int, form: str, value: int, says: str
) -> None:
    (track,) = tracks_in(lying(tmp_path / "npy.zip", at, form, value))
    with pytest.raises(VideoError, match=says) as error:
        track.read()
    assert error.value.reason is Reason.BAD_TRACKS
    assert str(error.value).startswith(f"{tmp_path}/npy.zip::aaa.npy: ")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_in_a_zip_that_says_it_is_small_is_not_unpacked(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "npy.zip", "w", method) as archive:
        archive.writestr("aaa.npy", ZEROS)
    patched(tmp_path / "npy.zip", SIZE, "<I", 100)
    (track,) = tracks_in(tmp_path / "npy.zip")
    with pytest.raises(VideoError, match=f"packed with method {method}, and not deflated"):
        track.read()


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
@pytest.mark.parametrize("there", [0.0, 0.1, 0.6])
def test_an_archive_that_was_cut_is_noticed(tmp_path: Path, suffix: str, there: float) -> None:
    archive = pack(tmp_path / f"npy{suffix}", {"aaa.npy": A, "bbb.npy": B})
    os.truncate(archive, int(archive.stat().st_size * there))
    refused(archive, r"\(.+\)")


@pytest.mark.parametrize("suffix", [s for s in ARCHIVE_SUFFIXES if s != ".tar"])
def test_a_flipped_bit_in_a_member_is_noticed(tmp_path: Path, suffix: str) -> None:
    archive = pack(tmp_path / f"npy{suffix}", {"aaa.npy": A})
    content = bytearray(archive.read_bytes())
    content[3000] ^= 1  # of random bytes, which are in it as they are
    archive.write_bytes(content)
    with pytest.raises((SourceError, VideoError), match="cannot be read"):
        contents(archive)


def test_what_cannot_be_inflated_is_noticed(tmp_path: Path) -> None:
    archive = pack(tmp_path / "npy.zip", {"aaa.npy": A})
    content = bytearray(archive.read_bytes())
    content[30 + len("aaa.npy")] = 0xFF  # no type of block
    archive.write_bytes(content)
    with pytest.raises(VideoError, match=r"cannot be read .*invalid block type"):
        contents(archive)
    packed = bytearray(gzip.compress(pack(tmp_path / "npy.tar", {"aaa.npy": A}).read_bytes()))
    packed[10] = 0xFF
    (tmp_path / "npy.tar.gz").write_bytes(packed)
    refused(tmp_path / "npy.tar.gz", "invalid block type")


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
def test_no_damage_leads_to_another_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str
) -> None:
    archive = pack(tmp_path_factory.mktemp("fuzz") / f"npy{suffix}", {"a/aaa.npy": b"tracks"})
    whole = archive.read_bytes()
    outcomes: set[str] = set()

    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=5))
    @example([])
    @example([(0, 0)])
    def read(damage: list[tuple[int, int]]) -> None:
        content = bytearray(whole)
        for offset, byte in damage:
            content[offset] = byte
        archive.write_bytes(content)
        try:
            outcomes.update(map(str, contents(archive).values()))
        except (SourceError, VideoError) as error:
            outcomes.add(type(error).__name__)

    read()
    assert {str(b"tracks"), "SourceError"} <= outcomes
