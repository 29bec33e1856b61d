"""What somebody asks for when they want to bring a file, and what their grant makes of it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from longshore.core.errors import Invalid
from longshore.core.principal import (
    Browser,
    GrantTooNarrow,
    Principal,
    Server,
    TokenHolder,
    UploadClient,
    Uploader,
)
from longshore.core.upload import Record

MAX_POSITION = 1_000_000


class SendBy(StrEnum):
    PUT = "put"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """One file that somebody wants to bring. `size` is exact; without it, at most `max_size` bytes may come.

    `metadata`, labels and names are claims, checked in `Uploads.request`.
    """

    name: str
    type: str
    size: int | None = None
    max_size: int | None = None
    kind: str | None = None
    record: Record | None = None
    position: int = 0
    uploader: str | None = None
    group: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    store: bool | None = None
    send_by: SendBy = SendBy.PUT


class PositionInvalid(Invalid):
    code = "bad-position"
    title = "A position is a whole number from 0 to 1,000,000"


def granted(principal: Principal, new: NewUpload) -> NewUpload:
    """`new` as the principal's grant allows it: forced values filled in. Raises GrantTooNarrow."""
    match principal:
        case Server():
            return new
        case Browser():
            if not principal.project.browser_uploads:
                raise GrantTooNarrow("This project does not take uploads with the public key alone")
            if new.record is not None or new.uploader is not None or new.group is not None or new.store is not None:
                raise GrantTooNarrow("With the public key alone, record, uploader, group and store cannot be set")
            return new
        case Uploader():
            if new.uploader not in (None, principal.uploader) or new.group not in (None, principal.group):
                raise GrantTooNarrow("The token names another uploader or group")
            kind = new.kind
            if principal.kinds is not None:
                kind = kind or (next(iter(principal.kinds)) if len(principal.kinds) == 1 else None)
                if kind not in principal.kinds:
                    raise GrantTooNarrow(f"The token allows the kinds {', '.join(sorted(principal.kinds))} only")
            record = new.record
            if principal.record is not None:
                kind_of, _, ident = principal.record.partition("/")
                record = record or Record(kind_of, ident)
                if str(record) != principal.record:
                    raise GrantTooNarrow(f"The token is for the record {principal.record} only")
            elif record is not None:
                raise GrantTooNarrow("The token does not name a record")
            return replace(new, uploader=principal.uploader, group=principal.group, kind=kind, record=record)
        case UploadClient():
            if new.record is not None or new.uploader is not None or new.group is not None:
                raise GrantTooNarrow("With the public key alone, record, uploader and group cannot be set")
            return new
        case TokenHolder():
            raise GrantTooNarrow("An upload's own token cannot request other uploads")


def fingerprint_of(principal: Principal, wanted: Sequence[NewUpload]) -> str:
    """Equal for equal requests of the same caller: what an `Idempotency-Key` is bound to."""
    parts = [
        [
            *(new.name, new.type, new.size, new.max_size, new.kind, str(new.record), new.position),
            *(new.uploader, new.group, sorted(new.metadata.items()), new.store, new.send_by),
        ]
        for new in wanted
    ]
    return hashlib.sha256(json.dumps([principal.actor, parts]).encode()).hexdigest()
