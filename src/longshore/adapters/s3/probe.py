"""Each behaviour that this product demands of an S3 store, tried on the configured one: yes or no.

Everything is tried as a stranger would, with links as our signer makes them, below keys of the probe's own.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import aiohttp
import yarl

from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.links import S3LinkSigner
from longshore.adapters.s3.multipart import S3MultipartStore
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.core.errors import Problem
from longshore.core.parts import MIN_PART
from longshore.ports.multipart import PartWanted
from longshore.ports.storage import Bucket, Constraints, ObjectKey, SignedForm, SignedRequest

_ORIGIN = "https://longshore-probe.example"
_TYPE = "image/png"
_BYTES = b"probe"
_REFUSED = frozenset({400, 403, 405, 411, 412, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`is_needed`: without it the store cannot be used; else something is not offered, or less safe."""

    what: str
    holds: bool
    is_needed: bool
    says: str = ""


@dataclass(frozen=True, slots=True)
class _Demand:
    what: str
    is_needed: bool
    seen: Callable[[], Awaitable[bool | str]]
    """True or False, or why not."""


class Probe:
    def __init__(self, connection: Connection, objects: S3ObjectStore) -> None:
        self._connection = connection
        self._objects = objects
        self._multipart = S3MultipartStore(connection, objects)
        self._links = S3LinkSigner(connection.settings, connection.clock)
        self._session: aiohttp.ClientSession | None = None
        self._made: list[ObjectKey] = []

    async def run(self) -> Sequence[Finding]:
        """All of it, in order. Raises nothing that a store could cause: that is a No."""
        async with aiohttp.ClientSession(trust_env=False, auto_decompress=False) as self._session:
            try:
                return [await self._found(demand) for demand in self._demands()]
            finally:
                await self._tidy()

    async def holds(self, *whats: str) -> Mapping[str, bool]:
        """Only these behaviours, by name."""
        async with aiohttp.ClientSession(trust_env=False, auto_decompress=False) as self._session:
            try:
                chosen = [demand for demand in self._demands() if demand.what in whats]
                return {demand.what: (await self._found(demand)).holds for demand in chosen}
            finally:
                await self._tidy()

    async def _found(self, demand: _Demand) -> Finding:
        try:
            seen = await demand.seen()
        except Problem as problem:
            seen = problem.detail
        except (aiohttp.ClientError, TimeoutError) as e:
            seen = f"no answer ({type(e).__name__})"
        says = seen if isinstance(seen, str) else ""
        return Finding(what=demand.what, holds=seen is True, is_needed=demand.is_needed, says=says)

    def _demands(self) -> list[_Demand]:
        return [
            _Demand("writes and reads", True, self._reads),
            _Demand("reads ranges", True, self._reads_range),
            _Demand("copies on its side", True, self._copies),
            _Demand("lists", True, self._lists),
            _Demand("takes a signed PUT", True, self._takes_put),
            _Demand("refuses a tampered signature", True, lambda: self._refuses(_tampered)),
            _Demand("refuses another key", True, lambda: self._refuses(_other_key)),
            _Demand("refuses another type", True, self._refuses_type),
            _Demand("refuses another length", True, self._refuses_length),
            _Demand("refuses another method", True, self._refuses_method),
            _Demand("refuses an expired link", True, self._refuses_expired),
            _Demand("refuses strangers", True, self._refuses_strangers),
            _Demand(CONDITIONAL, False, self._refuses_second),
            _Demand(POST, False, self._takes_form),
            _Demand("takes signed parts, in any order", True, self._takes_parts),
            _Demand(CORS, False, self._allows_pages),
            _Demand(LIFECYCLE, False, self._has_lifecycle),
            _Demand(PRIVATE, False, self._stays_private),
        ]

    # -- data ----------------------------------------------------------------------------------------------------------

    async def _reads(self) -> bool:
        key = await self._put()
        return await self._content(key) == _BYTES

    async def _reads_range(self) -> bool:
        key = await self._put()
        return b"".join([piece async for piece in self._objects.read(key, start=1, end=3)]) == _BYTES[1:3]

    async def _copies(self) -> bool:
        key = await self._put()
        sealed = await self._objects.seal(key, self._key(Bucket.FILES))
        self._made.append(sealed.key)
        return await self._content(sealed.key) == _BYTES

    async def _lists(self) -> bool:
        key = await self._put()
        later = self._connection.clock.now() + timedelta(minutes=20)
        return key in [found async for found in self._objects.list(Bucket.INCOMING, older_than=later)]

    # -- links ---------------------------------------------------------------------------------------------------------

    async def _takes_put(self) -> bool | str:
        key = self._key()
        status = await self._send(self._link(key))
        return (status == 200 and await self._content(key) == _BYTES) or f"answers {status}"

    async def _refuses(self, changed: Callable[[str], str]) -> bool | str:
        link = self._link(self._key())
        return _refusal(await self._send(replace(link, url=changed(link.url))))

    async def _refuses_type(self) -> bool | str:
        link = self._link(self._key())
        return _refusal(await self._send(replace(link, headers={**link.headers, "Content-Type": "text/html"})))

    async def _refuses_length(self) -> bool | str:
        return _refusal(await self._send(self._link(self._key()), _BYTES + b"!"))

    async def _refuses_method(self) -> bool | str:
        link = self._link(await self._put())
        return _refusal(await self._send(replace(link, method="DELETE"), b""))

    async def _refuses_expired(self) -> bool | str:
        link = self._links.put(self._key(), _constraints(self._connection, timedelta(seconds=1)))
        await asyncio.sleep(2.5)
        return _refusal(await self._send(link))

    async def _refuses_strangers(self) -> bool | str:
        return _refusal(await self._send(_unsigned(self._link(await self._put()))))

    async def _refuses_second(self) -> bool | str:
        link = self._link(self._key())
        first, second = await self._send(link), await self._send(link)
        return (first, second) == (200, 412) or f"answers {first}, then {second}"

    async def _takes_form(self) -> bool | str:
        key = self._key()
        form = self._links.post(key, _constraints(self._connection, size_max=len(_BYTES)))
        other = {**form.fields, "key": f"{form.fields['key']}-other"}
        taken = await self._post(form, form.fields)
        larger = await self._post(form, form.fields, _BYTES + b"!")
        moved = await self._post(form, other)
        holds = taken in (200, 201, 204) and larger in _REFUSED and moved in _REFUSED
        return holds or f"answers {taken}; to more bytes {larger}, to another key {moved}"

    async def _takes_parts(self) -> bool | str:
        key = self._key()
        upload = await self._multipart.create(key, content_type=_TYPE)
        try:
            wanted = [PartWanted(number=2, size=len(_BYTES)), PartWanted(number=1, size=MIN_PART)]
            expires_at = self._connection.clock.now() + timedelta(minutes=5)
            last, first = self._multipart.sign_parts(key, upload, wanted, expires_at=expires_at)
            swapped = replace(first, url=first.url.replace("partNumber=1&", "partNumber=3&"))
            stolen = await self._send(swapped, bytes(MIN_PART))
            sent = [await self._send(last), await self._send(first, bytes(MIN_PART))]
            stored = await self._multipart.complete(key, upload, await self._multipart.parts(key, upload))
        finally:
            await self._multipart.abort(key, upload)
        holds = sent == [200, 200] and stolen in _REFUSED and stored.size == MIN_PART + len(_BYTES)
        return holds or f"answers {sent}; to another number {stolen}"

    # -- rules ---------------------------------------------------------------------------------------------------------

    async def _allows_pages(self) -> bool | str:
        assert self._session is not None
        link = self._link(self._key())
        headers = {
            "Origin": _ORIGIN,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,if-none-match",
        }
        url = yarl.URL(link.url, encoded=True)
        async with self._session.options(url, headers=headers) as answer:
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            return (
                allowed in ("*", _ORIGIN) or "no page of another origin may send; `longshore storage setup` allows it"
            )

    async def _has_lifecycle(self) -> bool | str:
        for bucket in self._connection.settings.real_buckets():
            reply = await self._connection.call("GET", bucket, query={"lifecycle": ""})
            if not any(rule.text("ID").startswith("longshore-") for rule in reply.xml().all("Rule")):
                return "our rules are not there; `longshore storage setup` makes them"
        return True

    async def _stays_private(self) -> bool | str:
        """A sender's header that nobody signed: refused, or without effect."""
        link = self._link(self._key())
        await self._send(replace(link, headers={**link.headers, "x-amz-acl": "public-read"}))
        return await self._send(_unsigned(link)) != 200 or "a sender can make the object public by x-amz-acl"

    # ------------------------------------------------------------------------------------------------------------------

    def _key(self, bucket: Bucket = Bucket.INCOMING) -> ObjectKey:
        key = ObjectKey(bucket, f"probe-{uuid4()}")
        self._made.append(key)
        return key

    def _link(self, key: ObjectKey) -> SignedRequest:
        return self._links.put(key, _constraints(self._connection))

    async def _put(self) -> ObjectKey:
        key = self._key()
        bucket, prefix = self._connection.settings.place(key.bucket)
        await self._connection.call("PUT", bucket, prefix + key.name, body=[_BYTES])
        return key

    async def _content(self, key: ObjectKey) -> bytes:
        return b"".join([piece async for piece in self._objects.read(key)])

    async def _send(self, link: SignedRequest, body: bytes = _BYTES) -> int:
        assert self._session is not None
        url = yarl.URL(link.url, encoded=True)
        data = io.BytesIO(body) if link.method == "PUT" else None  # aiohttp warns of large bytes
        async with self._session.request(link.method, url, headers=link.headers, data=data) as answer:
            await answer.read()
            return answer.status

    async def _post(self, form: SignedForm, fields: Mapping[str, str], body: bytes = _BYTES) -> int:
        assert self._session is not None
        data = aiohttp.FormData()
        for name, value in fields.items():
            data.add_field(name, value)
        data.add_field("file", body, filename="probe")
        async with self._session.post(yarl.URL(form.url, encoded=True), data=data) as answer:
            await answer.read()
            return answer.status

    async def _tidy(self) -> None:
        for key in self._made:
            try:
                bucket, prefix = self._connection.settings.place(key.bucket)
                await self._connection.call("DELETE", bucket, prefix + key.name)
            except Problem:
                return  # the store is away; lifecycle rules and the sweeper end what is left
        self._made.clear()


CONDITIONAL = "refuses the second use of a link"
POST = "takes a form with a policy, and only as it says"
CORS = "lets web pages send"
LIFECYCLE = "ends by itself what we would forget"
PRIVATE = "keeps what senders bring private"


def _constraints(
    connection: Connection, lifetime: timedelta = timedelta(minutes=5), size_max: int = len(_BYTES)
) -> Constraints:
    return Constraints(
        content_type=_TYPE,
        size_min=len(_BYTES),
        size_max=size_max,
        expires_at=connection.clock.now() + lifetime,
    )


def _refusal(status: int) -> bool | str:
    return status in _REFUSED or f"answers {status}"


def _unsigned(link: SignedRequest) -> SignedRequest:
    return replace(link, method="GET", url=link.url.partition("?")[0], headers={})


def _tampered(url: str) -> str:
    return url[:-4] + ("0000" if not url.endswith("0000") else "1111")


def _other_key(url: str) -> str:
    return url.replace("/probe-", "/probe-other-", 1)
