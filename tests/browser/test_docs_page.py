"""The API reference in Chromium: every operation of the document is drawn, and can be found."""

from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.servers.longshore import Longshore


@pytest.fixture
def operations(server: Longshore) -> list[str]:
    document = httpx.get(f"{server.url}/api/v1/openapi.json").json()
    return [one["operationId"] for methods in document["paths"].values() for one in methods.values()]


async def test_every_operation_is_drawn(page: Page, server: Longshore, operations: list[str], tmp_path: Path) -> None:
    await page.goto(f"{server.url}/docs/")
    await expect(page.locator(".operation")).to_have_count(len(operations))

    assert await page.locator(".operation").evaluate_all("all => all.map((one) => one.id)") == operations
    assert await page.locator("#contents a").count() == len(operations)
    request = page.locator("#requestUpload")
    await expect(request).to_contain_text("size-over-limit")
    await expect(request.locator("pre")).to_contain_text("curl -X POST")
    await expect(request.locator("pre")).to_contain_text('"name":"photo.jpg"')
    await page.screenshot(path=tmp_path / "docs.png")


async def test_operations_are_found_by_words(page: Page, server: Longshore) -> None:
    await page.goto(f"{server.url}/docs/")
    await page.get_by_label("Filter operations").fill("confirm")

    assert await page.locator("#contents a:visible").all_inner_texts() == ["POST\nconfirmUpload"]


async def test_a_link_leads_to_its_operation(page: Page, server: Longshore) -> None:
    await page.goto(f"{server.url}/docs/#confirmUpload")
    await expect(page.locator("#confirmUpload")).to_be_in_viewport()
