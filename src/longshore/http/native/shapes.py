"""From nouns to wire bodies."""

from __future__ import annotations

from collections.abc import Sequence

from longshore.core.attachment import AttachedFile
from longshore.core.errors import Problem
from longshore.core.file import File, Step
from longshore.core.kind import Kind, Visibility
from longshore.core.media import ImageFacts
from longshore.core.upload import Record, Upload
from longshore.core.urls import PublicUrls
from longshore.http.kit.problems import problem_object, status_of
from longshore.http.native.bodies import (
    BatchItem,
    DigestsAnswer,
    FileAnswer,
    ImageAnswer,
    KindAnswer,
    PlaceAnswer,
    PositionAnswer,
    ProgressAnswer,
    RecordAnswer,
    RefusalAnswer,
    SendAnswer,
    StepAnswer,
    UploadAnswer,
    UploadStatus,
    UrlsAnswer,
    VersionAnswer,
)
from longshore.ports.storage import SignedForm, SignedRequest
from longshore.services.delivery import PREVIEW
from longshore.services.files import Status
from longshore.services.uploads import Requested


def upload_answer(requested: Requested) -> UploadAnswer:
    upload = requested.upload
    return UploadAnswer(
        id=str(upload.id),
        state=upload.state,
        name=upload.name,
        size=upload.exact_size,
        max_size=upload.size_max,
        expires_at=upload.expires_at,
        send=_send(requested.send),
        write_token=requested.write_token,
        read_token=requested.read_token,
    )


def _send(send: SignedRequest | SignedForm | None) -> SendAnswer | None:
    match send:
        case None:
            return None
        case SignedRequest():
            return SendAnswer(
                method=send.method, url=send.url, headers=dict(send.headers), fields={}, expires_at=send.expires_at
            )
        case SignedForm():
            return SendAnswer(
                method="POST", url=send.url, headers={}, fields=dict(send.fields), expires_at=send.expires_at
            )


def batch_item(outcome: Requested | Problem) -> BatchItem:
    if isinstance(outcome, Problem):
        return BatchItem(status=status_of(outcome), problem=problem_object(outcome))
    return BatchItem(status=201, upload=upload_answer(outcome))


def upload_status(upload: Upload, status: Status | None, urls: PublicUrls) -> UploadStatus:
    progress = status.progress if status else None
    return UploadStatus(
        id=str(upload.id),
        state=upload.state,
        file=file_answer(status.file, urls) if status else None,
        steps=[step_answer(step) for step in status.steps] if status else [],
        progress=ProgressAnswer(step=progress.step, percent=progress.percent) if progress else None,
    )


def step_answer(step: Step) -> StepAnswer:
    return StepAnswer(
        name=step.name, state=step.state, attempt=step.attempt, reason=step.reason, updated_at=step.updated_at
    )


def file_answer(file: File, urls: PublicUrls) -> FileAnswer:
    purpose, digests, refusal = file.purpose, file.digests, file.refusal
    return FileAnswer(
        id=str(file.id),
        state=file.state,
        name=file.name,
        size=file.size,
        declared_type=file.declared_type,
        detected_type=file.detected_type,
        kind=purpose.kind,
        record=str(purpose.record) if purpose.record else None,
        position=purpose.position,
        uploader=purpose.uploader,
        group=purpose.group,
        metadata=dict(purpose.metadata),
        visibility=file.visibility,
        uploaded_at=file.uploaded_at,
        ready_at=file.ready_at,
        stored_at=file.stored_at,
        removed_at=file.removed_at,
        expires_at=file.expires_at,
        scan=file.scan,
        digests=DigestsAnswer(sha256=digests.sha256, md5=digests.md5, crc32c=digests.crc32c) if digests else None,
        image=_image(file.image) if file.image else None,
        refusal=RefusalAnswer(code=refusal.code, detail=refusal.sentence) if refusal else None,
        urls=_urls(file, urls),
    )


def _urls(file: File, urls: PublicUrls) -> UrlsAnswer | None:
    if not file.is_deliverable or file.visibility is not Visibility.PUBLIC:
        return None
    return UrlsAnswer(original=urls.original(file), preview=urls.file(file.id, PREVIEW) if file.image else None)


def _image(facts: ImageFacts) -> ImageAnswer:
    place = facts.geo_location
    return ImageAnswer(
        format=facts.format,
        width=facts.width,
        height=facts.height,
        color_mode=facts.color_mode,
        orientation=facts.orientation,
        dpi=list(facts.dpi) if facts.dpi else None,
        sequence=facts.sequence,
        frames=facts.frames,
        geo_location=PlaceAnswer(latitude=place.latitude, longitude=place.longitude) if place else None,
        datetime_original=facts.datetime_original,
    )


def kind_answer(kind: Kind) -> KindAnswer:
    return KindAnswer(
        name=kind.name,
        accept=list(kind.accept),
        sizes=dict(kind.sizes),
        visibility=kind.visibility,
        scan=kind.scan,
        retention_s=int(kind.retention.total_seconds()) if kind.retention else None,
        managed_by_file=kind.managed_by_file,
    )


def record_answer(record: Record, kind: str, attached: Sequence[AttachedFile], urls: PublicUrls) -> RecordAnswer:
    """`attached` comes by position, newest version first."""
    positions: dict[int, list[AttachedFile]] = {}
    for one in attached:
        positions.setdefault(one.attachment.position, []).append(one)
    return RecordAnswer(
        record=str(record),
        kind=kind,
        positions=[
            PositionAnswer(
                position=position,
                current=next((file_answer(one.file, urls) for one in versions if one.current), None),
                versions=[
                    VersionAnswer(
                        version=one.attachment.version,
                        current=one.current,
                        created_at=one.attachment.created_at,
                        file=file_answer(one.file, urls),
                    )
                    for one in versions
                ],
            )
            for position, versions in positions.items()
        ],
    )
