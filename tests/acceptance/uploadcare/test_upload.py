"""`POST /base/` and `GET /info/` on the wire (contract 1)."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import jwt
import pytest

from longshore.core.signing import jwt_key
from tests import corpus
from tests.acceptance.uploadcare.wire import Wire, eventually, form
from tests.servers.longshore import Longshore

NAMES = [  # contract 1.8
    ("IMG-0412_123.JPG", "IMG0412_123.JPG"),
    ("image(1).jpeg", "image1.jpeg"),
    ("().png", "noroot.png"),
    ("two-of-them.jpg", "twoofthem.jpg"),
    ("archive.tar.gz", "archivetar.gz"),
    ("файл.pdf", "noroot.pdf"),
    ("README", "README"),
    ("my kitten-1.jpeg", "mykitten1.jpeg"),
]


@pytest.fixture(scope="module")
def signed(server: Longshore) -> Iterator[Wire]:
    """A project that demands signatures."""
    keys = server.new_project("signed-uploads")
    server.cli("project", "set", keys.name, "--signed-uploads")
    with Wire(server.url, keys) as wire:
        yield wire


@pytest.fixture(scope="module")
def small(server: Longshore) -> Iterator[Wire]:
    """A project whose files may have 1,000 bytes, and are temporary."""
    keys = server.new_project("small-files")
    server.cli("project", "set", keys.name, "--max-size", "1 KB", "--no-autostore")
    with Wire(server.url, keys) as wire:
        yield wire


def test_the_answer_names_each_file_by_its_field(wire: Wire) -> None:
    answer = wire.post_form(
        [
            ("UPLOADCARE_PUB_KEY", None, None, wire.keys.public_key.encode()),
            ("file", "a.txt", "text/plain", b"a"),
            ("x[1]", "b.txt", None, b"b"),
            ("имя", "b.txt", None, b"b"),
        ]
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["file", "x[1]", "имя"]
    assert len({UUID(uuid).version for uuid in answer.json().values()} | set(answer.json().values())) == 4


def test_the_key_may_come_after_the_file(wire: Wire) -> None:
    key = ("UPLOADCARE_PUB_KEY", None, None, wire.keys.public_key.encode())

    assert wire.post_form([("file", "a.txt", None, b"a"), key]).status_code == 200


def test_parameters_may_stand_in_the_query(wire: Wire) -> None:
    query = f"?UPLOADCARE_PUB_KEY={wire.keys.public_key}&UPLOADCARE_STORE=0&metadata[k]=v&unknown=1"
    answer = wire.post_form([("file", "a.txt", None, b"a")], query=query)

    info = wire.info(answer.json()["file"]).json()
    assert (info["is_stored"], info["metadata"]) == (False, {"k": "v"})


def test_an_image_is_described_in_the_recorded_order(wire: Wire) -> None:
    photo = corpus.photo_jpeg(320, 240, 7)
    file_id = wire.post(("my kitten-1.jpeg", photo, "image/jpeg"), fields=[("metadata[a.b]", "c")]).json()[
        "my kitten-1.jpeg"
    ]

    info = wire.info(file_id, wait_is_ready="1").json()

    image = {
        "dpi": info["image_info"]["dpi"],
        "width": 320,
        "format": "JPEG",
        "height": 240,
        "sequence": False,
        "color_mode": "RGB",
        "orientation": info["image_info"]["orientation"],
        "geo_location": None,
        "datetime_original": None,
    }
    assert list(info.items()) == [
        ("size", len(photo)),
        ("total", len(photo)),
        ("done", len(photo)),
        ("uuid", file_id),
        ("file_id", file_id),
        ("original_filename", "my kitten-1.jpeg"),
        ("is_image", True),
        ("is_stored", True),
        ("image_info", image),
        ("video_info", None),
        ("content_info", {"mime": {"mime": "image/jpeg", "type": "image", "subtype": "jpeg"}, "image": image}),
        ("is_ready", True),
        ("filename", "mykitten1.jpeg"),
        ("mime_type", "image/jpeg"),
        ("metadata", {"a.b": "c"}),
    ]


@pytest.mark.parametrize(("given", "sanitized"), NAMES)
def test_names_are_kept_and_sanitized(wire: Wire, given: str, sanitized: str) -> None:
    info = wire.info(wire.uploaded(given, b"x")).json()

    assert (info["original_filename"], info["filename"]) == (given, sanitized)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
        ("..", "unnamed"),
        ("exe\u202egpj.txt", "exegpj.txt"),
        ("a\tb\x7f.txt", "ab.txt"),
        ("n" * 4096 + ".txt", "n" * 1020 + ".txt"),
        ("ж" * 2048, "ж" * 512),
    ],
)
def test_hostile_names_are_tamed(wire: Wire, given: str, kept: str) -> None:
    key = ("UPLOADCARE_PUB_KEY", None, None, wire.keys.public_key.encode())
    answer = wire.post_form([key, ("file", given, None, b"x")])

    assert answer.status_code == 200, answer.text
    assert wire.info(answer.json()["file"]).json()["original_filename"] == kept


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("application/x-msdownload", "application/x-msdownload"),
        ("text/plain; charset=UTF-8", "text/plain; charset=UTF-8"),
        (None, "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
    ],
)
def test_the_declared_type_is_kept_beside_the_detected_one(wire: Wire, declared: str | None, kept: str) -> None:
    key = ("UPLOADCARE_PUB_KEY", None, None, wire.keys.public_key.encode())
    answer = wire.post_form([key, ("file", "note.txt", declared, b"only text\n")])

    info = wire.info(answer.json()["file"], wait_is_ready="1").json()
    assert info["mime_type"] == kept
    assert info["content_info"] == {"mime": {"mime": "text/plain", "type": "text", "subtype": "plain"}}


@pytest.mark.parametrize(
    ("store", "stored", "stored_in_small"),
    [("0", False, False), ("1", True, True), ("auto", True, False), ("", True, False), (None, True, False)],
)
def test_store_follows_the_request_then_the_project(
    wire: Wire, small: Wire, store: str | None, stored: bool, stored_in_small: bool
) -> None:
    fields = [("UPLOADCARE_STORE", store)] if store is not None else []

    assert wire.info(wire.uploaded("a", b"a", *fields)).json()["is_stored"] is stored
    assert small.info(small.uploaded("a", b"a", *fields)).json()["is_stored"] is stored_in_small


def test_a_chosen_id_is_taken_once(wire: Wire) -> None:
    chosen = str(uuid4())
    field = ("UPLOADCARE_FILE_ID", chosen)

    assert wire.uploaded("a.txt", b"first", field) == chosen
    again = wire.post(("a.txt", b"second"), fields=[field])

    assert again.status_code == 400
    assert again.text == "UPLOADCARE_FILE_ID is duplicated. You are probably a lottery winner."
    assert wire.info(chosen).json()["size"] == 5


def test_the_iframe_form_spells_its_fields_its_own_way(signed: Wire) -> None:
    (_, expire), (_, signature) = signed.signature()
    fields = [("UPLOADCARE_SIGNATURE", signature), ("UPLOADCARE_EXPIRE", expire)]

    assert signed.post(("f", b"x"), fields=fields, path="/iframe/").status_code == 200
    assert signed.post(("f", b"x"), fields=fields, path="/base/").text == "`signature` is required."


def test_signatures_are_checked_only_where_they_are_demanded(wire: Wire, signed: Wire) -> None:
    """The service takes `expire=60` in a project without signed uploads (recorded)."""
    expired = [("signature", "7d2e"), ("expire", "60")]

    assert wire.post(("f", b"x"), fields=expired).status_code == 200
    assert signed.post(("f", b"x"), fields=signed.signature()).status_code == 200
    assert signed.post(("f", b"x"), fields=signed.signature(lifetime=-60)).text == "Expired signature."
    assert signed.post(("f", b"x"), fields=signed.signature(secret="other")).text == "Invalid signature."


def test_any_active_secret_key_signs(server: Longshore, signed: Wire) -> None:
    made = server.cli("key", "create", signed.keys.name)
    secret = made["secret_key"]

    # keys are remembered for a moment
    assert eventually(lambda: signed.post(("f", b"x"), fields=signed.signature(secret=secret)).status_code == 200)


def test_a_token_is_good_where_a_signature_is_demanded(signed: Wire) -> None:
    now = int(time.time())
    claims = {"iat": now, "exp": now + 60, "uc": {"restrictions": {"scope": ["/base/"], "limits": {"operations": 2}}}}
    bearer = {"Authorization": "Bearer " + jwt.encode(claims, jwt_key(signed.keys.secret_key))}

    assert signed.post(("a", b"a"), headers=bearer).status_code == 200
    too_many = signed.post(("a", b"a"), ("b", b"b"), headers=bearer)
    assert (too_many.status_code, too_many.text) == (403, "The token has been used for as many files as it allows.")
    assert signed.post(("a", b"a"), headers=bearer).status_code == 200
    assert signed.post(("a", b"a"), headers=bearer).status_code == 403
    assert signed.post(("a", b"a"), headers=bearer, path="/iframe/").text == "The token does not allow /iframe/."
    assert signed.post(("a", b"a"), headers=bearer, fields=signed.signature()).status_code == 200
    foreign = {"Authorization": "Bearer " + jwt.encode(claims, jwt_key("another"))}
    refused = signed.post(("a", b"a"), headers=foreign)
    assert (refused.status_code, refused.text) == (401, "Invalid token. Reason: the signature does not hold")


@pytest.mark.parametrize("first", [True, False], ids=["key-first", "key-last"])
def test_a_file_over_the_projects_limit_is_too_large(small: Wire, first: bool) -> None:
    parts = [("UPLOADCARE_PUB_KEY", None, None, small.keys.public_key.encode()), ("f", "a", None, b"x" * 1001)]
    answer = small.post_form(parts if first else parts[::-1])

    assert (answer.status_code, answer.text) == (400, "File is too large.")
    assert small.post(("a", b"x" * 1000)).status_code == 200


def test_one_bad_file_takes_the_others_with_it(small: Wire) -> None:
    before = small.rest("GET", "/files/").json()["total"]

    assert small.post(("good", b"x"), ("bad", b"x" * 1001)).text == "File is too large."
    assert small.rest("GET", "/files/").json()["total"] == before


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({}, 403, "pub_key is required."),
        ({"pub_key": "nobody"}, 403, "pub_key is invalid."),
        ({"pub_key": "$key"}, 400, "file_id is required."),
        ({"pub_key": "$key", "file_id": "nonexistent"}, 400, "file_id is invalid."),
        ({"pub_key": "$key", "file_id": "{11111111-1111-4111-8111-111111111111}"}, 400, "file_id is invalid."),
        ({"pub_key": "$key", "file_id": "11111111-1111-4111-8111-111111111111"}, 404, "File is not found."),
    ],
)
def test_info_says_what_is_wrong(wire: Wire, query: dict[str, str], status: int, message: str) -> None:
    parameters = {name: value.replace("$key", wire.keys.public_key) for name, value in query.items()}
    plain = wire.send("GET", "/info/", params=parameters)
    as_json = wire.send("GET", "/info/", params={**parameters, "jsonerrors": "1"})

    assert (plain.status_code, plain.text) == (status, message)
    assert as_json.status_code == 200
    assert (as_json.json()["error"]["content"], as_json.json()["error"]["status_code"]) == (message, status)


def test_info_shows_neither_removed_files_nor_those_of_others(wire: Wire, small: Wire) -> None:
    file_id = wire.uploaded("a", b"a")

    assert small.info(file_id).text == "File is not found."
    wire.rest("DELETE", f"/files/{file_id}/storage/")
    assert wire.info(file_id).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("POST", "/base/", 403, "POST, OPTIONS"),
        ("OPTIONS", "/base/", 204, "POST, OPTIONS"),
        ("GET", "/base/", 405, "POST, OPTIONS"),
        ("GET", "/info/", 403, "GET, HEAD, OPTIONS"),
        ("POST", "/info", 405, "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/info//", 204, "GET, HEAD, OPTIONS"),
        ("GET", "/base/more/", 404, "GET, POST, HEAD, OPTIONS"),
        ("POST", "/group/", 404, "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_every_answer_carries_the_recorded_headers(wire: Wire, method: str, path: str, status: int, allow: str) -> None:
    answer = wire.send(method, path)

    assert answer.status_code == status
    headers = answer.headers
    assert headers["vary"] == "Accept-Encoding, Origin"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-methods"] == allow
    assert {"DNT", "X-PINGOTHER", "X-UC-User-Agent"} <= set(headers["access-control-allow-headers"].split(", "))
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-expose-headers"] == "Warning, Retry-After"
    assert headers["access-control-max-age"] == "1"
    assert headers["x-xss-protection"] == "1; mode=block"
    assert headers["x-content-type-options"] == "nosniff"
    assert UUID(headers["x-uploadcare-request-id"])
    assert headers["x-uploadcare-request-id"] == headers["x-request-id"], "the log's id"


def test_a_wrong_method_is_named(wire: Wire) -> None:
    answer = wire.send("PUT", "/base/")

    assert (answer.status_code, answer.text) == (405, "HTTP method PUT is not allowed for /base/")
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert wire.send("PUT", "/base/?jsonerrors=1").json()["error"]["error_code"] == "MethodNotAllowedError"


def test_head_is_get_without_its_body(wire: Wire) -> None:
    parameters = {"pub_key": wire.keys.public_key, "file_id": wire.uploaded("a", b"a")}

    got, head = (wire.send(method, "/info/", params=parameters) for method in ("GET", "HEAD"))

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert re.fullmatch("[0-9]+", head.headers["content-length"])


@pytest.mark.slow
def test_a_large_file_passes_through_little_memory(server: Longshore, wire: Wire) -> None:
    """Decision 13: what comes before the key is known goes to the store, not into memory."""
    size = 96 << 20
    parts = form([("f", "large.bin", None, b""), ("UPLOADCARE_PUB_KEY", None, None, wire.keys.public_key.encode())])
    before, after = parts.split(b"\r\n\r\n", 1)
    peak = 0

    def body() -> Iterator[bytes]:
        nonlocal peak
        yield before + b"\r\n\r\n"
        for _ in range(size >> 20):
            yield bytes(1 << 20)
            peak = max(peak, resident(server))
        yield after

    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    begin = resident(server)
    answer = wire.send("POST", "/base/", content=body(), headers=headers)

    assert answer.status_code == 200, answer.text
    assert wire.info(answer.json()["f"]).json()["size"] == size
    assert peak - begin < 30 << 20


def resident(server: Longshore) -> int:
    """Bytes of memory that the server's own process holds."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


def test_of_two_uploads_with_one_chosen_id_one_wins(server: Longshore, wire: Wire) -> None:
    chosen = str(uuid4())

    def race(content: bytes) -> tuple[int, bytes]:
        with Wire(server.url, wire.keys) as own:
            return own.post(("a", content), fields=[("UPLOADCARE_FILE_ID", chosen)]).status_code, content

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(race, [b"%d" % n * 1000 for n in range(6)]))

    [winner] = [content for status, content in results if status == 200]
    assert sorted(status for status, _ in results) == [200, 400, 400, 400, 400, 400]
    assert wire.send("GET", f"/{chosen}/").content == winner
