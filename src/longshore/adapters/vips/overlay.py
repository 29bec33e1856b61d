"""Operations that put something on, under or around the picture, and those that turn it. Runs in workers only."""

from __future__ import annotations

import pyvips

from longshore.adapters.vips.bands import canvas, in_colour, join, rounded, split, with_alpha
from longshore.core.imaging.operations.values import Colour
from longshore.core.imaging.steps import Blank, Embed, Rectangle, Round, Turn

_CLOCKWISE = {1: "d270", 2: "d180", 3: "d90"}  # libvips turns clockwise


def turned(image: pyvips.Image, step: Turn) -> pyvips.Image:
    if step.mirrored:
        image = image.fliphor()
    return image.rot(_CLOCKWISE[step.quarters]) if step.quarters else image


def embedded(image: pyvips.Image, step: Embed) -> pyvips.Image:
    colour = step.colour
    is_grey = colour.red == colour.green == colour.blue
    image = split_ready(image, grey=is_grey)
    if colour.alpha < 255:
        image = with_alpha(image)
    background: list[float] = [colour.red] if image.bands < 3 else list(colour[:3])
    if image.hasalpha():
        background.append(colour.alpha)
    return image.embed(step.left, step.top, step.width, step.height, extend="background", background=background)


def split_ready(image: pyvips.Image, *, grey: bool) -> pyvips.Image:
    """8 bits; grey may stay grey if `grey`."""
    image = join(*split(image))
    return image if grey else in_colour(image)


def blank(step: Blank) -> pyvips.Image:
    return canvas(step.width, step.height, step.colour, alpha=step.colour.alpha < 255)


def rectangle(image: pyvips.Image, step: Rectangle) -> pyvips.Image:
    return over(image, canvas(step.width, step.height, step.colour, alpha=True), step.left, step.top)


def over(image: pyvips.Image, layer: pyvips.Image, left: int, top: int) -> pyvips.Image:
    """`layer` drawn over `image` at this offset; what sticks out is cut off. Porter and Duff's source over."""
    first_x, first_y = max(0, -left), max(0, -top)
    width = min(layer.width, image.width - left) - first_x
    height = min(layer.height, image.height - top) - first_y
    layer = with_alpha(in_colour(layer)).crop(first_x, first_y, width, height)
    image = in_colour(image)
    left, top = left + first_x, top + first_y
    under = image.crop(left, top, width, height)
    colour, alpha = split(layer)
    share = alpha / 255 if alpha is not None else None
    assert share is not None
    ground, below = split(under)
    if below is None:
        made = rounded(colour * share + ground * (1 - share))
        return join(image.insert(made, left, top), None)
    rest = below / 255 * (1 - share)
    total = share + rest
    mixed = (colour * share + ground * rest) / total  # libvips: x / 0 is 0
    made = rounded(mixed.bandjoin(total * 255))
    return image.insert(made, left, top).copy(interpretation="srgb")


def faded(layer: pyvips.Image, opacity: int) -> pyvips.Image:
    """`layer` with its opacity times `opacity` per cent."""
    if opacity == 100:
        return layer
    colour, alpha = split(with_alpha(layer))
    assert alpha is not None
    return join(colour, rounded(alpha * (opacity / 100)))


def with_round_corners(image: pyvips.Image, step: Round) -> pyvips.Image:
    """Alpha times the coverage of each pixel by the rounded box."""
    colour, alpha = split(image)
    mask = _mask(image.width, image.height, step)
    return join(colour, mask if alpha is None else rounded(alpha * mask / 255))


def _mask(width: int, height: int, step: Round) -> pyvips.Image:
    """Drawn by librsvg from our own few words, with 15 x 17 samples a pixel (cairo)."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = step.radii
    path = (
        f"M{ax:.4f},0H{width - bx:.4f}A{bx:.4f},{by:.4f} 0 0 1 {width},{by:.4f}"
        f"V{height - cy:.4f}A{cx:.4f},{cy:.4f} 0 0 1 {width - cx:.4f},{height}"
        f"H{dx:.4f}A{dx:.4f},{dy:.4f} 0 0 1 0,{height - dy:.4f}V{ay:.4f}A{ax:.4f},{ay:.4f} 0 0 1 {ax:.4f},0Z"
    )
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><path d="{path}"/></svg>'
    drawn = pyvips.Image.svgload_buffer(drawing.encode())
    return drawn.extract_band(drawn.bands - 1).copy(interpretation="b-w")


def flattened(image: pyvips.Image, colour: Colour) -> pyvips.Image:
    return image.flatten(background=list(colour[:3])) if image.hasalpha() else image
