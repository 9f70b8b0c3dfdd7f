"""Takes videos, or a person, out of a dataset on the Hub, and out of its history.

A commit alone removes nothing: older revisions keep the files. So the history is squashed, other
branches and tags that have the files are deleted, and the files themselves are purged. Then it
looks what can still be had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import datasets
from huggingface_hub import CommitOperationDelete, HfApi, HfFileSystem, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import RepoFile

from ..common.errors import HubError, OptionError
from ..common.files import alone, beside, remove_unfinished
from ..common.offline import OFFLINE, offline
from ..common.report import Report
from ..common.storage import Storage
from .access import Access
from .card import CARD
from .croissant import CROISSANT
from .found_records import configs_in, configs_of
from .hub_errors import hub_errors
from .prepared_folder import Prepared
from .push import push_prepared
from .takedown import TakenDown, take_down, videos_in

_BRANCH, _TAG = "refs/heads/", "refs/tags/"
_MAIN = f"{_BRANCH}main"
_CONVERTED = "refs/convert/"
# Names that say of which video a Parquet file is; and names that `datasets` gives.
_SHARD = re.compile(r"(?:^|/)[a-z]+-[0-9]{3,}-[^/]+\.parquet$")
_NUMBERED = re.compile(r"-[0-9]{5}-of-[0-9]{5}\.parquet$")


@dataclass(frozen=True, repr=False)
class TakenFromHub(Report):
    """What was taken from the Hub, or would be.

    Attributes:
        repo_id: `user/name`.
        removed: what was taken out of the dataset.
        deleted: branches and tags that had the old files, and were deleted.
        purged: number of large files that were purged.
        remaining: where the old files can still be had, or could.
        unclear: where Parquet files are whose names do not say what is in them, and which main does
            not have.
    """

    repo_id: str
    removed: TakenDown
    deleted: tuple[str, ...]
    purged: int
    remaining: tuple[str, ...]
    unclear: tuple[str, ...]

    def __str__(self) -> str:
        was, were = ("was", "were") if self.removed.done else ("would be", "would be")
        has = "still has" if self.removed.done else "has"
        lines = [f"{self.repo_id}: {self.removed.images:,} images {were} taken out"]
        lines += [f"  {config}: {video_id}" for config, video_id in self.removed.videos]
        lines.append(f"The history of main {was} squashed, and {self.purged} files {were} purged.")
        lines += [f"{ref} {was} deleted, since it has the old files." for ref in self.deleted]
        lines += [
            f"{where}: {has} old files, and cannot be changed from here. Close the pull request, "
            "if it is one; then ask the Hub's support."
            for where in self.remaining
        ]
        lines += [
            f"{where}: has other Parquet files than main, which may have what {was} taken out. "
            + (
                "Wait until the Hub converts the dataset again; then ask the Hub's support."
                if where.startswith(_CONVERTED)
                else "Look into them, and delete it if need be."
            )
            for where in self.unclear
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
    with hub_errors(repo_id), _copies_folder() as folder:
        revision = str(api.dataset_info(repo_id).sha)
        snapshot_download(
            repo_id, repo_type="dataset", revision=revision, local_dir=folder, token=token
        )
        known = _known(api, repo_id, folder, video_ids)
        if known:
            removed = take_down(folder, known, person=person, dry_run=dry_run)
        else:  # a run that was interrupted took out the last of it
            removed = TakenDown(str(folder), (), 0, {}, done=not dry_run)
        if not dry_run:
            _push_rest(api, repo_id, folder, revision)
        refs = _Refs.of(api, repo_id, video_ids, removed)
        deleted, purged = refs.delete(), refs.purge()
        remaining = refs.remaining(revision)
        return TakenFromHub(repo_id, removed, deleted, purged, remaining, refs.unclear)


@contextmanager
def _copies_folder() -> Iterator[Path]:
    """A temporary folder for a copy of the dataset. What a killed run left there is removed."""
    folder = Path(datasets.config.HF_DATASETS_CACHE) / "dancereid-takedown"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, "takedown"):
        remove_unfinished(folder)
        with beside(folder / "copy") as copy:
            yield copy


def _known(api: HfApi, repo_id: str, folder: Path, video_ids: Sequence[str]) -> list[str]:
    """Those of the videos that the main branch has records of.

    Raises:
        OptionError: a video is neither there nor in any old file on the Hub.
    """
    there = videos_in(Storage.of(folder))
    known = [video_id for video_id in video_ids if video_id in there]
    if others := [video_id for video_id in video_ids if video_id not in there]:
        listed = api.list_lfs_files(repo_id, repo_type="dataset")
        old = {path for ref in _all_refs(api, repo_id) for path in _files(api, repo_id, ref)}
        old |= {file.filename for file in listed}
        for video_id in others:
            if not any(map(_shards_of([video_id]).search, old)):
                raise OptionError(
                    f"{repo_id}: has no video {video_id!r}, and no old file of it; the videos in "
                    f"it: {', '.join(sorted(there)) or 'none'}."
                )
    return known


def _shards_of(video_ids: Sequence[str]) -> re.Pattern[str]:
    """Matches the paths of shards of some videos."""
    named = "|".join(map(re.escape, video_ids))
    return re.compile(rf"(?:^|/)[a-z]+-[0-9]{{3,}}-(?:{named})\.parquet$")


def _is_unclear(path: str) -> bool:
    """Whether a file may have images of any video."""
    return path.endswith(".parquet") and (
        _SHARD.search(path) is None or _NUMBERED.search(path) is not None
    )


def _push_rest(api: HfApi, repo_id: str, folder: Path, revision: str) -> None:
    """Pushes what is left, in one commit, and squashes the history.

    A config without images goes altogether.
    """
    left = configs_in(Storage.of(folder))
    names = api.list_repo_files(repo_id, repo_type="dataset", revision=revision)
    gone = set(configs_of(names)) - set(left)
    if left:
        access = Access.found(api, repo_id)
        push_prepared(Prepared.read(folder), repo_id, access, api, gone=gone)
    elif gone:
        removed = [CommitOperationDelete(f"{config}/", is_folder=True) for config in gone]
        removed += [CommitOperationDelete(name) for name in {CARD, CROISSANT} & set(names)]
        api.create_commit(
            repo_id,
            removed,
            repo_type="dataset",
            commit_message="Take down",
            parent_commit=revision,
        )
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
        unclear: other refs with Parquet files of which it cannot be said whether they have it.
        kept: SHA-256 of all large files that main has, and what is no holder and not the Hub's own.
    """

    api: HfApi
    repo_id: str
    removed: TakenDown
    files: Mapping[str, Mapping[str, str]]
    holders: tuple[str, ...]
    unclear: tuple[str, ...]
    kept: frozenset[str]

    @classmethod
    def of(cls, api: HfApi, repo_id: str, video_ids: Sequence[str], removed: TakenDown) -> _Refs:
        """Asks the Hub for all refs and their files."""
        files = {ref: _files(api, repo_id, ref) for ref in _all_refs(api, repo_id)}
        of_videos = _shards_of(video_ids)
        # Before it is done, main has them still.
        main = set(files[_MAIN].values()) - set(() if removed.done else removed.files.values())
        holders = tuple(
            ref
            for ref in files.keys() - {_MAIN}
            if any(of_videos.search(p) and s not in main for p, s in files[ref].items())
        )
        others = sorted(files.keys() - {_MAIN, *holders})
        unclear = [
            ref for ref in others if any(map(_is_unclear, set(files[ref]) - set(files[_MAIN])))
        ]
        kept = {s for ref in others if not ref.startswith(_CONVERTED) for s in files[ref].values()}
        return cls(
            api,
            repo_id,
            removed,
            files,
            tuple(sorted(holders)),
            tuple(unclear),
            frozenset(main | kept),
        )

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
        listed = list(self.api.list_lfs_files(self.repo_id, repo_type="dataset"))
        names = {name for file in listed for name in (file.oid, file.file_oid)}
        if unlisted := set(self.files[_MAIN].values()) - names:
            raise HubError(
                f"{self.repo_id}: the Hub's list of large files lacks {min(unlisted)}, which the "
                "dataset has, so it cannot be said which ones are old. None was purged: do that in "
                "its settings, and ask the Hub's support."
            )
        old = [file for file in listed if not self.kept & {file.oid, file.file_oid}]
        if self.removed.done:
            self.api.permanently_delete_lfs_files(self.repo_id, old, repo_type="dataset")
        return len(old)

    def remaining(self, revision: str) -> tuple[str, ...]:
        """Where an old file can still be had: a ref, or the revision from before.

        Before it is done, these are the refs that cannot be deleted.
        """
        asked = {
            ref: self.files[ref] for ref in self.holders if not ref.startswith((_BRANCH, _TAG))
        }
        if not self.removed.done:
            return tuple(asked)
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
        except FileNotFoundError:
            return False
        except HfHubHTTPError as error:
            if error.response.status_code in (403, 404, 410):  # a store may say no for what is gone
                return False
            raise


def _all_refs(api: HfApi, repo_id: str) -> list[str]:
    """Full names of branches, tags, pull requests, and of what the Hub itself converted."""
    refs = api.list_repo_refs(repo_id, repo_type="dataset", include_pull_requests=True)
    several = (refs.branches, refs.tags, refs.converts, refs.pull_requests or [])
    return [ref.ref for kind in several for ref in kind]
