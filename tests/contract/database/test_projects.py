"""Projects, keys and kinds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from longshore.core.ids import KeyId, ProjectId
from longshore.core.kind import Kind, ScanPolicy, Visibility
from longshore.core.project import Project, ProjectExists
from longshore.ports.database import Database, StoredKey
from tests.contract.database.nouns import HOUR, NOON, a_project


async def test_a_project_is_found_by_everything_that_names_it(database: Database, project: Project) -> None:
    async with database.reading() as tx:
        assert project == replace(a_project(), id=project.id)
        assert await tx.projects.get(project.id) == project
        assert await tx.projects.by_name("demo") == project
        assert await tx.projects.by_public_key("demo-public") == project
        assert await tx.projects.get(ProjectId(99)) is None
        assert await tx.projects.by_name("Demo") is None
        assert await tx.projects.by_public_key("") is None


async def test_projects_are_listed_by_name(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        a, z = await tx.projects.add(a_project("aa")), await tx.projects.add(a_project("zz"))

    async with database.reading() as tx:
        assert list(await tx.projects.list()) == [a, project, z]


@pytest.mark.parametrize("taken", [a_project("demo", public_key="new"), a_project("new", public_key="demo-public")])
async def test_a_name_or_public_key_in_use_is_refused(database: Database, project: Project, taken: Project) -> None:
    with pytest.raises(ProjectExists):
        async with database.transaction() as tx:
            await tx.projects.add(taken)
    async with database.transaction() as tx:
        other = await tx.projects.add(a_project("other"))
    with pytest.raises(ProjectExists):
        async with database.transaction() as tx:
            await tx.projects.save(replace(taken, id=other.id))

    async with database.reading() as tx:
        assert list(await tx.projects.list()) == [project, other]


async def test_a_saved_project_is_read_back(database: Database, project: Project) -> None:
    changed = replace(project, name="new", autostore=True, signed_uploads=False, browser_uploads=True, max_size=7)
    async with database.transaction() as tx:
        await tx.projects.save(changed)

    async with database.reading() as tx:
        assert await tx.projects.get(project.id) == changed


def _key(project: Project, digest: str) -> StoredKey:
    return StoredKey(
        id=KeyId(0),
        project_id=project.id,
        sealed=b"\x00\xff sealed",
        digest=digest,
        hint="…abcd",
        created_at=NOON,
        revoked_at=None,
    )


async def test_a_revoked_key_is_listed_but_not_found(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        old, new = await tx.keys.add(_key(project, "1" * 64)), await tx.keys.add(_key(project, "2" * 64))
    async with database.transaction() as tx:
        assert not await tx.keys.revoke(ProjectId(99), old.id, NOON)
        assert await tx.keys.revoke(project.id, old.id, NOON + HOUR)
        assert not await tx.keys.revoke(project.id, old.id, NOON)

    async with database.reading() as tx:
        assert await tx.keys.by_digest("1" * 64) is None
        assert await tx.keys.by_digest("2" * 64) == new
        assert list(await tx.keys.of(project.id)) == [new, replace(old, revoked_at=NOON + HOUR)]
        assert list(await tx.keys.of(ProjectId(99))) == []


async def test_a_kind_is_replaced_listed_and_deleted(database: Database, project: Project) -> None:
    plain = Kind(project_id=project.id, name="banner")
    full = Kind(
        project_id=project.id,
        name="avatar",
        accept=("image/*", "application/pdf"),
        sizes={"*": 1, "premium": 5 << 40},
        visibility=Visibility.PRIVATE,
        scan=ScanPolicy.HOLD,
        retention=timedelta(days=400, microseconds=1),
        managed_by_file=True,
    )
    async with database.transaction() as tx:
        await tx.kinds.put(plain)
        await tx.kinds.put(replace(plain, name="avatar"))
        await tx.kinds.put(full)

    async with database.transaction() as tx:
        assert list(await tx.kinds.list(project.id)) == [full, plain]
        assert await tx.kinds.get(project.id, "avatar") == full
        assert await tx.kinds.get(ProjectId(99), "avatar") is None
        assert await tx.kinds.delete(project.id, "avatar")
        assert not await tx.kinds.delete(project.id, "avatar")
        assert await tx.kinds.get(project.id, "avatar") is None
