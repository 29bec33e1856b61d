"""Ceph itself refuses what a link does not allow: method, key, type, length, expiry, second use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from longshore.adapters.s3.links import S3LinkSigner
from longshore.core.ids import FileId
from longshore.ports.storage import ObjectKey, SignedForm, SignedRequest
from tests.integration.s3.conftest import S3, a_key, constraints

Change = Callable[[SignedRequest], SignedRequest]


def send(link: SignedRequest, content: bytes = b"hello") -> int:
    request = httpx.Request(link.method, link.url, headers=dict(link.headers), content=content)
    with httpx.Client(trust_env=False) as client:
        return client.send(request).status_code


def post(form: SignedForm, content: bytes = b"hello", **changed: str) -> int:
    """`changed` in Python's spelling."""
    names = {"content_type": "Content-Type", "x_amz_signature": "x-amz-signature"}
    fields = {**form.fields, **{names.get(name, name): value for name, value in changed.items()}}
    return httpx.post(form.url, data=fields, files={"file": ("name", content)}, trust_env=False).status_code


def _without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda link: replace(link, url=f"{link.url[:-4]}0000"), id="signature"),
        pytest.param(lambda link: replace(link, url=link.url.replace("/incoming/", "/incoming/x")), id="key"),
        pytest.param(lambda link: replace(link, url=link.url.replace("/incoming/", "/files/")), id="folder"),
        pytest.param(lambda link: replace(link, url=link.url.replace("Expires=", "Expires=9")), id="expiry"),
        pytest.param(lambda link: replace(link, url=link.url.replace("%3Bif-none-match", "")), id="signed headers"),
        pytest.param(lambda link: replace(link, headers={**link.headers, "Content-Type": "text/html"}), id="type"),
        pytest.param(lambda link: replace(link, headers=_without(link.headers, "Content-Type")), id="no type"),
        pytest.param(lambda link: replace(link, headers=_without(link.headers, "If-None-Match")), id="unconditional"),
        pytest.param(lambda link: replace(link, method="DELETE"), id="DELETE"),
        pytest.param(lambda link: replace(link, method="GET"), id="GET"),
        pytest.param(lambda link: replace(link, url=f"{link.url}&uploads="), id="another call"),
    ],
)
async def test_a_changed_link_is_refused(s3: S3, changed: Change) -> None:
    link = s3.links.put(a_key(), constraints())

    assert send(changed(link)) in (400, 403, 405)
    assert s3.peek.keys() == []


@pytest.mark.parametrize("content", [b"", b"hell", b"hello!"], ids=["nothing", "shorter", "longer"])
async def test_another_length_is_refused(s3: S3, content: bytes) -> None:
    assert send(s3.links.put(a_key(), constraints()), content) == 403
    assert s3.peek.keys() == []


async def test_an_expired_link_is_refused(s3: S3) -> None:
    s3.clock.shift = timedelta(minutes=-2)

    assert send(s3.links.put(a_key(), constraints(lifetime=-60))) == 403
    assert post(s3.links.post(a_key(), constraints(lifetime=-60))) == 403
    assert s3.peek.keys() == []


async def test_a_link_works_once(s3: S3) -> None:
    key = a_key()
    link = s3.links.put(key, constraints())

    assert [send(link), send(link, b"HELLO")] == [200, 412]
    sealed = await s3.objects.seal(key, ObjectKey.sealed(FileId(uuid4()), "seal"))
    assert send(link, b"HELLO") == 412
    await s3.objects.retire(key)
    assert send(link, b"HELLO") == 412
    await s3.objects.delete(key)
    assert send(link, b"HELLO") == 412
    assert b"".join([piece async for piece in s3.objects.read(sealed.key)]) == b"hello"


async def test_what_lies_under_the_key_of_a_link_that_ended_can_be_deleted(s3: S3) -> None:
    key = a_key()
    await s3.objects.retire(key)
    assert await s3.objects.head(key) is None
    s3.clock.shift = timedelta(minutes=10)  # the store allows 15
    s3.objects._retired_for = timedelta(minutes=9)
    await s3.objects.delete(key)

    assert s3.peek.keys() == []


async def test_a_form_takes_what_its_policy_says_and_nothing_else(s3: S3) -> None:
    key = a_key()
    form = s3.links.post(key, constraints(2, 5))

    assert post(form, b"h") == 400
    assert post(form, b"hello!") == 400
    assert post(form, key="incoming/other") == 403
    assert post(form, key=f"files/{key.name}") == 403
    assert post(form, content_type="text/html") == 403
    assert post(form, acl="public-read") == 403
    assert post(form, x_amz_signature="0" * 64) == 403
    assert post(form, policy=s3.links.post(a_key(), constraints()).fields["policy"]) == 403
    assert s3.peek.keys() == []
    assert [post(form, b"he"), post(form)] == [204, 204]
    assert s3.peek.content(f"incoming/{key.name}") == b"hello"


async def test_a_put_cannot_be_bound_to_a_range(s3: S3) -> None:
    with pytest.raises(ValueError, match="range"):
        s3.links.put(a_key(), constraints(1, 5))
    assert not s3.links.abilities.ranged_put


async def test_without_conditions_a_link_is_bound_otherwise_all_the_same(s3: S3) -> None:
    """For stores that do not know them."""
    link = S3LinkSigner(s3.settings, s3.clock, conditional=False).put(a_key(), constraints())

    assert [send(link), send(link)] == [200, 200]
    assert send(link, b"longer") == 403
