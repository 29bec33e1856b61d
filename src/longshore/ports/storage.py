"""Bytes: where they lie, and the signed links by which people bring them.

Keys are ours and already safe; content is never inspected here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from longshore.core.errors import Forbidden, Gone, Invalid, PreconditionFailed, TooLarge
from longshore.core.ids import FileId

_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}(?:/[A-Za-z0-9_-]{1,128}){0,2}")


def is_key_name(name: str) -> bool:
    """Whether an outsider's text is the name of a key: one to three segments of `[A-Za-z0-9_-]`."""
    return len(name) <= 200 and _KEY_NAME.fullmatch(name) is not None


class Bucket(StrEnum):
    INCOMING = "incoming"
    FILES = "files"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """`name` is one to three segments of `[A-Za-z0-9_-]` joined by `/`."""

    bucket: Bucket
    name: str

    @staticmethod
    def incoming(upload: FileId) -> ObjectKey:
        return ObjectKey(Bucket.INCOMING, str(upload))

    @staticmethod
    def sealed(file: FileId, seal: str) -> ObjectKey:
        """Where confirmed bytes lie: a key that never had a link (decision 9)."""
        return ObjectKey(Bucket.FILES, f"{file}/{seal}")

    @staticmethod
    def quarantined(file: FileId, seal: str) -> ObjectKey:
        return ObjectKey(Bucket.QUARANTINE, f"{file}/{seal}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the store holds under a key. `etag` is opaque and unquoted; `content_type` what the sender said, if kept."""

    size: int
    etag: str
    modified_at: datetime
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Where sealed bytes lie, and what they are."""

    key: ObjectKey
    stored: Stored

    @property
    def seal(self) -> str:
        """What `ObjectKey.sealed` wants beside the file's id."""
        return self.key.name.partition("/")[2]


class ObjectMissing(Gone):
    """Nothing lies under that key."""

    code = "object-missing"
    title = "The bytes are not there"


class LinkInvalid(Forbidden):
    code = "link-invalid"
    title = "The signed link is not valid: it was altered, or belongs to something else"


class LinkExpired(Forbidden):
    code = "link-expired"
    title = "The signed link has expired; ask for a new one"


class LinkUsed(PreconditionFailed):
    """The write-once link was used already: go on to confirm (decision 10)."""

    code = "link-used"
    title = "Something is stored here already; if it was you, go on and confirm the upload"


class BodyTooLarge(TooLarge):
    code = "body-too-large"
    title = "More bytes arrived than the link allows"


class BodyTooShort(Invalid):
    code = "body-too-short"
    title = "Fewer bytes arrived than the link demands"


class BodyIncomplete(Invalid):
    """The sender left before the end. Nothing is kept."""

    code = "body-incomplete"
    title = "The connection ended before all bytes had arrived"


class WrongType(Invalid):
    code = "wrong-content-type"
    title = "The Content-Type is not the one the link was signed for"


class ObjectStore(Protocol):
    """Bytes by key."""

    async def put(
        self, key: ObjectKey, body: AsyncIterator[bytes], *, limit: int, content_type: str | None = None
    ) -> Stored:
        """Store `body` under `key`, replacing what was there. Visible only when complete, and then durable.

        If the caller is cancelled or `body` raises, nothing becomes visible and nothing is left. Raises BodyTooLarge
        past `limit` bytes, LinkUsed where the key was sealed and retired before, StorageFull, Upstream.
        """
        ...

    def read(self, key: ObjectKey, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end` (exclusive), in pieces of at most 1 MiB.

        Raises ObjectMissing at the first piece, Upstream.
        """
        ...

    async def head(self, key: ObjectKey) -> Stored | None:
        """What lies there, None when nothing does. Raises Upstream."""
        ...

    async def seal(self, source: ObjectKey, target: ObjectKey) -> Sealed:
        """Take the bytes out of reach of any link: what `source` held is now at the key that is answered, which no
        link and no later call ever writes to. Whoever publishes them records that key, then calls `retire`.

        Safe to repeat. A disk renames to `target`, and answers the same again. A remote store cannot create a key only
        if it is absent while copying, so each call copies to a key of its own that begins with `target`'s name; what
        is recorded decides, and a copy that lost is for its maker to delete (docs/decisions/0010). Raises ObjectMissing
        when there is nothing to seal (also after `retire`, where the disk does not), StorageFull, Upstream.
        """
        ...

    async def retire(self, key: ObjectKey) -> None:
        """Nothing lies under a sealed `key` any more, and no write-once link fills it. Safe to repeat. Raises Upstream.

        What some stores cannot keep out (a form with a policy) is harmless: nobody reads the key again, and the sweeper
        takes it.
        """
        ...

    async def move(self, source: ObjectKey, target: ObjectKey) -> None:
        """Like `seal`, for our own keys. Safe to repeat. Raises ObjectMissing when neither exists, Upstream."""
        ...

    async def delete(self, key: ObjectKey) -> None:
        """Nothing lies there afterwards; it need not have existed. Raises Upstream."""
        ...

    def open(self, key: ObjectKey) -> AbstractAsyncContextManager[int]:
        """A read-only file descriptor on the whole content, valid inside the `async with`.

        A remote store brings the bytes to a local, bounded cache first. Raises ObjectMissing, StorageFull, Upstream.
        """
        ...

    def list(self, bucket: Bucket, *, older_than: datetime) -> AsyncIterator[ObjectKey]:
        """Keys last changed before `older_than`, in any order: for sweeping and auditing. Includes what broken writes
        left behind. Raises Upstream."""
        ...

    async def check(self) -> str:
        """One readable line on what this is and that it can be written to (`doctor`, `/readyz`). Raises Upstream."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a link allows, and nothing else: bytes between `size_min` and `size_max` inclusive, exactly this type."""

    content_type: str
    size_min: int
    size_max: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """Send the bytes as the body of `method` to `url` (absolute) with exactly these headers."""

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedForm:
    """A multipart/form-data POST to `url`: these fields in this order, then the bytes as the field `file`, last."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAbilities:
    """What the links of a store can do; what they cannot is refused when it is asked for, and not offered."""

    ranged_put: bool = True
    """Whether a PUT can be signed for a range of sizes; otherwise `size_min` must equal `size_max`."""
    post: bool = True
    """Whether there are forms with a policy."""


class LinkSigner(Protocol):
    """Signed, time-limited ways to send bytes. Pure arithmetic: nothing is asked of the store."""

    @property
    def abilities(self) -> LinkAbilities: ...

    def put(self, key: ObjectKey, constraints: Constraints) -> SignedRequest:
        """A write-once PUT: the second one answers 412 (`If-None-Match: *`)."""
        ...

    def post(self, key: ObjectKey, constraints: Constraints) -> SignedForm:
        """A form with a policy. May be repeated until confirm (decision 10)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGrant:
    """A link that has been verified: what may be stored, and how."""

    key: ObjectKey
    constraints: Constraints
    write_once: bool


class LinkReceiver(Protocol):
    """The other end of our own links, where the store is a folder of ours (`/storage/...`)."""

    def verify_put(self, path: str, query: Mapping[str, str], content_type: str | None) -> LinkGrant:
        """`path` is what follows `/storage/`, raw. Raises LinkInvalid, LinkExpired, WrongType."""
        ...

    def verify_post(self, fields: Mapping[str, str]) -> LinkGrant:
        """The form's fields before `file`. Raises LinkInvalid, LinkExpired."""
        ...

    async def receive(self, grant: LinkGrant, body: AsyncIterator[bytes], *, announced: int | None) -> Stored:
        """Store the body within the grant's constraints; `announced` is the Content-Length, if any, judged first.

        Complete, durable and visible when this returns, or nothing is. Raises LinkUsed, BodyTooLarge, BodyTooShort,
        BodyIncomplete (also when `body` raises it), StorageFull.
        """
        ...
