"""Signed links: exactly what they say, to exactly one key, until they expire; a PUT once."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest

from longshore.adapters.disk.links import DiskLinkSigner
from longshore.adapters.secrets import MasterKeyBox, load_master_key
from longshore.ports.storage import Bucket, Constraints, ObjectKey
from tests import corpus
from tests.acceptance.driver import Native, Requested, at_once, refused, sha256, times
from tests.acceptance.uploadcare.wire import raw

INVALID = (403, "link-invalid", "The signed link is not valid: it was altered, or belongs to something else")
EXPIRED = (403, "link-expired", "The signed link has expired; ask for a new one")
USED = (412, "link-used", "Something is stored here already; if it was you, go on and confirm the upload")
TYPE = "application/octet-stream"
BYTES = b"x" * 10

Query = dict[str, str]


def put(native: Native, url: str, content: bytes = BYTES, content_type: str | None = TYPE) -> httpx.Response:
    return native.http.put(url, content=content, headers={"Content-Type": content_type} if content_type else {})


def altered(url: str, change: Callable[[Query], object], path: str | None = None) -> str:
    """The link with its parameters changed in place."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    change(query)
    return parts._replace(path=path or parts.path, query=urlencode(query, quote_via=quote)).geturl()


def signer(native: Native) -> DiskLinkSigner:
    """The server's own: for links that it signed long ago."""
    return DiskLinkSigner(native.url, MasterKeyBox(load_master_key(native.server.data / "master.key")).key_for("links"))


def constraints(expires_in: timedelta) -> Constraints:
    return Constraints(content_type=TYPE, size_min=10, size_max=10, expires_at=datetime.now(UTC) + expires_in)


def key_of(upload: Requested) -> ObjectKey:
    return ObjectKey(Bucket.INCOMING, upload.id)


# -- PUT ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda q: q.update(size="0-99999999"), id="larger size"),
        pytest.param(lambda q: q.update(size="١٠-١٠"), id="Unicode digits"),
        pytest.param(lambda q: q.update(size=f"0-{2**63}"), id="2^63"),
        pytest.param(lambda q: q.update(type="text/html"), id="other type"),
        pytest.param(lambda q: q.update(expires=str(int(q["expires"]) + 86400)), id="later expiry"),
        pytest.param(lambda q: q.update(expires="9" * 400), id="expiry of 400 digits"),
        pytest.param(lambda q: q.update(signature=q["signature"][:-1]), id="shorter signature"),
        pytest.param(lambda q: q.update(signature="é" * 43), id="signature not ASCII"),
        pytest.param(lambda q: q.update(signature="\0"), id="NUL as signature"),
        pytest.param(lambda q: q.update(signature=""), id="empty signature"),
        pytest.param(lambda q: q.pop("signature"), id="no signature"),
        pytest.param(lambda q: q.pop("size"), id="no size"),
        pytest.param(lambda q: q.pop("type"), id="no type"),
        pytest.param(lambda q: q.update(extra="1"), id="one parameter more"),
        pytest.param(lambda q: q.clear(), id="no query"),
    ],
)
def test_a_link_with_a_changed_parameter_is_refused(native: Native, change: Callable[[Query], object]) -> None:
    upload = native.request(size=10)

    refused(put(native, altered(upload.url, change)), *INVALID)

    assert native.lying(upload.id) == []


@pytest.mark.parametrize("parameter", ["size=10-10", "type=text%2Fplain", "expires=9999999999"])
def test_a_doubled_parameter_is_refused(native: Native, parameter: str) -> None:
    upload = native.request(size=10)

    refused(put(native, f"{upload.url}&{parameter}"), *INVALID)


@pytest.mark.parametrize("bucket", ["files", "quarantine", "derived", "incoming/..", "incoming%2F..", ".", ".."])
def test_a_link_leads_to_its_own_key_only(native: Native, bucket: str) -> None:
    upload = native.request(size=10)
    before = native.lying("")
    target = upload.url.removeprefix(native.url).replace("/storage/incoming/", f"/storage/{bucket}/")
    head = (
        f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE}\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"
    )

    answer = raw(native.server.port, head.encode() + BYTES)

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b'"code":"link-invalid"' in answer
    assert native.lying("") == before


def test_a_link_of_another_upload_is_refused(native: Native) -> None:
    mine, theirs = native.request(size=10), native.request(size=10)

    refused(put(native, altered(mine.url, lambda _: None, path=urlsplit(theirs.url).path)), *INVALID)

    assert native.lying(mine.id, theirs.id) == []


def test_a_link_of_another_installation_is_refused(native: Native) -> None:
    upload = native.request(size=10)
    theirs = DiskLinkSigner(native.url, b"k" * 32).put(key_of(upload), constraints(timedelta(hours=1)))

    refused(put(native, theirs.url), *INVALID)


@pytest.mark.parametrize("expired", [timedelta(seconds=-1), timedelta(days=-400)])
def test_an_expired_link_is_refused(native: Native, expired: timedelta) -> None:
    upload = native.request(size=10)

    refused(put(native, signer(native).put(key_of(upload), constraints(expired)).url), *EXPIRED)

    assert native.lying(upload.id) == []


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/octet-stream; charset=utf-8", "APPLICATION/OCTET-STREAM", None]
)
def test_another_content_type_than_the_links_is_refused(native: Native, content_type: str | None) -> None:
    upload = native.request(size=10)

    answer = put(native, upload.url, content_type=content_type)

    problem = refused(answer, 400, "wrong-content-type", f"The link was signed for Content-Type: {TYPE}")
    assert problem["expected"] == TYPE
    assert native.lying(upload.id) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "POST"])
def test_a_link_for_storing_does_nothing_else(native: Native, method: str) -> None:
    upload = native.sent(BYTES)

    answer = native.http.request(method, upload.url)

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST, PUT")
    assert native.confirm(upload).json()["file"]["size"] == 10


def test_a_second_put_changes_nothing(native: Native) -> None:
    upload = native.sent(b"the first!")

    refused(native.send(upload, b"the second"), *USED)

    native.confirm(upload)
    assert native.settle(upload)["digests"]["sha256"] == sha256(b"the first!")


def test_of_many_puts_at_once_one_counts(native: Native) -> None:
    upload = native.request(size=10)
    contents = [b"%010d" % n for n in range(8)]

    answers = at_once([lambda content=content: put(native, upload.url, content) for content in contents])

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    winner = next(content for content, answer in zip(contents, answers, strict=True) if answer.status_code == 200)
    native.confirm(upload)
    assert native.settle(upload)["digests"]["sha256"] == sha256(winner)


@pytest.mark.parametrize("stage", ["confirmed", "ready", "aborted"])
def test_a_link_does_nothing_once_the_upload_is_over(native: Native, stage: str) -> None:
    upload = native.sent(BYTES)
    if stage == "aborted":
        assert native.call("DELETE", f"/uploads/{upload.id}").status_code == 204
    else:
        native.confirm(upload)
    if stage == "ready":
        native.settle(upload)

    answer = native.send(upload, b"y" * 10)

    if stage == "aborted":
        # The link is arithmetic and knows nothing of it. Nobody can confirm the bytes, and the sweeper takes them.
        assert answer.status_code == 200
        refused(native.confirm(upload), 410, "upload-aborted")
        assert native.delivered(upload.id) == {}
    else:
        refused(answer, *USED)
        assert native.settle(upload)["digests"]["sha256"] == sha256(BYTES)
        assert native.deliver(upload.id).content == BYTES


# -- POST --------------------------------------------------------------------------------------------------------------


def post(native: Native, upload: Requested, fields: Query, content: bytes = BYTES) -> httpx.Response:
    return native.http.post(upload.url, data=fields, files={"file": ("name", content)})


def forged(fields: Query, change: Callable[[dict[str, object]], object]) -> str:
    policy = json.loads(base64.b64decode(fields["policy"]))
    change(policy)
    return base64.b64encode(json.dumps(policy, separators=(",", ":")).encode()).decode()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: f.update(policy=forged(f, lambda p: p.update(size=[0, 10**9]))), id="larger size"),
        pytest.param(lambda f: f.update(policy=forged(f, lambda p: p.update(expires=10**10))), id="later expiry"),
        pytest.param(lambda f: f.update(policy=base64.b64encode(b"[" * 4000).decode()), id="deep policy"),
        pytest.param(lambda f: f.update(policy="?"), id="policy is no base64"),
        pytest.param(lambda f: f.update(policy=""), id="empty policy"),
        pytest.param(lambda f: f.update(key="incoming/../../longshore.db"), id="other key"),
        pytest.param(lambda f: f.update({"Content-Type": "text/html"}), id="other type"),
        pytest.param(lambda f: f.update(signature="A" * 43), id="wrong signature"),
        pytest.param(lambda f: f.update(signature="é"), id="signature not ASCII"),
        pytest.param(lambda f: f.update(extra="1"), id="one field more"),
        pytest.param(lambda f: f.pop("key"), id="no key"),
        pytest.param(lambda f: f.pop("signature"), id="no signature"),
        pytest.param(lambda f: f.clear(), id="no fields"),
    ],
)
def test_a_form_with_a_changed_field_is_refused(native: Native, change: Callable[[Query], object]) -> None:
    upload = native.request(size=10, send_by="post")
    fields = dict(upload.send["fields"])
    change(fields)

    refused(post(native, upload, fields), *INVALID)

    assert native.lying(upload.id) == []


def test_an_expired_form_is_refused(native: Native) -> None:
    upload = native.request(size=10, send_by="post")
    form = signer(native).post(key_of(upload), constraints(timedelta(seconds=-1)))

    refused(post(native, upload, dict(form.fields)), *EXPIRED)


def test_a_form_of_another_upload_is_refused(native: Native) -> None:
    mine, theirs = (native.request(size=10, send_by="post") for _ in range(2))
    fields = {**mine.send["fields"], "key": theirs.send["fields"]["key"]}

    refused(post(native, mine, fields), *INVALID)


def test_fields_after_the_file_do_not_count(native: Native) -> None:
    upload = native.request(size=10, send_by="post")
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="n"\r\n\r\nxxxxxxxxxx\r\n'
    rest = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value.encode())
        for name, value in upload.send["fields"].items()
    )

    answer = native.http.post(
        upload.url, content=head + rest + b"--b--\r\n", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )

    refused(answer, *INVALID)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("text/plain", b"xxxxxxxxxx", id="no form"),
        pytest.param("multipart/form-data", b"xxxxxxxxxx", id="no boundary"),
        pytest.param(f"multipart/form-data; boundary={'b' * 71}", b"xxxxxxxxxx", id="long boundary"),
        pytest.param("multipart/form-data; boundary=b", b"x" * 100_000, id="boundary never comes"),
        pytest.param("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", id="part without a name"),
        pytest.param(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n' + b"k" * 9000 + b"\r\n--b--\r\n",
            id="huge field",
        ),
        pytest.param(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n\xff\r\n--b--\r\n',
            id="field is no UTF-8",
        ),
        pytest.param(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--b--\r\n',
            id="no file",
        ),
        pytest.param(
            "multipart/form-data; boundary=b",
            b"--b\r\n" + b"X-H: 1\r\n" * 1000 + b"\r\nx\r\n--b--\r\n",
            id="many headers",
        ),
        pytest.param("multipart/form-data; boundary=b", b"--b\r\nX: " + b"1" * 70_000, id="endless header"),
    ],
)
def test_what_is_no_form_is_refused(native: Native, content_type: str, body: bytes) -> None:
    answer = native.http.post("/storage/", content=body, headers={"Content-Type": content_type})

    refused(answer, 400, "form-invalid")


def test_a_form_that_ends_early_leaves_nothing(native: Native) -> None:
    upload = native.request(size=10, send_by="post")
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value.encode())
        for name, value in upload.send["fields"].items()
    )
    body = parts + b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nxxxxxxxxxx'

    answer = native.http.post(upload.url, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    refused(answer, 400, "body-incomplete")
    assert native.lying(upload.id) == []


# -- the object replaced between scan and publish (decision 9) ---------------------------------------------------------


def test_a_form_may_be_repeated_until_confirm_and_the_last_one_counts(native: Native) -> None:
    upload = native.request(size=10, send_by="post")
    for content in (b"the first!", b"the second", b"the third!"):
        assert native.send(upload, content).status_code == 204

    native.confirm(upload)

    assert native.settle(upload)["digests"]["sha256"] == sha256(b"the third!")


@pytest.mark.parametrize("send_by", ["put", "post"])
def test_after_confirm_no_link_reaches_the_bytes(native: Native, send_by: str) -> None:
    upload = native.request(size=10, send_by=send_by)
    native.send(upload, BYTES)
    fresh = native.call("POST", f"/uploads/{upload.id}/link", json={"send_by": "post"}).json()["send"]
    native.confirm(upload)

    refused(native.send(upload, b"y" * 10), *USED)
    refused(post(native, Requested(upload.id, "", "", fresh), fresh["fields"], b"y" * 10), *USED)

    assert native.settle(upload)["digests"]["sha256"] == sha256(BYTES)
    refused(native.send(upload, b"y" * 10), *USED)
    assert native.deliver(upload.id).content == BYTES
    assert [path.partition("/")[0] for path in native.lying(upload.id)] == ["files"]


def test_whatever_arrives_while_it_is_confirmed_what_was_read_is_what_is_delivered(native: Native) -> None:
    """Eight senders and four confirmations at the same time: some content wins, whole, and it is the one that was
    checked."""
    contents = [corpus.png(40 + n, 30, 1) for n in range(8)]
    upload = native.request(max_size=100_000, name="a.png", type="image/png", send_by="post")
    native.send(upload, contents[0])

    answers = at_once(
        [
            *(lambda content=content: native.send(upload, content) for content in contents),
            *[lambda: native.confirm(upload)] * 4,
        ]
    )

    assert {answer.status_code for answer in answers[:8]} <= {204, 412}
    assert [answer.status_code for answer in answers[8:]] == [200] * 4
    file = native.settle(upload)
    delivered = native.deliver(upload.id).content
    assert file["digests"]["sha256"] == sha256(delivered)
    assert delivered in contents
    assert file["image"]["width"] == 40 + contents.index(delivered)
    assert times(2, native.deliver, upload.id)[0].content == delivered
    assert not any(path.startswith("incoming") for path in native.lying(upload.id))


def test_an_upload_that_is_over_gives_no_new_link(native: Native) -> None:
    upload = native.confirmed(BYTES)

    answer = native.call("POST", f"/uploads/{upload.id}/link", json={})

    assert (answer.status_code, answer.json()["send"]) == (200, None)
