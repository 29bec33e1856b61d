"""The start page over S3: the browser sends straight to the store, which allows it by CORS."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.acceptance.s3.conftest import on_s3
from tests.browser.conftest import StartPage
from tests.corpus import photo_jpeg
from tests.servers.ceph import Ceph
from tests.servers.clamd import Clamd


@pytest.mark.browser
async def test_a_photograph_goes_straight_to_the_store(page: Page, ceph: Ceph, clamd: Clamd, tmp_path: Path) -> None:
    puts: list[str] = []
    page.on("request", lambda request: puts.append(request.url) if request.method == "PUT" else None)
    with on_s3(ceph, clamd) as (server, bucket):
        start = StartPage(page, server.url, tmp_path)
        await start.open()
        await start.choose(("harbour.jpg", photo_jpeg(600, 400, 7)))
        await start.ended("harbour.jpg", "ready")

        [put] = puts
        assert put.startswith(f"{ceph.endpoint}/{bucket.bucket}/incoming/")
        assert len(bucket.keys("files/")) == 1
        await page.goto("about:blank")  # what it still wants to load would find no server
