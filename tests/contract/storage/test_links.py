"""Signed links allow what they say and nothing else."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from longshore.core.errors import Problem
from longshore.ports.storage import LinkExpired, LinkGrant, LinkInvalid, WrongType
from tests.contract.storage.conftest import NOW, Storage, a_key, constraints

KIND = "image/svg+xml; charset=utf-8"


@pytest.fixture
def storage(disk_storage: Storage) -> Storage:
    """S3's links end in the store: tests/integration/s3."""
    return disk_storage


def opened(url: str) -> tuple[str, dict[str, str]]:
    """The path after `/storage/` and the parameters, as the HTTP side hands them over."""
    parts = urlsplit(url)
    return parts.path.removeprefix("/storage/"), dict(parse_qsl(parts.query, strict_parsing=True))


def test_a_put_link_grants_what_was_signed(storage: Storage) -> None:
    key = a_key()
    request = storage.signer.put(key, constraints(5, 70))

    assert request.method == "PUT"
    assert request.url.startswith(f"https://files.example/storage/incoming/{key.name}?")
    assert request.headers == {"Content-Type": KIND}
    assert request.expires_at == NOW + timedelta(hours=1)
    path, query = opened(request.url)
    assert storage.receiver.verify_put(path, query, KIND) == LinkGrant(
        key=key, constraints=constraints(5, 70), write_once=True
    )


def test_a_form_grants_what_was_signed(storage: Storage) -> None:
    key = a_key()
    form = storage.signer.post(key, constraints(0, 70))

    assert form.url == "https://files.example/storage/"
    assert storage.receiver.verify_post(form.fields) == LinkGrant(
        key=key, constraints=constraints(0, 70), write_once=False
    )


OTHER = "incoming/5e0f9a1e-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "changes",
    [
        {"path": OTHER},
        {"path": "files/x"},
        {"path": "incoming/../files/x"},
        {"path": ""},
        {"type": "text/html"},
        {"size": "1-1001"},
        {"size": "0-1000"},
        {"size": "1-١٠٠٠"},
        {"size": "1000"},
        {"size": "1-99999999999999999999"},
        {"size": " 1-1000"},
        {"expires": "9999999999"},
        {"expires": "-1"},
        {"expires": "١٧٩٥٢٦٦٠٠٠"},
        {"expires": ""},
        {"signature": ""},
        {"signature": "A" * 43},
        {"signature": "ä" * 43},
        {"signature": "\udc80" * 43},
        {"extra": "1"},
        {"type": None},
        {"size": None},
        {"expires": None},
        {"signature": None},
    ],
    ids=str,
)
def test_an_altered_put_link_is_refused(storage: Storage, changes: dict[str, str | None]) -> None:
    path, query = opened(storage.signer.put(a_key(), constraints()).url)
    altered = {**query, **changes}
    given = altered.pop("path", path)

    with pytest.raises(LinkInvalid):
        storage.receiver.verify_put(given or "", {k: v for k, v in altered.items() if v is not None}, KIND)


def test_each_character_of_the_signature_counts(storage: Storage) -> None:
    path, query = opened(storage.signer.put(a_key(), constraints()).url)
    signature = query["signature"]

    for place, letter in enumerate(signature):
        other = signature[:place] + ("A" if letter != "A" else "B") + signature[place + 1 :]
        with pytest.raises(LinkInvalid):
            storage.receiver.verify_put(path, {**query, "signature": other}, KIND)


@pytest.mark.parametrize("sent", [None, "", "image/svg+xml", "IMAGE/SVG+XML; charset=utf-8", "text/html"])
def test_another_type_is_refused(storage: Storage, sent: str | None) -> None:
    path, query = opened(storage.signer.put(a_key(), constraints()).url)

    with pytest.raises(WrongType):
        storage.receiver.verify_put(path, query, sent)


def test_an_expired_link_says_so(storage: Storage) -> None:
    request = storage.signer.put(a_key(), constraints())
    form = storage.signer.post(a_key(), constraints())
    storage.clock.moment = NOW + timedelta(hours=1)

    with pytest.raises(LinkExpired):
        storage.receiver.verify_put(*opened(request.url), KIND)
    with pytest.raises(LinkExpired):
        storage.receiver.verify_post(form.fields)


def forged(**changes: object) -> str:
    policy = {"key": OTHER, "type": KIND, "size": [0, 10**9], "expires": 9999999999, **changes}
    return base64.b64encode(json.dumps(policy).encode()).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER},
        {"Content-Type": "text/html"},
        {"policy": forged()},
        {"policy": ""},
        {"policy": "%%%"},
        {"signature": ""},
        {"extra": "1"},
        {"key": None},
        {"Content-Type": None},
        {"policy": None},
        {"signature": None},
    ],
    ids=str,
)
def test_an_altered_form_is_refused(storage: Storage, changes: dict[str, str | None]) -> None:
    fields = {**storage.signer.post(a_key(), constraints()).fields, **changes}

    with pytest.raises(LinkInvalid):
        storage.receiver.verify_post({k: v for k, v in fields.items() if v is not None})


def test_a_signature_for_one_method_is_none_for_the_other(storage: Storage) -> None:
    key = a_key()
    _, query = opened(storage.signer.put(key, constraints()).url)
    fields = dict(storage.signer.post(key, constraints()).fields)

    with pytest.raises(Problem):
        storage.receiver.verify_post({**fields, "signature": query["signature"]})
    with pytest.raises(Problem):
        storage.receiver.verify_put(f"incoming/{key.name}", {**query, "signature": fields["signature"]}, KIND)
