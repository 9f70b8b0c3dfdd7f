"""A stand-in of the Hub, and somebody who uses it; and builds that were never made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publish.test_card import demo_build, paper  # noqa: F401  # fixtures for others, too
from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal


@pytest.fixture
def hub() -> Iterator[Hub]:
    """An empty Hub."""
    with Hub() as hub:
        yield hub


@pytest.fixture
def terminal(hub: Hub, tmp_path: Path) -> Terminal:
    """A user with a token that may write."""
    return Terminal(hub, tmp_path / "home")
