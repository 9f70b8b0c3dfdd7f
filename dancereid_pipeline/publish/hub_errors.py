"""An error of the Hub's clients -> an error that says what happened, and what to do."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

# The error of its HTTP client if a connection fails. Releases of it use different clients.
from huggingface_hub.errors import HTTPError as ClientError  # type: ignore[attr-defined]

from ..common.address import without_secrets
from ..common.errors import DanceReIDError, HubError, OptionError, PublicTracebackError

_TOKENS = "https://huggingface.co/settings/tokens"
_AGAIN = "Run it again: it sends only what is not on the Hub yet."


@contextmanager
def hub_errors(repo_id: str) -> Iterator[None]:
    """Turns an error of the Hub's clients into a `HubError`; hides secrets in what they log.

    Args:
        repo_id: the repository, for the message.
    """
    # Else it would show the signed addresses to which it sends files.
    handlers = logging.getLogger("huggingface_hub").handlers
    for handler in handlers:
        handler.addFilter(_hide_secrets)
    try:
        yield
    except (ClientError, OSError, RuntimeError, ValueError) as error:
        raise _explained(repo_id, error) from PublicTracebackError.of(error)
    finally:
        for handler in handlers:
            handler.removeFilter(_hide_secrets)


def _hide_secrets(record: logging.LogRecord) -> bool:
    """A filter of logs that lets every message pass, without its secrets."""
    record.msg, record.args = without_secrets(record.getMessage()), ()
    return True


def _explained(repo_id: str, error: Exception) -> DanceReIDError:
    """An error that says what happened, and what to do."""
    cause = _cause(error)
    if isinstance(cause, LocalTokenNotFoundError):
        return HubError(
            "No token of the Hugging Face Hub was found. Make a token that can write, at "
            f"{_TOKENS}, then run: hf auth login (or set HF_TOKEN)."
        )
    if isinstance(cause, HFValidationError):
        return OptionError(
            f"{repo_id!r} is not a name of a dataset on the Hub: expected user/name, of letters, "
            f"digits, '-', '_' and '.' ({_line(cause)})."
        )
    if isinstance(cause, OfflineModeIsEnabled):
        return HubError("Offline mode is on (HF_HUB_OFFLINE), and pushing needs the Hub. Unset it.")
    if isinstance(cause, HfHubHTTPError):
        return HubError(_refused(repo_id, cause))
    if isinstance(cause, (ClientError, ConnectionError, TimeoutError)):
        return HubError(f"{repo_id}: the connection to the Hub failed ({_line(cause)}). {_AGAIN}")
    if isinstance(cause, OSError):
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT)
        return HubError(
            f"{repo_id}: this machine cannot read or write a file ({_line(cause)}). "
            f"{'Make room on the disk' if full else 'Get permission to read and write there'}, "
            "and run it again."
        )
    return HubError(f"{repo_id}: the push failed ({_line(cause)}). {_AGAIN}")


def _cause(error: BaseException) -> BaseException:
    """The cause of an error: the client's own error says nothing if an upload fails."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, (ClientError, ConnectionError, HFValidationError)):
            return link
        link = link.__cause__
    return error


def _refused(repo_id: str, error: HfHubHTTPError) -> str:
    """A message for an answer with an error status."""
    status = error.response.status_code
    # For some answers, the client replaces the server's message by its own.
    given = error.server_message or error.response.headers.get("X-Error-Message")
    message = without_secrets(given or "") or _line(error)
    if status == 401 and "expired" in message.lower():
        return f"The token has expired ({message}). Make a new one, at {_TOKENS}: hf auth login"
    if status == 401:
        return (
            f"The Hub does not know the token ({message}). Check HF_TOKEN, or make a new one, at "
            f"{_TOKENS}, and run: hf auth login"
        )
    if status == 403:
        return (
            f"{repo_id}: the Hub does not allow it ({message}). Check that the name before the "
            f"slash is yours, or an organization's that you can write to; that the token can write "
            f"there ({_TOKENS}); and that there is storage left."
        )
    if status == 404:
        return (
            f"{repo_id}: the Hub does not find it, or the token cannot read it ({message}). Check "
            "the name and the token."
        )
    if status in (409, 412):
        return (
            f"{repo_id}: somebody else wrote to it at the same time ({message}). Run it "
            "again: it then starts from the new state."
        )
    if status == 429:
        return f"{repo_id}: too many requests came from here ({message}). Wait an hour. {_AGAIN}"
    if status >= 500:
        return f"{repo_id}: the Hub has an error ({status}: {message}). Wait a while. {_AGAIN}"
    return f"{repo_id}: the Hub refuses it ({status}: {message})."


def _line(error: BaseException) -> str:
    """The message of an exception, in one line."""
    return without_secrets(" ".join(str(error).split())) or type(error).__name__
