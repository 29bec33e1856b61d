"""One whole life over S3: the bytes go straight to the store, and never change once they are confirmed."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.driver import Native, at_once, refused, until
from tests.corpus import photo_jpeg
from tests.eicar import eicar
from tests.s3 import Peek
from tests.servers.ceph import Ceph

PHOTO = photo_jpeg(1200, 800, 7)


@pytest.mark.parametrize("send_by", ["put", "post"])
def test_from_request_to_delivery(native: Native, bucket: Peek, ceph: Ceph, send_by: str) -> None:
    upload = native.request(PHOTO, name="harbour.jpg", type="image/jpeg", send_by=send_by)
    assert upload.url.startswith(f"{ceph.endpoint}/{bucket.bucket}")

    assert native.send(upload, PHOTO).status_code == (200 if send_by == "put" else 204)
    assert bucket.keys(f"incoming/{upload.id}") == [f"incoming/{upload.id}"]
    assert native.delivered(upload.id) == {}

    assert native.confirm(upload).status_code == 200
    assert native.confirm(upload).status_code == 200
    file = native.settle(upload)
    assert (file["state"], file["scan"], file["image"]["width"]) == ("ready", "clean", 1200)
    assert native.deliver(upload.id).content == PHOTO
    assert native.deliver(upload.id, headers={"range": "bytes=10-19"}).content == PHOTO[10:20]
    assert native.deliver(upload.id, "-/preview/64x64/").status_code == 200

    [key] = bucket.keys(f"files/{upload.id}/")
    assert bucket.content(key) == PHOTO
    assert bucket.content(f"incoming/{upload.id}") == b"", "only a mark is left, which keeps the link closed"


def test_a_reused_put_is_refused_by_the_store_and_changes_nothing(native: Native, bucket: Peek) -> None:
    """Before confirm, after it, and after the file is delivered."""
    first, other = b"the first bytes", b"THE OTHER BYTES"
    upload = native.request(first, type="text/plain")
    assert native.send(upload, first).status_code == 200
    assert native.send(upload, other).status_code == 412
    native.confirm(upload)
    assert native.send(upload, other).status_code == 412
    assert native.settle(upload)["state"] == "ready"
    assert native.send(upload, other).status_code == 412

    assert native.deliver(upload.id).content == first
    [key] = bucket.keys(f"files/{upload.id}/")
    assert bucket.content(key) == first


def test_a_reused_form_is_taken_by_the_store_and_changes_nothing(native: Native, bucket: Peek) -> None:
    """The store cannot refuse it; nobody ever reads what it brings."""
    first, other = b"the first bytes", b"THE OTHER BYTES"
    upload = native.request(first, type="text/plain", send_by="post")
    assert native.send(upload, other).status_code == 204
    assert native.send(upload, first).status_code == 204
    native.confirm(upload)
    assert native.send(upload, other).status_code == 204
    assert native.confirm(upload).status_code == 200
    assert native.settle(upload)["state"] == "ready"

    assert native.deliver(upload.id).content == first
    [key] = bucket.keys(f"files/{upload.id}/")
    assert bucket.content(key) == first


def test_forms_that_race_confirmations_never_change_what_was_acknowledged(native: Native, bucket: Peek) -> None:
    """Equal lengths, different bytes: whichever was copied is what was scanned, digested and is delivered."""
    for round_ in range(5):
        contents = [bytes([letter]) * 50_000 for letter in b"abcdef"]
        upload = native.request(contents[0], type="text/plain", send_by="post", name=f"{round_}.txt")
        native.send(upload, contents[0])
        sends = [
            lambda content=content, upload=upload: native.send(upload, content).status_code for content in contents
        ]
        confirms = [lambda upload=upload: native.confirm(upload).status_code] * 4
        codes = at_once([*confirms[:2], *sends, *confirms[2:]])
        assert set(codes) <= {200, 204}, codes
        file = native.settle(upload)
        delivered = native.deliver(upload.id).content
        assert delivered in contents
        native.send(upload, contents[-1])

        [key] = until(lambda upload=upload: bucket.keys(f"files/{upload.id}/"), lambda keys: len(keys) == 1)
        assert bucket.content(key) == delivered == native.deliver(upload.id).content
        assert file["size"] == 50_000


def test_an_infected_file_ends_in_quarantine(native: Native, bucket: Peek) -> None:
    file = native.brought(eicar(), type="text/plain")

    assert (file["state"], file["scan"]) == ("quarantined", "infected")
    assert native.delivered(file["id"]) == {}
    assert bucket.keys(f"files/{file['id']}/") == []
    assert len(bucket.keys(f"quarantine/{file['id']}/")) == 1


def test_bytes_that_were_not_sent_cannot_be_confirmed(native: Native) -> None:
    refused(native.confirm(native.request(b"never sent")), 409, "bytes-missing")


def test_an_aborted_upload_leaves_nothing(native: Native, bucket: Peek) -> None:
    upload = native.sent(b"unwanted")
    assert native.call("DELETE", f"/uploads/{upload.id}").status_code == 204

    assert bucket.keys(f"incoming/{upload.id}") == []


def test_a_put_needs_an_exact_size_and_a_form_does_not(native: Native) -> None:
    refused(native.ask(max_size=1000), 400, "size-needed")

    upload = native.request(max_size=1000, send_by="post")
    assert native.send(upload, bytes(1001)).status_code in (400, 403)
    assert native.send(upload, bytes(1000)).status_code == 204
    assert native.confirm(upload).status_code == 200


def test_nothing_listens_where_a_folder_of_ours_would(native: Native) -> None:
    assert native.http.put("/storage/incoming/x", content=b"x").status_code == 404


def test_what_comes_with_the_request_gets_there_too(native: Native, bucket: Peek) -> None:
    """Uploadcare's direct upload passes through us."""
    data = {"UPLOADCARE_PUB_KEY": native.keys.public_key, "UPLOADCARE_STORE": "1"}
    answer = native.http.post("/base/", data=data, files={"file": ("a.txt", b"hello", "text/plain")})
    assert answer.status_code == 200, answer.text
    file_id = answer.json()["file"]

    assert native.deliver(file_id).content == b"hello"
    assert len(bucket.keys(f"files/{file_id}/")) == 1
    assert bucket.multiparts() == []


def test_what_a_sender_adds_to_its_request_is_not_kept(native: Native, ceph: Ceph, bucket: Peek) -> None:
    """Ceph takes headers that nobody signed; the copy carries none of them, and the object was never public."""
    content = b"not gzip at all"
    upload = native.request(content, type="text/plain")
    added = {"x-amz-acl": "public-read", "x-amz-meta-longshore": "retired", "Content-Encoding": "gzip"}
    headers = {**upload.send["headers"], **added}
    sent = httpx.put(upload.url, content=content, headers=headers)
    assert sent.status_code == 200
    assert httpx.get(f"{ceph.endpoint}{urlsplit(upload.url).path}").status_code == 403
    native.confirm(upload)
    assert native.settle(upload)["state"] == "ready"

    [key] = bucket.keys(f"files/{upload.id}/")
    stored = bucket.call("HEAD", key)
    assert not set(stored.headers) & {"x-amz-meta-longshore", "content-encoding"}
    assert native.deliver(upload.id).content == content


def test_the_page_may_send_to_the_store(native: Native, ceph: Ceph) -> None:
    """CSP on our side, CORS on the store's."""
    page = native.http.get("/")
    upload = native.request(b"hello", type="text/plain")
    asked = {
        "Origin": native.url,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,if-none-match",
    }

    assert ceph.endpoint in page.headers["content-security-policy"]
    assert httpx.options(upload.url, headers=asked).headers["access-control-allow-origin"] in ("*", native.url)
