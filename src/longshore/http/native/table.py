"""The table of the native API: every operation in one line of thought."""

from __future__ import annotations

from longshore.core.attachment import VersionNotFound
from longshore.core.file import FileNotFound, FileNotReady, FileRefused
from longshore.core.imaging.grammar import BadOperation
from longshore.core.kind import (
    BadKind,
    GroupNotAllowed,
    KindManagedByFile,
    KindNotFound,
    SizeOverLimit,
    TypeNotAccepted,
)
from longshore.core.names import BadName
from longshore.core.principal import GrantTooNarrow
from longshore.core.upload import (
    BadLabel,
    BadMetadata,
    BadType,
    BytesMissing,
    KeyReused,
    NotYourUpload,
    SizeMismatch,
    UploadAborted,
    UploadConfirmed,
    UploadExpired,
    UploadNotFound,
)
from longshore.core.webhook import WebhookNotFound
from longshore.http.kit.operation import Operation, Parameter, Who
from longshore.http.native.bodies import (
    AuditAnswer,
    DeliveriesAnswer,
    FileAnswer,
    FilePatch,
    KindAnswer,
    KindBody,
    KindsAnswer,
    LinkBody,
    NewUploadBodies,
    RecordAnswer,
    RestoreBody,
    SignedUrlAnswer,
    UploadAnswer,
    UploadStatus,
    UrlBody,
)
from longshore.http.native.files import FileHandlers, ProjectHandlers, RecordHandlers
from longshore.http.native.uploads import UploadHandlers

PREFIX = "/api/v1"
_LIMIT = Parameter(name="limit", about="How many at most, 1 to 1000; 100 when absent", pattern="[0-9]{1,4}")


def native_operations(
    uploads: UploadHandlers, files: FileHandlers, records: RecordHandlers, project: ProjectHandlers
) -> list[Operation]:
    """All operations, in the order of the reference."""
    # fmt: off
    return [
        Operation(
            id="requestUpload", method="POST", path="/uploads",
            summary="Ask to bring a file, or up to 1,000 of them as a list (then 200 with an answer for each)",
            handler=uploads.request, body=NewUploadBodies, answer=UploadAnswer, status=201,
            problems=(
                BadName, BadType, BadMetadata, BadLabel, KindNotFound, TypeNotAccepted, SizeOverLimit, GroupNotAllowed,
                GrantTooNarrow, KeyReused,
            ),
        ),
        Operation(
            id="getUpload", method="GET", path="/uploads/{id}",
            summary="Where an upload stands: its state, its file, and the steps of the check",
            handler=uploads.status, answer=UploadStatus, problems=(UploadNotFound, NotYourUpload),
        ),
        Operation(
            id="signUpload", method="POST", path="/uploads/{id}/link",
            summary="A fresh signed way to send the bytes of an open upload",
            handler=uploads.link, body=LinkBody, answer=UploadAnswer, problems=(UploadNotFound, NotYourUpload),
        ),
        Operation(
            id="confirmUpload", method="POST", path="/uploads/{id}/confirm",
            summary="The bytes are sent: make a file of them. May be repeated",
            handler=uploads.confirm, answer=UploadStatus,
            problems=(UploadNotFound, NotYourUpload, UploadAborted, UploadExpired, BytesMissing, SizeMismatch),
        ),
        Operation(
            id="abortUpload", method="DELETE", path="/uploads/{id}",
            summary="Give up an open upload; nothing of it stays. May be repeated",
            handler=uploads.abort, status=204, problems=(UploadNotFound, NotYourUpload, UploadConfirmed),
        ),
        Operation(
            id="followUpload", method="GET", path="/uploads/{id}/events",
            summary="Server-sent events: `status` (an UploadStatus) whenever something changed, then `end`",
            handler=uploads.events, answer=UploadStatus, answer_type="text/event-stream",
            problems=(UploadNotFound, NotYourUpload),
        ),
        Operation(
            id="getFile", method="GET", path="/files/{id}", summary="A file",
            handler=files.get, answer=FileAnswer, problems=(FileNotFound,), tag="files",
        ),
        Operation(
            id="changeFile", method="PATCH", path="/files/{id}", who=Who.SERVER,
            summary="Keep a file for good; revives one removed less than a day ago",
            handler=files.patch, body=FilePatch, answer=FileAnswer, problems=(FileNotFound, FileRefused), tag="files",
        ),
        Operation(
            id="removeFile", method="DELETE", path="/files/{id}", who=Who.SERVER,
            summary="Hide a file at once; its bytes go after a day. May be repeated",
            handler=files.delete, answer=FileAnswer, problems=(FileNotFound,), tag="files",
        ),
        Operation(
            id="signFileUrl", method="POST", path="/files/{id}/url",
            summary="A URL that expires, for the original or a transformation of a file; private files need one",
            handler=files.url, body=UrlBody, answer=SignedUrlAnswer,
            problems=(FileNotFound, FileNotReady, FileRefused, BadOperation), tag="files",
        ),
        Operation(
            id="getRecord", method="GET", path="/records/{type}/{record_id}/{kind}", who=Who.SERVER,
            summary="The current files of a record, and their former versions",
            handler=records.get, answer=RecordAnswer, problems=(BadLabel,), tag="records",
        ),
        Operation(
            id="restoreVersion", method="POST", path="/records/{type}/{record_id}/{kind}/restore", who=Who.SERVER,
            summary="Make a former version current again, as a new version",
            handler=records.restore, body=RestoreBody, answer=RecordAnswer,
            problems=(BadLabel, VersionNotFound, FileRefused), tag="records",
        ),
        Operation(
            id="listKinds", method="GET", path="/kinds", who=Who.SERVER, summary="The project's kinds",
            handler=project.kinds, answer=KindsAnswer, tag="kinds",
        ),
        Operation(
            id="getKind", method="GET", path="/kinds/{name}", who=Who.SERVER, summary="A kind",
            handler=project.kind, answer=KindAnswer, problems=(KindNotFound,), tag="kinds",
        ),
        Operation(
            id="putKind", method="PUT", path="/kinds/{name}", who=Who.SERVER, summary="Make or replace a kind",
            handler=project.put_kind, body=KindBody, answer=KindAnswer, problems=(BadKind, KindManagedByFile),
            tag="kinds",
        ),
        Operation(
            id="deleteKind", method="DELETE", path="/kinds/{name}", who=Who.SERVER, summary="Delete a kind",
            handler=project.delete_kind, status=204, problems=(KindNotFound, KindManagedByFile), tag="kinds",
        ),
        Operation(
            id="listAudit", method="GET", path="/audit", who=Who.SERVER, summary="The audit trail, newest first",
            handler=project.audit, answer=AuditAnswer, query=(_LIMIT,), tag="project",
        ),
        Operation(
            id="listDeliveries", method="GET", path="/webhooks/{webhook_id}/deliveries", who=Who.SERVER,
            summary="What became of a webhook's deliveries, newest first",
            handler=project.deliveries, answer=DeliveriesAnswer, query=(_LIMIT,), problems=(WebhookNotFound,),
            tag="project",
        ),
    ]
    # fmt: on
