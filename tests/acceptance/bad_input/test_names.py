"""Names are claims: what no name may hold is refused by the native API and mended by the Upload API (contract 1.8)."""

import pytest

from tests.acceptance.bad_input.upload_api import posted, upload_refusal
from tests.acceptance.driver import Native, refused

RTL, LONG = "photo\u202egpj.exe", "n" * 4092 + ".jpg"


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        pytest.param("..", "bad-name", "The file name is empty", id="dots"),
        pytest.param("folder/..", "bad-name", "The file name is empty", id="ends in dots"),
        pytest.param("folder/", "bad-name", "The file name is empty", id="a folder"),
        pytest.param("   ", "bad-name", "The file name is empty", id="spaces"),
        pytest.param("a\0b.jpg", "bad-name", "The file name holds control characters", id="NUL"),
        pytest.param("a\r\nSet-Cookie: b", "bad-name", "The file name holds control characters", id="newline"),
        pytest.param("a\x85b", "bad-name", "The file name holds control characters", id="C1 control"),
        pytest.param(RTL, "bad-name", "The file name holds text direction marks", id="RTL mark"),
        pytest.param(LONG, "bad-name", "The file name is longer than 1024 bytes", id="4 KB"),
        pytest.param(
            "",
            "body-invalid",
            "The body is not what this operation takes: Expected `str` of length >= 1 - at `$.name`",
            id="empty",
        ),
        pytest.param(
            None,
            "body-invalid",
            "The body is not what this operation takes: Expected `str`, got `null` - at `$.name`",
            id="null",
        ),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused(native: Native, name: str | None, code: str, sentence: str) -> None:
    refused(native.ask(b"x", name=name), 400, code, sentence)


def test_a_request_without_a_name_is_refused(native: Native) -> None:
    answer = native.call("POST", "/uploads", json={"type": "image/jpeg", "size": 1})

    sentence = "The body is not what this operation takes: Object missing required field `name`"
    refused(answer, 400, "body-invalid", sentence)


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/etc/shadow", "shadow"),
        ("C:\\photos\\cat.jpg", "cat.jpg"),
        ("...", "..."),
        ("-rf", "-rf"),
        ("<script>alert(1)</script>.jpg", "script>.jpg"),
        ('a"; filename="b.exe', 'a"; filename="b.exe'),
        ("кошка 猫 🐈.jpg", "кошка 猫 🐈.jpg"),
        ("%2e%2e%2fpasswd", "%2e%2e%2fpasswd"),
    ],
)
def test_directories_are_cut_off_and_the_rest_is_kept_as_a_label(native: Native, claimed: str, kept: str) -> None:
    file = native.brought(b"some text", name=claimed, type="text/plain")

    assert (file["name"], file["state"]) == (kept, "ready")
    assert all(file["id"] in path for path in native.lying(file["id"]))


@pytest.mark.parametrize("name", ['a"; filename="b.exe', "кошка 猫.html", "a;b=c,d.svg", "%0d%0aX-Evil: 1"])
def test_no_name_breaks_out_of_a_header(native: Native, name: str) -> None:
    file = native.brought(b"some text", name=name, type="text/plain")

    for path in ("", "-/inline/no/", "%0d%0aX-Evil:%201", 'x"; filename="y.exe'):
        answer = native.deliver(file["id"], path)
        assert answer.status_code == 200
        assert "x-evil" not in answer.headers
        assert answer.headers["content-disposition"].count('filename="') <= 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        pytest.param("../../etc/passwd", "passwd", id="dots"),
        pytest.param("..", "unnamed", id="only dots"),
        pytest.param("", "unnamed", id="none"),
        pytest.param(RTL, "photogpj.exe", id="RTL mark"),
        pytest.param("a\nb.jpg", "ab.jpg", id="newline"),
        pytest.param("a\tb\x1fc.jpg", "abc.jpg", id="control characters"),
        pytest.param(LONG, "n" * 1020 + ".jpg", id="4 KB"),
    ],
)
def test_the_upload_api_mends_names(native: Native, name: str, kept: str) -> None:
    answer = posted(native, ("file", name, "text/plain", b"some text"))

    assert answer.status_code == 200, answer.text
    assert native.wire.info(answer.json()["file"]).json()["original_filename"] == kept


def test_the_upload_api_refuses_null_characters(native: Native, error_mode: str) -> None:
    before = native.lying("")

    answer = posted(native, ("file", "a\0b.jpg", "text/plain", b"some text"), error_mode=error_mode)

    refusal = (400, "NullCharactersForbiddenError", "Null characters are not allowed.")
    assert upload_refusal(answer, error_mode) == refusal
    assert native.lying("") == before
