"""Pictures for tests and benchmarks: synthetic photographs that codecs treat like real ones, and bad files.

Why not noise or a gradient: encoders take several times longer, or almost no time, on those, so timings would mean
nothing. The model: occluding leaves of every size (sharp edges at every scale, a spectrum near 1/f² in power), each
with its own colour and its own share of a 1/f texture, under slowly varying light, with a soft band as depth of field,
lens blur and sensor noise.

Everything is a function of its arguments. Photographs are kept in a cache folder that all test processes of a user
share, because a 12-megapixel one takes some seconds; set LONGSHORE_TEST_CACHE to put it elsewhere.
"""

import datetime
import fcntl
import functools
import hashlib
import io
import os
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw, ImageFilter

Pixels = NDArray[np.uint8]

_MODEL = 1
"""Part of the cache key: count it up when the same arguments make other pixels."""

# ---------------------------------------------------------------------------------------------------------- photographs


@functools.lru_cache(maxsize=2)
def photo(width: int, height: int, seed: int) -> Pixels:
    """A synthetic photograph: (height, width, 3), RGB, read-only."""
    rng = np.random.default_rng([seed, width, height])
    colour, contrast = _leaves(width, height, rng)
    tile = _one_over_f(1024, rng)
    texture = np.tile(tile, (1, -(-width // 1024)))[:, :width]
    soft_colour = colour.filter(ImageFilter.GaussianBlur(12 * _scale(width, height)))
    towards = rng.uniform(0, 1)

    pixels = np.empty((height, width, 3), np.uint8)
    across = np.linspace(0, 1, width, dtype=np.float32)
    grain = rng.standard_normal((256, width, 3), dtype=np.float32)
    for top in range(0, height, 256):  # in bands, so that 12 megapixels of floats never exist at once
        rows = slice(top, min(top + 256, height))
        down = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] / height
        wave = texture[np.arange(rows.start, rows.stop) % 1024]
        sharp = np.asarray(colour.crop((0, rows.start, width, rows.stop)), np.float32)
        sharp += (wave * np.asarray(contrast.crop((0, rows.start, width, rows.stop)), np.float32))[..., None]
        softness = np.clip((down - 0.78) * 6, 0, 1)[..., None]
        soft = np.asarray(soft_colour.crop((0, rows.start, width, rows.stop)), np.float32)
        band = sharp * (1 - softness) + soft * softness
        band *= (0.75 + 0.5 * (across * towards + down * (1 - towards)))[..., None]
        pixels[rows] = np.clip(band, 0, 255)

    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.55)))
    for top in range(0, height, 256):
        band = blurred[top : top + 256].astype(np.float32)
        # shot noise grows with the root of the light; each band sees the grain from another side
        band += np.roll(grain, top // 256 * 37, axis=1)[: len(band)] * (0.8 + 0.09 * np.sqrt(band))
        pixels[top : top + 256] = np.clip(band, 0, 255)
    pixels.flags.writeable = False
    return pixels


def photo_jpeg(width: int, height: int, seed: int, *, quality: int = 92, exif: Image.Exif | None = None) -> bytes:
    """`photo` as a baseline JPEG with 4:2:0 chroma, as telephones make them. Kept on disk between processes."""
    metadata = b"" if exif is None else exif.tobytes()

    def encode() -> bytes:
        return _encoded(photo(width, height, seed), "JPEG", quality=quality, subsampling="4:2:0", exif=metadata)

    digest = hashlib.sha256(metadata).hexdigest()[:12]
    return _cached(f"photo-{_MODEL}-{width}x{height}-{seed}-q{quality}-{digest}.jpg", encode)


def _scale(width: int, height: int) -> float:
    """Sizes in the model are those of a 12-megapixel picture."""
    return (width * height / 12e6) ** 0.5


def _leaves(width: int, height: int, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The scene: leaves' colours (RGB) and how much texture each carries (L)."""
    colour = Image.new("RGB", (width, height), (150, 140, 120))
    contrast = Image.new("L", (width, height), 20)
    paint, weigh = ImageDraw.Draw(colour), ImageDraw.Draw(contrast)

    count = 9000
    scale = _scale(width, height)
    largest, smallest, exponent = 1100 * scale, 5 * scale, -1.1  # density ~ r^-2.1: every size covers the frame
    radii = (smallest**exponent + rng.random(count) * (largest**exponent - smallest**exponent)) ** (1 / exponent)
    radii[: count // 2] = np.sort(radii[: count // 2])[::-1]  # the first half lays the ground, large ones first

    centres = rng.uniform((-100 * scale, -100 * scale), (width + 100 * scale, height + 100 * scale), (count, 2))
    axes = np.stack([radii, radii * rng.uniform(0.3, 1, count)], axis=1).clip(1.5)
    turns = rng.uniform(0, np.pi, count)
    colours = (rng.normal(120, 55, (count, 1)) + rng.normal(0, 22, (count, 3))).clip(5, 250).astype(int)
    contrasts = rng.gamma(2, 9, count).clip(0, 255).astype(int)

    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    for centre, axis, turn, fill, amount in zip(centres, axes, turns, colours, contrasts, strict=True):
        cos, sin = np.cos(turn), np.sin(turn)
        outline = (centre[:, None] + np.array([[cos, -sin], [sin, cos]]) @ (axis[:, None] * circle)).T.ravel().tolist()
        paint.polygon(outline, fill=tuple(fill.tolist()))
        weigh.polygon(outline, fill=int(amount))
    return colour, contrast


def _one_over_f(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A square of noise whose amplitude falls as 1/f, with deviation 1. Its edges meet, so it can be laid as tiles."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    frequency = np.hypot(down, across)
    frequency[0, 0] = np.inf
    spectrum = (rng.standard_normal(frequency.shape) + 1j * rng.standard_normal(frequency.shape)) / frequency
    noise = np.fft.irfft2(spectrum, s=(side, side)).astype(np.float32)
    return noise / noise.std()


# ------------------------------------------------------------------------------------------------------- other formats


def png(width: int, height: int, seed: int, *, alpha: bool = False) -> bytes:
    """`photo` as PNG; with `alpha`, fading out towards the right."""
    pixels = photo(width, height, seed)
    if alpha:
        fade = np.broadcast_to(np.linspace(255, 0, width).astype(np.uint8)[None, :, None], (height, width, 1))
        pixels = np.concatenate([pixels, fade], axis=2)
    return _encoded(pixels, "PNG", compress_level=1)


def webp(width: int, height: int, seed: int, *, quality: int = 80) -> bytes:
    return _encoded(photo(width, height, seed), "WEBP", quality=quality)


def avif(width: int, height: int, seed: int, *, quality: int = 60) -> bytes:
    return _encoded(photo(width, height, seed), "AVIF", quality=quality, speed=9)


def tiff(width: int, height: int, seed: int) -> bytes:
    return _encoded(photo(width, height, seed), "TIFF", compression="tiff_lzw")


def gif_animated(width: int, height: int, seed: int, *, frames: int = 5, delay_ms: int = 100) -> bytes:
    """A window moving over a photograph: `frames` different pictures, looping for ever."""
    pixels = photo(width + frames, height, seed)
    first, *rest = [Image.fromarray(np.ascontiguousarray(pixels[:, i : i + width])).quantize(64) for i in range(frames)]
    return _saved(first, "GIF", save_all=True, append_images=rest, duration=delay_ms, loop=0)


def exif(
    *,
    orientation: int = 1,
    taken: datetime.datetime | None = None,
    gps: tuple[float, float] | None = None,
    camera: str = "Synthetic",
) -> Image.Exif:
    """EXIF for `photo_jpeg`: `orientation` 1 to 8, local time of the shot, (latitude, longitude) in degrees."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Make] = camera
    if taken is not None:
        written = taken.strftime("%Y:%m:%d %H:%M:%S")
        tags[ExifTags.Base.DateTime] = written
        tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = written
    if gps is not None:
        latitude, longitude = gps
        place = tags.get_ifd(ExifTags.IFD.GPSInfo)
        place[ExifTags.GPS.GPSLatitudeRef] = "S" if latitude < 0 else "N"
        place[ExifTags.GPS.GPSLatitude] = _degrees(latitude)
        place[ExifTags.GPS.GPSLongitudeRef] = "W" if longitude < 0 else "E"
        place[ExifTags.GPS.GPSLongitude] = _degrees(longitude)
    return tags


def _degrees(value: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds, as EXIF wants them."""
    seconds = round(abs(value) * 3600, 3)
    return float(seconds // 3600), float(seconds % 3600 // 60), round(seconds % 60, 3)


# --------------------------------------------------------------------------------------------------------- bad and odd

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30" fill="teal"/></svg>'
SVG_WITH_SCRIPT = SVG.replace(b"<rect", b"<script>alert(document.domain)</script><rect")
HTML = b"<!doctype html><title>not a picture</title><script>alert(document.domain)</script>"


def truncated(content: bytes, *, keep: float = 0.5) -> bytes:
    """The first part of a file, as after a lost connection: headers are whole, pixels are not."""
    return content[: int(len(content) * keep)]


def png_claiming(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of some hundred bytes whose header, with a right checksum, claims any size: a bomb for who allocates."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    few_rows = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", few_rows) + chunk(b"IEND", b"")


# --------------------------------------------------------------------------------------------------------------- bytes


def _encoded(pixels: Pixels, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    return _saved(Image.fromarray(pixels), format, **options)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def _cached(name: str, make: Callable[[], bytes]) -> bytes:
    """`make()`, or what an earlier call with this `name` made, also in another process."""
    folder = Path(
        os.environ.get("LONGSHORE_TEST_CACHE") or Path(tempfile.gettempdir()) / f"longshore-test-cache-{os.getuid()}"
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if path.exists():
        return path.read_bytes()
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test processes want the same pictures at the same time
        if path.exists():
            return path.read_bytes()
        content = make()
        partial = folder / f"{name}.partial"
        partial.write_bytes(content)
        partial.replace(path)
    return content
