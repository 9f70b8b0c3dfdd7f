"""A stand-in for Google Drive that the real gdown talks to: its hosts, its pages, its moods."""

from __future__ import annotations

import random
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.transfer.google_drive import download_drive
from dancereid_pipeline.transfer.limits import OnBytes
from dancereid_pipeline.transfer.settings import Network
from tests.support.servers.web import Answer, Request, Site, page, redirect

HOSTS = (
    "drive.google.com",
    "drive.usercontent.google.com",
    "docs.google.com",
    "accounts.google.com",
)
FILE_ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz012345"
MIB = 1 << 20
CONTENT = random.Random(7).randbytes(3 * MIB)
FILE_URL = f"https://drive.usercontent.google.com/download?id={FILE_ID}&export=download"
COOKIES = "# Netscape HTTP Cookie File\n.google.com\tTRUE\t/\tTRUE\t0\tSID\tsecret\n"
# On one line each, as Drive sends them; gdown reads them line by line.
WARNING = (
    "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>"
    '<p class="uc-warning-subcaption"><a href="/open?id={id}">npy.zip</a> is too large for Google '
    'to scan for viruses.</p><form id="download-form" '
    'action="https://drive.usercontent.google.com/download" method="get">'
    '<input type="submit" id="uc-download-link" value="Download anyway"/>'
    '<input type="hidden" name="id" value="{id}"><input type="hidden" name="export" '
    'value="download"><input type="hidden" name="confirm" value="t"><input type="hidden" '
    'name="uuid" value="9f8e7d6c-1234"></form></body></html>'
)
QUOTA = (
    "<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>"
    '<p class="uc-error-caption">Sorry, you can&#39;t view or download this file at this time.</p>'
    '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. '
    "Please try accessing the file again later.</p><p>more</p></body></html>"
)
SIGN_IN = "<!DOCTYPE html><html><head><title>Google Drive: Sign-in</title></head></html>"
GONE = (
    "<!DOCTYPE html><html><head><title>Error 404 (Not Found)!!1</title></head><body>"
    "<p>The requested URL was not found on this server.</p></body></html>"
)
VIEWER = "<!DOCTYPE html><html><head><title>npy.zip - Google Drive</title></head></html>"


class Drive(Site):
    """Drive, and the proxy that leads to it.

    Files are `files["/<id>"]`. `answers` go by step: "uc" (the first link), "warning" (of files
    too large to be scanned), "file" (the last link), "open" and "view" (what gdown tries after
    an HTTP 500), "sign-in". `steps` has them in the order that they were asked for.

    For any other host it is a `Site`, with `answers` by path.

    Args:
        authority: who signs the certificate.
        hosts: what hosts have that it is besides, by host and path; all others have `files`.
    """

    def __init__(
        self, authority: trustme.CA, *, hosts: Mapping[str, Mapping[str, bytes]] = {}
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*HOSTS, *hosts).configure_cert(context)
        super().__init__(context)
        self.large = True
        self.hosts = frozenset(hosts)
        for host, contents in hosts.items():
            self.files.update({host + path: content for path, content in contents.items()})

    @property
    def ranges_asked(self) -> list[str | None]:
        """Range of every request for the file itself."""
        return [request.range for request in self.of("file")]

    @property
    def steps(self) -> list[str]:
        return [self._step(request) for request in list(self.requests)]

    def answer(self, request: Request) -> Answer:
        step = self._step(request)
        if scripted := self.scripted(step):
            return scripted
        if request.host in self.hosts:
            return Answer(file=request.host + request.path)
        return self._usual(step, request.query.get("id", "")) if request.host in HOSTS else Answer()

    def of(self, step: str) -> list[Request]:
        """The requests of a step."""
        return [request for request in list(self.requests) if self._step(request) == step]

    def _step(self, request: Request) -> str:
        place = request.host + request.path
        if request.host not in HOSTS:
            return request.path
        if place == "drive.usercontent.google.com/download":
            return "warning" if self.large and "uuid" not in request.query else "file"
        if place.startswith("drive.google.com/file/d/"):
            return "view"
        steps = {"drive.google.com/uc": "uc", "drive.google.com/open": "open"}
        return "sign-in" if request.host == "accounts.google.com" else steps[place]

    def _usual(self, step: str, file_id: str) -> Answer:
        there = f"https://drive.usercontent.google.com/download?id={file_id}&export=download"
        if step in ("warning", "file") and f"/{file_id}" not in self.files:
            return page(GONE, status=404)
        usual = {
            "uc": redirect(there, status=303),
            "open": redirect(f"https://drive.google.com/file/d/{file_id}/view"),
            "view": page(VIEWER),
            "warning": page(WARNING.format(id=file_id)),
            "sign-in": page(SIGN_IN),
            "file": attachment(file_id),
        }
        return usual[step]


def attachment(file_id: str = FILE_ID, **changes: object) -> Answer:
    """The file itself, as Drive sends it, or with changes."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="npy.zip"',
    }
    return Answer(file=f"/{file_id}", headers=headers, **changes)


def trust(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """The environment in which clients believe this Drive, and have this folder for a home."""
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return {"REQUESTS_CA_BUNDLE": str(bundle), "HOME": str(folder / "home")}


# What Drive may say in place of a file, what the user is to be told, and after how many tries.
BUSY = page("<html><title>Busy</title></html>", status=503)
NO_LINK = "it gives no link to the file: it is not public, is gone, or was requested too often."
REFUSALS = [
    (page(QUOTA), "its quota is used up", 1),
    (page(QUOTA.replace("Too many", f"{'Sorry. ' * 9} Too many")), "its quota is used up", 1),
    (page('<p class="uc-error-subcaption">Quota exceeded.</p>'), "its quota is used up", 1),
    (page('<p class="uc-error-subcaption">Only the owner may.</p>'), NO_LINK, 3),
    (BUSY, NO_LINK, 3),
    (page(GONE, status=404), NO_LINK, 3),
    (redirect("https://accounts.google.com/ServiceLogin?continue=x"), NO_LINK, 3),
    (attachment(status=503, body=b""), "it answers with HTTP 503.", 3),
    (attachment(status=403, body=b""), "it answers with HTTP 403.", 1),
]

# What may come in place of the rest behind the first MiB; at last, more than it says that it is.
REFUSED_RESTS = [
    BUSY,
    page(WARNING.format(id=FILE_ID)),
    Answer(
        status=206,
        headers={"Content-Range": f"bytes {MIB}-{MIB}/{MIB + 1}"},
        body=CONTENT[:MIB],
        chunked=True,
    ),
]


def fetch(
    drive: Site,
    target: Path,
    *,
    file_id: str = FILE_ID,
    progress: OnBytes | None = None,
    **network: object,
) -> list[tuple[int, int | None]]:
    """Fetches, looks at what came, and says what progress was told."""
    told: list[tuple[int, int | None]] = []
    settings = Network(**{"proxy": Address(drive.url), **network})
    note = progress or (lambda done, total: told.append((done, total)))
    download_drive(file_id, settings, None, note, target)
    assert target.read_bytes() == drive.files[f"/{file_id}"]
    return told


def refused(drive: Site, target: Path, **changes: object) -> str:
    with pytest.raises(SourceError) as error:
        fetch(drive, target, **changes)
    assert not target.exists()
    assert len(str(error.value)) < 350
    assert error.value.__cause__ is not None
    return str(error.value)


def parts(target: Path) -> list[Path]:
    """What lies beside the file."""
    return [p for p in target.parent.iterdir() if p != target]


def leave_part(target: Path, content: bytes, name: str = ".partial") -> Path:
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f"{target.name}.{FILE_ID}{name}.part")
    part.write_bytes(content)
    return part


# A process of its own, to be killed, or to see what it prints.
PROGRAM = """
import sys
from pathlib import Path
from dancereid_pipeline.common.address import Address
from dancereid_pipeline.transfer.google_drive import download_drive
from dancereid_pipeline.transfer.settings import Network
file_id, path, cookies, proxy, say = sys.argv[1:]
download_drive(
    file_id, Network(proxy=Address(proxy)), Path(cookies) if cookies else None,
    lambda done, total: print(done, flush=True) if say else None, Path(path),
)
"""


def program(drive: Drive, target: Path, *, cookies: str = "", say: str = "") -> list[str]:
    return [sys.executable, "-c", PROGRAM, FILE_ID, str(target), cookies, drive.url, say]
