"""How large a picture may come in and go out."""

from __future__ import annotations

from dataclasses import dataclass

from longshore.core.imaging.words import BadOperation
from longshore.core.media import ImageFacts, MediaTooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Pixels and sides in pixels. The contract's smaller numbers are the service's plans (decision 28)."""

    input_pixels: int = 100_000_000
    input_side: int = 65_500
    animation_pixels: int = 50_000_000
    """Pixels of all frames together."""
    output_side: int = 5_000
    jpeg_side: int = 8_192
    avif_pixels: int = 2_000_000
    """`format/auto` answers with AVIF up to this many pixels, WebP above: AVIF costs the most per pixel."""


DEFAULT_LIMITS = ImageLimits()


def check_input(facts: ImageFacts, limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Raises MediaTooLarge when decoding this would cost more than the installation allows."""
    if max(facts.width, facts.height) > limits.input_side:
        raise MediaTooLarge(f"The image is {facts.width}x{facts.height}; a side may be {limits.input_side} pixels")
    if facts.pixels > limits.input_pixels:
        megapixels = limits.input_pixels // 1_000_000
        raise MediaTooLarge(f"The image is {facts.width}x{facts.height}; up to {megapixels} megapixels are processed")
    if facts.sequence and facts.pixels * facts.frames > limits.animation_pixels:
        raise MediaTooLarge(
            f"The animation has {facts.frames} frames of {facts.width}x{facts.height}; "
            f"up to {limits.animation_pixels // 1_000_000} megapixels in all are processed"
        )


def check_output(width: int, height: int, *, side: int) -> None:
    """Raises BadOperation when a side of the result would be longer than `side` pixels."""
    if max(width, height) > side:
        raise BadOperation(
            f"The result would be {width}x{height}; a side may be at most {side} pixels: add preview or resize"
        )


def check_frames(width: int, height: int, frames: int, limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Raises BadOperation when an animation of this size would be too large. A still (one frame) never is."""
    if frames > 1 and width * height * frames > limits.animation_pixels:
        raise BadOperation(
            f"The result would be an animation of {frames} frames of {width}x{height}; "
            f"up to {limits.animation_pixels // 1_000_000} megapixels in all are made: add preview"
        )
