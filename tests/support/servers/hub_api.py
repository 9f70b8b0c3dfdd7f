"""What a stand-in of the Hugging Face Hub answers to each request."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from tests.support.servers.hub_card import check_card
from tests.support.servers.hub_requests import HubRequest, json_answer, refusal
from tests.support.servers.hub_store import READ, WRITE, Refused, Repo, Token, is_lfs, usual_tokens
from tests.support.servers.web import Answer

_NOT_SIGNED_IN = "Invalid username or password."
_NOT_WRITABLE = "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"


class HubApi:
    """The Hub as seen by its clients: `usual` has the answer to a request.

    Attributes:
        tokens: whose they are and what they may do.
        repos: by name; see `create` for one that is there from the start.
        signature: what lets a client send an object to the storage.
        uploads: the objects that came whole, as (SHA-256, bytes), in order.
        part_size: objects of more bytes than that are sent in parts of that many.
        page_size: entries of a tree that are listed at once.
    """

    def __init__(self, url: str, storage_url: str) -> None:
        self.url, self.storage_url = url, storage_url
        self.tokens = usual_tokens()
        self.repos: dict[str, Repo] = {}
        self.uploads: list[tuple[str, int]] = []
        self.signature = "x"
        self.part_size = 1 << 30
        self.page_size = 1000
        self._parts: dict[tuple[str, str], dict[int, bytes]] = {}

    def create(self, name: str, *, private: bool = False) -> Repo:
        self.repos[name] = Repo(name, private)
        return self.repos[name]

    def usual(self, request: HubRequest) -> Answer:
        """By a method a kind, of the same name."""
        try:
            return getattr(self, f"_{request.kind}")(request)
        except Refused as refused:
            return refusal(refused.status, refused.message, refused.code)

    def _unknown(self, request: HubRequest) -> Answer:
        raise Refused(404, "Sorry, we can't find the page you are looking for.")

    def _viewer(self, request: HubRequest) -> Answer:
        raise Refused(404, "The dataset does not exist.")

    # Who asks, and for what

    def _token(self, request: HubRequest) -> Token | None:
        if request.authorization is None:
            return None
        name = request.authorization.removeprefix("Bearer ")
        if name not in self.tokens:
            raise Refused(401, "Invalid credentials in Authorization header")
        if self.tokens[name].expired:
            # By https the client takes any other 401 at a repository for this code.
            code = "RepoNotFound" if "repo" in request.names else None
            raise Refused(401, "User access token is expired", code)
        return self.tokens[name]

    def _repo(self, request: HubRequest, permission: str = READ) -> Repo:
        """The repository, if whoever asks may do that to it."""
        token, name = self._token(request), request.names["repo"]
        repo = self.repos.get(name)
        if repo is None or (repo.private and (token is None or not token.may(READ, name))):
            status, message = (404, "Repository not found") if token else (401, _NOT_SIGNED_IN)
            raise Refused(status, message, "RepoNotFound")
        if permission == WRITE and token is None:
            raise Refused(401, _NOT_SIGNED_IN, "RepoNotFound")
        if permission == WRITE and not token.may(WRITE, name):
            proposes = request.query.get("create_pr") == "1" or request.kind in ("batch", "verify")
            own = repo.proposals.get(request.names.get("revision", ""))
            proposes = proposes or (own is not None and own.author == token.user)
            if not proposes or token.role == "read":  # everybody may propose a change
                raise Refused(403, _NOT_WRITABLE)
        return repo

    def _open_repo(self, request: HubRequest) -> Repo:
        """The repository, if whoever asks may read its files: a gate is before them alone."""
        repo, token = self._repo(request), self._token(request)
        if not repo.gated or (token is not None and token.may(READ, repo.name)):
            return repo
        if token is None:
            ask = "You must have access to it and be authenticated to access it. Please log in."
            raise Refused(401, f"Access to dataset {repo.name} is restricted. {ask}", "GatedRepo")
        if token.user not in repo.accepted:
            ask = f"Visit {self.url}/datasets/{repo.name} to ask for access."
            told = f"Access to dataset {repo.name} is restricted and you are not in the authorized"
            raise Refused(403, f"{told} list. {ask}", "GatedRepo")
        return repo

    def _whoami(self, request: HubRequest) -> Answer:
        token = self._token(request)
        if token is None:
            raise Refused(401, _NOT_SIGNED_IN)
        return json_answer(token.whoami())

    # Repositories

    def _create(self, request: HubRequest) -> Answer:
        token, asked = self._token(request), json.loads(request.body)
        if token is None:
            raise Refused(401, _NOT_SIGNED_IN)
        name = f"{asked.get('organization') or token.user}/{asked['name']}"
        kind = asked.get("type", "model")
        if kind not in ("dataset", "model"):
            raise Refused(400, "This stand-in has datasets and models only")
        if not token.may(WRITE, name):
            message = "You don't have the rights to create a dataset under the namespace"
            raise Refused(403, f'{message} "{name.split("/")[0]}"')
        url = f"{self.url}/{'datasets/' * (kind == 'dataset')}{name}"
        if name in self.repos:
            return json_answer({"error": f"You already created this {kind} repo", "url": url}, 409)
        # An older client says it by `private`.
        self.create(
            name, private=asked.get("visibility") == "private" or asked.get("private", False)
        )
        return json_answer({"url": url, "name": name, "id": "8" * 24})

    def _settings(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body)
        if asked.get("gated", False) not in ("auto", "manual", False):
            raise Refused(400, '"gated" must be one of [auto, manual, false]')
        repo.gated = asked.get("gated", repo.gated)
        # An older client says it by `private`.
        if "visibility" in asked or "private" in asked:
            repo.private = asked.get("visibility") == "private" or asked.get("private", False)
        return json_answer({"private": repo.private, "gated": repo.gated})

    def _info(self, request: HubRequest) -> Answer:
        repo = self._repo(request)
        revision = repo.revision(request.names.get("revision", "main"))
        blobs = request.query.get("blobs", "").lower() == "true"
        siblings: list[dict[str, Any]] = []
        for path, file in sorted(revision.files.items()):
            entry = file.entry(path)
            about = {"size": entry["size"], "blobId": entry["oid"]} if blobs else {}
            if blobs and file.lfs:
                about["lfs"] = {**entry["lfs"], "sha256": file.sha256}
            siblings.append({"rfilename": path, **about})
        info = {
            **{"_id": "8" * 24, "id": repo.name, "author": repo.name.split("/")[0]},
            **{"sha": revision.id, "lastModified": revision.date, "private": repo.private},
            **{"gated": repo.gated, "disabled": False, "tags": [], "downloads": 0, "likes": 0},
            **{"createdAt": repo.revisions[0].date, "siblings": siblings},
            "usedStorage": sum(map(len, repo.objects.values())),
        }
        return json_answer(info, **{"X-Repo-Commit": revision.id})

    def _refs(self, request: HubRequest) -> Answer:
        repo = self._repo(request)
        proposed = {n: c for n, c in repo.branches.items() if n.startswith("refs/pr/")}
        own = {n: c for n, c in repo.branches.items() if n.startswith("refs/convert/")}
        branches = {n: c for n, c in repo.branches.items() if n not in {**proposed, **own}}
        refs: dict[str, list[dict[str, str]]] = {}
        for kind, folder, names in (
            ("branches", "refs/heads/", branches),
            ("tags", "refs/tags/", repo.tags),
            ("converts", "", own),
            ("pullRequests", "", proposed),
        ):
            refs[kind] = [
                {"name": name, "ref": f"{folder}{name}", "targetCommit": commit}
                for name, commit in names.items()
            ]
        return json_answer(refs)

    def _commits(self, request: HubRequest) -> Answer:
        told = [
            {"id": r.id, "title": r.title, "message": r.message, "date": r.date, "authors": []}
            for r in self._repo(request).history(request.names["revision"])
        ]
        return json_answer(told)

    def _discussions(self, request: HubRequest) -> Answer:
        query = request.query
        found = self._repo(request).discussions(query.get("author"), query.get("status", "all"))
        return json_answer({"count": len(found), "start": 0, "discussions": found})

    def _branch(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body or b"{}")
        start = repo.revision(asked.get("startingPoint", "main"))
        return _new_name(repo.branches, request.names["name"], start.id)

    def _tag(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body)
        return _new_name(repo.tags, asked["tag"], repo.revision(request.names["revision"]).id)

    def _untag(self, request: HubRequest) -> Answer:
        return _remove_name(self._repo(request, WRITE).tags, request.names["name"])

    def _unbranch(self, request: HubRequest) -> Answer:
        return _remove_name(self._repo(request, WRITE).branches, request.names["name"])

    def _squash(self, request: HubRequest) -> Answer:
        repo = self._repo(request, WRITE)
        repo.squash(request.names["revision"], json.loads(request.body)["message"])
        return json_answer({"success": True})

    def _lfs_files(self, request: HubRequest) -> Answer:
        return json_answer(self._repo(request, WRITE).large_files())

    def _purge(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body)["deletions"]
        for oid in asked["sha"]:
            repo.objects.pop(oid)
        return json_answer({"success": True})

    # Reading

    def _tree(self, request: HubRequest) -> Answer:
        repo, folder = self._repo(request), request.names.get("path", "")
        name = request.names["revision"]
        revision = repo.revision(name)
        if folder and revision.entry(folder) is None:
            raise Refused(404, f'{folder} does not exist on "{name}"', "EntryNotFound")
        asked = {key: value.lower() == "true" for key, value in request.query.items()}
        entries = revision.tree(folder, asked.get("recursive", False))
        if asked.get("expand"):
            last = {"id": revision.id, "title": revision.title, "date": revision.date}
            entries = [{**entry, "lastCommit": last} for entry in entries]
        start = int(request.query.get("cursor", 0))
        stop = start + self.page_size
        following = urlencode({**request.query, "cursor": stop})
        link = f'<{self.url}{request.path}?{following}>; rel="next"'
        headers = {"Link": link} if stop < len(entries) else {}
        return json_answer(entries[start:stop], **headers)

    def _paths(self, request: HubRequest) -> Answer:
        repo = self._repo(request)
        revision = repo.revision(request.names["revision"])
        paths = parse_qs(request.body.decode()).get("paths", [])
        entries = [revision.entry(path) for path in paths]
        return json_answer([entry for entry in entries if entry is not None])

    def _resolve(self, request: HubRequest) -> Answer:
        repo, path = self._open_repo(request), request.names["path"]
        revision = repo.revision(request.names["revision"])
        headers = {"X-Repo-Commit": revision.id, "Accept-Ranges": "bytes"}
        file = revision.files.get(path)
        if file is None:
            return refusal(404, "Entry not found", "EntryNotFound", **headers)
        if not file.lfs:
            return Answer(headers={**headers, "ETag": f'"{file.blob_id}"'}, body=file.content)
        linked = {"X-Linked-Size": str(len(file.content)), "X-Linked-ETag": f'"{file.sha256}"'}
        place = {"Location": f"{self._place(repo, file.sha256)}?Signature={self.signature}"}
        return Answer(status=302, headers={**headers, **linked, **place}, body=b"Found.")

    def _object(self, request: HubRequest) -> Answer:
        content = self.repos[request.names["repo"]].objects.get(request.names["oid"])
        if content is None:
            return refusal(404, "NoSuchKey")
        tag = {"ETag": f'"{request.names["oid"]}"'}
        return Answer(headers={**tag, "Accept-Ranges": "bytes"}, body=content)

    def _place(self, repo: Repo, oid: str) -> str:
        return f"{self.storage_url}/objects/{quote(repo.name)}/{oid}"

    # Writing

    def _validate(self, request: HubRequest) -> Answer:
        self._token(request)
        errors, warnings = check_card(json.loads(request.body)["content"])
        told = {
            "errors": [{"message": message} for message in errors],
            "warnings": [{"message": message} for message in warnings],
        }
        return json_answer({"error": errors[0], **told}, 400) if errors else json_answer(told)

    def _preupload(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body)
        revision = repo.revision(request.names["revision"])
        hosted = revision.files.get(".gitignore")
        ignored = asked.get("gitIgnore", hosted.content.decode() if hosted else "").split()
        told = []
        for file in asked["files"]:
            path, there = file["path"], revision.files.get(file["path"])
            names = (path, PurePosixPath(path).name)
            mode = "lfs" if is_lfs(path, file["size"], b64decode(file["sample"])) else "regular"
            told.append(
                {
                    **{"path": path, "uploadMode": mode},
                    "shouldIgnore": any(fnmatch(name, p) for name in names for p in ignored),
                    "oid": there and (there.sha256 if there.lfs else there.blob_id),
                }
            )
        return json_answer({"files": told, "commitOid": revision.id})

    def _batch(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body)
        objects = [self._instructions(repo, **about) for about in asked["objects"]]
        parted = any(about["size"] > self.part_size for about in asked["objects"])
        return json_answer({"transfer": "multipart" if parted else "basic", "objects": objects})

    def _instructions(self, repo: Repo, oid: str, size: int) -> dict[str, Any]:
        """Where to send an object, if it is not there already."""
        about = {"oid": oid, "size": size, "authenticated": True}
        if oid in repo.objects:
            return about
        place = self._place(repo, oid)
        upload: dict[str, Any] = {"href": f"{place}?Signature={self.signature}", "header": {}}
        if size > self.part_size:
            count = -(-size // self.part_size)
            parts = {
                f"{n:05}": f"{place}/{n}?Signature={self.signature}" for n in range(1, count + 1)
            }
            there = f"{self.url}/api/complete_multipart/objects/{quote(repo.name)}/{oid}"
            upload = {"href": there, "header": {"chunk_size": str(self.part_size), **parts}}
        verify = {"href": f"{self.url}/datasets/{repo.name}.git/info/lfs/objects/verify"}
        return {**about, "actions": {"upload": upload, "verify": verify}}

    def _upload(self, request: HubRequest) -> Answer:
        return self._keep(request.names["repo"], request.names["oid"], bytes(request.body))

    def _part(self, request: HubRequest) -> Answer:
        names = request.names
        parts = self._parts.setdefault((names["repo"], names["oid"]), {})
        parts[int(names["number"])] = bytes(request.body)
        return Answer(headers={"ETag": _part_tag(request.body)}, body=b"")

    def _complete(self, request: HubRequest) -> Answer:
        key = request.names["repo"], request.names["oid"]
        sent, asked = self._parts.pop(key, {}), json.loads(request.body)["parts"]
        for part in asked:
            if part["etag"] != _part_tag(sent.get(part["partNumber"], b"")):
                raise Refused(400, "InvalidPart")
        return self._keep(*key, b"".join(sent[part["partNumber"]] for part in asked))

    def _keep(self, repo: str, oid: str, content: bytes) -> Answer:
        if hashlib.sha256(content).hexdigest() != oid:
            raise Refused(400, "BadDigest")
        self.repos[repo].objects[oid] = content
        self.uploads.append((oid, len(content)))
        return json_answer({"success": True}, ETag=_part_tag(content))

    def _verify(self, request: HubRequest) -> Answer:
        repo, asked = self._repo(request, WRITE), json.loads(request.body)
        if len(repo.objects.get(asked["oid"], b"")) != asked["size"]:
            raise Refused(404, "Object not found")
        return json_answer({"message": "success"})

    def _commit(self, request: HubRequest) -> Answer:
        repo = self._repo(request, WRITE)
        lines = [json.loads(line) for line in request.body.splitlines()]
        for line in lines:
            if line["value"].get("path") == "README.md" and line["key"] == "file":
                errors, _ = check_card(b64decode(line["value"]["content"]).decode())
                if errors:
                    raise Refused(400, f"Invalid metadata in README.md: {errors[0]}")
        propose = request.query.get("create_pr") == "1"
        proposer = self._token(request).user if propose else None
        revision, branch = repo.commit(request.names["revision"], lines, proposer=proposer)
        page = f"{self.url}/datasets/{repo.name}"
        made = {"commitOid": revision.id, "commitUrl": f"{page}/commit/{revision.id}"}
        if propose:
            made["pullRequestUrl"] = f"{page}/discussions/{branch.rpartition('/')[2]}"
        return json_answer({"success": True, **made})


def _new_name(names: dict[str, str], name: str, commit_id: str) -> Answer:
    if name in names:
        raise Refused(409, f"Reference already exists: {name}")
    names[name] = commit_id
    return json_answer({"success": True})


def _remove_name(names: dict[str, str], name: str) -> Answer:
    if names.pop(name, None) is None:
        raise Refused(404, f"Invalid rev id: {name}", "RevisionNotFound")
    return json_answer({"success": True})


def _part_tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'
