"""The corpus makes what it says, the same every time."""

import datetime
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests import corpus
from tests.eicar import eicar, eicar_zip, eicar_zip_twice


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_the_same_seed_makes_the_same_photograph() -> None:
    first = corpus.photo(120, 90, 1)
    corpus.photo.cache_clear()

    assert first.shape == (90, 120, 3)
    assert np.array_equal(first, corpus.photo(120, 90, 1))
    assert not np.array_equal(first, corpus.photo(120, 90, 2))


def test_a_photograph_compresses_like_one() -> None:
    """Real photographs take 1.5 to 4 bits a pixel at this quality; noise takes 10, a gradient 0.2."""
    content = corpus.photo_jpeg(1600, 1200, 1)

    assert 1.5 < len(content) * 8 / (1600 * 1200) < 4


def test_an_encoded_photograph_is_kept_between_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGSHORE_TEST_CACHE", str(tmp_path))
    first = corpus.photo_jpeg(64, 48, 1)
    monkeypatch.setattr(corpus, "photo", lambda *_: pytest.fail("made again"))

    assert corpus.photo_jpeg(64, 48, 1) == first


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (corpus.photo_jpeg, "JPEG"),
        (corpus.png, "PNG"),
        (corpus.webp, "WEBP"),
        (corpus.avif, "AVIF"),
        (corpus.tiff, "TIFF"),
        (corpus.gif_animated, "GIF"),
    ],
)
def test_every_format_decodes_at_its_size(make, expected: str) -> None:
    image = _opened(make(64, 48, 1))
    image.load()

    assert (image.format, image.size) == (expected, (64, 48))


def test_an_animation_has_its_frames_and_delay() -> None:
    image = _opened(corpus.gif_animated(64, 48, 1, frames=4, delay_ms=200))

    assert (getattr(image, "n_frames", 1), image.info["duration"], image.info["loop"]) == (4, 200, 0)


def test_exif_carries_orientation_date_and_place() -> None:
    taken = datetime.datetime(2026, 2, 3, 4, 5, 6)  # noqa: DTZ001 - EXIF knows no time zone
    written = corpus.exif(orientation=6, taken=taken, gps=(-33.8568, 151.2153))

    tags = _opened(corpus.photo_jpeg(64, 48, 1, exif=written)).getexif()
    place = tags.get_ifd(ExifTags.IFD.GPSInfo)

    assert tags[ExifTags.Base.Orientation] == 6
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2026:02:03 04:05:06"
    assert (place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLongitudeRef]) == ("S", "E")
    assert [float(part) for part in place[ExifTags.GPS.GPSLatitude]] == pytest.approx([33, 51, 24.48])


def test_a_truncated_picture_has_its_header_only() -> None:
    image = _opened(corpus.truncated(corpus.photo_jpeg(640, 480, 1)))

    assert image.size == (640, 480)
    with pytest.raises(OSError, match="truncated"):
        image.load()


def test_a_claiming_png_is_small_and_well_formed() -> None:
    content = corpus.png_claiming()

    assert len(content) < 1000
    with pytest.raises(Image.DecompressionBombError, match="3600000000 pixels"):
        _opened(content)


def test_eicar_is_where_it_should_be() -> None:
    assert len(eicar()) == 68
    inner = zipfile.ZipFile(io.BytesIO(eicar_zip_twice())).read("inner.zip")
    assert inner == eicar_zip()
    assert zipfile.ZipFile(io.BytesIO(inner)).read("eicar.com") == eicar()
