"""Bodies that are no JSON, or more of it than anybody needs."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.bad_input.upload_api import rest_refusal
from tests.acceptance.driver import Native, refused

DEEP = 100_000
BROKEN = [
    pytest.param(b"not json", id="no JSON"),
    pytest.param(b'{"name": "a", ', id="cut off"),
    pytest.param(b'{"name": "a"} {}', id="two"),
    pytest.param(b"{'name': 'a'}", id="single quotes"),
    pytest.param(b'{"name": "a\n"}', id="raw newline"),
    pytest.param(b'\xef\xbb\xbf{"name": "a"}', id="BOM"),
    pytest.param(b'{"name": "\xff"}', id="no UTF-8"),
    pytest.param('{"name": "a"}'.encode("utf-16"), id="UTF-16"),
    pytest.param(b'{"name": "\\ud800"}', id="half a character"),
    pytest.param(b'{"name": "\\x41"}', id="unknown escape"),
    pytest.param(b"\0" * 100, id="NULs"),
    pytest.param(b"[" * DEEP, id="deep list"),
    pytest.param(b'{"name":' * DEEP, id="deep object"),
    pytest.param(b"[" * DEEP + b"]" * DEEP, id="deep and whole"),
    pytest.param(b'{"metadata":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}", id="deep metadata"),
    pytest.param(b'{"nobody_knows":' + b"[" * DEEP + b"]" * DEEP + b"}", id="deep unknown field"),
    pytest.param(b'"' + b"a" * 1_000_000 + b'"', id="long text"),
    pytest.param(b"9" * 1_000_000, id="long number"),
]
OPERATIONS = [("POST", "/uploads"), ("PUT", "/kinds/x"), ("POST", "/files/{id}/url"), ("PATCH", "/files/{id}")]


@pytest.fixture(scope="module")
def file_id(_native: Native) -> str:
    return _native.brought(b"some text")["id"]


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=["upload", "kind", "url", "file"])
def test_a_body_that_is_not_the_json_wanted_is_refused(
    native: Native, file_id: str, method: str, path: str, body: bytes
) -> None:
    answer = native.call(method, path.format(id=file_id), content=body)

    problem = refused(answer, 400, "body-invalid")
    assert problem["detail"].startswith(("The body is not JSON: ", "The body is not what this operation takes: "))
    assert len(answer.content) < 1000


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"1", b'"text"', b"true", b"[null]", b"[[]]", b'{"name": 1, "type": 2}']
)
def test_json_of_another_shape_is_refused(native: Native, body: bytes) -> None:
    problem = refused(native.call("POST", "/uploads", content=body), 400, "body-invalid")

    assert problem["detail"].startswith("The body is not what this operation takes: ")


def test_of_duplicate_keys_the_last_counts(native: Native) -> None:
    body = b'{"name": "first.txt", "type": "text/plain", "size": 1, "name": "last.txt", "size": 2}'

    answer = native.call("POST", "/uploads", content=body)

    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["size"]) == ("last.txt", 2)


@pytest.mark.parametrize("field", ["Name", "sizes", "__proto__", "project_id", "state", "id", "seal", ""])
def test_an_unknown_field_is_refused(native: Native, field: str) -> None:
    answer = native.call("POST", "/uploads", json={"name": "a", "type": "text/plain", field: "x"})

    sentence = f"The body is not what this operation takes: Object contains unknown field `{field}`"
    refused(answer, 400, "body-invalid", sentence)


def chunks(size: int) -> Iterator[bytes]:
    yield b'{"name": "'
    for _ in range(size // 65536):
        yield b"a" * 65536


def test_a_body_over_8_mib_is_refused(native: Native) -> None:
    announced = native.call("POST", "/uploads", content=b"[" + b" " * (8 << 20) + b"]")
    chunked = native.call("POST", "/uploads", content=chunks(9 << 20))

    for answer in (announced, chunked):
        refused(answer, 413, "body-too-long", "The request body is too long")
        assert answer.headers["connection"] == "close"


# -- metadata ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        pytest.param({"": "x"}, None, id="empty key"),
        pytest.param({"a b": "x"}, None, id="key with a space"),
        pytest.param({"é": "x"}, None, id="key not ASCII"),
        pytest.param({"k" * 65: "x"}, None, id="long key"),
        pytest.param({"k\0": "x"}, None, id="NUL in a key"),
        pytest.param({"k": ""}, "The value of 'k' must have 1 to 512 characters", id="empty value"),
        pytest.param({"k": "x" * 513}, "The value of 'k' must have 1 to 512 characters", id="long value"),
        pytest.param({"k": "a\0b"}, "The value of 'k' holds a null character", id="NUL"),
        pytest.param({f"k{n}": "x" for n in range(51)}, "A file can have at most 50 metadata keys", id="51 keys"),
    ],
)
def test_metadata_out_of_bounds_is_refused(native: Native, metadata: dict[str, str], sentence: str | None) -> None:
    refused(native.ask(b"x", metadata=metadata), 400, "bad-metadata", sentence)


@pytest.mark.parametrize("value", [1, None, True, ["x"], {"a": "b"}])
def test_metadata_is_text(native: Native, value: object) -> None:
    refused(native.ask(b"x", metadata={"k": value}), 400, "body-invalid")


@pytest.mark.parametrize("label", ["", " ", "a b", "é", "-a", "a/b", "a\0", "x" * 128])
@pytest.mark.parametrize("field", ["uploader", "group", "record"])
def test_a_label_of_other_letters_is_refused(native: Native, field: str, label: str) -> None:
    answer = native.ask(b"x", **{field: f"user/{label}" if field == "record" else label})

    assert (answer.status_code, answer.json()["code"]) in [(400, "bad-label"), (400, "body-invalid")]


@pytest.mark.parametrize("name", ["nobody", "", "../x", "\0", "x" * 64])
def test_an_unknown_kind_is_refused(native: Native, name: str) -> None:
    answer = native.ask(b"x", kind=name)

    assert (answer.status_code, answer.json()["code"]) in [(404, "kind-not-found"), (400, "body-invalid")]


@pytest.mark.parametrize(
    "rules",
    [
        {"accept": []},
        {"accept": ["jpeg"]},
        {"accept": ["image/jpeg\n"]},
        {"accept": ["IMAGE/*"]},
        {"sizes": {"*": -1}},
        {"sizes": {"a b": 1}},
        {"sizes": {"*": 2**63}},
        {"visibility": "secret"},
        {"scan": "never"},
        {"retention_s": 0},
        {"retention_s": 2**63},
        {"retention_s": 10**15},
    ],
)
def test_a_kind_of_odd_rules_is_refused(native: Native, rules: dict[str, object]) -> None:
    answer = native.call("PUT", "/kinds/odd", json=rules)

    assert (answer.status_code, answer.json()["code"]) in [(400, "bad-kind"), (400, "body-invalid")]
    refused(native.call("GET", "/kinds/odd"), 404, "kind-not-found")


@pytest.mark.parametrize("name", ["A", "-a", "é", "x" * 64, "a%20b", "%00", "a%2Fb"])
def test_a_kind_of_an_odd_name_is_refused(native: Native, name: str) -> None:
    refused(native.call("PUT", f"/kinds/{name}", json={}), 400, "bad-kind")


# -- REST --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [*BROKEN, pytest.param(b"", id="nothing")])
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/files/storage/"), ("DELETE", "/files/storage/"), ("POST", "/webhooks/")]
)
def test_rest_refuses_what_is_not_the_json_wanted(native: Native, method: str, path: str, body: bytes) -> None:
    answer = native.wire.rest(method, path, content=body, headers={"Content-Type": "application/json"})

    status, detail = rest_refusal(answer) if b'"detail"' in answer.content else (answer.status_code, answer.text)
    assert status == 400
    assert len(str(detail)) < 1000


@pytest.mark.parametrize("item", [1, None, True, [], {}, "", "x", "\0", "é", 2**63, "[" * 1000])
def test_rest_names_what_is_no_uuid(native: Native, item: object) -> None:
    answer = native.wire.rest("PUT", "/files/storage/", content=json.dumps([item]).encode())

    assert answer.status_code == 200
    assert answer.json()["result"] == []
    assert list(answer.json()["problems"].values()) == ["Invalid"]


def test_rest_bounds_its_lists_and_bodies(native: Native) -> None:
    many = json.dumps([f"00000000-0000-4000-8000-{n:012d}" for n in range(101)]).encode()
    answer = native.wire.rest("PUT", "/files/storage/", content=many)
    assert rest_refusal(answer) == (400, "Maximum UUIDs per request is exceeded. The limit is 100")

    answer = native.wire.rest("PUT", "/files/storage/", content=b" " * 2_000_000)
    assert rest_refusal(answer) == (413, "The size of the request is too large.")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"target_url": "http://example.com/" + "x" * 255, "event": "file.uploaded"}, 400),
        ({"target_url": "javascript:alert(1)", "event": "file.uploaded"}, 400),
        ({"target_url": "http://[", "event": "file.uploaded"}, 400),
        ({"target_url": "http://a\nb/", "event": "file.uploaded"}, 400),
        ({"target_url": 1, "event": "file.uploaded"}, 400),
        ({"target_url": "http://example.com/", "event": "file.eaten"}, 400),
        ({"target_url": "http://example.com/", "event": ["file.uploaded"]}, 400),
        ({"target_url": "http://example.com/", "event": "file.uploaded", "is_active": "maybe"}, 400),
        ({"target_url": "http://example.com/", "event": "file.uploaded", "signing_secret": 5}, 400),
        ({"target_url": "http://example.com/", "event": "file.uploaded", "signing_secret": "x" * 5000}, 400),
    ],
)
def test_rest_refuses_an_odd_webhook(native: Native, fields: dict[str, object], status: int) -> None:
    answer = native.wire.rest("POST", "/webhooks/", content=json.dumps(fields).encode())

    assert answer.status_code == status, answer.text
    assert native.wire.rest("GET", "/webhooks/").json() == []
