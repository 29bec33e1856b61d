"""Files made to hurt: refused quickly, or stopped at a limit, and the next picture is served as if nothing had been."""

import contextlib
import gzip
import io
import struct
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.adapters.vips.sniff import Kind, is_heavy, sniff
from longshore.core.errors import Problem, Unsupported
from longshore.core.imaging.negotiate import AcceptClass, Choice, OutputFormat
from longshore.core.imaging.operations import Resize
from longshore.core.imaging.plan import make_plan
from longshore.core.media import BrokenMedia, MediaTooLarge
from tests import corpus
from tests.integration.vips.conftest import QUICK, Files
from tests.integration.vips.studio import Studio
from tests.mutations import held, mutate

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[VipsPool]:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        yield pool


def saved(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def png_with(name: bytes, body: bytes) -> bytes:
    """A small PNG with one more chunk behind its header."""
    plain = saved(Image.new("RGB", (10, 10)), "PNG")
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return plain[:33] + chunk + plain[33:]


def deflated_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def jpeg_with_scans(count: int) -> bytes:
    plain = saved(Image.fromarray(np.zeros((3000, 3000), "u1")), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[last:-2] * count + b"\xff\xd9"


def gif_of(width: int, height: int, frames: int) -> bytes:
    plain = saved(Image.new("P", (width, height)), "GIF")
    at = plain.index(b"\x2c" + struct.pack("<HHHH", 0, 0, width, height))
    return plain[:at] + (b"\x21\xf9\x04\x00\x04\x00\x00\x00" + plain[at:-1]) * frames + b";"


def svg(body: str, width: int = 100, height: int = 100) -> bytes:
    head = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {head} width="{width}" height="{height}">{body}</svg>'.encode()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: corpus.png_claiming(60_000, 60_000), MediaTooLarge),
        (lambda: corpus.png_claiming(100_000, 1), MediaTooLarge),
        (lambda: saved(Image.new("L", (1, 1)), "GIF").replace(b"\1\0\1\0", b"\xff\xff\xff\xff"), MediaTooLarge),
        (lambda: gif_of(2000, 2000, 60), MediaTooLarge),
        (lambda: saved(Image.new("RGB", (16383, 16383)), "WEBP", lossless=True, method=0, quality=0), MediaTooLarge),
        (lambda: saved(Image.new("L", (12_000, 12_000)), "AVIF", speed=10, quality=10), MediaTooLarge),
        (lambda: saved(Image.new("1", (20_000, 20_000)), "TIFF", compression="group4"), MediaTooLarge),
        (lambda: svg("<rect width='9' height='9'/>", 100_000, 100_000), MediaTooLarge),
        (lambda: png_with(b"zTXt", b"a\0\0" + deflated_zeros(200 << 20)), Problem),
        (lambda: jpeg_with_scans(2000), BrokenMedia),
        (lambda: corpus.HTML * 50, Unsupported),
        (lambda: corpus.truncated(corpus.photo_jpeg(1632, 1224, 2)), BrokenMedia),
        (lambda: corpus.SVG[:-20], BrokenMedia),
        (lambda: b"<svg" + b" " * 5000, Problem),
    ],
)  # fmt: skip
async def test_a_hostile_file_is_refused_quickly(pool: VipsPool, files: Files, make, problem) -> None:
    source = files.source(make())
    took = list[float]()
    for _ in range(3):  # the machine may be busy with other tests
        began = time.monotonic()
        with pytest.raises(problem):
            await pool.inspect(source)
        took.append(time.monotonic() - began)
    await pool.render(QUICK, files.source(), files.target())
    assert min(took) < 0.2


async def test_a_large_profile_does_no_harm(pool: VipsPool, files: Files) -> None:
    content = png_with(b"iCCP", b"a\0\0" + deflated_zeros(200 << 20))
    with contextlib.suppress(BrokenMedia):
        await pool.inspect(files.source(content))
    await pool.render(QUICK, files.source(), files.target())


@pytest.mark.parametrize(
    "reference", ["secret.png", "./secret.png", "{folder}/secret.png", "file://{folder}/secret.png"]
)
async def test_an_svg_draws_no_other_file(pool: VipsPool, files: Files, tmp_path: Path, reference: str) -> None:
    (tmp_path / "secret.png").write_bytes(saved(Image.new("RGB", (10, 10), "red"), "PNG"))
    href = reference.format(folder=tmp_path)
    source = files.source(svg(f'<image xlink:href="{href}" href="{href}" width="100" height="100"/>'))
    facts = await pool.inspect(source)
    target = files.target()
    choice = Choice(format=OutputFormat.PNG, varies=False)
    await pool.render(make_plan((Resize(width=50),), facts, choice), source, target)
    drawn = Image.open(next(iter(sorted(tmp_path.glob("target-*"), reverse=True)))).convert("RGBA")
    assert drawn.getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        '<defs><g id="a0"><rect width="1" height="1"/></g>'
        + "".join(f'<g id="a{i}">' + f'<use xlink:href="#a{i - 1}"/>' * 10 + "</g>" for i in range(1, 9))
        + '</defs><use xlink:href="#a8"/>',
        '<filter id="f" x="-9" y="-9" width="30" height="30"><feGaussianBlur stdDeviation="10000"/>'
        '<feTurbulence baseFrequency="0.9" numOctaves="50"/></filter><rect width="100" height="100" filter="url(#f)"/>',
        "<g>" * 100_000,
    ],
    ids=["nested uses", "filters", "depth"],
)
async def test_a_drawing_made_to_take_for_ever_is_stopped_at_its_limit(files: Files, body: str) -> None:
    async with VipsPool(VipsSettings(workers=1, light_deadline=1.5, heavy_deadline=1.5)) as pool:
        began = time.monotonic()
        with contextlib.suppress(Problem):
            await pool.inspect(files.source(svg(body)))
        assert time.monotonic() - began < 4
        await pool.render(QUICK, files.source(), files.target())
        assert held(pool.pids[0], "VmHWM") < 600 << 20


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(svg("<!--" + "a" * (100 << 20) + "-->"), 9),
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + i, (b"&%c;" % (97 + i)) * 10) for i in range(9))
        + b"]>"
        + svg("<text>&j;</text>"),
    ],
    ids=["packed", "entities"],
)
async def test_text_that_unpacks_without_end_is_not_unpacked(pool: VipsPool, files: Files, content: bytes) -> None:
    source = files.source(content)
    began = time.monotonic()
    with contextlib.suppress(Problem):
        await pool.inspect(source)
    assert time.monotonic() - began < 2
    assert held(pool.pids[0], "VmRSS") < 300 << 20


async def test_mutated_files_never_harm_more_than_their_worker(pool: VipsPool, files: Files) -> None:
    """A short, seeded run through inspecting and rendering; the long one is `benchmarks.engine.hostile`."""
    outcomes = await mutate(pool, files.folder, 300, seed=7)
    assert min(outcomes.fine, outcomes.refused) > 20
    await pool.render(QUICK, files.source(), files.target())
    assert pool.stats().timeouts == 0


async def test_memory_is_flat_after_many_renders(studio: Studio) -> None:
    sources = [corpus.photo_jpeg(320, 240, 1), corpus.png(160, 120, 1, alpha=True), corpus.webp(160, 120, 1)]
    early = 0
    for number in range(200):
        accept = list(AcceptClass)[number // 3 % 3]
        await studio.made(sources[number % 3], "-/preview/60x60/-/quality/smart/", accept)
        if number == 60:
            early = held(studio.pool.pids[0], "VmRSS")
    assert held(studio.pool.pids[0], "VmRSS") - early < 16 << 20


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'<?xml version="1.0"?><!-- a --><!DOCTYPE svg PUBLIC "x" "y"><svg xmlns="z"/>', Kind.SVG),
        (b"\xef\xbb\xbf \n<svg/>", Kind.SVG),
        (b"<svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>", Kind.SVG),
        (b"<!DOCTYPE html><svg/>", None),
        (b"<html><svg/></html>", None),
        (b"<svgz>", None),
        (b"<!---->" * 500 + b"<html>", None),
        (b" " * 4000 + b"<html>", None),
        (b"<?xml " * 600, None),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Kind.AVIF),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.HEIF),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
    ],
)
async def test_only_content_says_what_a_file_is(files: Files, content: bytes, kind: Kind | None) -> None:
    source = files.source(content)
    began = time.monotonic()
    assert sniff(source) is kind
    assert time.monotonic() - began < 0.02


@pytest.mark.parametrize(
    ("make", "heavy"),
    [
        (lambda: saved(Image.new("L", (12_000, 12_000)), "JPEG", progressive=True), True),
        (lambda: saved(Image.new("L", (6_000, 6_000)), "JPEG", progressive=True), True),
        (lambda: saved(Image.new("L", (6_000, 6_000)), "JPEG"), False),
        (lambda: corpus.photo_jpeg(640, 480, 1), False),
        (lambda: corpus.png_claiming(60_000, 60_000), True),
        (lambda: saved(Image.new("L", (1000, 1000)), "PNG"), False),
        (lambda: b"\xff\xd8\xff", False),
        (lambda: b"\xff\xd8\xff\xe0\0\0" * 30_000, False),
    ],
)
async def test_a_small_file_that_claims_many_pixels_is_heavy(files: Files, make, heavy: bool) -> None:
    source = files.source(make())
    kind = sniff(source)
    assert kind is not None
    began = time.monotonic()
    assert is_heavy(kind, source) is heavy
    assert time.monotonic() - began < 0.05
