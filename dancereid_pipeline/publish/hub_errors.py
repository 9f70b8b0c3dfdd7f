"""What the Hub's clients raise -> what happened, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

# What its HTTP client raises when a connection fails; which client that is changes with releases.
from huggingface_hub.errors import HTTPError as ClientError  # type: ignore[attr-defined]

from ..common.errors import DanceReIDError, HubError, OptionError

_TOKENS = "https://huggingface.co/settings/tokens"
_AGAIN = "Run it again: what has arrived there is not sent again."


@contextmanager
def hub_errors(repo_id: str) -> Iterator[None]:
    """Raises a `HubError` in place of whatever the Hub's clients raise within.

    Args:
        repo_id: what is pushed to, for the message.
    """
    try:
        yield
    except (ClientError, OSError, RuntimeError, ValueError) as error:
        raise _told(repo_id, error) from error


def _told(repo_id: str, error: Exception) -> DanceReIDError:
    """The error that says what happened, or what is behind it."""
    cause = _cause(error)
    if isinstance(cause, LocalTokenNotFoundError):
        return HubError(
            "No token of the Hugging Face Hub was found. Make one that may write, at "
            f"{_TOKENS}, then run: hf auth login (or set HF_TOKEN)."
        )
    if isinstance(cause, HFValidationError):
        return OptionError(
            f"{repo_id!r} is no name of a dataset on the Hub: expected user/name, of letters, "
            f"digits, '-', '_' and '.' ({_said(cause)})."
        )
    if isinstance(cause, OfflineModeIsEnabled):
        return HubError("Offline mode is on (HF_HUB_OFFLINE), and pushing needs the Hub. Unset it.")
    if isinstance(cause, HfHubHTTPError):
        return HubError(_refused(repo_id, cause))
    if isinstance(cause, (ClientError, ConnectionError, TimeoutError)):
        return HubError(f"{repo_id}: the connection to the Hub failed ({_said(cause)}). {_AGAIN}")
    if isinstance(cause, OSError):
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT)
        return HubError(
            f"{repo_id}: this machine could not read or keep a file ({_said(cause)}). "
            f"{'Make room on the disk' if full else 'Get leave to read and write there'}, and run "
            "it again."
        )
    return HubError(f"{repo_id}: the push failed ({_said(cause)}). {_AGAIN}")


def _cause(error: BaseException) -> BaseException:
    """What is behind an error: of what goes wrong in an upload the client says nothing itself."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, (ClientError, ConnectionError, HFValidationError)):
            return link
        link = link.__cause__
    return error


def _refused(repo_id: str, error: HfHubHTTPError) -> str:
    """A sentence for an answer that says no."""
    status = error.response.status_code
    # With some of its answers the client says something of its own instead.
    said = error.server_message or error.response.headers.get("X-Error-Message") or _said(error)
    if status == 401 and "expired" in said.lower():
        return f"The token has expired ({said}). Make a new one, at {_TOKENS}: hf auth login"
    if status == 401:
        return (
            f"The Hub does not know the token ({said}). Check HF_TOKEN, or make a new one, at "
            f"{_TOKENS}, and run: hf auth login"
        )
    if status == 403:
        return (
            f"{repo_id}: the Hub does not allow it ({said}). Check that the name before the slash "
            f"is yours or an organization's that you may write to, that the token may write there "
            f"({_TOKENS}), and that there is storage left."
        )
    if status == 404:
        return (
            f"{repo_id}: the Hub does not find it, or the token may not see it ({said}). Check "
            "the name and the token."
        )
    if status in (409, 412):
        return (
            f"{repo_id}: somebody else wrote to it meanwhile ({said}). Run it again: it then "
            "starts from what is there now."
        )
    if status == 429:
        return f"{repo_id}: too many requests came from here ({said}). Wait an hour. {_AGAIN}"
    if status >= 500:
        return f"{repo_id}: the Hub is in trouble ({status}: {said}). Wait a while. {_AGAIN}"
    return f"{repo_id}: the Hub refuses it ({status}: {said})."


def _said(error: BaseException) -> str:
    """What an exception says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
