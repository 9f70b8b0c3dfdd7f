"""Trained models on the Hugging Face Hub: the folder of a training <-> a repository.

It is done by plain files. The client's `PyTorchModelHubMixin` would write another card and another
description beside those of the folder, would make repositories public unless it is told not to,
and reads a pickle where a stranger's repository has no safetensors.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

# The error of its HTTP client if a connection fails. Releases of it use different clients.
from huggingface_hub.errors import HTTPError as ClientError  # type: ignore[attr-defined]

from ..common.address import without_secrets
from ..common.errors import HubError, OptionError, PublicTracebackError
from ..common.offline import OFFLINE, offline
from ..common.validation import checked_path, require_extra, shown
from ..publish.hub_errors import hub_errors

_TRIES = 'Name a folder that dancereid train wrote, "timm:NAME", or USER/NAME of a model on the Hub'


def push_model_to_hub(
    folder: str | Path, repo_id: str, *, public: bool = False, token: str | None = None
) -> str:
    """Pushes a trained model to the Hub, in one commit. `extract` takes it by its name then.

    Weights, design, result, log, curves and card are pushed. Pictures stay here: they show people.

    Args:
        folder: the folder that `train` wrote.
        repo_id: `user/name`; without `user/`, your own name is used.
        public: let everybody see the model. A repository that exists already stays private or
            public; it must be as this says.
        token: the token; that of `hf auth login` or HF_TOKEN if None.

    Returns:
        The address of its page.

    Raises:
        DanceReIDError: the training is not finished, or a file is broken; the Hub refuses or
            cannot be reached; the repository holds something else.
    """
    require_extra("train", "torch", "safetensors")
    from .model_folder import CARD, CURVES, DESIGN, LOG, RESULT, WEIGHTS, load_model, read_result

    if not isinstance(public, bool):
        raise OptionError(f"public: expected True or False, got {shown(public)}.")
    path = checked_path("folder", folder)
    read_result(path)
    load_model(path)
    if offline():
        raise HubError(f"Nothing can be pushed: {OFFLINE}. Unset it.")
    api = HfApi(token=token)
    with hub_errors(repo_id):
        url = api.create_repo(repo_id, private=not public, exist_ok=True)
        info = api.model_info(url.repo_id)
        if bool(info.private) is public:
            raise HubError(
                f"{url.repo_id} exists and is {'private' if public else 'public'}; expected the "
                "other. Change that in its settings on the Hub, or use another name."
            )
        there = {sibling.rfilename for sibling in info.siblings or ()} - {".gitattributes", CARD}
        if there and DESIGN not in there:
            raise HubError(
                f"{url.repo_id} exists and holds {', '.join(sorted(there)[:3])}, which this "
                "project did not push. Use another name; nothing was changed."
            )
        api.upload_folder(
            repo_id=url.repo_id,
            folder_path=path,
            allow_patterns=[CARD, CURVES, DESIGN, LOG, RESULT, WEIGHTS],
            commit_message="Push a trained model",
        )
    return str(url)


def local_model(model: str | Path) -> Path:
    """The folder of a trained model: a folder here, or one on the Hub, which is fetched.

    Only weights (safetensors), design and result are fetched; none of them can run code.

    Raises:
        HubError: there is no such folder, and the Hub gives no such model.
    """
    from .model_folder import DESIGN, RESULT, WEIGHTS

    folder = checked_path("model", model)
    if folder.is_dir():
        return folder
    try:
        return Path(snapshot_download(str(model), allow_patterns=[DESIGN, RESULT, WEIGHTS]))
    except (ClientError, OSError, RuntimeError, ValueError) as error:
        first = without_secrets(str(error)).strip().split("\n")[0].rstrip(".")
        raise HubError(
            f"model: there is no folder '{model}' here, and the Hub gives no model of this name "
            f"({first}). {_TRIES}; for a private one, first run: hf auth login"
        ) from PublicTracebackError.of(error)
