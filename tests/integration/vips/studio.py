"""Files in, pictures out, through a pool: inspect, choose for a client, plan, render."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from longshore.adapters.vips import VipsPool
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import make_plan
from longshore.core.media import ImageFacts
from longshore.ports.rendering import Rendered


class Studio:
    def __init__(self, pool: VipsPool, folder: Path) -> None:
        self.pool = pool
        self._folder = folder

    async def facts(self, content: bytes) -> ImageFacts:
        source = self._source(content)
        try:
            return await self.pool.inspect(source)
        finally:
            os.close(source)

    async def made(self, content: bytes, path: str, accept: AcceptClass = AcceptClass.OTHER) -> tuple[Rendered, bytes]:
        """What a client of that class gets for the operations of `path`."""
        facts = await self.facts(content)
        operations = parse(path).operations
        plan = make_plan(operations, facts, choose(operations, accept, facts))
        result = self._folder / "result"
        source, target = self._source(content), os.open(result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            rendered = await self.pool.render(plan, source, target)
        finally:
            os.close(source)
            os.close(target)
        return rendered, result.read_bytes()

    async def picture(self, content: bytes, path: str, accept: AcceptClass = AcceptClass.OTHER) -> Image.Image:
        rendered, written = await self.made(content, path, accept)
        image = Image.open(io.BytesIO(written))
        assert image.size == (rendered.width, rendered.height)
        assert image.get_format_mimetype() == rendered.content_type
        return image

    def _source(self, content: bytes) -> int:
        path = self._folder / "source"
        path.write_bytes(content)
        return os.open(path, os.O_RDONLY)


def saved(image: Image.Image | np.ndarray, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    out = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(out, format, **options)
    return out.getvalue()


def pixels(image: Image.Image, mode: str = "RGB") -> np.ndarray:
    return np.asarray(image.convert(mode), np.float64)


def far(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference, in levels of 255."""
    return float(np.abs(one - other).mean())
