"""PROCESS: what happens to a file between confirm and publication. Nothing is deliverable before `inspect` is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from longshore.core.errors import Problem, Upstream
from longshore.core.event import Event, EventKind
from longshore.core.file import QUARANTINE_LIFETIME, File, FileState, Refusal, Scan, Step, StepName, StepState
from longshore.core.ids import EventId, FileId, Ids, parse_file_id
from longshore.core.job import POLICIES, Job, JobKind, Queue
from longshore.core.kind import Kind, KindNotFound, ScanPolicy
from longshore.core.media import BrokenMedia, ImageFacts, MediaTooLarge
from longshore.core.time import Clock
from longshore.core.upload import bare_type
from longshore.ports.content import Digesters, Scanner, ScannerFailed, SvgJudge, TypeDetector, UnsafeSvg
from longshore.ports.coordination import Progress, ProgressChannel, WakeUp
from longshore.ports.database import Database
from longshore.ports.rendering import ImageInspector, RenderCrashed, RenderRefused, RenderTimeout, ResultTooLarge
from longshore.ports.storage import ObjectKey, ObjectMissing, ObjectStore
from longshore.services.delivery import Delivery
from longshore.services.ledger import Ledger
from longshore.services.projects import Projects
from longshore.services.reading import Reading, read_once

log = structlog.get_logger()

MAX_SVG = 10 * 1024 * 1024
"""A larger SVG is kept as a file but cannot be vouched for, so it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPolicies:
    """What becomes of files nobody could scan, unless their kind says otherwise (design 2, decision 16)."""

    without_scanner: ScanPolicy
    over_size: ScanPolicy = ScanPolicy.HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The end of an inspection: the file as it shall be, its event, and how its steps went."""

    file: File
    event: EventKind
    steps: Sequence[Step]


class Refused(Problem):
    """Inside an inspection: the file does not pass. Carried to the row as a `Refusal`."""

    code = "refused"
    title = "The file does not pass its check"

    def __init__(self, state: FileState, refusal: Refusal, step: StepName) -> None:
        super().__init__(refusal.sentence)
        self.state, self.refusal, self.step = state, refusal, step


class Processing:
    def __init__(
        self,
        *,
        db: Database,
        objects: ObjectStore,
        ledger: Ledger,
        projects: Projects,
        delivery: Delivery,
        digesters: Digesters,
        detector: TypeDetector,
        scanner: Scanner | None,
        svg: SvgJudge,
        inspector: ImageInspector,
        progress: ProgressChannel,
        wakeup: WakeUp,
        policies: ScanPolicies,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._objects = objects
        self._ledger = ledger
        self._projects = projects
        self._delivery = delivery
        self._digesters = digesters
        self._detector = detector
        self._scanner = scanner
        self._svg = svg
        self._inspector = inspector
        self._progress = progress
        self._wakeup = wakeup
        self._policies = policies
        self._clock = clock
        self._ids = ids

    # -- inspect -------------------------------------------------------------------------------------------------------

    async def inspect(self, job: Job) -> None:
        """Read the file once, then publish, quarantine, reject or hold it. Raises Problem to be tried again."""
        file = await self._file(job)
        if file is None or file.state is not FileState.CHECKING:
            async with self._ledger.completing(job):
                return
        kind = await self._kind(file)
        try:
            finding = await self._found(file, kind)
        except Refused as refused:
            finding = await self._refused(file, refused, job)
        except ObjectMissing:
            refused = _refuse("bytes-lost", "The stored bytes are not there any more", StepName.DIGEST)
            finding = await self._refused(file, refused, job)
        except Problem as problem:
            step = StepName.SCAN if isinstance(problem, ScannerFailed) else StepName.DIGEST
            if job.attempt < POLICIES[JobKind.INSPECT].attempts:
                await self._put_off(file, step, job, problem)
                raise
            refusal = Refusal(code="could-not-be-checked", sentence=f"The file could not be checked: {problem.detail}")
            finding = await self._refused(file, Refused(FileState.HELD, refusal, step), job)
        async with self._ledger.completing(job) as tx:
            # Stored while it was being read, it is another version of the row; removed, nobody waits for the finding.
            present = await tx.files.get(file.id)
            found = _upon(present, file, finding.file) if present else None
            if found is not None:
                if not await tx.files.save(found):
                    raise Upstream("The file's row was changed at the same moment", retry_after=timedelta(seconds=1))
                await tx.steps.put(finding.steps)
                await tx.events.add(
                    Event(
                        id=EventId(self._ids.uuid7()),
                        project_id=file.project_id,
                        kind=finding.event,
                        file_id=file.id,
                        at=self._clock.now(),
                    )
                )
        self._progress.publish(Progress(file_id=file.id, step=StepName.PUBLISH))
        self._wakeup.ring(Queue.RENDER)
        self._wakeup.ring(Queue.NOTIFY)

    async def _found(self, file: File, kind: Kind | None) -> Finding:
        reading, was_infected = await self._read(file)
        detected = await self._detector.detect(reading.head, name=file.name)
        file = replace(file, digests=reading.digests, detected_type=detected)
        if reading.size != file.size:
            raise _refuse("size-changed", "The stored bytes are not those that were confirmed", StepName.DIGEST)
        scan = self._scanned(file, kind, reading)
        if was_infected:
            refusal = Refusal(code="infected", sentence="The file is infected, by what an earlier scan found")
            raise Refused(FileState.QUARANTINED, refusal, StepName.SCAN)
        _check_type(file, detected, kind)
        image = await self._facts(file, detected)
        now = self._clock.now()
        ready = replace(
            file,
            state=FileState.READY,
            scan=scan,
            image=image,
            ready_at=now,
            expires_at=now + kind.retention if kind and kind.retention else file.expires_at,
        )
        steps = [
            self._step(file.id, StepName.DIGEST),
            self._step(file.id, StepName.SCAN, StepState.DONE if scan is Scan.CLEAN else StepState.SKIPPED),
            self._step(file.id, StepName.INSPECT, StepState.DONE if image else StepState.SKIPPED),
            self._step(file.id, StepName.PUBLISH),
        ]
        if image is None:
            steps.append(self._step(file.id, StepName.PREVIEW, StepState.SKIPPED))
        return Finding(file=ready, event=EventKind.FILE_READY, steps=steps)

    async def _read(self, file: File) -> tuple[Reading, bool]:
        """One read of the bytes, and whether they lay in quarantine already: an earlier run moved them there and ended
        before it could say so, or a twin of this one is about to."""
        try:
            return await self._read_at(file, ObjectKey.sealed(file.id, file.seal)), False
        except ObjectMissing:
            return await self._read_at(file, ObjectKey.quarantined(file.id, file.seal)), True

    async def _read_at(self, file: File, key: ObjectKey) -> Reading:
        scanner = self._scanner if self._scanner and file.size <= self._scanner.max_size else None

        def heard(size: int) -> None:
            percent = min(100, size * 100 // max(1, file.size))
            self._progress.publish(Progress(file_id=file.id, step=StepName.DIGEST, percent=percent))

        return await read_once(
            self._objects,
            key,
            digesters=self._digesters,
            scanner=scanner,
            head_size=self._detector.head_size,
            heard=heard,
        )

    def _scanned(self, file: File, kind: Kind | None, reading: Reading) -> Scan:
        if reading.failure is not None:
            if reading.failure.is_final:
                refusal = Refusal(code="could-not-be-scanned", sentence=reading.failure.detail)
                raise Refused(FileState.HELD, refusal, StepName.SCAN)
            raise reading.failure
        if reading.verdict is not None:
            if reading.verdict.signature is None:
                return Scan.CLEAN
            refusal = Refusal(
                code="infected",
                sentence=f"The file is infected: {reading.verdict.signature}",
                quoted=reading.verdict.signature,
            )
            raise Refused(FileState.QUARANTINED, refusal, StepName.SCAN)
        given = kind.scan if kind else None
        if self._scanner is None:
            policy, why = given or self._policies.without_scanner, "no scanner is configured"
        else:
            policy, why = given or self._policies.over_size, "it is larger than the scanner takes"
        if policy is ScanPolicy.ALLOW:
            return Scan.UNSCANNED
        refusal = Refusal(code="could-not-be-scanned", sentence=f"The file is held back unscanned: {why}")
        raise Refused(FileState.HELD, refusal, StepName.SCAN)

    async def _facts(self, file: File, detected: str) -> ImageFacts | None:
        key = ObjectKey.sealed(file.id, file.seal)
        if detected == "image/svg+xml":
            await self._judge(file, key)
        if not self._delivery.is_renderable(detected):
            return None
        self._progress.publish(Progress(file_id=file.id, step=StepName.INSPECT, percent=0))
        try:
            async with self._objects.open(key) as source:
                return await self._inspector.inspect(source, key=str(file.id), tenant=str(file.project_id))
        except (MediaTooLarge, RenderTimeout, RenderRefused, ResultTooLarge) as problem:
            raise _refuse(problem.code, problem.detail, StepName.INSPECT) from problem
        except (BrokenMedia, RenderCrashed) as problem:
            # The decoder's own words are for the operator.
            await log.ainfo("file.broken", file_id=str(file.id), reason=problem.detail)
            raise _refuse(problem.code, "The image is damaged or cut short", StepName.INSPECT) from problem

    async def _judge(self, file: File, key: ObjectKey) -> None:
        if file.size > MAX_SVG:
            raise _refuse("svg-too-large", "The SVG is too large to be checked", StepName.INSPECT)
        body = b"".join([piece async for piece in self._objects.read(key)])
        try:
            await self._svg.judge(body)
        except UnsafeSvg as problem:
            raise _refuse(
                "unsafe-svg", problem.detail, StepName.INSPECT, str(problem.fields.get("rule", ""))
            ) from problem
        except BrokenMedia as problem:
            raise _refuse("broken-svg", problem.detail, StepName.INSPECT, problem.detail) from problem

    async def _refused(self, file: File, refused: Refused, job: Job) -> Finding:
        now = self._clock.now()
        purge_at: datetime | None = None
        event = EventKind.FILE_HELD
        if refused.state is FileState.QUARANTINED:
            await self._objects.move(ObjectKey.sealed(file.id, file.seal), ObjectKey.quarantined(file.id, file.seal))
            purge_at, event = now + QUARANTINE_LIFETIME, EventKind.FILE_INFECTED
        elif refused.state is FileState.REJECTED:
            purge_at, event = now, EventKind.FILE_REJECTED
        order = list(StepName)
        failed = order.index(refused.step)
        steps = [
            Step(
                file_id=file.id,
                name=name,
                state=_state_beside(index, failed),
                attempt=job.attempt,
                reason=refused.refusal.sentence if index == failed else None,
                updated_at=now,
            )
            for index, name in enumerate(order)
        ]
        scan = Scan.INFECTED if refused.state is FileState.QUARANTINED else None
        changed = replace(
            file,
            state=refused.state,
            refusal=refused.refusal,
            scan=scan,
            purge_at=purge_at,
            expires_at=None,
            stored_at=None,
        )
        return Finding(file=changed, event=event, steps=steps)

    async def _put_off(self, file: File, name: StepName, job: Job, problem: Problem) -> None:
        step = Step(
            file_id=file.id,
            name=name,
            state=StepState.RETRYING,
            attempt=job.attempt,
            reason=problem.detail,
            updated_at=self._clock.now(),
        )
        async with self._db.transaction() as tx:
            await tx.steps.put([step])
        self._progress.publish(Progress(file_id=file.id, step=name))

    # -- derive, clear -------------------------------------------------------------------------------------------------

    async def derive(self, job: Job) -> None:
        """Make the preview of a published image."""
        file = await self._file(job)
        if file is not None and file.is_deliverable and file.image is not None:
            await self._delivery.preview(file)
        async with self._ledger.completing(job) as tx:
            if file is not None and file.image is not None:
                await tx.steps.put([self._step(file.id, StepName.PREVIEW)])
        if file is not None:
            self._progress.publish(Progress(file_id=file.id, step=StepName.PREVIEW))

    async def clear(self, job: Job) -> None:
        """Drop what was derived from a removed file."""
        file = await self._file(job)
        if file is not None and not file.is_deliverable:
            await self._delivery.drop(file.id)
        async with self._ledger.completing(job):
            return

    # ------------------------------------------------------------------------------------------------------------------

    async def _file(self, job: Job) -> File | None:
        async with self._db.reading() as tx:
            return await tx.files.get(_file_id(job))

    async def _kind(self, file: File) -> Kind | None:
        if file.purpose.kind is None:
            return None
        try:
            return await self._projects.kind(file.project_id, file.purpose.kind)
        except KindNotFound:
            return None

    def _step(self, file_id: FileId, name: StepName, state: StepState = StepState.DONE) -> Step:
        return Step(file_id=file_id, name=name, state=state, updated_at=self._clock.now())


def _upon(present: File, read: File, found: File) -> File | None:
    """What was found of the row `read`, applied to the present row; None when that is not in checking any more."""
    if present.state is not FileState.CHECKING:
        return None
    if found.state is not FileState.READY:
        return replace(found, version=present.version)
    kept_until = present.expires_at if found.expires_at == read.expires_at else found.expires_at
    return replace(found, version=present.version, stored_at=present.stored_at, expires_at=kept_until)


def _file_id(job: Job) -> FileId:
    file_id = parse_file_id(job.subject)
    assert file_id is not None, f"job {job.id} is about no file"
    return file_id


def _refuse(code: str, sentence: str, step: StepName, quoted: str = "") -> Refused:
    return Refused(FileState.REJECTED, Refusal(code=code, sentence=sentence, quoted=quoted), step)


def _check_type(file: File, detected: str, kind: Kind | None) -> None:
    """Decision 11: both types are recorded; they must agree only where a kind restricts types."""
    if kind is None or not kind.restricts_types:
        return
    if not kind.accepts(detected):
        raise _refuse(
            "type-not-accepted", f"The file is {detected}, which the kind {kind.name} does not accept", StepName.INSPECT
        )
    declared = bare_type(file.declared_type)
    if declared != detected:
        raise _refuse("type-mismatch", f"The file was declared {declared} but is {detected}", StepName.INSPECT)


def _state_beside(index: int, failed: int) -> StepState:
    if index == failed:
        return StepState.FAILED
    return StepState.DONE if index < failed else StepState.SKIPPED
