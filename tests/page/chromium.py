"""The system's Chromium, started for tests, and killed where it hangs."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Browser, sync_playwright

from tests.processes import children, descendants

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing of its own may go to the network, and no GPU or sandbox may be wanted of the machine.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def installed() -> str | None:
    """Return the path of a Chromium that this system has."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Watched:
    """A browser whose processes are killed where somebody waits too long for it."""

    def __init__(self, browser: Browser, root: int) -> None:
        self.browser = browser
        self._root = root

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Kill it unless the block ends in time: what waits for it fails then."""
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def kill(self) -> None:
        """Kill the driver and every process that it has started."""
        for pid in [self._root, *descendants(self._root)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def running(executable: str) -> Iterator[Watched]:
    """Start a browser, and end it after the block."""
    before = children(os.getpid())
    with sync_playwright() as playwright:
        (driver,) = children(os.getpid()) - before
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        watched = Watched(browser, driver)
        with watched.within(600):
            yield watched
            browser.close()
