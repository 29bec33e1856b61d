"""The services over SQLite and a temporary folder, with a stopped clock.

Doubles stand only for the scanner, the renderer and receivers of webhooks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from longshore.adapters.content import ContentDetector, StreamDigesters, StrictSvgJudge
from longshore.adapters.disk.derived import DiskDerivedStore
from longshore.adapters.disk.links import DiskLinkSigner
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.local.progress import LocalProgressChannel
from longshore.adapters.local.singleflight import LocalSingleFlight
from longshore.adapters.local.wakeup import LocalWakeUp
from longshore.adapters.secrets import MasterKeyBox
from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.errors import Problem
from longshore.core.file import File
from longshore.core.ids import FileId, RandomIds
from longshore.core.imaging.limits import DEFAULT_LIMITS
from longshore.core.imaging.plan import Plan
from longshore.core.job import Job, JobKind, JobState, Queue
from longshore.core.kind import Kind, ScanPolicy
from longshore.core.media import ImageFacts
from longshore.core.principal import Server
from longshore.core.project import Project
from longshore.core.urls import PublicUrls
from longshore.ports.content import ScannerFailed, Verdict
from longshore.ports.outbound import Answer
from longshore.ports.rendering import Rendered
from longshore.ports.storage import ObjectKey
from longshore.services.access import Access
from longshore.services.asking import NewUpload
from longshore.services.attachments import Attachments
from longshore.services.confirming import Confirming
from longshore.services.delivery import Delivery
from longshore.services.files import Files
from longshore.services.ledger import Ledger
from longshore.services.mezzanine import Mezzanines
from longshore.services.processing import Processing, ScanPolicies
from longshore.services.projects import NewProject, Projects
from longshore.services.sweeping import Sweeping
from longshore.services.uploads import Requested, Uploads
from longshore.services.webhooks import Webhooks
from longshore.worker.runner import Runner


class StoppedClock:
    """Moves only when a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_(self, **units: float) -> None:
        self.time += timedelta(**units)


class ScriptedScanner:
    """Says what the test wants: a signature, clean (None), or no answer."""

    max_size = 1_000_000

    def __init__(self) -> None:
        self.says: str | None = None
        self.is_away = False
        self.seen: list[bytes] = []

    async def scan(self, body: AsyncIterator[bytes]) -> Verdict:
        content = b"".join([piece async for piece in body])
        if self.is_away:
            raise ScannerFailed("clamd is not there", reason="unreachable")
        self.seen.append(content)
        return Verdict(signature=self.says)

    async def check(self) -> str:
        return "scripted"


class NoPixels:
    """Knows every image by `facts`, and renders a few bytes, or raises what `fails` says."""

    def __init__(self) -> None:
        self.facts = ImageFacts(format="JPEG", width=40, height=30, color_mode="RGB")
        self.fails: Problem | None = None
        self.plans: list[Plan] = []

    @property
    def renders(self) -> int:
        return len(self.plans)

    async def inspect(self, source: int, *, key: str = "", tenant: str = "") -> ImageFacts:
        return self.facts

    async def render(
        self,
        plan: Plan,
        source: int,
        target: int,
        *,
        deadline: timedelta | None = None,
        key: str = "",
        tenant: str = "",
        urgent: bool = True,
        overlays: Sequence[int] = (),
    ) -> Rendered:
        self.plans.append(plan)
        if self.fails is not None:
            raise self.fails
        with open(target, "wb", closefd=False) as result:
            result.write(b"pixels")
        return Rendered(content_type="image/webp", width=plan.width, height=plan.height, size=6)


@dataclass
class Receiver:
    """Where webhooks go."""

    status: int = 200
    calls: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, within: timedelta) -> Answer:
        self.calls.append((url, body, headers))
        return Answer(status=self.status, headers={}, body=b"")


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\xff\xdb" + b"x" * 500 + b"\xff\xd9"


@dataclass(kw_only=True)
class App:
    """The product, with verbs for tests."""

    db: SqliteDatabase
    clock: StoppedClock
    objects: DiskObjectStore
    scanner: ScriptedScanner
    pixels: NoPixels
    receiver: Receiver
    projects: Projects
    access: Access
    uploads: Uploads
    confirming: Confirming
    files: Files
    attachments: Attachments
    derived: DiskDerivedStore
    mezzanines: Mezzanines
    delivery: Delivery
    processing: Processing
    webhooks: Webhooks
    sweeping: Sweeping
    runner: Runner
    project: Project
    server: Server
    secret_key: str

    async def requested(self, **wanted: object) -> Requested:
        new = NewUpload(**{"name": "a.jpg", "type": "image/jpeg", "size": len(JPEG), **wanted})
        (answer,) = await self.uploads.request(self.server, [new])
        assert isinstance(answer, Requested), answer
        return answer

    async def uploaded(self, content: bytes = JPEG, **wanted: object) -> FileId:
        """Requested, and the bytes brought."""
        requested = await self.requested(**{"size": len(content), **wanted})
        await self.bring(requested.upload.id, content)
        return requested.upload.id

    async def bring(self, upload_id: FileId, content: bytes) -> None:
        await self.put(ObjectKey.incoming(upload_id), content)

    async def put(self, key: ObjectKey, content: bytes) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield content

        await self.objects.put(key, body(), limit=len(content))

    async def confirmed(self, content: bytes = JPEG, **wanted: object) -> File:
        return await self.confirming.confirm(self.server, await self.uploaded(content, **wanted))

    async def ready(self, content: bytes = JPEG, **wanted: object) -> File:
        file = await self.confirmed(content, **wanted)
        await self.work()
        return await self.files.get(self.project, file.id)

    async def claim(self) -> Sequence[Job]:
        async with self.db.transaction() as tx:
            return await tx.jobs.claim("test", list(Queue), limit=100, lease=timedelta(seconds=60))

    async def work(self) -> int:
        """Run due jobs until none is due. Answers how many attempts were made."""
        attempts = 0
        while jobs := await self.claim():
            for job in jobs:
                await self.runner.run(job)
                attempts += 1
        return attempts

    async def jobs(self, state: JobState | None = None) -> Sequence[Job]:
        async with self.db.reading() as tx:
            return await tx.jobs.list(state, 1000)

    async def kind(self, name: str, **rules: object) -> Kind:
        return await self.projects.put_kind(Kind(project_id=self.project.id, name=name, **rules))  # type: ignore[arg-type]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    clock, ids = StoppedClock(), RandomIds()
    db = SqliteDatabase(SqliteSettings(path=tmp_path / "longshore.db"), clock, ids)
    await db.open()
    secrets = MasterKeyBox(b"m" * 32)
    urls = PublicUrls(cdn="http://files.test", api="http://files.test", upload="http://files.test")
    objects = DiskObjectStore(tmp_path / "objects")
    derived = DiskDerivedStore(tmp_path / "derived")
    scanner, pixels, receiver = ScriptedScanner(), NoPixels(), Receiver()
    progress, wakeup, ledger = LocalProgressChannel(), LocalWakeUp(), Ledger(db, clock)
    projects = Projects(db, secrets, clock, ids)
    uploads = Uploads(
        db=db,
        objects=objects,
        links=DiskLinkSigner("http://files.test", b"l" * 32),
        projects=projects,
        secrets=secrets,
        clock=clock,
        ids=ids,
    )
    single = LocalSingleFlight(tmp_path / "locks")
    mezzanines = Mezzanines(
        objects=objects, derived=derived, renderer=pixels, single=single, clock=clock, limits=DEFAULT_LIMITS
    )
    delivery = Delivery(
        objects=objects, derived=derived, renderer=pixels, single=single, clock=clock, mezzanines=mezzanines
    )
    files = Files(
        db=db, objects=objects, progress=progress, wakeup=wakeup, secrets=secrets, urls=urls, clock=clock, ids=ids
    )
    processing = Processing(
        db=db,
        objects=objects,
        ledger=ledger,
        projects=projects,
        delivery=delivery,
        digesters=StreamDigesters(),
        detector=ContentDetector(),
        scanner=scanner,
        svg=StrictSvgJudge(),
        inspector=pixels,
        progress=progress,
        wakeup=wakeup,
        policies=ScanPolicies(without_scanner=ScanPolicy.ALLOW),
        clock=clock,
        ids=ids,
    )
    webhooks = Webhooks(db=db, ledger=ledger, caller=receiver, wakeup=wakeup, urls=urls, clock=clock, ids=ids)
    project, key = await projects.create(NewProject(name="shop"))
    handlers = {
        JobKind.INSPECT: processing.inspect,
        JobKind.DERIVE: processing.derive,
        JobKind.CLEAR: processing.clear,
        JobKind.NOTIFY: webhooks.notify,
        JobKind.DELIVER: webhooks.deliver,
    }
    yield App(
        db=db,
        clock=clock,
        objects=objects,
        scanner=scanner,
        pixels=pixels,
        receiver=receiver,
        projects=projects,
        access=Access(projects, db, clock),
        uploads=uploads,
        confirming=Confirming(
            db=db, objects=objects, uploads=uploads, projects=projects, wakeup=wakeup, clock=clock, ids=ids
        ),
        files=files,
        attachments=Attachments(db=db, clock=clock),
        derived=derived,
        mezzanines=mezzanines,
        delivery=delivery,
        processing=processing,
        webhooks=webhooks,
        sweeping=Sweeping(db=db, objects=objects, uploads=uploads, files=files, clock=clock),
        runner=Runner(db=db, handlers=handlers, clock=clock),
        project=project,
        server=Server(project=project, key_id=key.id),
        secret_key=key.secret,
    )
    await mezzanines.close()
    objects.close()
    derived.close()
    await db.close()
