"""Chromium opens a page of ours, runs its script, and its complaints fail the test."""

import asyncio

import pytest
from playwright.async_api import Page


async def test_chromium_opens_a_page_and_runs_its_script(page: Page) -> None:
    await page.set_content("<h1>hello</h1><script>document.querySelector('h1').textContent += ' world'</script>")

    assert await page.text_content("h1") == "hello world"


async def test_a_file_can_be_chosen(page: Page) -> None:
    await page.set_content("<input type=file>")
    await page.set_input_files("input", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})

    assert await page.evaluate("document.querySelector('input').files[0].text()") == "hello"


@pytest.mark.parametrize(
    "script", ["console.error('oh no')", "setTimeout(() => { throw new Error('oh no') })"], ids=["logged", "thrown"]
)
async def test_errors_of_the_page_are_seen(page: Page, page_errors: list[str], script: str) -> None:
    await page.set_content(f"<script>{script}</script>")
    async with asyncio.timeout(5):
        while not page_errors:
            await page.wait_for_timeout(10)

    assert page_errors == ["oh no"]
    page_errors.clear()
