"""A real headless Chromium that shows a file, and remembers what went wrong and what was asked of the network."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

HOW_TO_GET_IT = (
    "no Chromium on the path; on Debian and Ubuntu: make chromium (as root), elsewhere install it yourself"
)


@dataclass
class Opened:
    """A page that is open.

    Attributes:
        page: to look at and to act on.
        errors: what the console complained of, uncaught exceptions, and dialogs.
        requests: addresses that were asked for, other than the file itself.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def width_of_content(self) -> int:
        """Pixels that the page needs from left to right."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium; skip the test where there is none, unless CI says that there must be one."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CHROMIUM_REQUIRED"):
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    # Chromium's own sandbox refuses to run as root; what is opened here is our own page.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, file: Path, width: int = 1200, scheme: str = "light") -> Iterator[Opened]:
    """Open a file as a reader does who is not on the network.

    Args:
        browser: from `chromium`.
        file: an HTML file.
        width: of the window, in pixels.
        scheme: `light` or `dark`.
    """
    with browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, has_touch=width < 600
    ) as context:
        seen = Opened(context.new_page())
        seen.page.on(
            "console", lambda said: said.type in ("error", "warning") and seen.errors.append(said.text)
        )
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on(
            "dialog", lambda dialog: (seen.errors.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        seen.page.on("request", lambda asked: asked.url != file.as_uri() and seen.requests.append(asked.url))
        seen.page.goto(file.as_uri())
        yield seen
