"""Colours come out right: profiles, CMYK, 16 bits, grey. Judged by Pillow's ImageCms, with a littlecms of its own."""

import io

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from tests import corpus
from tests.integration.vips.studio import Studio, far, pixels, saved

pytestmark = pytest.mark.asyncio(loop_scope="module")

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
P3: bytes = pyvips.Image.profile_load("p3")
CMYK: bytes = pyvips.Image.profile_load("cmyk")
PATCHES = np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8).repeat(20, 0).repeat(20, 1)


def adobe_rgb() -> bytes:
    """sRGB's profile with the primaries of Adobe RGB (1998) and a plain gamma of 2.2, Bradford-adapted to D50."""
    profile = bytearray(SRGB.tobytes())
    tags = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * profile[131], 12)}
    for name, xyz in {b"rXYZ": (0.60974, 0.31111, 0.01947), b"gXYZ": (0.20528, 0.62567, 0.06087),
                      b"bXYZ": (0.14919, 0.06322, 0.74457)}.items():  # fmt: skip
        at = int.from_bytes(profile[tags[name] + 4 : tags[name] + 8], "big")
        profile[at + 8 : at + 20] = b"".join(round(value * 65536).to_bytes(4, "big", signed=True) for value in xyz)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        at = int.from_bytes(profile[tags[name] + 4 : tags[name] + 8], "big")
        profile[at : at + 14] = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(2.2 * 256).to_bytes(2, "big")
    return bytes(profile).replace(b"sRGB", b"aRGB").replace("sRGB".encode("utf-16-be"), "aRGB".encode("utf-16-be"))


def in_srgb(image: Image.Image, profile: bytes, intent: ImageCms.Intent) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    converted = ImageCms.profileToProfile(image, source, SRGB, renderingIntent=intent, outputMode="RGB")
    assert converted is not None
    return pixels(converted)


def delta_e(one: np.ndarray, other: np.ndarray) -> float:
    """The mean CIE76 difference of two sRGB pictures; 2.3 is just noticeable."""
    return float(np.sqrt(((_lab(one) - _lab(other)) ** 2).sum(axis=2)).mean())


def _lab(rgb: np.ndarray) -> np.ndarray:
    value = rgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ matrix.T / np.array([0.95047, 1, 1.08883])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=2)


@pytest.mark.parametrize("profile", [P3, adobe_rgb()], ids=["P3", "Adobe RGB"])
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
async def test_wide_colours_come_out_right_in_srgb(studio: Studio, profile: bytes, format_: str) -> None:
    options = {"lossless": True} if format_ == "WEBP" else {"quality": 100} if format_ in ("JPEG", "AVIF") else {}
    if format_ in ("JPEG", "AVIF"):
        options |= {"subsampling": "4:4:4"}
    source = saved(PATCHES, format_, icc_profile=profile, **options)
    image = Image.open(io.BytesIO(source))
    got = await studio.picture(source, "-/preview/-/format/png/")
    assert "icc_profile" not in got.info
    truth = in_srgb(image.convert("RGB"), profile, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    assert delta_e(pixels(got), truth) < 0.7
    assert delta_e(pixels(got), PATCHES) > 2  # and the profile mattered


@pytest.mark.parametrize("word", ["fast", "icc"])
async def test_cmyk_is_converted_by_its_profile(studio: Studio, word: str) -> None:
    source = saved(Image.fromarray(PATCHES).convert("CMYK"), "JPEG", quality=100, subsampling="4:4:4", icc_profile=CMYK)
    got = await studio.picture(source, f"-/srgb/{word}/-/format/png/")
    intent = ImageCms.Intent.PERCEPTUAL if word == "icc" else ImageCms.Intent.RELATIVE_COLORIMETRIC
    truth = in_srgb(Image.open(io.BytesIO(source)), CMYK, intent)
    assert delta_e(pixels(got), truth) < 2.5


async def test_a_profile_stays_where_the_url_says_so_and_its_size_allows(studio: Studio) -> None:
    source = saved(PATCHES, "PNG", icc_profile=P3)
    kept = await studio.picture(source, "-/srgb/keep_profile/-/format/png/")
    assert kept.info["icc_profile"] == P3
    assert far(pixels(kept), PATCHES) == 0

    for path in ("-/srgb/keep_profile/-/max_icc_size/0/", "-/srgb/icc/-/max_icc_size/0/", "-/srgb/fast/"):
        dropped = await studio.picture(source, f"{path}-/format/png/")
        assert "icc_profile" not in dropped.info
        assert delta_e(pixels(dropped), in_srgb(Image.fromarray(PATCHES), P3, ImageCms.Intent.PERCEPTUAL)) < 0.7

    icc = await studio.picture(source, "-/srgb/icc/-/format/png/")
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc.info["icc_profile"])))
    padded = (len(P3) + 20_000).to_bytes(4, "big") + P3[4:] + bytes(20_000)
    large = saved(PATCHES, "PNG", icc_profile=padded)
    converted = await studio.picture(large, "-/srgb/keep_profile/-/format/png/")
    assert len(converted.info["icc_profile"]) < 1000  # sRGB's
    assert delta_e(pixels(converted), in_srgb(Image.fromarray(PATCHES), P3, ImageCms.Intent.PERCEPTUAL)) < 0.7


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif", "png"])
async def test_a_kept_profile_is_in_every_format(studio: Studio, format_: str) -> None:
    source = saved(PATCHES, "PNG", icc_profile=P3)
    got = await studio.picture(source, f"-/srgb/keep_profile/-/format/{format_}/-/quality/best/")
    assert got.info["icc_profile"] == P3


async def test_sixteen_bits_become_eight(studio: Studio) -> None:
    ramp = np.linspace(0, 65535, 256 * 64).astype(np.uint16).reshape(64, 256)
    got = await studio.picture(saved(Image.fromarray(ramp), "PNG"), "-/format/png/")
    assert got.mode == "L"
    assert np.abs(np.asarray(got, np.float64) - ramp / 257).max() < 1


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif", "png"])
async def test_grey_stays_grey(studio: Studio, format_: str) -> None:
    grey = Image.fromarray(corpus.photo(160, 120, 5)).convert("L")
    got = await studio.picture(saved(grey, "PNG"), f"-/preview/-/format/{format_}/-/quality/best/")
    red, green, blue = np.moveaxis(pixels(got), 2, 0)
    assert max(far(red, green), far(green, blue)) < 0.05
    assert far(green, pixels(grey, "L")) < 4
