"""Files drawn over others: only images of the same project that anybody may see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from longshore.core.file import File
from longshore.core.ids import ProjectId
from longshore.core.imaging.grammar import BadOperation
from longshore.core.imaging.negotiate import AcceptClass
from longshore.core.kind import Visibility
from tests.services.conftest import App


class Found:
    """Stands for the lookup of files, so that a file can be what it seldom is."""

    def __init__(self, file: File | None) -> None:
        self._file = file

    def known(self, _: object) -> File | None:
        return None

    async def find(self, _: object) -> File | None:
        return self._file


async def test_an_overlay_is_passed_to_the_renderer_and_is_part_of_the_key(app: App) -> None:
    file, first, second = await app.ready(), await app.ready(), await app.ready()
    keys = set[str]()
    for overlay in (first, second):
        path = f"-/overlay/{overlay.id}/50px50p/center/"
        overlays = await app.delivery.overlays(file, app.delivery.directive(path), app.files)
        wanted = app.delivery.wanted(file, path, AcceptClass.OTHER, overlays)
        assert [one.id for one in wanted.overlays] == [overlay.id]
        await app.delivery.result(file, wanted)
        assert app.pixels.plans[-1].overlays == (str(overlay.id),)
        keys.add(wanted.key)
    assert len(keys) == 2


async def test_only_a_public_image_of_the_project_is_drawn(app: App) -> None:
    file, overlay = await app.ready(), await app.ready()
    directive = app.delivery.directive(f"-/overlay/{overlay.id}/")
    refused = [
        None,
        replace(overlay, project_id=ProjectId(app.project.id + 1)),
        replace(overlay, visibility=Visibility.PRIVATE),
        replace(overlay, image=None),
        overlay.removed(app.clock.now()),
    ]
    for found in refused:
        with pytest.raises(BadOperation, match="overlay/"):
            await app.delivery.overlays(file, directive, Found(found))  # pyright: ignore[reportArgumentType] - a stand-in
    with pytest.raises(BadOperation, match="no such image"):
        app.delivery.wanted(file, f"-/overlay/{overlay.id}/", AcceptClass.OTHER)


async def test_a_private_file_may_be_drawn_over_itself(app: App) -> None:
    file = replace(await app.ready(), visibility=Visibility.PRIVATE)
    directive = app.delivery.directive(f"-/overlay/{file.id}/10px10p/")
    assert await app.delivery.overlays(file, directive, Found(file)) == {str(file.id): file}  # pyright: ignore[reportArgumentType] - a stand-in


async def test_a_document_is_the_same_for_every_client(app: App) -> None:
    file = await app.ready()
    made = [app.delivery.wanted(file, "-/json/", one) for one in AcceptClass]
    assert len({wanted.key for wanted in made}) == 1
    assert not any(wanted.choice.varies for wanted in made)
    assert made[0].plan.content_type == "application/json"
