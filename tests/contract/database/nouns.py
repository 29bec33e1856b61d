"""Nouns to store, every field different from its default where that can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.core.audit import AuditEntry
from longshore.core.digests import Digests
from longshore.core.event import Event, EventKind
from longshore.core.file import File, FileState, Refusal, Scan
from longshore.core.ids import EventId, FileId, JobId, ProjectId, RandomIds, WebhookId
from longshore.core.job import Job, JobKind, JobState
from longshore.core.kind import Visibility
from longshore.core.media import GeoLocation, ImageFacts
from longshore.core.project import Project
from longshore.core.upload import Purpose, Record, Upload, UploadState
from longshore.core.webhook import Webhook, WebhookEvent

ids = RandomIds()
NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PURPOSE = Purpose(
    kind="avatar",
    record=Record("user", "42"),
    position=3,
    uploader="u-42",
    group="premium",
    metadata={"color": "blå", "a.b": "x\ny"},
)


def a_project(name: str = "demo", **changes: Any) -> Project:
    fields = {
        "id": ProjectId(0),
        "name": name,
        "public_key": f"{name}-public",
        "created_at": NOON,
        "autostore": False,
        "signed_uploads": True,
        "browser_uploads": False,
        "max_size": 1 << 40,
    }
    return Project(**fields | changes)


def an_upload(project: Project, **changes: Any) -> Upload:
    fields = {
        "id": FileId(ids.uuid4()),
        "project_id": project.id,
        "state": UploadState.OPEN,
        "name": "Привет 'photo'.jpg",
        "declared_type": "image/jpeg",
        "size_min": 1,
        "size_max": 5 << 40,
        "purpose": PURPOSE,
        "store": False,
        "source": "native",
        "seal": "s" * 22,
        "write_token_hash": "a" * 64,
        "read_token_hash": "b" * 64,
        "created_at": NOON,
        "expires_at": NOON + HOUR,
    }
    return Upload(**fields | changes)


def a_file(project: Project, **changes: Any) -> File:
    fields = {
        "id": FileId(ids.uuid4()),
        "project_id": project.id,
        "state": FileState.CHECKING,
        "name": "photo.jpg",
        "declared_type": "image/jpeg",
        "size": 5 << 40,
        "seal": "s" * 22,
        "purpose": PURPOSE,
        "visibility": Visibility.PRIVATE,
        "read_token_hash": "b" * 64,
        "uploaded_at": NOON,
    }
    return File(**fields | changes)


#: What a file may learn after it was added.
LEARNED: dict[str, Any] = {
    "state": FileState.READY,
    "detected_type": "image/png",
    "ready_at": NOON + SECOND,
    "stored_at": NOON + 2 * SECOND,
    "removed_at": NOON + 3 * SECOND,
    "expires_at": NOON + 4 * SECOND,
    "purge_at": NOON + 5 * SECOND,
    "purged_at": NOON + 6 * SECOND,
    "digests": Digests(sha256="a" * 64, md5="b" * 32, crc32c="c" * 8),
    "scan": Scan.CLEAN,
    "image": ImageFacts(
        format="PNG",
        width=60_000,
        height=40,
        color_mode="RGBA",
        orientation=6,
        dpi=(72, 300),
        sequence=True,
        frames=9,
        has_alpha=True,
        progressive=True,
        geo_location=GeoLocation(latitude=-33.856, longitude=151.2153),
        datetime_original="2018-08-20T08:59:50",
    ),
    "refusal": Refusal(code="infected", sentence="It has a virus", quoted="Eicar-Test-Signature"),
}


def an_event(project: Project, file_id: FileId | None = None, **changes: Any) -> Event:
    fields = {
        "id": EventId(ids.uuid7()),
        "project_id": project.id,
        "kind": EventKind.FILE_RECEIVED,
        "file_id": file_id or FileId(ids.uuid4()),
        "at": NOON,
        "detail": {"reason": "because"},
    }
    return Event(**fields | changes)


def a_job(**changes: Any) -> Job:
    fields = {
        "id": JobId(ids.uuid7()),
        "kind": JobKind.INSPECT,
        "subject": "what-it-is-about",
        "state": JobState.WAITING,
        "due_at": NOON,
        "created_at": NOON,
        "payload": {"event": "e"},
    }
    return Job(**fields | changes)


def a_webhook(project: Project, **changes: Any) -> Webhook:
    fields = {
        "id": WebhookId(0),
        "project_id": project.id,
        "event": WebhookEvent.FILE_UPLOADED,
        "target_url": "https://example.com/hook",
        "is_active": True,
        "signing_secret": "secret",
        "version": "0.7",
        "created_at": NOON,
        "updated_at": NOON + SECOND,
    }
    return Webhook(**fields | changes)


def an_entry(project: Project, subject: str = "subject", **changes: Any) -> AuditEntry:
    fields = {
        "project_id": project.id,
        "at": NOON,
        "actor": "key:3",
        "action": "upload.requested",
        "subject": subject,
        "address": "2001:db8::1",
        "detail": {"kind": "avatar"},
    }
    return AuditEntry(**fields | changes)
