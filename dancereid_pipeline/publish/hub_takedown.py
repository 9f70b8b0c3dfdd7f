"""Takes videos, or a person, out of a dataset on the Hub, and out of its history.

A commit alone removes nothing: older revisions keep the files. So the history is squashed, other
branches and tags that have the files are deleted, and the files themselves are purged. Then it
looks what can still be had.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import datasets
from huggingface_hub import CommitOperationDelete, HfApi, HfFileSystem, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import RepoFile

from ..build.units import PREPARED
from ..common.errors import HubError
from ..common.offline import OFFLINE, offline
from ..common.report import Report
from ..common.storage import Storage
from .access import Access
from .card import CARD
from .croissant import CROISSANT
from .found_records import configs_in
from .hub_errors import hub_errors
from .prepared_folder import Prepared
from .push import push_prepared
from .takedown import TakenDown, take_down

_BRANCH, _TAG = "refs/heads/", "refs/tags/"
_MAIN = f"{_BRANCH}main"


@dataclass(frozen=True, repr=False)
class TakenFromHub(Report):
    """What was taken from the Hub, or would be.

    Attributes:
        repo_id: `user/name`.
        removed: what was taken out of the dataset.
        deleted: branches and tags that had the old files, and were deleted.
        purged: number of large files that were purged.
        remaining: where the old files can still be had.
    """

    repo_id: str
    removed: TakenDown
    deleted: tuple[str, ...]
    purged: int
    remaining: tuple[str, ...]

    def __str__(self) -> str:
        was, were = ("was", "were") if self.removed.done else ("would be", "would be")
        lines = [f"{self.repo_id}: {self.removed.images:,} images {were} taken out"]
        lines += [f"  {config}: {video_id}" for config, video_id in self.removed.videos]
        lines.append(f"The history of main {was} squashed, and {self.purged} files {were} purged.")
        lines += [f"{ref} {was} deleted, since it has the old files." for ref in self.deleted]
        lines += [
            f"{where}: still has old files, and cannot be changed from here. Close the pull "
            "request, or wait until the Hub converts the dataset again; then ask the Hub's support."
            for where in self.remaining
        ]
        lines.append("Others may have copies. Tell those whom you know to have one.")
        return "\n".join(lines)


def take_down_from_hub(
    repo_id: str,
    video_ids: Sequence[str],
    *,
    person: int | None = None,
    dry_run: bool = False,
    token: str | None = None,
) -> TakenFromHub:
    """Takes videos, or one person of a video, out of a dataset on the Hub. It cannot be undone.

    It pushes the dataset without them, squashes the history of the main branch, deletes other
    branches and tags that have the old files, and purges all large files that nothing else has.
    Then it looks what can still be had. Run again, it ends what was interrupted.

    Args:
        repo_id: `user/name`.
        video_ids: the videos.
        person: take only this person (global id) out of the one video.
        dry_run: only say what would be removed.
        token: the token; that of `hf auth login` or HF_TOKEN if None.

    Raises:
        DanceReIDError: it has no such video or person; the Hub refuses or cannot be reached.
    """
    if offline():
        raise HubError(f"Nothing can be taken from the Hub: {OFFLINE}. Unset it.")
    api = HfApi(token=token)
    cache = Path(datasets.config.HF_DATASETS_CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    with (
        hub_errors(repo_id),
        tempfile.TemporaryDirectory(dir=cache, prefix="dancereid-takedown-") as folder,
    ):
        revision = str(api.dataset_info(repo_id).sha)
        snapshot_download(
            repo_id, repo_type="dataset", revision=revision, local_dir=folder, token=token
        )
        removed = take_down(folder, video_ids, person=person, dry_run=dry_run)
        if not dry_run:
            _push_rest(api, repo_id, Path(folder))
        refs = _Refs.of(api, repo_id, video_ids, removed)
        deleted, purged = refs.delete(), refs.purge()
        return TakenFromHub(repo_id, removed, deleted, purged, refs.remaining(revision))


def _push_rest(api: HfApi, repo_id: str, folder: Path) -> None:
    """Pushes what is left, and squashes the history; a config without images goes altogether."""
    left = configs_in(Storage.of(folder))
    there = {path.partition("/")[0] for path in _files(api, repo_id, _MAIN)} & set(PREPARED)
    gone = [CommitOperationDelete(f"{name}/", is_folder=True) for name in there - set(left)]
    if gone and not left:
        gone += [CommitOperationDelete(name) for name in (CARD, CROISSANT)]
    if gone:
        api.create_commit(repo_id, gone, repo_type="dataset", commit_message="Take down")
    if left:
        push_prepared(Prepared.read(folder), repo_id, Access.found(api, repo_id), api)
    api.super_squash_history(repo_id, repo_type="dataset", commit_message="Take down")


def _files(api: HfApi, repo_id: str, revision: str) -> dict[str, str]:
    """The large files of a revision: path -> SHA-256."""
    name = revision.removeprefix(_BRANCH).removeprefix(_TAG)  # the Hub knows these by their names
    tree = api.list_repo_tree(repo_id, repo_type="dataset", revision=name, recursive=True)
    return {item.path: item.lfs.sha256 for item in tree if isinstance(item, RepoFile) and item.lfs}


@dataclass(frozen=True)
class _Refs:
    """Branches, tags and so on of a repository, and which of them have files that are to go.

    Attributes:
        api: asks the Hub.
        repo_id: `user/name`.
        removed: what was taken out of the main branch, or would be.
        files: the large files of each ref: ref -> path -> SHA-256.
        holders: the refs but main that have another shard of the videos than main will have.
        kept: SHA-256 of all large files of main and of the refs that are no holders.
    """

    api: HfApi
    repo_id: str
    removed: TakenDown
    files: Mapping[str, Mapping[str, str]]
    holders: tuple[str, ...]
    kept: frozenset[str]

    @classmethod
    def of(cls, api: HfApi, repo_id: str, video_ids: Sequence[str], removed: TakenDown) -> _Refs:
        """Asks the Hub for all refs and their files."""
        files = {ref: _files(api, repo_id, ref) for ref in _all_refs(api, repo_id)}
        named = "|".join(map(re.escape, video_ids))
        of_videos = re.compile(rf"[^/]+/[a-z]+-[0-9]{{3,}}-(?:{named})\.parquet")
        # Before it is done, main has them still.
        main = set(files[_MAIN].values()) - set(() if removed.done else removed.files.values())
        holders = tuple(
            ref
            for ref in files.keys() - {_MAIN}
            if any(of_videos.fullmatch(p) and s not in main for p, s in files[ref].items())
        )
        others = {s for ref in files.keys() - {_MAIN, *holders} for s in files[ref].values()}
        return cls(api, repo_id, removed, files, tuple(sorted(holders)), frozenset(main | others))

    def delete(self) -> tuple[str, ...]:
        """Deletes the holders that can be deleted: branches and tags. Gives their names."""
        deleted = [ref for ref in self.holders if ref.startswith((_BRANCH, _TAG))]
        for ref in deleted if self.removed.done else ():
            name = ref.removeprefix(_BRANCH).removeprefix(_TAG)
            if ref.startswith(_BRANCH):
                self.api.delete_branch(self.repo_id, branch=name, repo_type="dataset")
            else:
                self.api.delete_tag(self.repo_id, tag=name, repo_type="dataset")
        return tuple(deleted)

    def purge(self) -> int:
        """Purges the large files that only holders and former revisions have; counts them."""
        listed = self.api.list_lfs_files(self.repo_id, repo_type="dataset")
        old = [file for file in listed if file.oid not in self.kept]
        if self.removed.done:
            self.api.permanently_delete_lfs_files(self.repo_id, old, repo_type="dataset")
        return len(old)

    def remaining(self, revision: str) -> tuple[str, ...]:
        """Where an old file can still be had: a ref, or the revision from before."""
        if not self.removed.done:
            return ()
        asked = {
            ref: self.files[ref] for ref in self.holders if not ref.startswith((_BRANCH, _TAG))
        }
        asked[revision] = self.removed.files
        return tuple(
            where
            for where, files in asked.items()
            if any(self._has(where, path) for path, sha in files.items() if sha not in self.kept)
        )

    def _has(self, revision: str, path: str) -> bool:
        """Whether the Hub gives the first byte of a file."""
        fs = HfFileSystem(
            endpoint=self.api.endpoint, token=self.api.token, use_listings_cache=False
        )
        name = f"datasets/{self.repo_id}@{quote(revision, safe='')}/{path}"
        try:
            with fs.open(name) as file:
                return bool(file.read(1))
        except (HfHubHTTPError, FileNotFoundError):
            return False


def _all_refs(api: HfApi, repo_id: str) -> list[str]:
    """Full names of branches, tags, pull requests, and of what the Hub itself converted."""
    refs = api.list_repo_refs(repo_id, repo_type="dataset", include_pull_requests=True)
    several = (refs.branches, refs.tags, refs.converts, refs.pull_requests or [])
    return [ref.ref for kind in several for ref in kind]
