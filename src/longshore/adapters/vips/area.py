"""Operations that look at a neighbourhood: blur, sharpen, trim. Runs in workers only."""

from __future__ import annotations

import pyvips

from longshore.adapters.vips.bands import join, luma, rounded, split
from longshore.adapters.vips.enlarge import enlarged
from longshore.core.imaging.steps import Blur, BlurRegion, Scale, Sharpen, Size, Trim

_LARGE = 4.0
"""Sigma in pixels from which a blur is done on a smaller picture: nothing of the detail is left that this loses, and
the cost falls to that of two resamplings. Borders of the picture are then those of the smaller one."""
_SMALL = 2.0
"""About the sigma that is then used."""
_TAIL = 0.02
"""Where a Gaussian is cut off, as a part of its middle: 2.8 sigma."""
_REACH = 3
"""Sigmas beyond a blurred box that can be seen in it."""


def blurred(image: pyvips.Image, step: Blur) -> pyvips.Image:
    """Gaussian; transparent pixels weigh nothing. Below zero the picture moves away from its blur; alpha stays then."""
    soft = _gaussian(image, step.sigma)
    share = step.amount / 100
    if share == 1:
        return soft
    colour, alpha = split(image)
    soft_colour, soft_alpha = split(soft)
    made = rounded(colour * (1 - share) + soft_colour * share)
    if alpha is not None and soft_alpha is not None and share > 0:
        alpha = rounded(alpha * (1 - share) + soft_alpha * share)
    return join(made, alpha)


def blurred_in(image: pyvips.Image, step: BlurRegion) -> pyvips.Image:
    """`blurred` inside a box, with the surroundings as they are."""
    reach = int(step.sigma * _REACH) + 1
    left, top = max(0, step.left - reach), max(0, step.top - reach)
    right = min(image.width, step.left + step.width + reach)
    bottom = min(image.height, step.top + step.height + reach)
    soft = _gaussian(image.crop(left, top, right - left, bottom - top), step.sigma)
    box = soft.crop(step.left - left, step.top - top, step.width, step.height)
    return image.insert(box, step.left, step.top)


def sharpened(image: pyvips.Image, step: Sharpen) -> pyvips.Image:
    """An unsharp mask of the luma, sigma 1."""
    colour, alpha = split(image)
    light = luma(colour)
    edges = (light - light.gaussblur(1, min_ampl=_TAIL, precision="float")) * (step.amount / 10)
    return join(rounded(colour + edges), alpha)


def content_box(image: pyvips.Image, step: Trim) -> tuple[int, int, int, int]:
    """Left, top, width and height of what a border of one colour leaves; all of a picture that is nothing else."""
    colour, alpha = split(image)
    if alpha is not None:  # all invisible pixels are alike
        colour = rounded(colour * alpha / 255).bandjoin(alpha)
    corner = colour.getpoint(0, 0)
    differs = ((colour - corner).abs() > step.tolerance).bandor()
    columns, rows = differs.project()
    across = _extent(columns, step.padding, image.width)
    down = _extent(rows, step.padding, image.height)
    if across is None or down is None:
        return 0, 0, image.width, image.height
    return across[0], down[0], across[1] - across[0], down[1] - down[0]


def _extent(sums: pyvips.Image, padding: int, size: int) -> tuple[int, int] | None:
    """From the first to behind the last line that holds something, with padding."""
    counts = memoryview(sums.write_to_memory()).cast("I").tolist()
    filled = [index for index, count in enumerate(counts) if count]
    return (max(0, filled[0] - padding), min(size, filled[-1] + 1 + padding)) if filled else None


def _gaussian(image: pyvips.Image, sigma: float) -> pyvips.Image:
    size = Size(image.width, image.height)
    factor = max(1, int(sigma / _SMALL)) if sigma >= _LARGE else 1
    small = Size(max(1, -(-size.width // factor)), max(1, -(-size.height // factor)))
    if small == size:
        return _convolved(image, sigma, sigma)
    across, down = size.width / small.width, size.height / small.height
    image = image.thumbnail_image(small.width, height=small.height, size="force", no_rotate=True).copy_memory()
    return enlarged(_convolved(image, sigma / across, sigma / down), Scale(width=size.width, height=size.height))


def _convolved(image: pyvips.Image, across: float, down: float) -> pyvips.Image:
    """A Gaussian of these sigmas, in 8 bits. The sides of a picture that has lost more in one than in the other are
    equal to within a pixel, so one sigma serves both."""
    sigma = (across + down) / 2
    colour, alpha = split(image)
    if alpha is None:
        # In floats: with integer weights libvips takes a tenth of the time and makes everything two levels darker.
        return join(rounded(colour.gaussblur(sigma, min_ampl=_TAIL, precision="float")), None)
    premultiplied = join(colour, alpha).premultiply().gaussblur(sigma, min_ampl=_TAIL, precision="float")
    soft = rounded(premultiplied.unpremultiply())
    return soft.copy(interpretation="b-w" if soft.bands < 3 else "srgb")
