"""Uploads, attachments, repeats of requests and uses of tokens, and the audit trail."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from longshore.core.ids import FileId, ProjectId
from longshore.core.project import Project
from longshore.core.upload import Purpose, Record, Upload, UploadState
from longshore.ports.database import Admission, Database, Repeat, Unstorable
from tests.contract.database.nouns import HOUR, MINUTE, NOON, SECOND, a_file, an_entry, an_upload, ids


@pytest.mark.parametrize("store", [None, True, False])
async def test_an_upload_is_read_back_as_it_was(database: Database, project: Project, store: bool | None) -> None:
    full = an_upload(project, store=store)
    bare = an_upload(project, purpose=Purpose(), name="x" * 1024, store=store)
    async with database.transaction() as tx:
        await tx.uploads.add(full)
    await database.admit(Admission(uploads=[bare], audit=[]))

    async with database.reading() as tx:
        assert await tx.uploads.get(full.id) == full
        assert await tx.uploads.get(bare.id) == bare
        assert await tx.uploads.get(FileId(ids.uuid4())) is None


async def _added(database: Database, upload: Upload) -> Upload:
    async with database.transaction() as tx:
        await tx.uploads.add(upload)
    return upload


async def test_an_upload_ends_once(database: Database, project: Project) -> None:
    """Of confirm, abort and expiry that race, one wins."""
    upload = await _added(database, an_upload(project))
    async with database.transaction() as tx:
        assert await tx.uploads.end(upload.id, UploadState.CONFIRMED, NOON + SECOND)
        assert not await tx.uploads.end(upload.id, UploadState.ABORTED, NOON + HOUR)
        assert not await tx.uploads.end(FileId(ids.uuid4()), UploadState.ABORTED, NOON)
        confirmed = replace(upload, state=UploadState.CONFIRMED, confirmed_at=NOON + SECOND)
        assert await tx.uploads.get(upload.id) == confirmed


async def test_an_aborted_upload_has_no_moment_of_confirmation(database: Database, project: Project) -> None:
    upload = await _added(database, an_upload(project))
    async with database.transaction() as tx:
        assert await tx.uploads.end(upload.id, UploadState.ABORTED, NOON)
        assert await tx.uploads.get(upload.id) == replace(upload, state=UploadState.ABORTED)


async def test_open_uploads_past_their_time_are_overdue_oldest_first(database: Database, project: Project) -> None:
    late, later, exact = [
        await _added(database, an_upload(project, expires_at=at)) for at in (NOON, NOON - MINUTE, NOON + SECOND)
    ]
    ended = await _added(database, an_upload(project, expires_at=NOON - HOUR))
    async with database.transaction() as tx:
        await tx.uploads.end(ended.id, UploadState.ABORTED, NOON)

    async with database.reading() as tx:
        assert list(await tx.uploads.overdue(exact.expires_at, 10)) == [later, late]
        assert list(await tx.uploads.overdue(exact.expires_at, 1)) == [later]


async def test_attachments_count_versions_at_each_place(database: Database, project: Project) -> None:
    record, other = Record("user", "42"), Record("user", "43")
    async with database.transaction() as tx:
        files = [await tx.files.add(a_file(project)) for _ in range(5)]
        places = [(record, 0), (record, 0), (record, 7), (other, 0), (record, 0)]
        added = [
            await tx.attachments.add(project.id, at, "avatar", position, file.id, NOON)
            for file, (at, position) in zip(files, places, strict=True)
        ]
        assert [attachment.version for attachment in added] == [1, 2, 1, 1, 3]

    async with database.reading() as tx:
        found = list(await tx.attachments.of(project.id, record, "avatar"))
        assert found == [(added[i], files[i]) for i in (4, 1, 0, 2)]
        assert list(await tx.attachments.of(project.id, record, "banner")) == []
        assert list(await tx.attachments.of(ProjectId(99), record, "avatar")) == []


async def test_a_token_is_used_up_to_its_limit(database: Database) -> None:
    async with database.transaction() as tx:
        uses = tx.token_uses
        assert not await uses.take("big", 4, limit=3, expires_at=NOON)
        assert await uses.take("t", 2, limit=3, expires_at=NOON)
        assert not await uses.take("t", 2, limit=3, expires_at=NOON)
        assert await uses.take("t", 1, limit=3, expires_at=NOON)
        assert not await uses.take("t", 1, limit=3, expires_at=NOON)
        assert await uses.take("u", 3, limit=3, expires_at=NOON + HOUR)
        assert await uses.prune(NOON + SECOND, 10) == 1
        assert await uses.take("t", 3, limit=3, expires_at=NOON)
        assert not await uses.take("u", 1, limit=3, expires_at=NOON)


async def test_repeats_are_kept_by_project_and_key(database: Database, project: Project) -> None:
    upload = an_upload(project)
    repeat = Repeat(
        project_id=project.id, key="k'1", fingerprint="f", uploads=(upload.id, FileId(ids.uuid4())), created_at=NOON
    )
    await database.admit(Admission(uploads=[upload], audit=[], repeat=repeat))
    await database.admit(Admission(uploads=[], audit=[], repeat=replace(repeat, key="k2", created_at=NOON + HOUR)))

    async with database.transaction() as tx:
        assert await tx.repeats.get(project.id, "k'1") == repeat
        assert await tx.repeats.get(ProjectId(99), "k'1") is None
        assert await tx.repeats.prune(NOON + MINUTE, 10) == 1
        assert await tx.repeats.get(project.id, "k'1") is None
        assert await tx.repeats.get(project.id, "k2") is not None


async def test_the_audit_trail_is_read_newest_first(database: Database, project: Project) -> None:
    first, second = an_entry(project, "first"), an_entry(project, "second", address=None, detail={})
    async with database.transaction() as tx:
        await tx.audit.add(first)
    await database.admit(Admission(uploads=[], audit=[second]))

    async with database.reading() as tx:
        assert list(await tx.audit.list(project.id, 10)) == [second, first]
        assert list(await tx.audit.list(project.id, 1)) == [second]
        assert list(await tx.audit.list(ProjectId(99), 10)) == []


async def test_ended_uploads_are_forgotten_in_portions(database: Database, project: Project) -> None:
    still_open, recent, *old = [
        await _added(database, an_upload(project, expires_at=at)) for at in (NOON - HOUR, NOON, *[NOON - SECOND] * 3)
    ]
    async with database.transaction() as tx:
        for upload in (recent, *old):
            await tx.uploads.end(upload.id, UploadState.CONFIRMED, NOON)

    async with database.transaction() as tx:
        assert [await tx.uploads.prune(NOON, 2) for _ in range(3)] == [2, 1, 0]
        assert [await tx.uploads.get(upload.id) is None for upload in (still_open, recent, *old)] == [
            *(False, False),
            *(True, True, True),
        ]


async def test_the_audit_trail_is_forgotten_oldest_first(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        for n in range(5):
            await tx.audit.add(an_entry(project, str(n), at=NOON + n * SECOND))

    async with database.transaction() as tx:
        assert [await tx.audit.prune(NOON + 3 * SECOND, 2) for _ in range(3)] == [2, 1, 0]
        assert [entry.subject for entry in await tx.audit.list(project.id, 10)] == ["4", "3"]


async def test_files_that_race_for_one_place_become_versions(database: Database, project: Project) -> None:
    """The later is current (decision 20); none is refused."""
    async with database.transaction() as tx:
        files = [await tx.files.add(a_file(project)) for _ in range(8)]

    async def attach(file_id: FileId) -> int:
        async with database.transaction() as tx:
            return (await tx.attachments.add(project.id, Record("user", "42"), "avatar", 0, file_id, NOON)).version

    versions = await asyncio.gather(*(attach(file.id) for file in files))

    assert sorted(versions) == list(range(1, 9))


@pytest.mark.parametrize("text", ["a\0b", "half a \ud800 pair"])
async def test_a_text_that_cannot_be_stored_harms_nobody_else(database: Database, project: Project, text: str) -> None:
    """SQLite keeps a NUL; what one cannot keep is the caller's fault, and nothing was changed."""
    with contextlib.suppress(Unstorable, UnicodeEncodeError):
        async with database.transaction() as tx:
            await tx.uploads.add(an_upload(project, name=text))
    async with database.transaction() as tx:
        await tx.audit.add(an_entry(project))
    async with database.reading() as tx:
        assert len(await tx.audit.list(project.id, 10)) == 1
