"""All checks of this machine, as one thing to print."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..common.report import Report
from ..transfer.settings import Network
from .check import Check
from .software import checks


@dataclass(frozen=True, repr=False)
class Checkup(Report):
    """What was found about this machine. Printed, it is a table.

    Attributes:
        checks: one for each thing that the dataset needs.
    """

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing that is needed is missing."""
        return all(check.state != "no" for check in self.checks)

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        indent = " " * (width + len("  warning  "))
        lines = []
        for check in self.checks:
            lines.append(f"{check.name:<{width}}  {check.state:<7}  {check.found}")
            if check.advice:
                lines.append(f"{indent}-> {check.advice}")
        missing = ", ".join(check.name for check in self.checks if check.state == "no")
        last = f"Not ready: {missing}." if missing else "Ready: all that is needed is there."
        return "\n".join([*lines, "", last])

    def to_json(self) -> str:
        """Indented JSON."""
        found = {"ready": self.ready, "checks": [asdict(check) for check in self.checks]}
        return json.dumps(found, indent=2)


def doctor(
    *,
    annotation: str | None = None,
    archive: str | None = None,
    video_url: str | None = None,
    cookies: str | None = None,
    proxy: str | None = None,
    download_dir: str | Path | None = None,
) -> Checkup:
    """Whether this machine can fetch and build the dataset, and what to do where it cannot.

    Nothing is fetched, and nothing is left behind.

    Args:
        annotation: these and all others as `load_dataset` takes them, or their environment
            variables if left out.
        archive: the tracks.
        video_url: pattern of a video's address.
        cookies: a cookies.txt, or a browser.
        proxy: address of a proxy.
        download_dir: folder that keeps what is fetched.

    Returns:
        The checks; printed, a table.

    Raises:
        OptionError: one of them has a value that it cannot have.
    """
    options = {
        "annotation": annotation, "archive": archive, "video_url": video_url,
        "cookies": cookies, "proxy": proxy, "download_dir": download_dir,
    }  # fmt: skip
    given = [name for name, value in options.items() if value is not None]
    return Checkup(tuple(checks(Network.read(options), given)))
