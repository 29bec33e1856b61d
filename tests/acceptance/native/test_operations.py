"""Operations by URL: pictures over pictures, answers in JSON, and what is refused in words."""

import io

import pytest
from PIL import Image

from tests import corpus
from tests.acceptance.driver import Json, Native


@pytest.fixture(scope="module")
def photo(_native: Native) -> Json:
    return _native.brought(corpus.photo_jpeg(640, 480, 1), name="cat.jpg", type="image/jpeg")


@pytest.fixture(scope="module")
def logo(_native: Native) -> Json:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (255, 0, 0)).save(out, "PNG")
    return _native.brought(out.getvalue(), name="logo.png", type="image/png")


def test_one_file_is_drawn_over_another(native: Native, photo: Json, logo: Json) -> None:
    answer = native.deliver(photo["id"], f"-/preview/320x240/-/overlay/{logo['id']}/100px100p/100p,100p/-/format/png/")

    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert (picture.size, picture.getpixel((319, 239))) == ((320, 240), (255, 0, 0))
    assert picture.getpixel((200, 100)) != (255, 0, 0)


def test_an_overlay_of_nobody_is_refused(native: Native, photo: Json) -> None:
    answer = native.deliver(photo["id"], "-/overlay/1bd27101-6f40-460a-9358-d44c282e9d16/")

    assert answer.status_code == 400
    assert "no such image" in answer.text


@pytest.mark.parametrize("accept", ["image/avif", "*/*"])
def test_json_is_the_same_for_every_client(native: Native, photo: Json, accept: str) -> None:
    answer = native.deliver(photo["id"], "-/json/", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "vary" not in answer.headers
    found = answer.json()
    assert (found["id"], found["width"], found["height"], found["format"]) == (photo["id"], 640, 480, "JPEG")


def test_what_comes_later_says_so(native: Native, photo: Json) -> None:
    answer = native.deliver(photo["id"], "-/filter/vevera/")

    assert answer.status_code == 400
    assert "is not available here yet" in answer.text


def test_the_longest_chain_is_answered_or_refused_but_never_fails(native: Native, photo: Json) -> None:
    many = native.deliver(photo["id"], "-/preview/64x64/" + "-/rect/ffffff80/5x5/1,1/" * 98)
    more = native.deliver(photo["id"], "-/rect/fff/5x5/1,1/" * 200)
    longest = native.deliver(photo["id"], "-/rect/fff/5x5/1,1/" * 500)
    huge = native.deliver(photo["id"], "-/resize/999999x999999/")

    assert [answer.status_code for answer in (many, more, longest, huge)] == [200, 400, 414, 400]
    assert "at most 100" in more.text
    assert "at most 5000" in huge.text
