"""Operations on pixels in this process, without files: arrays in, arrays out. And arithmetic of another kind."""

import numpy as np
import pyvips
from numpy.typing import NDArray

from longshore.adapters.vips.apply import Layers, applied
from longshore.core.imaging.fold import fold
from longshore.core.imaging.geometry import State, expand
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.operations import Operation
from longshore.core.imaging.steps import Size, Step

Pixels = NDArray[np.uint8]
NOTHING = Layers((), ())


def image_of(pixels: Pixels) -> pyvips.Image:
    """A picture of (height, width) or (height, width, bands)."""
    array = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[:, :, None])
    height, width, bands = array.shape
    image = pyvips.Image.new_from_memory(array.tobytes(), width, height, bands, "uchar")
    return image.copy(interpretation="b-w" if bands < 3 else "srgb")


def pixels_of(image: pyvips.Image) -> Pixels:
    """(height, width, bands); always the 8 bits it already has."""
    assert image.format == "uchar"
    return np.frombuffer(image.write_to_memory(), np.uint8).reshape(image.height, image.width, image.bands)


def steps_of(operations: tuple[Operation, ...], size: Size) -> tuple[tuple[Step, ...], Size]:
    """Unfolded steps and the size they promise."""
    state, steps = State(size=size), list[Step]()
    for operation in operations:
        more, state = expand(operation, state)
        steps += more
    return tuple(steps), state.size


def done(pixels: Pixels, path: str, *, folded: bool = True) -> Pixels:
    """`path`, such as `crop/10x10/-/flip`, on `pixels`."""
    size = Size(pixels.shape[1], pixels.shape[0])
    steps, promised = steps_of(parse(f"-/{path}/").operations, size)
    result = pixels_of(applied(image_of(pixels), fold(size, steps) if folded else steps, NOTHING)[0])
    assert result.shape[:2] == (promised.height, promised.width)
    return result


def far(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Mean absolute difference, in levels of 255."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).mean())


def farthest(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Largest absolute difference, in levels of 255."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())


# -- pictures ----------------------------------------------------------------------------------------------------------


def gradient(width: int = 256, height: int = 64) -> Pixels:
    """Every level in each channel, and many mixtures."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([x * 255 // (width - 1), 255 - x * 255 // (width - 1), y * 255 // (height - 1)], -1).astype(
        np.uint8
    )


def noise(width: int, height: int, bands: int, seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, bands), dtype=np.uint8)


def see_through(pixels: Pixels) -> Pixels:
    """With an alpha that goes from nothing to everything."""
    height, width = pixels.shape[:2]
    alpha = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8), (height, width))
    return np.dstack([pixels, alpha])
