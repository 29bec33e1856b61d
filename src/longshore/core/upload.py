"""An upload: one attempt to bring one file. Its id becomes the file's id.

open --confirm--> confirmed        open --> aborted | expired
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from longshore.core.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from longshore.core.ids import FileId, ProjectId

LINK_LIFETIME = timedelta(hours=1)
"""How long a signed link may be used, and so how long an upload stays open unless links are signed again."""
OPEN_LIFETIME = timedelta(hours=24)
MAX_BATCH = 1000

METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 64, 512
_METADATA_KEY = re.compile(r"[A-Za-z0-9_.:-]+")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,126}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(?:\s*;[ -~]{0,200})?")


class UploadNotFound(NotFound):
    code = "upload-not-found"
    title = "There is no such upload"


class UploadExpired(Gone):
    code = "upload-expired"
    title = "The upload was not confirmed in time"


class UploadAborted(Gone):
    code = "upload-aborted"
    title = "The upload was aborted"


class UploadTaken(Conflict):
    code = "upload-taken"
    title = "There is an upload or a file with this id already"


class UploadConfirmed(Conflict):
    code = "upload-confirmed"
    title = "The upload is confirmed already"


class BytesMissing(Conflict):
    code = "bytes-missing"
    title = "The bytes have not arrived: send them with the signed request first, then confirm"


class SizeMismatch(Conflict):
    code = "size-mismatch"
    title = "What was stored is not of the size that was announced"


class KeyReused(Conflict):
    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used for a different request"


class BadMetadata(Invalid):
    code = "bad-metadata"
    title = "The metadata is not valid"


class BadLabel(Invalid):
    code = "bad-label"
    title = "Records, uploaders and groups are 1 to 127 of A-Z a-z 0-9 _ . : @ -"


class BadType(Invalid):
    code = "bad-type"
    title = "The media type is not valid"


class NotYourUpload(Forbidden):
    code = "not-your-upload"
    title = "This upload belongs to somebody else"


class UploadState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    ABORTED = "aborted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Record:
    """What a file is for in the application: `user/42`."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What travels from an upload to its file: whose it is and what it is for."""

    kind: str | None = None
    record: Record | None = None
    position: int = 0
    uploader: str | None = None
    group: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """`size_min` and `size_max` bound the bytes, inclusive, and are equal when the exact size was announced.

    `seal` is the random part of the key that the bytes are moved to at confirm; it never leaves the server.
    `store`: True keeps for good, False removes after 24 h, None follows the project. Tokens are SHA-256 hex.
    """

    id: FileId
    project_id: ProjectId
    state: UploadState
    name: str
    declared_type: str
    size_min: int
    size_max: int
    purpose: Purpose
    store: bool | None
    source: str
    seal: str
    write_token_hash: str
    read_token_hash: str
    created_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None = None

    @property
    def exact_size(self) -> int | None:
        return self.size_max if self.size_min == self.size_max else None


def parse_record(text: str) -> Record:
    """`user/42`. Raises BadLabel."""
    kind, _, ident = text.partition("/")
    return Record(check_label(kind), check_label(ident))


def is_label(text: str) -> bool:
    """Whether `text` can name a record, an uploader or a group."""
    return _LABEL.fullmatch(text) is not None


def check_label(text: str) -> str:
    if not is_label(text):
        raise BadLabel
    return text


def check_media_type(text: str) -> str:
    """The type as sent, trimmed. Raises BadType."""
    if not _MEDIA_TYPE.fullmatch(text.strip()):
        raise BadType(f"{text[:80]!r} is not a media type such as image/jpeg")
    return text.strip()


def bare_type(media_type: str) -> str:
    """Lower case, without parameters: what kinds are compared with."""
    return media_type.partition(";")[0].strip().lower()


def check_metadata(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """The limits of contract 1.2. Raises BadMetadata naming the key."""
    if len(metadata) > METADATA_KEYS:
        raise BadMetadata(f"A file can have at most {METADATA_KEYS} metadata keys")
    for key, value in metadata.items():
        if len(key) > METADATA_KEY_LENGTH or not _METADATA_KEY.fullmatch(key):
            raise BadMetadata(f"The metadata key {key[:80]!r} is not 1 to {METADATA_KEY_LENGTH} of A-Z a-z 0-9 _ - . :")
        if not 1 <= len(value) <= METADATA_VALUE_LENGTH:
            raise BadMetadata(f"The value of {key!r} must have 1 to {METADATA_VALUE_LENGTH} characters")
        if "\0" in value:
            raise BadMetadata(f"The value of {key!r} holds a null character")
    return metadata
