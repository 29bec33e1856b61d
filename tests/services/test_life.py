"""The life of a file, step by step, with time standing still."""

from __future__ import annotations

from datetime import timedelta

import pytest

from longshore.core.file import FileRefused, FileState, Scan, StepName, StepState
from longshore.core.job import JobState
from longshore.core.kind import ScanPolicy
from longshore.core.upload import BytesMissing, Record, SizeMismatch, UploadAborted, UploadExpired, UploadState
from longshore.ports.storage import Bucket, ObjectKey
from tests.services.conftest import JPEG, App


async def test_a_clean_file_becomes_ready_with_its_facts(app: App) -> None:
    file = await app.ready()

    assert (file.state, file.scan, file.detected_type) == (FileState.READY, Scan.CLEAN, "image/jpeg")
    assert file.image is not None
    assert file.digests is not None
    assert app.scanner.seen == [JPEG]


async def test_confirming_twice_returns_the_same_file(app: App) -> None:
    """A client that lost our answer may simply ask again."""
    upload = await app.uploaded()

    first = await app.confirming.confirm(app.server, upload)
    assert await app.confirming.confirm(app.server, upload) == first


async def test_confirming_before_the_bytes_changes_nothing(app: App) -> None:
    requested = await app.requested()

    with pytest.raises(BytesMissing):
        await app.confirming.confirm(app.server, requested.upload.id)
    assert (await app.uploads.get(app.server, requested.upload.id)).state is UploadState.OPEN


async def test_bytes_of_another_size_are_refused_and_may_be_sent_again(app: App) -> None:
    requested = await app.requested(size=10)
    await app.bring(requested.upload.id, b"too many bytes")

    with pytest.raises(SizeMismatch):
        await app.confirming.confirm(app.server, requested.upload.id)

    await app.bring(requested.upload.id, b"ten bytes.")
    assert (await app.confirming.confirm(app.server, requested.upload.id)).size == 10


async def test_a_crash_between_sealing_and_the_row_is_mended_by_asking_again(app: App) -> None:
    upload_id = await app.uploaded()
    upload = await app.uploads.get(app.server, upload_id)
    await app.objects.seal(ObjectKey.incoming(upload_id), ObjectKey.sealed(upload_id, upload.seal))

    file = await app.confirming.confirm(app.server, upload_id)
    assert file.state is FileState.CHECKING


async def test_an_infected_file_goes_to_quarantine_and_is_emptied_after_four_days(app: App) -> None:
    app.scanner.says = "Eicar-Test-Signature"
    file = await app.ready()

    assert file.state is FileState.QUARANTINED
    assert file.refusal is not None
    assert file.refusal.quoted == "Eicar-Test-Signature"
    assert await app.objects.head(ObjectKey.sealed(file.id, file.seal)) is None
    assert await app.objects.head(ObjectKey.quarantined(file.id, file.seal)) is not None

    app.clock.pass_(days=4, seconds=1)
    await app.sweeping.sweep()
    assert await app.objects.head(ObjectKey.quarantined(file.id, file.seal)) is None


async def test_without_an_answer_from_the_scanner_a_file_waits_and_is_held_in_the_end(app: App) -> None:
    """No answer is never clean."""
    app.scanner.is_away = True
    file = await app.confirmed()

    await app.work()
    status = await app.files.status(file.id)
    assert status is not None
    assert status.file.state is FileState.CHECKING
    scan = next(step for step in status.steps if step.name is StepName.SCAN)
    assert (scan.state, scan.reason) == (StepState.RETRYING, "clamd is not there")

    for _ in range(8):
        app.clock.pass_(hours=1)
        await app.work()
    held = await app.files.get(app.project, file.id)
    assert held.state is FileState.HELD
    assert await app.jobs(JobState.WAITING) == []


async def test_a_scanner_that_comes_back_lets_the_file_through(app: App) -> None:
    app.scanner.is_away = True
    file = await app.confirmed()
    await app.work()

    app.scanner.is_away = False
    app.clock.pass_(seconds=2)
    await app.work()
    assert (await app.files.get(app.project, file.id)).state is FileState.READY


@pytest.mark.parametrize(
    ("policy", "state", "scan"), [(None, FileState.HELD, None), (ScanPolicy.ALLOW, FileState.READY, Scan.UNSCANNED)]
)
async def test_a_file_too_large_to_scan_follows_its_kind(
    app: App, policy: ScanPolicy | None, state: FileState, scan: Scan | None
) -> None:
    await app.kind("film", scan=policy)

    file = await app.ready(b"x" * 1_000_001, kind="film", type="video/mp4")
    assert (file.state, file.scan) == (state, scan)


async def test_a_type_that_lies_matters_only_where_a_kind_restricts_types(app: App) -> None:
    await app.kind("photo", accept=("image/jpeg", "image/png"))

    lied = await app.ready(kind="photo", type="image/png")
    assert lied.state is FileState.REJECTED
    assert lied.refusal is not None
    assert lied.refusal.code == "type-mismatch"
    assert (await app.ready(type="image/png")).state is FileState.READY


async def test_a_rejected_files_bytes_are_swept_at_once(app: App) -> None:
    await app.kind("photo", accept=("image/png",))
    file = await app.ready(kind="photo", type="image/png")

    app.clock.pass_(seconds=1)
    await app.sweeping.sweep()
    assert await app.objects.head(ObjectKey.sealed(file.id, file.seal)) is None


async def test_removal_hides_at_once_and_storing_revives_within_a_day(app: App) -> None:
    file = await app.ready()
    await app.files.remove(app.project, file.id, "test")
    assert not (await app.files.get(app.project, file.id)).is_deliverable

    app.clock.pass_(hours=23)
    await app.sweeping.sweep()
    assert (await app.files.store(app.project, file.id, "test")).state is FileState.READY


async def test_after_a_day_a_removed_files_bytes_are_gone(app: App) -> None:
    file = await app.ready()
    await app.files.remove(app.project, file.id, "test")

    app.clock.pass_(hours=25)
    await app.sweeping.sweep()
    assert await app.objects.head(ObjectKey.sealed(file.id, file.seal)) is None


async def test_a_temporary_file_goes_after_a_day(app: App) -> None:
    file = await app.ready(store=False)
    assert file.stored_at is None

    app.clock.pass_(hours=25)
    await app.sweeping.sweep()
    assert (await app.files.get(app.project, file.id)).state is FileState.REMOVED


async def test_an_open_upload_expires_and_leaves_nothing(app: App) -> None:
    upload_id = await app.uploaded()

    app.clock.pass_(hours=25)
    await app.sweeping.sweep()
    with pytest.raises(UploadExpired):
        await app.confirming.confirm(app.server, upload_id)
    assert await app.objects.head(ObjectKey.incoming(upload_id)) is None


async def test_an_aborted_upload_leaves_nothing_and_cannot_be_confirmed(app: App) -> None:
    upload_id = await app.uploaded()
    await app.uploads.abort(app.server, upload_id)
    await app.uploads.abort(app.server, upload_id)

    with pytest.raises(UploadAborted):
        await app.confirming.confirm(app.server, upload_id)
    assert await app.objects.head(ObjectKey.incoming(upload_id)) is None


async def test_orphans_are_swept_and_nothing_else(app: App) -> None:
    file = await app.ready()
    orphan = ObjectKey(Bucket.FILES, "00000000-0000-4000-8000-000000000000/lost")
    await app.put(orphan, b"nobody's")

    app.clock.pass_(days=365)
    await app.sweeping.sweep_orphans()
    assert await app.objects.head(orphan) is None
    assert await app.objects.head(ObjectKey.sealed(file.id, file.seal)) is not None


async def test_a_kinds_retention_ends_a_file(app: App) -> None:
    await app.kind("ticket", retention=timedelta(days=7))
    file = await app.ready(kind="ticket", record=Record("user", "42"))

    app.clock.pass_(days=8)
    await app.sweeping.sweep()
    assert (await app.files.get(app.project, file.id)).state is FileState.REMOVED


async def test_a_refused_file_cannot_be_stored(app: App) -> None:
    app.scanner.says = "Eicar-Test-Signature"
    file = await app.ready()

    with pytest.raises(FileRefused):
        await app.files.store(app.project, file.id, "test")
