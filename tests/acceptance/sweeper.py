"""The sweeper as it would come later: another process on the same data folder, with its clock put forward.

The server's own comes once a minute, and nobody wants to wait a day.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from longshore.adapters.disk.links import DiskLinkSigner
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.local.progress import LocalProgressChannel
from longshore.adapters.local.wakeup import LocalWakeUp
from longshore.core.urls import PublicUrls
from longshore.services.files import Files
from longshore.services.sweeping import Sweeping
from longshore.services.uploads import Uploads
from longshore.wiring.foundation import foundation
from longshore.wiring.settings import load
from tests.servers.longshore import Longshore


class Later:
    """A clock that is put forward."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def sweep(server: Longshore, *, later: timedelta = timedelta(0), orphans: bool = False) -> dict[str, int]:
    """One pass, so much later. With `orphans` also what no row speaks for. Answers how much of each was ended."""
    return asyncio.run(_sweep(server, Later(later), orphans))


async def _sweep(server: Longshore, clock: Later, orphans: bool) -> dict[str, int]:
    settings = load({f"LONGSHORE_{name}": value for name, value in server.settings.items()})
    async with foundation(settings, clock) as base:
        urls = PublicUrls(cdn=server.url, api=server.url, upload=server.url)
        objects = DiskObjectStore(settings.data_dir / "objects", threads=2)
        try:
            uploads = Uploads(
                db=base.db,
                objects=objects,
                links=DiskLinkSigner(server.url, base.secrets.key_for("links")),
                projects=base.projects,
                secrets=base.secrets,
                clock=clock,
                ids=base.ids,
            )
            files = Files(
                db=base.db,
                objects=objects,
                progress=LocalProgressChannel(),
                wakeup=LocalWakeUp(),
                secrets=base.secrets,
                urls=urls,
                clock=clock,
                ids=base.ids,
            )
            sweeping = Sweeping(db=base.db, objects=objects, uploads=uploads, files=files, clock=clock)
            ended = await sweeping.sweep()
            if orphans:
                ended["orphans"] = await sweeping.sweep_orphans()
            return ended
        finally:
            objects.close()
