"""The choice of a store: a folder of ours, or S3."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from longshore.adapters.disk.links import DiskLinkSigner
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.disk.receiver import DiskLinkReceiver
from longshore.core.errors import Invalid
from longshore.core.ids import Ids, RandomIds
from longshore.core.time import Clock, SystemClock
from longshore.ports.multipart import MultipartStore
from longshore.ports.storage import LinkReceiver, LinkSigner, ObjectStore
from longshore.wiring.settings import DiskChoice, S3Choice, Settings

log = structlog.get_logger()


class NotS3(Invalid):
    code = "storage-is-not-s3"
    title = (
        "Objects are in a folder, where there is nothing to set up; LONGSHORE_STORAGE__TYPE=s3 chooses another store"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """`receiver` is there where our own links lead to us, `multipart` where the store can; `origin` is where browsers
    send to when it is not our own."""

    objects: ObjectStore
    links: LinkSigner
    receiver: LinkReceiver | None = None
    multipart: MultipartStore | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`state` is ok, warning or failed."""

    what: str
    state: str
    says: str


@asynccontextmanager
async def opened_storage(
    settings: Settings, clock: Clock, ids: Ids, *, public_url: str, link_key: bytes
) -> AsyncGenerator[Storage]:
    """Raises, for S3, what its refusal means: wrong keys, wrong region, a bucket missing, ... each a sentence."""
    match settings.storage:
        case DiskChoice() as choice:
            store = DiskObjectStore(settings.data_dir / "objects", threads=choice.threads)
            try:
                yield Storage(
                    objects=store,
                    links=DiskLinkSigner(public_url, link_key),
                    receiver=DiskLinkReceiver(store, link_key, clock),
                )
            finally:
                store.close()
        case S3Choice() as choice:
            # Only who uses S3 waits for its import.
            from longshore.adapters.s3.connection import Connection
            from longshore.adapters.s3.links import S3LinkSigner
            from longshore.adapters.s3.multipart import S3MultipartStore
            from longshore.adapters.s3.objects import S3ObjectStore
            from longshore.adapters.s3.record import Abilities, read_record

            connection = Connection(choice, clock)
            store = S3ObjectStore(connection, settings.data_dir / "originals", ids)
            try:
                found = await read_record(connection)
                if found is None:
                    await log.awarning("storage.not-set-up", hint="run `longshore storage setup`")
                    found = Abilities()
                yield Storage(
                    objects=store,
                    links=S3LinkSigner(choice, clock, post=found.post, conditional=found.conditional),
                    multipart=S3MultipartStore(connection, store),
                    origin=choice.public_origin,
                )
            finally:
                await store.close()


async def set_up_storage(settings: Settings, origins: Sequence[str]) -> Sequence[Line]:
    """Makes what the store lacks and records what it can do; a line each. Raises NotS3, Upstream."""
    from longshore.adapters.s3.connection import Connection
    from longshore.adapters.s3.objects import S3ObjectStore
    from longshore.adapters.s3.setup import Setup

    if not isinstance(settings.storage, S3Choice):
        raise NotS3
    connection = Connection(settings.storage, SystemClock())
    objects = S3ObjectStore(connection, settings.data_dir / "originals", RandomIds())
    try:
        done = await Setup(connection, objects).run(origins)
    finally:
        await objects.close()
    return [Line(one.what, "ok" if one.is_done else "warning", one.says) for one in done]


async def probe_storage(settings: Settings) -> Sequence[Line]:
    """Each behaviour demanded of the store: yes or no. Raises NotS3."""
    from longshore.adapters.s3.connection import Connection
    from longshore.adapters.s3.objects import S3ObjectStore
    from longshore.adapters.s3.probe import Probe

    if not isinstance(settings.storage, S3Choice):
        raise NotS3
    connection = Connection(settings.storage, SystemClock())
    objects = S3ObjectStore(connection, settings.data_dir / "originals", RandomIds())
    try:
        findings = await Probe(connection, objects).run()
    finally:
        await objects.close()
    return [
        Line(
            found.what,
            "ok" if found.holds else "failed" if found.is_needed else "warning",
            "yes" if found.holds else f"no: {found.says}" if found.says else "no",
        )
        for found in findings
    ]


async def check_storage(settings: Settings) -> str:
    """What `doctor` prints. Raises Upstream with a sentence."""
    async with opened_storage(
        settings, SystemClock(), RandomIds(), public_url="http://doctor", link_key=bytes(32)
    ) as storage:
        return await storage.objects.check()
