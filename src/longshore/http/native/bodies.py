"""What travels on the native wire. Unknown fields are refused; constraints stand in the annotations and so in OpenAPI.

Times are ISO 8601 in UTC, sizes are bytes, dimensions are pixels.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from longshore.core.file import FileState, Scan, StepName, StepState
from longshore.core.kind import ScanPolicy, Visibility
from longshore.core.sizes import MAX_SIZE
from longshore.core.upload import MAX_BATCH, UploadState
from longshore.services.asking import MAX_POSITION, SendBy

Size = Annotated[int, Meta(ge=0, le=MAX_SIZE, description="Bytes")]
Name = Annotated[str, Meta(min_length=1, max_length=8192)]
Label = Annotated[str, Meta(min_length=1, max_length=127)]


class Wire(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A body that clients send."""


class Answer(msgspec.Struct, kw_only=True):
    """A body that we send."""


# -- uploads -----------------------------------------------------------------------------------------------------------


class NewUploadBody(Wire):
    """One file to bring. Give its exact `size`, or a `max_size` when it is not known."""

    name: Annotated[Name, Meta(description="The file's name; directories are cut off")]
    type: Annotated[str, Meta(min_length=3, max_length=300, description="The media type, such as image/jpeg")]
    size: Size | None = None
    max_size: Size | None = None
    kind: Annotated[str, Meta(max_length=63)] | None = None
    record: Annotated[str, Meta(max_length=255, description="What it is for, as type/id: user/42")] | None = None
    position: Annotated[int, Meta(ge=0, le=MAX_POSITION)] = 0
    uploader: Label | None = None
    group: Label | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    store: bool | None = None
    send_by: Annotated[SendBy, Meta(description="A signed PUT, or a form with a POST policy")] = SendBy.PUT


NewUploadBodies = NewUploadBody | Annotated[list[NewUploadBody], Meta(min_length=1, max_length=MAX_BATCH)]


class SendAnswer(Answer):
    """How to send the bytes. PUT: the bytes are the body, with exactly these headers. POST: a multipart/form-data form
    with these fields in this order, then the bytes as the field `file`."""

    method: str
    url: str
    headers: dict[str, str]
    fields: dict[str, str]
    expires_at: datetime


class UploadAnswer(Answer):
    """`write_token` confirms or aborts this upload, `read_token` looks at it; both go where a secret key goes."""

    id: str
    state: UploadState
    name: str
    size: int | None
    max_size: int
    expires_at: datetime
    send: SendAnswer | None
    write_token: str
    read_token: str


class BatchItem(Answer, omit_defaults=True):
    """One answer of a batch: the upload, or the problem (problem details, RFC 9457)."""

    status: int
    upload: UploadAnswer | None = None
    problem: dict[str, object] | None = None


class BatchAnswer(Answer):
    """In the order of the request."""

    items: list[BatchItem]


class LinkBody(Wire):
    send_by: SendBy = SendBy.PUT


# -- files -------------------------------------------------------------------------------------------------------------


class DigestsAnswer(Answer):
    """Lower-case hex."""

    sha256: str
    md5: str
    crc32c: str


class PlaceAnswer(Answer):
    latitude: float
    longitude: float


class ImageAnswer(Answer):
    """`width` and `height` with the EXIF orientation applied."""

    format: str
    width: int
    height: int
    color_mode: str
    orientation: int | None
    dpi: list[int] | None
    sequence: bool
    frames: int
    geo_location: PlaceAnswer | None
    datetime_original: str | None


class RefusalAnswer(Answer):
    """Why a file was quarantined, rejected or held."""

    code: str
    detail: str


class UrlsAnswer(Answer):
    """Public files only: `original`, and for images `preview` (WebP in a box of 320 px)."""

    original: str
    preview: str | None


class FileAnswer(Answer):
    id: str
    state: FileState
    name: str
    size: int
    declared_type: str
    detected_type: str | None
    kind: str | None
    record: str | None
    position: int
    uploader: str | None
    group: str | None
    metadata: dict[str, str]
    visibility: Visibility
    uploaded_at: datetime
    ready_at: datetime | None
    stored_at: datetime | None
    removed_at: datetime | None
    expires_at: datetime | None
    scan: Scan | None
    digests: DigestsAnswer | None
    image: ImageAnswer | None
    refusal: RefusalAnswer | None
    urls: UrlsAnswer | None


class StepAnswer(Answer):
    """`attempt` counts from 1; `reason` says why a step failed or is tried again."""

    name: StepName
    state: StepState
    attempt: int
    reason: str | None
    updated_at: datetime


class ProgressAnswer(Answer):
    step: str
    percent: int | None


class UploadStatus(Answer):
    """An upload, and once it is confirmed its file and the steps of its processing."""

    id: str
    state: UploadState
    file: FileAnswer | None
    steps: list[StepAnswer]
    progress: ProgressAnswer | None


class FilePatch(Wire):
    """`stored: true` keeps the file for good (and revives it within a day of its removal)."""

    stored: bool | UnsetType = UNSET


class UrlBody(Wire):
    """`operations` as in the URL API, such as `-/preview/800x600/`; empty is the original."""

    operations: Annotated[str, Meta(max_length=4096)] = ""
    lifetime_s: Annotated[int, Meta(ge=1, le=7 * 24 * 3600)] = 300


class SignedUrlAnswer(Answer):
    url: str
    expires_at: datetime


# -- kinds, records, audit, webhooks -----------------------------------------------------------------------------------


class KindBody(Wire):
    """`sizes` in bytes by uploader group, `*` for all others. `retention_s` None keeps for good."""

    accept: list[str] = msgspec.field(default_factory=lambda: ["*/*"])
    sizes: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    visibility: Visibility = Visibility.PUBLIC
    scan: ScanPolicy | None = None
    retention_s: Annotated[int, Meta(ge=1, le=36_500 * 24 * 3600)] | None = None


class KindAnswer(Answer):
    name: str
    accept: list[str]
    sizes: dict[str, int]
    visibility: Visibility
    scan: ScanPolicy | None
    retention_s: int | None
    managed_by_file: bool


class KindsAnswer(Answer):
    items: list[KindAnswer]


class VersionAnswer(Answer):
    version: int
    current: bool
    created_at: datetime
    file: FileAnswer


class PositionAnswer(Answer):
    """`current` is the newest version whose file is ready; `versions` are newest first."""

    position: int
    current: FileAnswer | None
    versions: list[VersionAnswer]


class RecordAnswer(Answer):
    record: str
    kind: str
    positions: list[PositionAnswer]


class RestoreBody(Wire):
    version: Annotated[int, Meta(ge=1)]
    position: Annotated[int, Meta(ge=0, le=MAX_POSITION)] = 0


class AuditAnswerItem(Answer):
    at: datetime
    actor: str
    action: str
    subject: str
    address: str | None
    detail: dict[str, str]


class AuditAnswer(Answer):
    """Newest first."""

    items: list[AuditAnswerItem]


class DeliveryItem(Answer):
    event_id: str
    attempt: int
    at: datetime
    status: int | None
    error: str | None


class DeliveriesAnswer(Answer):
    """Newest first."""

    items: list[DeliveryItem]
