"""The official Python client, pointed here by its settings alone (contract 4.1)."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from pyuploadcare import File, Uploadcare
from pyuploadcare.api.auth import UploadcareAuth, UploadcareSimpleAuth
from pyuploadcare.exceptions import InvalidRequestError, UploadcareException, WebhookIsNotUnique

from tests import corpus
from tests.acceptance.uploadcare.wire import Wire
from tests.servers.longshore import Longshore, ProjectKeys

TARGET = "http://127.0.0.1:9/hook"


def named(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def bring(client: Uploadcare, content: bytes, name: str, **how: Any) -> File:
    return client.upload(named(content, name), size=len(content), **how)


@contextlib.contextmanager
def calling(
    url: str, keys: ProjectKeys, auth: type[UploadcareSimpleAuth], *, sign: bool = True
) -> Iterator[Uploadcare]:
    client = Uploadcare(
        public_key=keys.public_key,
        secret_key=keys.secret_key,
        api_base=f"{url}/",
        upload_base=f"{url}/",
        cdn_base=f"{url}/",
        auth_class=auth,  # pyright: ignore[reportArgumentType] -- it says UploadcareAuth and takes both
        signed_uploads=sign,
        retry_throttled=0,
        timeout=30,
    )
    yield client
    client.rest_client.close()
    client.upload_client.close()


@pytest.fixture(params=[UploadcareAuth, UploadcareSimpleAuth], ids=["signed", "simple"])
def client(own: Wire, server: Longshore, request: pytest.FixtureRequest) -> Iterator[Uploadcare]:
    with calling(server.url, own.keys, request.param) as client:
        yield client


def test_a_photograph_is_uploaded_and_described(client: Uploadcare) -> None:
    file = bring(client, corpus.photo_jpeg(320, 240, 7), "my kitten-1.jpeg", store=True, metadata={"owner": "u-42"})

    info = file.info
    assert info is not None
    assert info["original_filename"] == "my kitten-1.jpeg"
    assert info["is_image"] is True
    assert info["is_ready"] is True
    assert info["mime_type"] == "image/jpeg"
    assert (info["content_info"]["image"]["width"], info["content_info"]["image"]["height"]) == (320, 240)
    assert info["metadata"] == {"owner": "u-42"}
    assert file.is_stored
    assert str(info["original_file_url"]).endswith(f"/{file.uuid}/mykitten1.jpeg")


def test_several_files_come_in_one_request(client: Uploadcare) -> None:
    files = client.upload_files([named(b"one", "one.txt"), named(b"two!", "two.txt")], store=False)

    assert [(file.filename, file.size, file.is_stored) for file in files] == [
        ("one.txt", 3, False),
        ("two.txt", 4, False),
    ]


def test_an_empty_file_is_a_file(client: Uploadcare) -> None:
    assert client.upload_files([named(b"", "empty.txt")])[0].size == 0


def test_files_are_stored_deleted_and_revived(client: Uploadcare) -> None:
    file = bring(client, b"text", "note.txt", store=False)
    assert not file.is_stored

    file.store()
    first = file.update_info()["datetime_stored"]
    file.store()
    assert file.update_info()["datetime_stored"] == first

    file.delete()
    assert file.is_removed
    assert file.update_info()["original_file_url"] is None

    file.store()
    assert not file.is_removed
    assert file.is_stored


def test_batches_store_and_delete(client: Uploadcare) -> None:
    files = [bring(client, b"%d" % n, f"batch{n}.txt", store=False) for n in range(3)]

    client.store_files(files)
    assert all(file.update_info()["datetime_stored"] for file in files)
    client.delete_files([file.uuid for file in files])
    assert all(file.update_info()["datetime_removed"] for file in files)


def test_lists_are_walked_page_by_page(client: Uploadcare) -> None:
    for n in range(5):
        bring(client, b"%d" % n, f"list{n}.txt", store=True)

    forward = [file.uuid for file in client.list_files(request_limit=2)]
    backward = [file.uuid for file in client.list_files(request_limit=3, ordering="-datetime_uploaded")]

    assert len(forward) >= 5
    assert backward == forward[::-1]
    assert client.list_files(limit=3).count() == len(forward)
    assert all(file.is_stored for file in client.list_files(stored=True))
    assert all(file.is_removed for file in client.list_files(removed=True))


def test_signed_uploads_are_signed(server: Longshore) -> None:
    keys = server.new_project("client-signs")
    server.cli("project", "set", keys.name, "--signed-uploads")

    with calling(server.url, keys, UploadcareAuth) as client:
        assert bring(client, b"text", "note.txt").size == 4
    with (
        calling(server.url, keys, UploadcareAuth, sign=False) as client,
        pytest.raises(InvalidRequestError, match=r"^`signature` is required\.$"),
    ):
        bring(client, b"text", "note.txt")


def test_a_file_that_is_not_there_is_an_error(client: Uploadcare) -> None:
    with pytest.raises(InvalidRequestError, match=r"Not found\."):
        client.file("11111111-1111-4111-8111-111111111111").update_info()


def test_webhooks_are_made_listed_changed_and_ended(client: Uploadcare) -> None:
    hook = client.create_webhook(TARGET, event="file.uploaded", signing_secret="7kMVZivndx0ErgvhRKAr")
    assert (hook.target_url, hook.event, hook.is_active) == (TARGET, "file.uploaded", True)

    with pytest.raises(WebhookIsNotUnique):
        client.create_webhook(TARGET, event="file.uploaded")

    changed = client.update_webhook(hook.id, target_url=TARGET + "2", is_active=False)
    assert (changed.target_url, changed.is_active) == (TARGET + "2", False)
    assert changed.signing_secret == "7kMVZivndx0ErgvhRKAr"
    assert hook.id in [known.id for known in client.list_webhooks()]

    client.delete_webhook(hook.id)
    assert hook.id not in [known.id for known in client.list_webhooks()]
    with pytest.raises(UploadcareException):
        client.delete_webhook(hook.id)


def test_the_project_is_described(client: Uploadcare, own: Wire) -> None:
    project = client.get_project_info()

    assert (project.name, project.pub_key, project.autostore_enabled) == (own.keys.name, own.keys.public_key, True)
