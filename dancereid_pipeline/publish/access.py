"""Who may see a repository on the Hub: the gate, and the order in which it is opened.

A repository with a gate is seen by all, and its files are for the people who were let in. The gate
is set, and read back, before anything is sent; a new repository stays private until its content was
read back, too. So a push that ends early, at whichever step, shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from huggingface_hub import HfApi

from ..common.errors import HubError, OptionError
from ..common.validation import shown

Gate = Literal["auto", "manual", False]
GATES: tuple[Gate, ...] = ("auto", "manual")

# What the Hub asks people who want access: fields of the dataset card's metadata. It is true of
# every build; whom the images show, and what they are for, stands in the card below it.
FORM: dict[str, Any] = {
    "extra_gated_prompt": (
        "The dataset card says where the images come from and whom they show. Whoever gets access "
        "uses them only for research on re-identification methods, does not try to find out who "
        "anybody in them is, does not follow anyone with them, does not pass them on, and deletes "
        "what is removed from this dataset."
    ),
    "extra_gated_fields": {
        "Affiliation": "text",
        "Purpose": "text",
        "I agree to all of this and will not identify the people in the images": "checkbox",
    },
}


@dataclass(frozen=True)
class Access:
    """Who may see a repository, as it was asked for or as it was found.

    Attributes:
        private: only its owner sees it.
        gate: "auto": who asks for the files gets them; "manual": the owner decides; False: nobody
            needs to ask.
    """

    private: bool
    gate: Gate

    @classmethod
    def asked(cls, public: bool, gated: str | None) -> Access:
        """The access that the options of a push ask for.

        Raises:
            OptionError: they are wrong, or exclude each other.
        """
        if not isinstance(public, bool):
            raise OptionError(f"public: expected True or False, got {shown(public)}.")
        gate = next((gate for gate in GATES if gate == gated), None)
        if gated is not None and gate is None:
            raise OptionError(f"gated: expected 'auto', 'manual' or None, got {shown(gated)}.")
        if public and gate:
            raise OptionError(
                "public and gated: expected one of them. With gated, all see the dataset, and "
                "people have to ask for its files."
            )
        return cls(private=not public and gate is None, gate=gate or False)

    @classmethod
    def found(cls, api: HfApi, repo_id: str) -> Access:
        """The access that the Hub gives now."""
        info = api.dataset_info(repo_id)
        return cls(bool(info.private), info.gated or False)

    def __str__(self) -> str:
        if self.private:
            return "private"
        return f"gated ({self.gate})" if self.gate else "public"

    def met_by(self, found: Access) -> bool:
        """Whether a repository is open as this asks; nobody meets the gate of a private one."""
        return found.private if self.private else found == self


def check_access(api: HfApi, repo_id: str, asked: Access, found: Access) -> None:
    """Refuses a repository that a push must not open or close by itself.

    A push with a gate may: it closes what is open before it sends anything.

    Raises:
        HubError: the repository is not open as asked.
    """
    if asked.gate or asked.met_by(found):
        return
    flag = {"private": "without --public", "public": "with --public (public=True)"}.get(
        str(found), f"with --gated {found.gate} (gated={found.gate!r})"
    )
    raise HubError(
        f"{repo_id} exists and is {found}; expected {asked}. Change that in its settings, "
        f"{api.endpoint}/datasets/{repo_id}/settings, push {flag}, or use another name."
    )


def close(api: HfApi, repo_id: str, asked: Access) -> None:
    """Sets the gate before anything is sent, and reads it back.

    Raises:
        HubError: the repository is more open than asked. Nothing was sent.
    """
    found = Access.found(api, repo_id)
    if asked.gate and found.gate != asked.gate:
        api.update_repo_settings(repo_id, gated=asked.gate, repo_type="dataset")
        found = Access.found(api, repo_id)
    ready = found.gate == asked.gate if asked.gate else asked.met_by(found)
    if not ready:
        raise HubError(
            f"{repo_id}: the Hub was asked for a repository that is {asked}, and made one that is "
            f"{_both(found)}. Nothing was sent. Change that in its settings, "
            f"{api.endpoint}/datasets/{repo_id}/settings, and run it again."
        )


def open_up(api: HfApi, repo_id: str, asked: Access) -> Access:
    """Makes a repository with a gate visible, after all was sent, and reads back what is so.

    Returns:
        The access as read back.

    Raises:
        HubError: it is not as asked; one that is too open was made private.
    """
    found = Access.found(api, repo_id)
    if asked.gate and asked != found:
        api.update_repo_settings(repo_id, gated=asked.gate, private=False, repo_type="dataset")
        found = Access.found(api, repo_id)
    if asked.met_by(found):
        return found
    too_open = not found.private and (asked.private or asked.gate)
    if too_open:
        api.update_repo_settings(repo_id, private=True, repo_type="dataset")
    raise HubError(
        f"{repo_id}: everything was sent, but the repository is {_both(found)} instead of {asked}"
        f"{'; it was made private' if too_open else ''}. Look at its settings, "
        f"{api.endpoint}/datasets/{repo_id}/settings, and run it again."
    )


def _both(found: Access) -> str:
    """Both settings, in words."""
    gate = f"gate {found.gate}" if found.gate else "without a gate"
    return f"{'private' if found.private else 'visible to all'}, {gate}"
