"""What browser tests share: a reader of the start page, and a way to slow the connection down."""

import base64
import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.servers.longshore import Longshore

PATIENCE = 30_000
"""For a check with its rendering on a busy machine, ms."""
ENDS = ("ready", "refused", "failed", "cancelled")

_WATCH = """() => {
  window.seen = [];
  const look = () => {
    for (const card of document.querySelectorAll('.card')) {
      const steps = [...card.querySelectorAll('.step')].map((step) => `${step.dataset.state} ${step.textContent}`);
      window.seen.push({
        phase: card.dataset.phase,
        line: card.querySelector('.line').textContent,
        sent: card.querySelector('.bar').value,
        sending: document.querySelectorAll('.card[data-phase=sending], .card[data-phase=checking]').length,
        steps,
      });
    }
  };
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document.getElementById('files'), everything);
}"""
_DROP = """([files, where]) => {
  const transfer = new DataTransfer();
  for (const { name, type, body } of files) {
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  const target = document.querySelector(where);
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  }
}"""


class StartPage:
    """The start page as a visitor uses it."""

    def __init__(self, page: Page, url: str, shots: Path) -> None:
        self.page = page
        self.url = url
        self.shots = shots

    async def open(self) -> None:
        await self.page.goto(f"{self.url}/")
        await expect(self.page.locator("#drop")).to_be_visible()
        await self.page.evaluate(_WATCH)

    async def choose(self, *files: tuple[str, bytes]) -> None:
        await self.page.set_input_files("#chosen", [_described(*file) for file in files])

    async def drop(self, *files: tuple[str, bytes], where: str = "#drop") -> None:
        described = [
            {"name": name, "type": _type(name), "body": base64.b64encode(content).decode()} for name, content in files
        ]
        await self.page.evaluate(_DROP, [described, where])

    def card(self, name: str) -> Locator:
        return self.page.locator(".card", has=self.page.get_by_role("heading", name=name, exact=True))

    async def ended(self, name: str, phase: str) -> Locator:
        """The card of that file, once it is over; it must have ended as `phase`."""
        card = self.card(name)
        await expect(card.and_(self.page.locator(", ".join(f"[data-phase={end}]" for end in ENDS)))).to_be_visible(
            timeout=PATIENCE
        )
        assert await card.get_attribute("data-phase") == phase, await card.inner_text()
        return card

    async def pictures(self, card: Locator) -> list[int]:
        """The widths of the pictures in a card, once all have come."""
        frames = card.locator(".frame")
        widths: list[int] = []
        for frame in await frames.all():
            await frame.scroll_into_view_if_needed()
            await expect(frame).to_have_attribute("data-loaded", "", timeout=PATIENCE)
            widths.append(await frame.locator("img").evaluate("image => image.naturalWidth"))
        return widths

    async def seen(self) -> list[dict[str, Any]]:
        """What the cards showed at each change since the page was opened."""
        return await self.page.evaluate("window.seen")

    async def shoot(self, name: str) -> None:
        """A picture of the page, for people, in this test's temporary folder."""
        await self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)


@pytest.fixture
async def start(page: Page, server: Longshore, tmp_path: Path) -> StartPage:
    """The start page of a server without a scanner."""
    start = StartPage(page, server.url, tmp_path)
    await start.open()
    return start


@pytest.fixture
async def scanning_start(page: Page, scanning_server: Longshore, tmp_path: Path) -> StartPage:
    """The start page of a server with clamd."""
    start = StartPage(page, scanning_server.url, tmp_path)
    await start.open()
    return start


@pytest.fixture
async def slow(page: Page) -> Callable[[int], Awaitable[None]]:
    """Limits what the page sends to so many bytes a second; 0 ends that."""
    session = await page.context.new_cdp_session(page)

    async def limit(rate: int) -> None:
        await session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate or -1},
        )

    return limit


def _described(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": _type(name), "buffer": content}


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
