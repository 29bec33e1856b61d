"""Debian's Chromium, headless, driven by Playwright. Launches in about 0.4 s.

Never `playwright install`: its own browser build cannot be fetched everywhere, and distributions patch theirs.
"""

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Browser, async_playwright

from tests.servers.process import find_program

_FLAGS = (
    "--no-sandbox",  # Chromium refuses to run as root with it, and CI is root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # no calls home: on a machine without internet each would fail, slowly
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers often have a small /dev/shm
)


@contextlib.asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """A started browser, closed afterwards. If we are killed, Playwright's driver loses its pipe and ends it."""
    program = find_program("chromium", package="chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(_FLAGS), headless=True)
        try:
            yield browser
        finally:
            await browser.close()
