"""A prepared folder -> a dataset on the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import (
    CommitInfo,
    CommitOperationAdd,
    CommitOperationDelete,
    DatasetCard,
    HfApi,
)
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from yaml import YAMLError

from ..build.prepared_names import in_card_order
from ..common.errors import HubError, OptionError, SourceError
from ..common.offline import OFFLINE, offline
from ..common.report import Report
from ..common.validation import shown
from ..shards.build_record import RECORD, Build
from .access import FORM, Access, Gate, check_access, close, open_up
from .card import CARD, card, licence
from .croissant import CROISSANT, croissant
from .found_records import configs_of
from .hub_errors import hub_errors
from .loaded_dataset import in_cache
from .prepared_folder import Prepared
from .read_back import read_back

# The files of a repository that a user made on the Hub's pages.
_EMPTY = {".gitattributes", CARD}


@dataclass(frozen=True, repr=False)
class Pushed(Report):
    """What was pushed, and read back.

    Attributes:
        repo_id: `user/name`.
        url: address of its page.
        private: whether only its owner sees it.
        gated: whether people must ask for its files: "auto", "manual" or False.
        revision: the commit, 40 hex digits.
        branch: the branch, or `refs/pr/N` for a pull request; None for the main branch.
        changed: whether the commit is new; if not, the Hub had all of this already.
        configs: names of the configs that were pushed.
    """

    repo_id: str
    url: str
    private: bool
    gated: Gate
    revision: str
    branch: str | None
    changed: bool
    configs: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each config, which loads it."""
        options = f", revision={json.dumps(self.branch)}" if self.branch else ""
        return tuple(f'load_dataset("{self.repo_id}", "{name}"{options})' for name in self.configs)

    def __str__(self) -> str:
        where = f" of {self.branch}" if self.branch else ""
        return "\n".join(
            [
                f"{self.url} ({self._seen_by})",
                f"revision {self.revision}{where}{'' if self.changed else ', as it was already'}; "
                "read back and compared",
                *(f"  {line}" for line in self.lines),
            ]
        )

    @property
    def _seen_by(self) -> str:
        if self.private:
            return "private: only you, or your organization, see it"
        if self.gated == "auto":
            return "gated: all see it; whoever signs in and fills in its form gets the files"
        if self.gated:
            return f"gated: all see it; you let people have the files, at {self.url}/settings"
        return "public"


@dataclass(frozen=True)
class _Remote:
    """A branch of a repository before a push: its newest commit, and its files."""

    api: HfApi
    repo_id: str
    branch: str | None
    revision: str
    files: frozenset[str]

    @classmethod
    def of(cls, api: HfApi, repo_id: str, branch: str | None) -> _Remote:
        """Asks the Hub; a branch that does not exist is to begin at the main branch."""
        try:
            info = api.dataset_info(repo_id, revision=branch)
        except RevisionNotFoundError:
            info = api.dataset_info(repo_id)
        names = (sibling.rfilename for sibling in info.siblings or ())
        return cls(api, repo_id, branch, str(info.sha), frozenset(names))

    @property
    def records(self) -> dict[str, str]:
        """Paths of the records of configs that this project pushed, by config."""
        paths = {config: f"{config}/{RECORD}" for config in configs_of(self.files)}
        return {config: path for config, path in paths.items() if path in self.files}

    def builds(self, *, but: Container[str]) -> dict[str, Build]:
        """The configs on the Hub, by name; without those of `but` whose record is broken.

        Raises:
            HubError: another record is broken.
        """
        builds = {}
        for config, path in self.records.items():
            try:
                builds[config] = Build.from_json(self._read(path), path)
            except SourceError as error:
                if config not in but:
                    raise HubError(
                        f"{self.repo_id}: the record of '{config}' is broken ({error}). Push that "
                        "config again, too, or delete its folder there."
                    ) from error
        return builds

    def has(self, prepared: Prepared) -> bool:
        """Whether it has the same data of each of these configs."""
        there = self.builds(but=self.records)
        return all(b.config in there and there[b.config].same_data(b) for b in prepared.builds)

    def card(self) -> DatasetCard:
        """The card on the Hub; an empty one if there is none.

        Raises:
            HubError: it cannot be read.
        """
        try:
            return DatasetCard(self._read(CARD) if CARD in self.files else "---\n{}\n---\n")
        except (ValueError, YAMLError) as error:
            raise HubError(
                f"{self.repo_id}: the head of its {CARD} is not YAML "
                f"({' '.join(str(error).split())}). Correct or delete it on the Hub, then push "
                "again."
            ) from error

    def _read(self, name: str) -> str:
        path = self.api.hf_hub_download(
            self.repo_id, name, repo_type="dataset", revision=self.revision
        )
        return Path(path).read_text("utf-8", errors="replace")


def push_to_hub(
    data: Mapping[str, Any] | str | Path,
    repo_id: str,
    *,
    configs: Sequence[str] | None = None,
    public: bool = False,
    gated: Literal["auto", "manual"] | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | None = None,
) -> Pushed:
    """Pushes configs to the Hub, in one commit; other configs on the Hub stay.

    Files that the Hub has already are not sent again, also after an interrupted push. Other files
    in the folder of a pushed config are removed from the Hub. The pushed revision is then read back
    and compared, and so is who may see it.

    Args:
        data: a folder that `prepare` made, or what `load_dataset` gave for all splits.
        repo_id: `user/name`; without `user/`, your own name is used.
        configs: push only these configs of the folder.
        public: let everybody have the dataset. A repository that exists already stays private or
            public; it must be as this says.
        gated: let everybody see the dataset, but ask people who want its files who they are and
            what for: "auto" gives the files to whoever answers, "manual" lets you decide. The gate
            is set before anything is sent, also to a repository that exists; one that is private
            becomes visible at the end.
        revision: the branch to push to, the main branch if None. It is made if it does not exist.
        create_pr: open a pull request instead of changing the main branch. Your own one with the
            same data, if it is open, is continued: an interrupted push may have made it.
        token: the token; that of `hf auth login` or HF_TOKEN if None.

    Raises:
        DanceReIDError: there is nothing to push, or it is broken; the Hub refuses or cannot be
            reached; what was read back is not what was pushed.
    """
    access = Access.asked(public, gated)
    if revision is not None and create_pr:
        raise OptionError("revision and create_pr: expected one of them, got both.")
    if isinstance(data, Mapping):
        check_push(repo_id, public=public, gated=gated, revision=revision, token=token)
        with in_cache(data) as folder:
            prepared = Prepared.read(folder)
            return push_prepared(
                prepared, repo_id, access, HfApi(token=token), revision, create_pr=create_pr
            )
    if not isinstance(data, str | Path):
        raise OptionError(
            "data: expected a folder that prepare made, or all splits as load_dataset gives "
            f"them, got {shown(data)}."
        )
    prepared = Prepared.read(data, configs)
    return push_prepared(
        prepared, repo_id, access, HfApi(token=token), revision, create_pr=create_pr
    )


def push_prepared(
    prepared: Prepared,
    repo_id: str,
    access: Access,
    api: HfApi,
    branch: str | None = None,
    *,
    create_pr: bool = False,
    gone: Collection[str] = (),
) -> Pushed:
    """Pushes a folder: the gate first, then the files, and what makes it visible last.

    Args:
        prepared: the folder.
        repo_id: `user/name`.
        access: who is to see it.
        api: asks the Hub.
        branch: as `revision` of `push_to_hub`.
        create_pr: as for `push_to_hub`.
        gone: configs on the Hub that are removed in the same commit.

    Raises:
        DanceReIDError: as `push_to_hub`.
    """
    prepared.check()
    with hub_errors(repo_id):
        repo_id, remote = _look(api, repo_id, access, branch)
        if remote is None:
            api.create_repo(repo_id, repo_type="dataset", private=str(access) != "public")
            remote = _Remote.of(api, repo_id, branch)
        close(api, repo_id, access)
        if branch is not None and not branch.startswith("refs/"):
            api.create_branch(repo_id, branch=branch, repo_type="dataset", exist_ok=True)
        if create_pr and (proposed := _proposed(remote, prepared)):
            remote, create_pr = proposed, False
        info = _commit(remote, prepared, access, create_pr, gone)
        read_back(api, repo_id, info.oid, prepared)
        found = open_up(api, repo_id, access)
        return Pushed(
            repo_id=repo_id,
            url=f"{api.endpoint}/datasets/{repo_id}",
            private=found.private,
            gated=found.gate,
            revision=info.oid,
            branch=info.pr_revision or remote.branch,
            changed=info.oid != remote.revision,
            configs=tuple(build.config for build in prepared.builds),
        )


def check_push(
    repo_id: str,
    *,
    public: bool = False,
    gated: Literal["auto", "manual"] | None = None,
    revision: str | None = None,
    token: str | None = None,
) -> None:
    """Asks the Hub, before a long build, whether a push can begin.

    Raises:
        DanceReIDError: as `push_to_hub`.
    """
    with hub_errors(repo_id):
        _look(HfApi(token=token), repo_id, Access.asked(public, gated), revision)


def _look(
    api: HfApi, repo_id: str, access: Access, branch: str | None
) -> tuple[str, _Remote | None]:
    """`user/name`, and the repository; None if it does not exist.

    Raises:
        HubError: the token cannot write; or the repository holds something else, or is not
            public or private as asked.
        OptionError: it is the name of a storage bucket.
    """
    if repo_id.startswith(("buckets/", "hf://buckets/")):
        raise OptionError(
            f"{repo_id} is the name of a storage bucket. A bucket has no card, no gate and no "
            "revisions, so a dataset is pushed to a repository: USER/NAME."
        )
    if offline():
        raise HubError(f"Nothing can be pushed: {OFFLINE}. Unset it.")
    if Path(repo_id).exists():
        raise HubError(
            f"There is a folder {repo_id} here. load_dataset would read it instead of the dataset "
            "on the Hub, so the push could not be read back. Run this from another folder."
        )
    me = api.whoami()
    if me.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise HubError(
            f"The token of {me['name']} can only read. Make a token that can write, at "
            "https://huggingface.co/settings/tokens, then run: hf auth login (or set HF_TOKEN)."
        )
    repo_id = repo_id if "/" in repo_id else f"{me['name']}/{repo_id}"
    try:
        check_access(api, repo_id, access, Access.found(api, repo_id))
    except RepositoryNotFoundError:
        return repo_id, None
    remote = _Remote.of(api, repo_id, branch)
    if not remote.records and remote.files - _EMPTY:
        raise HubError(
            f"{repo_id} exists and holds {', '.join(sorted(remote.files - _EMPTY)[:3])}, which "
            "this project did not push. Use another name; nothing was changed."
        )
    return repo_id, remote


def _proposed(main: _Remote, prepared: Prepared) -> _Remote | None:
    """The user's own open pull request that brings this data; None if there is none."""
    asked = main.api.get_repo_discussions(
        main.repo_id,
        repo_type="dataset",
        author=main.api.whoami()["name"],
        discussion_type="pull_request",
        discussion_status="open",
    )
    if not main.has(prepared):
        for each in asked:
            proposed = _Remote.of(main.api, main.repo_id, f"refs/pr/{each.num}")
            if proposed.has(prepared):
                return proposed
    return None


def _commit(
    remote: _Remote,
    prepared: Prepared,
    access: Access,
    create_pr: bool,
    gone: Collection[str],
) -> CommitInfo:
    """Pushes all files in one commit on top of `remote`."""
    pushed = {build.config: build for build in prepared.builds}
    there = remote.builds(but={*pushed, *gone})
    # A config that has not changed keeps its record, and so the day on which it was made.
    same = [
        name
        for name, build in pushed.items()
        if name in there and there[name].same_data(build) and there[name].coverage == build.coverage
    ]
    builds = {**there, **{name: build for name, build in pushed.items() if name not in same}}
    ordered = [builds[config] for config in in_card_order(builds) if config not in gone]
    last = remote.card()
    others = last.data.to_dict()  # type: ignore[no-untyped-call]  # the Hub's, and untyped
    others = {name: others[name] for name in others if name not in licence(there.values())}
    form = FORM if access.gate else {}
    text = card(ordered, remote.repo_id, {**form, **others}, last.content)
    files = [name for build in prepared.builds for name in build.files]
    stale = [
        name
        for name in sorted(remote.files - set(files))
        if any(name.startswith(f"{config}/") for config in (*pushed, *gone))
    ]
    return remote.api.create_commit(
        remote.repo_id,
        [
            CommitOperationAdd(CARD, text.encode()),
            CommitOperationAdd(CROISSANT, croissant(ordered, remote.repo_id).encode()),
            *(
                CommitOperationAdd(name, prepared.folder / name)
                for name in files
                if name not in {f"{config}/{RECORD}" for config in same}
            ),
            *(CommitOperationDelete(name) for name in stale),
        ],
        repo_type="dataset",
        commit_message="; ".join(build.brief for build in prepared.builds),
        revision=remote.branch,
        create_pr=create_pr,
        parent_commit=remote.revision,
    )
