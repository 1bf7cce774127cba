"""A real browser: Debian's Chromium, driven by Playwright. `make browser` runs these tests, `make test` does not."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

PLACES = ("chromium", "chromium-browser", "google-chrome")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Without cookies of third parties, as browsers come to be."""
    path = os.environ.get("CHROMIUM") or next((found for name in PLACES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("there is no Chromium: apt-get install chromium, or say where it is in CHROMIUM")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--test-third-party-cookie-phaseout"],
        )
        yield opened
        await opened.close()
