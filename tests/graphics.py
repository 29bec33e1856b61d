"""Pictures that are no photographs: drawings, screenshots, text and gradients, as (height, width, 3) RGB.

Functions of their arguments, like `corpus.photo`. Drawn at twice the size and halved, so that edges are as soft as
browsers and drawing programs make them.
"""

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

_WORDS = re.findall(
    r"\w+",
    "the harbour keeps what ships bring and hands it on when somebody asks for a crate of it by its number or by its "
    "name at any hour of the day in fog or rain with a lamp above each gate and a clerk who writes down all of it",
)


def logo(width: int, height: int, seed: int = 0) -> Pixels:
    """Flat shapes in five colours with hard edges: fewer than 256 colours."""
    rng = np.random.default_rng([1, seed, width, height])
    image = Image.new("P", (width, height), 0)
    image.putpalette(rng.integers(0, 256, 15, dtype=np.uint8).tobytes())
    draw = ImageDraw.Draw(image)
    for number in range(12):
        left, top = int(rng.uniform(-0.1, 0.8) * width), int(rng.uniform(-0.1, 0.8) * height)
        box = (left, top, left + int(rng.uniform(0.1, 0.5) * width), top + int(rng.uniform(0.1, 0.5) * height))
        (draw.ellipse, draw.rectangle)[number % 2](box, fill=1 + number % 4)
    return np.asarray(image.convert("RGB"))


def drawing(width: int, height: int, seed: int = 0) -> Pixels:
    """Flat shapes with outlines, and the soft edges between them."""
    rng = np.random.default_rng([2, seed, width, height])
    image = Image.new("RGB", (2 * width, 2 * height), (246, 242, 230))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        centre = rng.uniform((0, 0), (2 * width, 2 * height))
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 9))))
        radius = rng.gamma(2, 0.06) * 2 * height
        outline = (centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)).ravel().tolist()
        draw.polygon(outline, fill=tuple(rng.integers(20, 250, 3).tolist()), outline=(30, 30, 40), width=5)
    return np.asarray(_halved(image))


def text(width: int, height: int, seed: int = 0) -> Pixels:
    """A page of dark text on white."""
    image = Image.new("RGB", (2 * width, 2 * height), "white")
    _write(ImageDraw.Draw(image), (40, 40, 2 * width - 40, 2 * height - 40), 30, "#202428", seed)
    return np.asarray(_halved(image))


def screenshot(width: int, height: int, seed: int = 0) -> Pixels:
    """A window: bars, buttons, a list, coloured text, thin lines."""
    rng = np.random.default_rng([3, seed, width, height])
    wide, high = 2 * width, 2 * height
    image = Image.new("RGB", (wide, high), "#f5f6f8")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, wide, 80), fill="#24292f")
    _write(draw, (30, 20, wide // 2, 70), 36, "#f0f6fc", seed)
    draw.rectangle((0, 80, wide // 4, high), fill="#eaeef2")
    _write(draw, (30, 120, wide // 4 - 20, high), 26, "#0969da", seed + 1)
    for row, top in enumerate(range(120, high - 60, 90)):
        colour = tuple(rng.integers(60, 220, 3).tolist())
        draw.rounded_rectangle((wide // 4 + 30, top, wide // 4 + 90, top + 60), 30, fill=colour)
        _write(draw, (wide // 4 + 110, top + 12, wide - 260, top + 60), 28, "#1f2328", seed + row)
        draw.rounded_rectangle((wide - 230, top, wide - 40, top + 60), 12, fill="#1f883d")
        _write(draw, (wide - 215, top + 14, wide - 60, top + 50), 26, "white", seed + 2 * row)
        draw.line((wide // 4 + 20, top + 75, wide - 20, top + 75), fill="#d0d7de", width=2)
    return np.asarray(_halved(image))


def gradient(width: int, height: int, seed: int = 0) -> Pixels:
    """A smooth slope of colour from corner to corner, undithered: bands show at once."""
    rng = np.random.default_rng([4, seed])
    corners = rng.uniform(30, 225, (2, 2, 3))
    down, across = np.linspace(0, 1, height)[:, None, None], np.linspace(0, 1, width)[None, :, None]
    top = corners[0, 0] * (1 - across) + corners[0, 1] * across
    low = corners[1, 0] * (1 - across) + corners[1, 1] * across
    return np.round(top * (1 - down) + low * down).astype(np.uint8)


def _halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)


def _write(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], size: int, fill: str, seed: int) -> None:
    """Fill a box with words, line by line."""
    rng = np.random.default_rng([5, seed])
    font = ImageFont.load_default(size)
    left, top, right, bottom = box
    while top + size <= bottom:
        line = ""
        while draw.textlength(line, font) < (right - left) * 0.9:
            line += str(rng.choice(_WORDS)) + " "
        while line and draw.textlength(line, font) > right - left:
            line = line[:-1]
        draw.text((left, top), line, font=font, fill=fill)
        top += int(size * 1.4)
