"""Credentials: expired, foreign, tampered and malformed ones open nothing, and say so in one sentence."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from longshore.core.signing import jwt_key, upload_signature
from tests.acceptance.bad_input.upload_api import posted, rest_refusal, upload_refusal
from tests.acceptance.driver import Native, refused, times, until

BROWSER = {"name": "a.txt", "type": "text/plain", "size": 1}


def segment(content: object) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def claims(native: Native) -> dict[str, object]:
    return {"iss": native.keys.public_key, "aud": "longshore", "sub": "u-42", "exp": int(time.time()) + 60}


# -- upload tokens (decision 7) ----------------------------------------------------------------------------------------

SIGNED = "The token must be signed with HS256 and name the public key as `iss`"


def test_a_genuine_token_is_taken(native: Native) -> None:
    upload = native.confirmed(b"some text", token=native.token(group="premium"))

    file = native.settle(upload)
    assert (file["state"], file["uploader"], file["group"]) == ("ready", "u-42", "premium")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_an_unsigned_token_is_refused(native: Native, algorithm: str, signature: str) -> None:
    token = f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(claims(native))}.{signature}"

    refused(native.ask(b"x", token=token), 401, "token-invalid", SIGNED)


def test_a_token_without_an_algorithm_is_refused(native: Native) -> None:
    token = f"{segment({'typ': 'JWT'})}.{segment(claims(native))}."

    refused(native.ask(b"x", token=token), 401, "token-invalid", SIGNED)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_of_another_algorithm_is_refused(native: Native, algorithm: str) -> None:
    token = jwt.encode(claims(native), jwt_key(native.keys.secret_key) * 2, algorithm=algorithm)

    refused(native.ask(b"x", token=token), 401, "token-invalid", SIGNED)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda n: n.keys.secret_key.encode(), id="the secret itself"),
        pytest.param(lambda n: jwt_key(n.keys.secret_key).hex().encode(), id="the digest in hex"),
        pytest.param(lambda n: jwt_key(n.keys.public_key), id="the public key"),
        pytest.param(lambda n: bytes(32), id="nothing"),
    ],
)
def test_a_token_signed_with_another_key_is_refused(native: Native, key: Callable[[Native], bytes]) -> None:
    token = jwt.encode(claims(native), key(native), algorithm="HS256")

    refused(native.ask(b"x", token=token), 401, "token-invalid", "The token's signature does not hold")


def test_a_tampered_token_is_refused(native: Native) -> None:
    head, _, signature = native.token().split(".")
    token = f"{head}.{segment({**claims(native), 'group': 'premium'})}.{signature}"

    refused(native.ask(b"x", token=token), 401, "token-invalid", "The token's signature does not hold")


def test_another_projects_key_signs_nothing_here(native: Native, foreign: Native) -> None:
    token = native.token(secret=foreign.keys.secret_key)

    refused(native.ask(b"x", token=token), 401, "token-invalid", "The token's signature does not hold")


@pytest.mark.parametrize(
    ("changed", "code", "sentence"),
    [
        pytest.param({"exp": 1}, "token-expired", "The token has expired", id="long expired"),
        pytest.param({"exp": -1}, "token-expired", "The token has expired", id="before 1970"),
        pytest.param({"exp": int(time.time()) - 1}, "token-expired", "The token has expired", id="just expired"),
        pytest.param({"exp": "2030-01-01"}, "token-invalid", "The token's `exp` is not a number", id="exp is text"),
        pytest.param({"exp": True}, "token-invalid", "The token's `exp` is not a number", id="exp is true"),
        pytest.param({"exp": float("nan")}, "token-invalid", "The token's `exp` is not a number", id="exp is NaN"),
        pytest.param({"exp": 10**400}, "token-invalid", "The token's `exp` is not a number", id="exp of 400 digits"),
        pytest.param({"exp": None}, "token-invalid", "The token lacks the claim `exp`", id="no exp"),
        pytest.param({"sub": None}, "token-invalid", "The token lacks the claim `sub`", id="no sub"),
        pytest.param({"aud": None}, "token-invalid", "The token lacks the claim `aud`", id="no aud"),
        pytest.param({"aud": "other"}, "token-invalid", None, id="other aud"),
        pytest.param({"aud": 1}, "token-invalid", None, id="aud is a number"),
        pytest.param({"iss": None}, "token-invalid", SIGNED, id="no iss"),
        pytest.param({"iss": 1}, "token-invalid", SIGNED, id="iss is a number"),
        pytest.param(
            {"iss": "nobody"}, "token-invalid", "The token's `iss` is not a public key known here", id="foreign iss"
        ),
        pytest.param(
            {"iss": "\0"}, "token-invalid", "The token's `iss` is not a public key known here", id="iss is NUL"
        ),
        pytest.param(
            {"iss": "\ud800"},
            "token-invalid",
            "The token is not a JWT",
            id="iss is half a character",
        ),
        pytest.param({"nbf": time.time() + 600}, "token-invalid", "The token is not valid yet", id="not yet"),
        pytest.param({"nbf": "soon"}, "token-invalid", "The token's `nbf` is not a number", id="nbf is text"),
        pytest.param({"kind": "\ud800"}, "token-invalid", "The token is not a JWT", id="kind is half a character"),
        pytest.param({"sub": ""}, "token-invalid", None, id="empty sub"),
        pytest.param({"sub": "a b"}, "token-invalid", None, id="sub with a space"),
        pytest.param({"sub": "u" * 128}, "token-invalid", None, id="long sub"),
        pytest.param({"sub": 42}, "token-invalid", None, id="sub is a number"),
        pytest.param({"group": ["a"]}, "token-invalid", None, id="group is a list"),
        pytest.param({"kinds": 7}, "token-invalid", None, id="kinds is a number"),
        pytest.param({"record": "no-slash"}, "token-invalid", None, id="record without an id"),
        pytest.param({"record": {"a": 1}}, "token-invalid", None, id="record is an object"),
        pytest.param({"limits": 5}, "token-invalid", "The token's `limits` is not an object", id="limits is a number"),
        pytest.param(
            {"limits": {"size": -1}},
            "token-invalid",
            "The token's limit `size` is not a whole number",
            id="negative limit",
        ),
        pytest.param(
            {"limits": {"size": 1.5}},
            "token-invalid",
            "The token's limit `size` is not a whole number",
            id="half a byte",
        ),
        pytest.param(
            {"limits": {"files": True}},
            "token-invalid",
            "The token's limit `files` is not a whole number",
            id="limit is true",
        ),
        pytest.param(
            {"limits": {"size": "١٠"}},
            "token-invalid",
            "The token's limit `size` is not a whole number",
            id="Unicode limit",
        ),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    native: Native, changed: dict[str, Any], code: str, sentence: str | None
) -> None:
    refused(native.ask(b"x", token=native.token(**changed)), 401, code, sentence)


@pytest.mark.parametrize("exp", [2**63, 1e300, float("inf")])
def test_a_token_for_ever_is_a_token(native: Native, exp: float) -> None:
    assert native.ask(b"x", token=native.token(exp=exp)).status_code == 201


def test_a_limit_of_2_to_the_63_is_no_mistake_of_ours(native: Native) -> None:
    assert native.ask(b"x", token=native.token(limits={"size": 2**63, "files": 2**63})).status_code in (201, 401)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("..", id="dots"),
        pytest.param("a.b.c", id="letters"),
        pytest.param(f"{segment(b'[' * 1400)}.{segment({})}.x", id="deep header"),
        pytest.param(f"{segment({'alg': 'HS256'})}.{segment(b'[' * 2900)}.x", id="deep claims"),
        pytest.param(f"{segment({'alg': 'HS256'})}.{segment(b'{' + b'%s:' % (b'[' * 1500))}.x", id="broken claims"),
        pytest.param(f"{segment({'alg': 'HS256'})}.{segment([])}.x", id="claims are a list"),
        pytest.param(f"{segment([])}.{segment({})}.x", id="header is a list"),
        pytest.param(f"{segment({'alg': ['HS256']})}.{segment({})}.x", id="alg is a list"),
        pytest.param(f"{segment({'alg': 'HS256', 'crit': ['b64'], 'b64': False})}.{segment({})}.x", id="crit"),
        pytest.param(f"{segment({'alg': 'HS256', 'kid': 1})}.{segment({'iss': 'x'})}.x", id="kid is a number"),
        pytest.param(f"{segment({'alg': 'HS256'})}.{segment(b'{}' + bytes([0xFF]))}.x", id="claims are no UTF-8"),
        pytest.param(f"{segment({'alg': 'HS256'})}.{segment(b'9' * 3000)}.x", id="claims are a long number"),
        pytest.param("x" * 5000, id="long"),
        pytest.param("x." * 3000, id="many dots"),
        pytest.param("lw.", id="empty write token"),
        pytest.param("lr." + "A" * 22, id="read token of nothing"),
    ],
)
def test_what_is_no_token_is_refused(native: Native, token: str) -> None:
    status, code = (answer := native.ask(b"x", token=token)).status_code, answer.json()["code"]

    assert (status, code) in ((401, "token-invalid"), (401, "unauthenticated"))


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x.y", "Basic dTpw", "Bearer \xe9", "Uploadcare.Simple a:b", "bearer  x", "Bearer x y"],
)
def test_what_is_no_bearer_is_refused(native: Native, header: str) -> None:
    answer = native.call(
        "POST", "/uploads", token="", json=BROWSER, headers={"Authorization": header.encode("latin-1")}
    )

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("key", ["", "nobody", "\0", "%00", "é", "x" * 5000, "' OR 1=1 --"])
def test_an_unknown_public_key_is_refused(native: Native, key: str) -> None:
    answer = native.call("POST", "/uploads", token="", json=BROWSER, params={"pub_key": key})

    refused(answer, 401, "unauthenticated")


# -- what a token allows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "wanted", "sentence"),
    [
        ({}, {"uploader": "u-43"}, "The token names another uploader or group"),
        ({"group": "free"}, {"group": "premium"}, "The token names another uploader or group"),
        ({"kind": "avatar"}, {"kind": "banner"}, "The token allows the kinds avatar only"),
        ({"kinds": ["a", "b"]}, {}, "The token allows the kinds a, b only"),
        ({"kinds": []}, {}, "The token allows the kinds  only"),
        ({"record": "user/42"}, {"record": "user/43"}, "The token is for the record user/42 only"),
        ({}, {"record": "user/42"}, "The token does not name a record"),
    ],
)
def test_a_token_opens_what_it_names_and_nothing_else(
    native: Native, granted: dict[str, Any], wanted: dict[str, object], sentence: str
) -> None:
    refused(native.ask(b"x", token=native.token(**granted), **wanted), 403, "grant-too-narrow", sentence)


def test_a_token_limits_size(native: Native) -> None:
    token = native.token(limits={"size": 10})

    refused(native.ask(size=11, token=token), 413, "size-over-limit", "The file may have at most 10 bytes")
    upload = native.request(token=token)
    refused(native.send(upload, b"x" * 11), 413, "body-too-large", "The link allows at most 10 bytes")


def test_a_token_limits_files_also_at_the_same_moment(native: Native) -> None:
    token = native.token(limits={"files": 3})

    answers = times(8, native.ask, b"x", token=token)

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [403] * 5
    refused(native.ask(b"x", token=token), 403, "grant-too-narrow", "This token allows 3 files in all")


def test_one_uploaders_token_does_not_open_anothers_upload(native: Native) -> None:
    upload = native.sent(b"some text", token=native.token(sub="u-42"))
    other = native.token(sub="u-43")

    sentence = "This upload belongs to somebody else"
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/confirm"), ("POST", "/link"), ("DELETE", "")):
        answer = native.call(method, f"/uploads/{upload.id}{path}", token=other)
        refused(answer, 403, "not-your-upload", sentence)
    native.confirm(upload)
    native.settle(upload)
    refused(native.call("GET", f"/files/{upload.id}", token=other), 404, "file-not-found")
    refused(native.call("POST", f"/files/{upload.id}/url", token=other, json={}), 404, "file-not-found")


def test_the_public_key_alone_requests_and_no_more(native: Native) -> None:
    key = {"pub_key": native.keys.public_key}
    upload = native.call("POST", "/uploads", token="", params=key, json=BROWSER)
    assert upload.status_code == 201
    file_id = upload.json()["id"]

    for method, path in (("GET", ""), ("POST", "/confirm"), ("DELETE", ""), ("GET", "/events")):
        answer = native.call(method, f"/uploads/{file_id}{path}", token="", params=key)
        refused(answer, 403, "not-your-upload")
    for field in ({"record": "user/42"}, {"uploader": "u-42"}, {"group": "premium"}, {"store": True}):
        answer = native.call("POST", "/uploads", token="", params=key, json={**BROWSER, **field})
        sentence = "With the public key alone, record, uploader, group and store cannot be set"
        refused(answer, 403, "grant-too-narrow", sentence)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/kinds"),
        ("PUT", "/kinds/x"),
        ("DELETE", "/kinds/x"),
        ("GET", "/audit"),
        ("GET", "/records/user/42/avatar"),
        ("POST", "/records/user/42/avatar/restore"),
        ("GET", "/webhooks/1/deliveries"),
        ("DELETE", "/files/00000000-0000-4000-8000-000000000000"),
        ("PATCH", "/files/00000000-0000-4000-8000-000000000000"),
    ],
)
def test_servers_calls_need_a_secret_key(native: Native, method: str, path: str) -> None:
    sentence = "This needs a secret key"
    refused(native.call(method, path, token=native.token()), 403, "grant-too-narrow", sentence)
    key = {"pub_key": native.keys.public_key}
    refused(native.call(method, path, token="", params=key), 403, "grant-too-narrow", sentence)
    refused(native.call(method, path, token=""), 401, "unauthenticated")


# -- an upload's own tokens --------------------------------------------------------------------------------------------


def test_the_read_token_looks_and_does_nothing(native: Native) -> None:
    upload = native.sent(b"some text")

    assert native.call("GET", f"/uploads/{upload.id}", token=upload.read).status_code == 200
    for method, path in (("POST", "/confirm"), ("POST", "/link"), ("DELETE", "")):
        refused(native.call(method, f"/uploads/{upload.id}{path}", token=upload.read), 403, "not-your-upload")
    refused(native.ask(b"x", token=upload.read), 401, "token-invalid", "This token is for one upload only")


def test_another_uploads_tokens_open_nothing(native: Native) -> None:
    mine, theirs = native.sent(b"some text"), native.sent(b"some text")

    sentence = "This token is not the one of this upload"
    for token in (
        theirs.write,
        theirs.read,
        mine.write[:-1],
        mine.write.replace("lw.", "lr."),
        mine.read.replace("lr.", "lw."),
    ):
        for method, path in (("GET", ""), ("POST", "/confirm"), ("DELETE", "")):
            refused(native.call(method, f"/uploads/{mine.id}{path}", token=token), 401, "token-invalid", sentence)


def test_the_write_token_does_not_open_the_file_for_changes(native: Native) -> None:
    upload = native.confirmed(b"some text")
    native.settle(upload)

    for method in ("PATCH", "DELETE"):
        answer = native.call(method, f"/files/{upload.id}", token=upload.write, json={"stored": True})
        refused(answer, 403, "grant-too-narrow", "This needs a secret key")


def test_another_project_sees_nothing(native: Native, foreign: Native) -> None:
    upload = native.sent(b"some text")

    for method, path in (("GET", ""), ("POST", "/confirm"), ("POST", "/link"), ("GET", "/events"), ("DELETE", "")):
        answer = foreign.call(method, f"/uploads/{upload.id}{path}")
        refused(answer, 404, "upload-not-found", "There is no such upload")
    native.confirm(upload)
    native.settle(upload)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/url")):
        refused(foreign.call(method, f"/files/{upload.id}{path}", json={}), 404, "file-not-found")
    assert rest_refusal(foreign.wire.rest("GET", f"/files/{upload.id}/")) == (404, "Not found.")
    assert rest_refusal(foreign.wire.rest("DELETE", f"/files/{upload.id}/storage/")) == (404, "Not found.")
    assert foreign.wire.info(upload.id).status_code == 404
    assert native.file(upload)["state"] == "ready"


@pytest.mark.parametrize(
    "id_", ["x", "00000000-0000-4000-8000-000000000000", "%00", "..%2f..", "{" + "0" * 32 + "}", "é"]
)
def test_an_unknown_id_is_not_found(native: Native, id_: str) -> None:
    refused(native.call("GET", f"/uploads/{id_}"), 404, "upload-not-found", "There is no such upload")
    refused(native.call("POST", f"/uploads/{id_}/confirm"), 404, "upload-not-found", "There is no such upload")
    refused(native.call("GET", f"/files/{id_}"), 404, "file-not-found", "There is no such file")


# -- the Uploadcare APIs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param(lambda f: f.clear(), (400, "SignatureRequiredError", "`signature` is required."), id="none"),
        pytest.param(
            lambda f: f.update(expire="١٢٣"),
            (400, "SignatureExpirationInvalidError", "`expire` must be a UNIX timestamp."),
            id="Unicode digits",
        ),
        pytest.param(
            lambda f: f.update(expire=str(2**63)),
            (400, "SignatureExpirationInvalidError", "`expire` must be a UNIX timestamp."),
            id="2^63",
        ),
        pytest.param(
            lambda f: f.update(expire="1"), (403, "SignatureExpirationError", "Expired signature."), id="expired"
        ),
        pytest.param(
            lambda f: f.update(expire=str(int(f["expire"]) + 1)),
            (403, "SignatureInvalidError", "Invalid signature."),
            id="later",
        ),
        pytest.param(
            lambda f: f.update(signature="é"), (403, "SignatureInvalidError", "Invalid signature."), id="not ASCII"
        ),
        pytest.param(
            lambda f: f.update(signature=upload_signature("foreign", f["expire"])),
            (403, "SignatureInvalidError", "Invalid signature."),
            id="another key's",
        ),
    ],
)
def test_an_upload_signature_that_does_not_hold_is_refused(
    signing: Native, error_mode: str, change: Callable[[dict[str, str]], object], refusal: tuple[int, str, str]
) -> None:
    fields = dict(signing.wire.signature())
    change(fields)
    before = signing.lying("")

    answer = posted(signing, ("file", "a.txt", None, b"some text"), fields=fields, error_mode=error_mode)

    assert upload_refusal(answer, error_mode) == refusal
    assert signing.lying("") == before


@pytest.mark.parametrize("key", ["nobody", "é", "x" * 9000, "' OR 1=1 --"])
def test_an_unknown_public_key_takes_no_file(native: Native, error_mode: str, key: str) -> None:
    before = native.lying("")

    answer = posted(
        native, ("file", "a.txt", None, b"some text"), fields={"UPLOADCARE_PUB_KEY": key}, error_mode=error_mode
    )

    refusal = (403, "ProjectPublicKeyInvalidError", "UPLOADCARE_PUB_KEY is invalid.")
    assert upload_refusal(answer, error_mode) == refusal
    assert native.lying("") == before


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Bearer x", "Authentication credentials were not provided."),
        ("Uploadcare.Simple", "Incorrect authentication credentials."),
        ("Uploadcare.Simple :", "Incorrect authentication credentials."),
        ("Uploadcare.Simple nobody:x", "Public key nobody not found."),
        ("Uploadcare.Simple {key}:x", "Secret key not found."),
        ("Uploadcare.Simple {key}:{foreign}", "Secret key not found."),
        ("Uploadcare.Simple {key}:\xe9", "Secret key not found."),
        ("Uploadcare {key}:{secret}", "Incorrect authentication credentials."),
    ],
)
def test_rest_credentials_that_do_not_hold_are_refused(
    native: Native, foreign: Native, authorization: str | None, detail: str
) -> None:
    headers = {"Accept": "application/vnd.uploadcare-v0.7+json"}
    if authorization is not None:
        keys = {"key": native.keys.public_key, "secret": native.keys.secret_key, "foreign": foreign.keys.secret_key}
        headers["Authorization"] = authorization.format(**keys)
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    answer = native.http.get("/files/", headers=encoded)

    assert rest_refusal(answer) == (401, detail)


@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:00 GMT", "now", "", "9" * 400])
def test_a_rest_signature_of_another_day_is_refused(native: Native, date: str) -> None:
    answer = native.wire.signed("GET", "/files/", date=date, date_header="X-Uploadcare-Date")

    assert rest_refusal(answer) == (401, "Incorrect authentication credentials.")


def test_a_rest_signature_holds_for_its_own_request_only(native: Native) -> None:
    file = native.brought(b"some text")

    answer = native.wire.signed("DELETE", f"/files/{file['id']}/storage/", as_path="/files/")

    assert rest_refusal(answer) == (401, "Invalid signature. Please check your Secret key.")
    assert native.file(file["id"])["state"] == "ready"


# -- delivery of private files -----------------------------------------------------------------------------------------


@pytest.fixture
def private(native: Native) -> tuple[str, str]:
    """A private file's id, and a genuine token for its original."""
    native.call("PUT", "/kinds/private", json={"visibility": "private"})
    file = native.brought(b"a secret", kind="private", type="text/plain", name="a.txt")
    url = native.call("POST", f"/files/{file['id']}/url", json={}).json()["url"]
    return file["id"], url.partition("?token=")[2]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: "", id="none"),
        pytest.param(lambda t: t.replace("exp=", "exp=9"), id="later"),
        pytest.param(lambda t: t.replace("~acl=", "~acl=/*~x="), id="wider"),
        pytest.param(lambda t: t + "~acl=/*", id="a second acl"),
        pytest.param(lambda t: "exp=9999999999~" + t, id="a second exp"),
        pytest.param(lambda t: t[:-1], id="shorter"),
        pytest.param(lambda t: t.partition("~hmac")[0], id="no hmac"),
        pytest.param(lambda t: t.partition("~")[2], id="no exp"),
        pytest.param(lambda t: "exp=١~" + t.partition("~")[2], id="Unicode digits"),
        pytest.param(lambda t: f"exp={2**63}~" + t.partition("~")[2], id="2^63"),
        pytest.param(lambda t: t.partition("~hmac=")[0] + "~hmac=é", id="not ASCII"),
        pytest.param(lambda t: t.partition("~hmac=")[0] + "~hmac=\0", id="NUL"),
        pytest.param(lambda t: "~" * 2000, id="tildes"),
    ],
)
def test_a_delivery_token_that_does_not_hold_opens_nothing(
    native: Native, private: tuple[str, str], change: Callable[[str], str]
) -> None:
    file_id, token = private
    assert native.deliver(file_id, params={"token": token}).content == b"a secret"

    answer = native.deliver(file_id, params={"token": change(token)})

    assert (answer.status_code, answer.headers["cache-control"]) == (403, "no-store")
    assert answer.headers["content-type"].startswith("text/html")
    assert b"a secret" not in answer.content


def test_a_delivery_token_is_bound_to_its_path(native: Native, private: tuple[str, str]) -> None:
    file_id, token = private
    other = native.brought(b"another secret", kind="private")["id"]

    for path in (f"/{file_id}/a.txt", f"/{file_id}/-/inline/yes/", f"/{other}/", f"/{file_id.upper()}/", f"/{file_id}"):
        assert native.http.get(path, params={"token": token}).status_code == 403, path


def test_a_delivery_token_expires(native: Native, private: tuple[str, str]) -> None:
    file_id, _ = private
    url = native.call("POST", f"/files/{file_id}/url", json={"lifetime_s": 1}).json()["url"]
    assert native.http.get(url).content == b"a secret"

    until(lambda: native.http.get(url).status_code, lambda status: status == 403, within=4)


@pytest.mark.parametrize(
    "operations", ["*", "-/preview/*", "a*", "-/inline/yes/*", "-/inline/yes/a?b", "a~b", "a#b", "a b", "a\r\nb", "é"]
)
def test_a_signed_url_cannot_be_made_wider_than_one_path(
    native: Native, private: tuple[str, str], operations: str
) -> None:
    """Whatever is asked for, the URL works for itself or not at all, and never for another path."""
    file_id, _ = private
    answer = native.call("POST", f"/files/{file_id}/url", json={"operations": operations})
    if answer.status_code == 400:
        refused(answer, 400, "bad-operation")
        return

    url = answer.json()["url"]
    assert native.http.get(url).content == b"a secret"
    token = url.partition("?token=")[2]
    for path in ("", "b.txt", "-/inline/no/", "-/inline/yes/c", "aa"):
        assert native.deliver(file_id, path, params={"token": token}).status_code == 403, path
