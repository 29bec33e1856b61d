"""How like the original a result is: SSIM (Wang et al. 2004) of the luma over windows of 8x8, in NumPy."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_WINDOW = 8


@lru_cache(maxsize=8)
def reference(source: Path, width: int, height: int) -> NDArray[np.float64]:
    """The luma of the picture, reduced as well as Pillow can (Lanczos over all pixels)."""
    with Image.open(source) as image:
        return _luma(image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))


def ssim(source: Path, content: bytes) -> float:
    """Of a result beside the picture it was made from; 1 is equal."""
    with Image.open(io.BytesIO(content)) as image:
        other = _luma(image.convert("RGB"))
    one = reference(source, other.shape[1], other.shape[0])
    mean_one, mean_other = _means(one), _means(other)
    deviation_one, deviation_other = _means(one * one) - mean_one**2, _means(other * other) - mean_other**2
    together = _means(one * other) - mean_one * mean_other
    above = (2 * mean_one * mean_other + _C1) * (2 * together + _C2)
    return float((above / ((mean_one**2 + mean_other**2 + _C1) * (deviation_one + deviation_other + _C2))).mean())


def _luma(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L"), np.float64)


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    n = _WINDOW
    return (sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / n**2
