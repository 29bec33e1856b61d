"""The start page in Chromium, against a real server: files are sent, followed, shown or refused in words."""

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Page, Route, expect
from starlette.applications import Starlette

from longshore.http.pages import PageSettings, page_routes
from tests.browser.conftest import PATIENCE, StartPage
from tests.corpus import photo_jpeg, truncated
from tests.eicar import eicar
from tests.servers.longshore import Longshore

PHOTO = photo_jpeg(1200, 800, 7)
WIDTHS = [320, 640, 480, 1200, 640, 640]
"""Of the pictures the page shows; the fourth would be wider, but preview never enlarges."""
Slow = Callable[[int], Awaitable[None]]


async def test_a_chosen_photograph_is_sent_checked_and_shown(scanning_start: StartPage, slow: Slow) -> None:
    start = scanning_start
    await slow(400_000)
    await start.choose(("harbour.jpg", PHOTO))
    card = await start.ended("harbour.jpg", "ready")

    seen = await start.seen()
    sent = [one["sent"] for one in seen if one["line"].startswith("Sending, ")]
    assert len(set(sent)) > 2, "the bytes were counted while they went out"
    assert sent == sorted(sent)
    assert any(one["phase"] == "checking" and "running Read: running" in one["steps"] for one in seen)
    assert await pictures_loaded(start, "harbour.jpg") == WIDTHS
    await expect(card.locator(".step[data-state=done]")).to_have_count(5, timeout=PATIENCE)
    await expect(card.locator(".facts")).to_contain_text("1200 × 800")
    await expect(card.locator(".facts")).to_contain_text("JPEG picture")
    await start.shoot("ready")


async def test_a_dropped_photograph_is_taken_wherever_it_falls(start: StartPage) -> None:
    await start.drop(("first.jpg", PHOTO))
    await start.drop(("second.jpg", PHOTO), where="h1")

    await start.ended("first.jpg", "ready")
    await start.ended("second.jpg", "ready")
    assert await pictures_loaded(start, "second.jpg") == WIDTHS


async def test_the_uuid_is_the_files(start: StartPage, server: Longshore) -> None:
    await start.choose(("note.txt", b"hello"))
    card = await start.ended("note.txt", "ready")

    uuid = await card.locator(".uuid code").inner_text()
    async with httpx.AsyncClient(base_url=server.url) as client:
        file = await client.get(f"/api/v1/files/{uuid}", headers={"Authorization": f"Bearer {server.demo.secret_key}"})
    assert file.json()["name"] == "note.txt"


async def test_what_is_no_picture_gets_an_icon_and_a_download(start: StartPage) -> None:
    await start.choose(("note.txt", b"hello"))
    card = await start.ended("note.txt", "ready")

    await expect(card.locator(".pictures")).to_have_count(0)
    await expect(card.locator(".thumb svg")).to_be_visible()
    download = card.get_by_role("link", name="Download note.txt")
    async with httpx.AsyncClient() as client:
        assert (await client.get(await download.get_attribute("href") or "")).content == b"hello"


async def test_a_virus_is_refused_in_words(scanning_start: StartPage) -> None:
    start = scanning_start
    await start.choose(("invoice.com", eicar()))
    card = await start.ended("invoice.com", "refused")

    await expect(card.locator(".verdict h4")).to_have_text("There is a virus in it")
    await expect(card.locator(".verdict")).to_contain_text("Nobody can download this file")
    await expect(card.locator(".step[data-state=failed]")).to_contain_text("Virus found")
    await expect(card.locator("a")).to_have_count(0)
    await expect(start.page.locator("#said")).to_contain_text("invoice.com was refused")
    await start.shoot("infected")


async def test_a_damaged_picture_is_explained(start: StartPage) -> None:
    await start.choose(("holiday.jpg", truncated(PHOTO)))
    card = await start.ended("holiday.jpg", "refused")

    await expect(card.locator(".verdict h4")).to_have_text("The picture is damaged")
    await expect(card.locator(".verdict")).to_contain_text("The server says")


async def test_a_limit_is_named_when_it_is_passed(start: StartPage, page_errors: list[str]) -> None:
    """The page announces more than the server takes, as a file of so many bytes would."""

    async def lie(route: Route) -> None:
        body = route.request.post_data_json
        await route.continue_(post_data=body | {"size": 2**62} if body else None)

    async def refuse(route: Route) -> None:
        problem = {
            "code": "size-over-limit",
            "title": "x",
            "status": 413,
            "detail": "At most 10 MB",
            "limit": 10_000_000,
        }
        await route.fulfill(status=413, content_type="application/problem+json", json=problem)

    await start.page.route("**/api/v1/uploads?*", refuse)
    await start.choose(("film.mp4", b"0" * 4096))
    card = await start.ended("film.mp4", "failed")
    await expect(card.locator(".verdict")).to_contain_text("The file is too large")
    await expect(card.locator(".verdict")).to_contain_text("The limit is 10\u00a0MB")
    await expect(card.get_by_role("button", name=re.compile("^Try"))).to_have_count(0)

    await start.page.unroute_all()
    await start.page.route("**/api/v1/uploads?*", lie)
    await start.choose(("huge.mp4", b"0" * 4096))
    await start.ended("huge.mp4", "failed")
    assert [error for error in page_errors if "Failed to load resource" not in error] == []
    page_errors.clear()


async def test_a_name_that_is_markup_stays_text(start: StartPage) -> None:
    name = "<img src=x onerror=alert(1)>.txt"
    await start.choose((name, b"hello"))

    card = await start.ended(name, "ready")
    assert await card.locator(".name bdi").inner_html() == "&lt;img src=x onerror=alert(1)&gt;.txt"


async def test_three_files_travel_at_once(start: StartPage, slow: Slow) -> None:
    await slow(200_000)
    await start.choose(*((f"{number}.bin", bytes(60_000)) for number in range(6)))

    await expect(start.page.locator(".card[data-phase=ready]")).to_have_count(6, timeout=PATIENCE)
    assert max(one["sending"] for one in await start.seen()) == 3
    await expect(start.page.locator("#tally")).to_have_text("6 ready")


async def test_what_is_cancelled_leaves_nothing_and_can_be_sent_after_all(
    start: StartPage, server: Longshore, slow: Slow
) -> None:
    await slow(20_000)
    async with start.page.expect_response(lambda answer: answer.request.method == "DELETE") as aborted:
        await start.choose(("harbour.jpg", PHOTO))
        await expect(start.card("harbour.jpg").locator(".line")).to_contain_text("Sending", timeout=PATIENCE)
        await start.page.get_by_role("button", name="Cancel harbour.jpg").click()
        await slow(0)
        await start.ended("harbour.jpg", "cancelled")
    upload = (await aborted.value).url.rsplit("/", 1)[1]
    async with httpx.AsyncClient(base_url=server.url) as client:
        secret = {"Authorization": f"Bearer {server.demo.secret_key}"}
        assert (await client.get(f"/api/v1/uploads/{upload}", headers=secret)).json()["state"] == "aborted"

    await start.page.get_by_role("button", name="Send harbour.jpg after all").click()
    await start.ended("harbour.jpg", "ready")


async def test_without_events_the_page_asks_again_until_it_knows(start: StartPage, page_errors: list[str]) -> None:
    await start.page.route("**/events", lambda route: route.abort())
    await start.choose(("harbour.jpg", PHOTO))

    await start.ended("harbour.jpg", "ready")
    assert all("ERR_FAILED" in error for error in page_errors)
    page_errors.clear()


async def test_a_broken_connection_can_be_tried_again(start: StartPage, page_errors: list[str]) -> None:
    await start.page.route("**/storage/**", lambda route: route.abort())
    await start.choose(("note.txt", b"hello"))
    card = await start.ended("note.txt", "failed")
    await expect(card.locator(".verdict")).to_contain_text("The connection broke")
    page_errors.clear()

    await start.page.unroute_all()
    await start.page.get_by_role("button", name="Try note.txt again").click()
    await start.ended("note.txt", "ready")


async def test_everything_can_be_done_by_keyboard(start: StartPage) -> None:
    page = start.page
    # Playwright takes over file choosers with the first listener, and does not wait until it has.
    page.on("filechooser", lambda _: None)
    for _ in range(3):  # the brand, the reference, then the way in
        await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "chosen"
    ring = await page.locator("label.button").evaluate("label => getComputedStyle(label).outlineStyle")
    assert ring == "solid"
    async with page.expect_file_chooser() as chooser:
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files([{"name": "note.txt", "mimeType": "text/plain", "buffer": b"hello"}])
    card = await start.ended("note.txt", "ready")

    await card.get_by_role("button", name="Copy uuid of note.txt").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#said")).to_have_text("Copied uuid of note.txt")
    await card.get_by_role("button", name="Remove note.txt").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".card")).to_have_count(0)
    assert await page.evaluate("document.activeElement.id") == "chosen"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_wider_than_a_telephone(start: StartPage, page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await page.set_viewport_size({"width": 360, "height": 740})
    await start.choose(("harbour with a long name that goes on and on and on.jpg", PHOTO))
    await start.ended("harbour with a long name that goes on and on and on.jpg", "ready")

    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await start.shoot(scheme)


async def test_without_a_demo_project_the_page_says_how_to_make_one(page: Page) -> None:
    app = httpx.ASGITransport(Starlette(routes=list(page_routes(PageSettings(public_key=None)))))

    async def served(route: Route) -> None:
        async with httpx.AsyncClient(transport=app) as client:
            answer = await client.get(route.request.url)
        await route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    await page.route("http://pages.test/**", served)
    await page.goto("http://pages.test/")

    await expect(page.locator("#no-project")).to_contain_text("longshore project create demo")
    await expect(page.locator("#drop")).to_be_hidden()
    await expect(page.locator("#code")).to_be_hidden()


async def pictures_loaded(start: StartPage, name: str) -> list[int]:
    return await start.pictures(start.card(name))
