"""A real Chromium, headless, that tells what a page asked for and complained of."""

from __future__ import annotations

import base64
import json
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

PATHS = {
    name: next(filter(None, map(shutil.which, names)), None)
    for name, names in {
        "browser": ("chromium", "chromium-browser", "google-chrome"),
        "driver": ("chromedriver", "/usr/lib/chromium-browser/chromedriver"),
    }.items()
}
LACKING = [name for name, path in PATHS.items() if path is None]
_FLAGS = (  # noqa: SIM905  # as at a terminal
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --hide-scrollbars"
).split()


class Browser:
    """Started once; opens pages from disk.

    Args:
        profile: an empty folder.
    """

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(PATHS["browser"])
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(str(PATHS["driver"])))

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.driver.quit()

    def open(self, path: Path, *, dark: bool = False, width: int = 1280) -> float:
        """Opens a page; the seconds until it is loaded and its first crops are there."""
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[theme])
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        start = time.monotonic()
        self.driver.get(path.as_uri())
        self.wait("document.querySelector('.crop img')?.complete")
        return time.monotonic() - start

    def run(self, script: str) -> Any:
        """The value of an expression."""
        return self.driver.execute_script(f"return {script}")

    def wait(self, condition: str, seconds: float = 20) -> None:
        """Until an expression holds."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never so: {condition}"
            time.sleep(0.02)

    def press(self, *keys: str) -> None:
        """Keys, as from a keyboard."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def command(self, name: str, **arguments: Any) -> Any:
        """One of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def complaints(self) -> list[str]:
        """What the console said, and what was asked for besides the page itself, since `open`."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                params = message["params"]
                address = params["request"]["url"]
                if not address.startswith("data:") and address != params["documentURL"]:
                    said.append(f"asked for {address}")
        return said

    def screenshot(self) -> bytes:
        """What the window shows, PNG."""
        return base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"])
