"""Delivery with a renderer that knows no pixels: what is made, how often, and from what."""

from __future__ import annotations

import asyncio

import pytest

from longshore.core.errors import Problem, StorageFull, Unsupported
from longshore.core.file import File
from longshore.core.imaging.mezzanine import mezzanine_key
from longshore.core.imaging.negotiate import AcceptClass
from longshore.core.media import BrokenMedia, ImageFacts, MediaTooLarge
from longshore.ports.derived import Derived
from longshore.ports.rendering import RenderCrashed, RenderQueueFull, RenderTimeout, ResultTooLarge
from tests.services.conftest import App

PHOTO = ImageFacts(format="JPEG", width=4000, height=3000, color_mode="RGB")


async def asked(app: App, file: File, path: str) -> Derived:
    return await app.delivery.result(file, app.delivery.wanted(file, path, AcceptClass.OTHER))


async def test_a_burst_costs_one_render(app: App) -> None:
    file = await app.ready()
    before = app.pixels.renders

    results = await asyncio.gather(*(asked(app, file, "-/preview/20x20/") for _ in range(50)))

    assert app.pixels.renders == before + 1
    assert len({result.etag for result in results}) == 1


@pytest.mark.parametrize("kind", [BrokenMedia, MediaTooLarge, Unsupported, ResultTooLarge])
async def test_what_cannot_be_made_is_not_tried_again_for_a_moment(app: App, kind: type[Problem]) -> None:
    file = await app.ready()
    app.pixels.fails = kind("Line 3 is damaged")
    before = app.pixels.renders

    for _ in range(3):
        with pytest.raises(kind, match="Line 3 is damaged"):
            await asked(app, file, "-/preview/20x20/")
    with pytest.raises(kind):
        await asyncio.gather(*(asked(app, file, "-/preview/20x20/") for _ in range(10)))
    assert app.pixels.renders == before + 1

    app.clock.pass_(seconds=61)
    app.pixels.fails = None
    assert (await asked(app, file, "-/preview/20x20/")).size == 6


@pytest.mark.parametrize("kind", [RenderQueueFull, RenderTimeout, RenderCrashed, StorageFull])
async def test_bad_luck_is_never_remembered(app: App, kind: type[Problem]) -> None:
    file = await app.ready()
    app.pixels.fails = kind()
    with pytest.raises(kind):
        await asked(app, file, "-/preview/20x20/")

    app.pixels.fails = None
    assert (await asked(app, file, "-/preview/20x20/")).size == 6


async def test_dropping_a_file_forgets_its_failures(app: App) -> None:
    file = await app.ready()
    app.pixels.fails = BrokenMedia()
    with pytest.raises(BrokenMedia):
        await asked(app, file, "-/preview/20x20/")

    app.pixels.fails = None
    await app.delivery.drop(file.id)
    assert (await asked(app, file, "-/preview/20x20/")).size == 6


async def test_the_third_variant_of_a_large_photograph_begins_its_mezzanine(app: App) -> None:
    app.pixels.facts = PHOTO
    file = await app.ready()  # its preview is the first
    await asked(app, file, "-/resize/400x/")
    assert await app.derived.get(file.id, mezzanine_key(str(file.id))) is None

    await asked(app, file, "-/resize/800x/")
    await app.mezzanines.made()
    assert await app.derived.get(file.id, mezzanine_key(str(file.id))) is not None
    # in the background: before or after the picture that was asked for
    assert (2048, 1536) in [(plan.width, plan.height) for plan in app.pixels.plans]

    made = await asked(app, file, "-/resize/640x/")
    assert (app.pixels.plans[-1].decode.width, app.pixels.plans[-1].decode.height) == (2048, 1536)
    assert (made.width, made.height) == (640, 480)
    await asked(app, file, "-/resize/1025x/")
    assert app.pixels.plans[-1].decode.width == 4000


async def test_a_mezzanine_goes_with_its_file_and_comes_again(app: App) -> None:
    app.pixels.facts = PHOTO
    file = await app.ready()
    for width in (400, 800):
        await asked(app, file, f"-/resize/{width}x/")
    await app.mezzanines.made()
    await app.delivery.drop(file.id)

    assert await app.derived.get(file.id, mezzanine_key(str(file.id))) is None
    await asked(app, file, "-/resize/800x/")
    assert app.pixels.plans[-1].decode.width == 4000


async def test_a_mezzanine_that_cannot_be_made_is_not_tried_with_every_variant(app: App) -> None:
    app.pixels.facts = PHOTO
    file = await app.ready()
    await asked(app, file, "-/resize/400x/")
    await asked(app, file, "-/resize/500x/")
    app.pixels.fails = BrokenMedia()
    await app.mezzanines.made()
    app.pixels.fails = None
    before = app.pixels.renders

    for width in range(600, 610):
        await asked(app, file, f"-/resize/{width}x/")
    await app.mezzanines.made()
    assert app.pixels.renders == before + 10
