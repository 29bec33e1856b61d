"""What the server answers, as frozen dataclasses. Times are aware and in UTC, sizes in bytes, dimensions in pixels.

States are plain text, because a newer server may know more of them than we do; properties answer the usual questions.
Tokens and signed links are capabilities and are left out of `repr`, so that they do not end up in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

REFUSED = frozenset({"quarantined", "rejected", "held"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Lower-case hex, of the bytes that are stored."""

    sha256: str
    md5: str
    crc32c: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`width` and `height` with the EXIF orientation applied. `sequence`: animated, of `frames` pictures."""

    format: str
    width: int
    height: int
    color_mode: str
    orientation: int | None = None
    dpi: tuple[int, ...] | None = None
    sequence: bool = False
    frames: int = 1
    geo_location: Place | None = None
    datetime_original: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a file was quarantined, rejected or held."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """Of public files: the original, and for images a small preview."""

    original: str
    preview: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file. `state` is `checking`, `ready`, `removed`, or one of REFUSED (`quarantined`, `rejected`, `held`).

    `scan`, `digests`, `detected_type` and `image` are None until its check is over; `urls` is None for private files:
    use `signed_url`. `read_token`, known only to who uploaded it, lets others look at this file and sign URLs for it.
    """

    id: str
    state: str
    name: str
    size: int
    declared_type: str
    detected_type: str | None = None
    kind: str | None = None
    record: str | None = None
    position: int = 0
    uploader: str | None = None
    group: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    visibility: str = "public"
    uploaded_at: datetime
    ready_at: datetime | None = None
    stored_at: datetime | None = None
    removed_at: datetime | None = None
    expires_at: datetime | None = None
    scan: str | None = None
    digests: Digests | None = None
    image: Image | None = None
    refusal: Refusal | None = None
    urls: Urls | None = None
    read_token: str | None = field(default=None, repr=False)

    @property
    def is_ready(self) -> bool:
        return self.state == "ready"

    @property
    def is_checking(self) -> bool:
        return self.state == "checking"

    @property
    def is_refused(self) -> bool:
        return self.state in REFUSED

    @property
    def is_stored(self) -> bool:
        """Kept for good; what is not stored goes at `expires_at`."""
        return self.stored_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a file's check: `digest`, `scan`, `inspect`, `publish`, `preview`.

    `state` is `waiting`, `running`, `done`, `skipped`, `retrying` or `failed`; `reason` is readable.
    """

    name: str
    state: str
    attempt: int = 1
    reason: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    step: str
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStatus:
    """Where an upload stands. `state` is `open`, `confirmed`, `aborted` or `expired`; confirmed ones have a file."""

    id: str
    state: str
    file: File | None = None
    steps: tuple[Step, ...] = ()
    progress: StepProgress | None = None

    @property
    def is_settled(self) -> bool:
        """Nothing more will happen: the check is over, or there will be none."""
        return not self.file.is_checking if self.file else self.state != "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """How to send the bytes. PUT: they are the body, with exactly these headers. POST: a multipart/form-data form with
    these fields in this order, then the bytes as the field `file`."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An admitted upload. `size` is None when it was not announced: at most `max_size` bytes may come.

    `write_token` confirms or aborts this upload and nothing else, `read_token` looks at it.
    """

    id: str
    state: str
    name: str
    size: int | None = None
    max_size: int
    expires_at: datetime
    send: Send | None = None
    write_token: str = field(repr=False)
    read_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """One file to ask for. Give its exact `size`, or a `max_size` when it is not known."""

    name: str
    type: str
    size: int | None = None
    max_size: int | None = None
    kind: str | None = None
    record: str | None = None
    position: int = 0
    uploader: str | None = None
    group: str | None = None
    metadata: Mapping[str, str] | None = None
    store: bool | None = None
    send_by: Literal["put", "post"] = "put"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUrl:
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A named rule for a use. `sizes` in bytes by uploader group, `*` for all others."""

    name: str
    accept: tuple[str, ...] = ("*/*",)
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    visibility: str = "public"
    scan: str | None = None
    retention_s: int | None = None
    managed_by_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    version: int
    current: bool
    created_at: datetime
    file: File


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`current` is the newest version whose file is ready; `versions` are newest first."""

    position: int
    current: File | None = None
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """What a record has of one kind: one avatar, or an ordered gallery."""

    record: str
    kind: str
    positions: tuple[Position, ...] = ()

    @property
    def current(self) -> tuple[File, ...]:
        """The current files, by position."""
        return tuple(one.current for one in self.positions if one.current)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an upload is. `stage` is `sending`, `confirming`, then the step of the check that is going on (`digest`,
    `scan`, `inspect`, ...), and `ready` at the end.

    `sent` of `total` bytes were handed to the connection; a try that failed starts from nothing, and `sent` says so.
    `percent` is that of the stage, None where nobody knows.
    """

    sent: int
    total: int | None
    stage: str
    percent: int | None = None
