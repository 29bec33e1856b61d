"""A file's row and the noun, both ways: shared by the repositories that answer files."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from longshore.adapters.sql.statement import Row
from longshore.adapters.sql.tables import files
from longshore.adapters.sql.uploads import purpose_of
from longshore.adapters.sql.values import json, micros, moment, words_json
from longshore.core.digests import Digests
from longshore.core.file import REFUSED, File, FileState, Refusal, Scan
from longshore.core.ids import FileId, ProjectId
from longshore.core.kind import Visibility
from longshore.core.media import ImageFacts
from longshore.core.time import from_micros, to_micros

#: What `file_of` takes, in this order: the table without `shelf`, which only counts and lists.
FILE = tuple(c for c in files.columns if c.name != "shelf")
_image = msgspec.json.Decoder(ImageFacts)
_refusal = msgspec.json.Decoder(Refusal)


class Shelf(StrEnum):
    """Where a listed file is counted."""

    REMOVED = "removed"
    STORED = "stored"
    UNSTORED = "unstored"


def shelf_of(file: File) -> Shelf | None:
    """None for refused files, which no list shows and no counter counts."""
    if file.state in REFUSED:
        return None
    if file.state is FileState.REMOVED:
        return Shelf.REMOVED
    return Shelf.UNSTORED if file.stored_at is None else Shelf.STORED


def file_values(file: File) -> dict[str, object]:
    purpose, record, digests, shelf = file.purpose, file.purpose.record, file.digests, shelf_of(file)
    return {
        "id": str(file.id),
        "project_id": file.project_id,
        "state": file.state.value,
        "name": file.name,
        "declared_type": file.declared_type,
        "detected_type": file.detected_type,
        "size": file.size,
        "seal": file.seal,
        "kind": purpose.kind,
        "record_type": None if record is None else record.type,
        "record_id": None if record is None else record.id,
        "position": purpose.position,
        "uploader": purpose.uploader,
        "uploader_group": purpose.group,
        "metadata": words_json(purpose.metadata),
        "visibility": file.visibility.value,
        "read_token_hash": file.read_token_hash,
        "uploaded_at": to_micros(file.uploaded_at),
        "ready_at": micros(file.ready_at),
        "stored_at": micros(file.stored_at),
        "removed_at": micros(file.removed_at),
        "expires_at": micros(file.expires_at),
        "purge_at": micros(file.purge_at),
        "purged_at": micros(file.purged_at),
        "sha256": None if digests is None else digests.sha256,
        "md5": None if digests is None else digests.md5,
        "crc32c": None if digests is None else digests.crc32c,
        "scan": None if file.scan is None else file.scan.value,
        "image": None if file.image is None else json(file.image),
        "refusal": None if file.refusal is None else json(file.refusal),
        "version": file.version,
        "shelf": None if shelf is None else shelf.value,
    }


def file_of(row: Row) -> File:
    (ident, project_id, state, name, declared_type, detected_type, size, seal) = row[:8]
    (visibility, read_token_hash, uploaded_at, ready_at, stored_at, removed_at, expires_at) = row[15:22]
    (purge_at, purged_at, sha256, md5, crc32c, scan, image, refusal, version) = row[22:]
    return File(
        id=FileId(UUID(ident)),
        project_id=ProjectId(project_id),
        state=FileState(state),
        name=name,
        declared_type=declared_type,
        detected_type=detected_type,
        size=size,
        seal=seal,
        purpose=purpose_of(row[8:15]),
        visibility=Visibility(visibility),
        read_token_hash=read_token_hash,
        uploaded_at=from_micros(uploaded_at),
        ready_at=moment(ready_at),
        stored_at=moment(stored_at),
        removed_at=moment(removed_at),
        expires_at=moment(expires_at),
        purge_at=moment(purge_at),
        purged_at=moment(purged_at),
        digests=None if sha256 is None else Digests(sha256=sha256, md5=md5, crc32c=crc32c),
        scan=None if scan is None else Scan(scan),
        image=None if image is None else _image.decode(image),
        refusal=None if refusal is None else _refusal.decode(refusal),
        version=version,
    )
