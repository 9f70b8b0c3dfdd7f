"""What a stand-in of the Hugging Face Hub keeps: tokens, and repositories with their revisions."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

READ, WRITE = "repo.content.read", "repo.write"
BORN = datetime(2026, 1, 1)  # a revision is a minute younger than the one before it

# Some of what the Hub writes into a new dataset's .gitattributes: these go by LFS.
LFS_PATTERNS = (
    *("*.arrow", "*.parquet", "*.npy", "*.npz", "*.tar", "*.zip", "*.gz", "*.xz", "*.bz2"),
    *("*.bmp", "*.gif", "*.png", "*.tiff", "*.jpg", "*.jpeg", "*.webp", "*.mp4", "*.webm"),
)
GITATTRIBUTES = "".join(f"{p} filter=lfs diff=lfs merge=lfs -text\n" for p in LFS_PATTERNS)
LARGE = 10 << 20  # bytes from which any file goes by LFS

MISSING_OBJECT = (
    "Your push was rejected because an LFS pointer pointed to a file that does not exist. For "
    "instance, this can happen if you used git push --no-verify to push your changes. "
    "Offending file: - {path}"
)


class Refused(Exception):  # noqa: N818  # it is what the Hub says, not what went wrong in it
    """What was asked for is refused, with this status, in these words."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True, kw_only=True)
class Token:
    """Whose token it is, and what it may do."""

    user: str = "dancer"
    organizations: tuple[str, ...] = ("studio",)  # to which the user may write
    role: str = "write"  # or "read", or "fineGrained"
    # What a fine-grained one may do, by namespace ("dancer") or repository ("dancer/waltz").
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expired: bool = False

    def may(self, permission: str, repo_id: str) -> bool:
        namespace = repo_id.split("/")[0]
        if namespace not in (self.user, *self.organizations):
            return False
        if self.role == "fineGrained":
            return any(permission in self.scopes.get(name, ()) for name in (namespace, repo_id))
        return self.role == "write" or permission == READ

    def whoami(self) -> dict[str, Any]:
        token: dict[str, Any] = {"displayName": "tests", "role": self.role}
        if self.role == "fineGrained":
            scoped = [
                {"entity": self._entity(name), "permissions": list(permissions)}
                for name, permissions in self.scopes.items()
            ]
            token["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": scoped}
        orgs = [
            {"type": "org", "name": name, "fullname": name.title(), "roleInOrg": "write"}
            for name in self.organizations
        ]
        return {
            **{"type": "user", "id": "6" * 24, "name": self.user, "fullname": self.user.title()},
            **{"isPro": False, "canPay": False, "orgs": orgs},
            "auth": {"type": "access_token", "accessToken": token},
        }

    def _entity(self, name: str) -> dict[str, str]:
        if "/" in name:
            return {"_id": "7" * 24, "type": "dataset", "name": name}
        return {"_id": "6" * 24, "type": "user" if name == self.user else "org", "name": name}


def usual_tokens() -> dict[str, Token]:
    """One of every kind."""
    return {
        "hf_write": Token(),
        "hf_read": Token(role="read"),
        "hf_fine": Token(role="fineGrained", scopes={"dancer": (READ, WRITE)}),
        "hf_fine_read": Token(role="fineGrained", scopes={"dancer": (READ,)}),
        "hf_expired": Token(expired=True),
        "hf_stranger": Token(user="stranger", organizations=()),
    }


@dataclass(frozen=True)
class StoredFile:
    """A file of a revision; with `lfs`, git has a pointer in its place."""

    content: bytes
    lfs: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        lines = f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
        return f"version https://git-lfs.github.com/spec/v1\n{lines}".encode()

    @cached_property
    def blob_id(self) -> str:
        content = self.pointer if self.lfs else self.content
        return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        """What a listing says about it."""
        size = len(self.content)
        entry = {"type": "file", "oid": self.blob_id, "size": size, "path": path}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": size, "pointerSize": len(self.pointer)}
        return entry


@dataclass(frozen=True)
class Revision:
    """All files as of one commit."""

    id: str
    parent: str | None
    title: str
    message: str
    date: str
    files: Mapping[str, StoredFile]

    def entry(self, path: str) -> dict[str, Any] | None:
        if path in self.files:
            return self.files[path].entry(path)
        if any(name.startswith(f"{path}/") for name in self.files):
            tree_id = hashlib.sha1(f"{self.id}{path}".encode()).hexdigest()
            return {"type": "directory", "oid": tree_id, "size": 0, "path": path}
        return None

    def tree(self, folder: str, recursive: bool) -> list[dict[str, Any]]:
        """What is in a folder, folders among it, by path."""
        root = PurePosixPath(folder)
        paths = {p for name in self.files for p in (PurePosixPath(name), *_folders(name))}
        inside = sorted(str(p) for p in paths if root in (p.parents if recursive else [p.parent]))
        return [entry for path in inside if (entry := self.entry(path)) is not None]


def _folders(path: str) -> list[PurePosixPath]:
    return list(PurePosixPath(path).parents)[:-1]  # without the root


def is_lfs(path: str, size: int, sample: bytes) -> bool:
    """Whether the Hub wants a file by LFS: by its name, its size, or because it is no text."""
    name = PurePosixPath(path).name
    by_name = any(fnmatch(name, pattern) for pattern in LFS_PATTERNS)
    return size > 0 and (by_name or size > LARGE or b"\0" in sample)


@dataclass
class Proposal:
    """What is known of a pull request besides its branch."""

    title: str
    author: str
    status: str = "open"


class Repo:
    """A dataset repository.

    Attributes:
        revisions: all of them, oldest first; the first has the .gitattributes alone.
        branches, tags: a revision's id by name.
        proposals: pull requests by branch.
        objects: what came by LFS, by SHA-256, committed or not.
        gated: "auto", "manual" or False: whether its files are for people who were let in only.
        accepted: the users who were let in.
    """

    def __init__(self, name: str, private: bool = False) -> None:
        self.name, self.private = name, private
        self.gated: str | bool = False
        self.accepted: set[str] = set()
        self.revisions: list[Revision] = []
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.proposals: dict[str, Proposal] = {}
        self.objects: dict[str, bytes] = {}
        self._lock = threading.Lock()
        first = {".gitattributes": StoredFile(GITATTRIBUTES.encode())}
        self._add("main", "initial commit", "", first)

    @property
    def head(self) -> Revision:
        return self.revision("main")

    @property
    def files(self) -> dict[str, bytes]:
        """What is in the head of the main branch."""
        return {path: file.content for path, file in self.head.files.items()}

    def revision(self, name: str) -> Revision:
        """By branch, tag or commit id."""
        wanted = self.branches.get(name) or self.tags.get(name) or name
        found = [revision for revision in self.revisions if revision.id == wanted]
        if not found:
            raise Refused(404, f"Invalid rev id: {name}", "RevisionNotFound")
        return found[0]

    def history(self, name: str) -> list[Revision]:
        """A revision and those before it."""
        found = [self.revision(name)]
        while found[-1].parent is not None:
            found.append(self.revision(found[-1].parent))
        return found

    def discussions(self, author: str | None, status: str) -> list[dict[str, Any]]:
        """The pull requests of an author, or all, that are open, closed, or all."""
        return [
            {
                **{"num": int(branch.rpartition("/")[2]), "title": proposal.title},
                **{"author": {"name": proposal.author}, "status": proposal.status},
                **{"repo": {"name": self.name, "type": "dataset"}, "isPullRequest": True},
                "createdAt": self.revision(branch).date,
            }
            for branch, proposal in self.proposals.items()
            if author in (None, proposal.author) and status in ("all", proposal.status)
        ]

    def large_files(self) -> list[dict[str, Any]]:
        """What came by LFS, with a path that each file has or had, where that is known."""
        paths = {f.sha256: path for r in self.revisions for path, f in r.files.items()}
        return [
            {
                **{"fileOid": sha256, "filename": paths.get(sha256, ""), "oid": f"lfs-{number}"},
                **{"pushedAt": self.head.date, "size": len(content)},
            }
            for number, (sha256, content) in enumerate(self.objects.items())
        ]

    def put(self, files: Mapping[str, bytes], branch: str = "main") -> Revision:
        """A commit from elsewhere."""
        stored = {path: StoredFile(c, is_lfs(path, len(c), c[:512])) for path, c in files.items()}
        self.objects.update({file.sha256: file.content for file in stored.values() if file.lfs})
        with self._lock:
            last = self.revision(branch).files
            return self._add(branch, "From elsewhere", "", {**last, **stored})

    def commit(
        self, branch: str, lines: Iterable[Mapping[str, Any]], *, proposer: str | None = None
    ) -> tuple[Revision, str]:
        """What the lines of a commit say, onto a branch, or as somebody's new pull request; and
        that branch.

        The Hub numbers pull requests from 1, together with discussions, which this has not.
        """
        header, *changes = lines
        about = header["value"]
        with self._lock:
            if proposer is not None:
                start = self.revision(about.get("parentCommit", branch)).id
                branch = f"refs/pr/{1 + sum(b.startswith('refs/pr/') for b in self.branches)}"
                self.branches[branch] = start
                self.proposals[branch] = Proposal(about["summary"], proposer)
            if branch not in self.branches:
                raise Refused(404, f"Invalid rev id: {branch}", "RevisionNotFound")
            head = self.revision(branch)
            if not head.id.startswith(about.get("parentCommit", "")):
                raise Refused(412, "A commit has happened since. Please refresh and try again.")
            files = dict(head.files)
            for change in changes:
                self._change(files, change["key"], change["value"])
            return self._add(branch, about["summary"], about.get("description", ""), files), branch

    def squash(self, branch: str, title: str) -> None:
        """Leaves one commit of a branch, with all its files; former ones are gone."""
        with self._lock:
            files = self.revision(branch).files
            gone = {revision.id for revision in self.history(branch)}
            gone -= {
                r.id for n in (*self.branches, *self.tags) if n != branch for r in self.history(n)
            }
            del self.branches[branch]
            made = self._add(branch, title, "", files)
            self.revisions = [r for r in self.revisions if r is made or r.id not in gone]

    def _change(self, files: dict[str, StoredFile], key: str, value: Mapping[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            files[path] = StoredFile(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if value["oid"] not in self.objects:
                raise Refused(400, MISSING_OBJECT.format(path=path))
            files[path] = StoredFile(self.objects[value["oid"]], lfs=True)
        elif key == "deletedFile":
            if files.pop(path, None) is None:
                raise Refused(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        elif key == "deletedFolder":
            for name in [name for name in files if name.startswith(f"{path.rstrip('/')}/")]:
                del files[name]
        else:
            raise Refused(400, f"Invalid key in a commit: {key}")

    def _add(
        self, branch: str, title: str, message: str, files: Mapping[str, StoredFile]
    ) -> Revision:
        count = len(self.revisions)
        commit_id = hashlib.sha1(f"{self.name} {count} {title}".encode()).hexdigest()
        date = f"{(BORN + timedelta(minutes=count)).isoformat()}.000Z"
        parent = self.branches.get(branch)
        self.revisions.append(Revision(commit_id, parent, title, message, date, files))
        self.branches[branch] = commit_id
        return self.revisions[-1]
