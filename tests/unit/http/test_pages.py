"""The pages as they are served: policies, caching, and that nothing in them needs what the policy forbids."""

import html
import re
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from longshore.http.pages import STATIC, PageSettings, content_policy, page_routes


def client(settings: PageSettings) -> httpx.AsyncClient:
    app = Starlette(routes=list(page_routes(settings)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pages.test")


PATHS = ["/", "/docs/", "/favicon.ico", "/favicon.svg", *(f"/assets/{one.name}" for one in STATIC.glob("*.[jc]s*"))]


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_kept_until_it_changes(path: str) -> None:
    async with client(PageSettings()) as http:
        first = await http.get(path)
        again = await http.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        head = await http.head(path)

    assert first.status_code == 200
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert head.status_code == 200
    assert head.headers["content-length"] == first.headers["content-length"]


async def test_types_are_right() -> None:
    async with client(PageSettings()) as http:
        types = {path: (await http.get(path)).headers["content-type"] for path in PATHS}

    assert types["/"] == "text/html; charset=utf-8"
    assert types["/favicon.ico"] == "image/x-icon"
    assert types["/favicon.svg"] == "image/svg+xml"
    assert types["/assets/start.js"] == "text/javascript; charset=utf-8"
    assert types["/assets/page.css"] == "text/css; charset=utf-8"


async def test_settings_are_data_in_the_page() -> None:
    async with client(PageSettings(public_key='"><script>', max_size=10)) as http:
        page = (await http.get("/")).text

    assert '"><script>' not in page
    content = re.search(r'name="longshore" content="([^"]*)"', page)
    assert content
    assert msgspec.json.decode(html.unescape(content[1]))["publicKey"] == '"><script>'


async def test_the_policy_of_a_page_allows_its_origins_and_no_more() -> None:
    settings = PageSettings(
        cdn="https://cdn.test", api="https://api.test", storage=("https://s3.test", "https://cdn.test")
    )
    async with client(settings) as http:
        page = await http.get("/")

    policy = dict(one.split(" ", 1) for one in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["img-src"] == "'self' data: blob: https://cdn.test"
    assert policy["connect-src"] == "'self' https://api.test https://cdn.test https://s3.test"
    assert "unsafe" not in page.headers["content-security-policy"]


def test_a_page_of_one_origin_needs_no_other() -> None:
    assert "connect-src 'self';" in content_policy(PageSettings())


@pytest.mark.parametrize("name", ["start.html", "docs.html"])
def test_nothing_in_a_page_is_inline_or_from_elsewhere(name: str) -> None:
    text = (STATIC / name).read_text()

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in addresses)


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_no_script_turns_text_into_markup(path: Path) -> None:
    text = path.read_text()

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(?!www\.w3)", text
    )


async def test_docs_without_its_slash_leads_there() -> None:
    async with client(PageSettings()) as http:
        answer = await http.get("/docs")

    assert (answer.status_code, answer.headers["location"]) == (308, "/docs/")
