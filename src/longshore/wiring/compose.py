"""Composition: adapters chosen by the settings, services over them, APIs over those."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from longshore.adapters.clamd import ClamdScanner
from longshore.adapters.content import ContentDetector, StreamDigesters
from longshore.adapters.content.svg import StrictSvgJudge
from longshore.adapters.disk.derived import DiskDerivedStore
from longshore.adapters.local.progress import LocalProgressChannel
from longshore.adapters.local.singleflight import LocalSingleFlight
from longshore.adapters.local.wakeup import LocalWakeUp
from longshore.adapters.outbound import GuardedCaller
from longshore.adapters.vips import VipsPool
from longshore.core.job import JobKind
from longshore.core.project import ProjectNotFound
from longshore.core.urls import PublicUrls
from longshore.http.app import Application, Mounted
from longshore.http.delivery import DeliveryApi
from longshore.http.kit.bind import NativeApi
from longshore.http.metrics import Metrics
from longshore.http.middleware import Around
from longshore.http.native.files import FileHandlers, ProjectHandlers, RecordHandlers
from longshore.http.native.reference import native_reference
from longshore.http.native.table import PREFIX, native_operations
from longshore.http.native.uploads import UploadHandlers
from longshore.http.operations import Check, OperationsApi
from longshore.http.pages import PageSettings, page_routes
from longshore.http.storage import routes as storage_routes
from longshore.http.uploadcare import UploadcareServices, rest_api, upload_api
from longshore.ports.content import Scanner
from longshore.ports.storage import ObjectStore
from longshore.services.access import Access
from longshore.services.attachments import Attachments
from longshore.services.confirming import Confirming
from longshore.services.delivery import Delivery
from longshore.services.files import Files
from longshore.services.ledger import Ledger
from longshore.services.mezzanine import Mezzanines
from longshore.services.processing import Processing, ScanPolicies
from longshore.services.sweeping import Sweeping
from longshore.services.uploads import Uploads
from longshore.services.webhooks import Webhooks
from longshore.wiring.foundation import Foundation
from longshore.wiring.logging import request_log
from longshore.wiring.settings import NoScanner, Settings
from longshore.wiring.storage import opened_storage
from longshore.worker.loop import Worker
from longshore.worker.runner import Handler, Runner

DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything, put together. `checks` answer for the parts this process cannot work without."""

    app: ASGIApp
    worker: Worker
    checks: Mapping[str, Check]
    base: Foundation
    objects: ObjectStore
    uploads: Uploads
    confirming: Confirming
    files: Files
    delivery: Delivery
    processing: Processing
    sweeping: Sweeping


@asynccontextmanager
async def installation(base: Foundation, public_url: str) -> AsyncGenerator[Installation]:
    """Builds and starts everything but the web server and the worker's loop; ends what it started.

    `public_url` is what people reach the server by, without a trailing slash.
    """
    settings, clock, ids, db = base.settings, base.clock, base.ids, base.db
    urls = PublicUrls(cdn=public_url, api=public_url, upload=public_url)
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(
            opened_storage(settings, clock, ids, public_url=public_url, link_key=base.secrets.key_for("links"))
        )
        objects = storage.objects
        scanner = scanner_of(settings)
        caller = GuardedCaller(settings.outbound)
        stack.push_async_callback(caller.close)
        derived = DiskDerivedStore(
            settings.data_dir / "derived",
            max_bytes=settings.derived.size,
            memory_bytes=settings.derived.memory,
            clock=clock,
        )
        stack.callback(derived.close)
        pool = await stack.enter_async_context(VipsPool(settings.render))
        wakeup, progress = LocalWakeUp(), LocalProgressChannel()
        ledger = Ledger(db, clock)

        uploads = Uploads(
            db=db,
            objects=objects,
            links=storage.links,
            projects=base.projects,
            secrets=base.secrets,
            clock=clock,
            ids=ids,
        )
        confirming = Confirming(
            db=db, objects=objects, uploads=uploads, projects=base.projects, wakeup=wakeup, clock=clock, ids=ids
        )
        files = Files(
            db=db,
            objects=objects,
            progress=progress,
            wakeup=wakeup,
            secrets=base.secrets,
            urls=urls,
            clock=clock,
            ids=ids,
        )
        single = LocalSingleFlight(settings.data_dir / "locks")
        limits = settings.render.limits
        mezzanines = Mezzanines(
            objects=objects, derived=derived, renderer=pool, single=single, clock=clock, limits=limits
        )
        stack.push_async_callback(mezzanines.close)
        delivery = Delivery(
            objects=objects,
            derived=derived,
            renderer=pool,
            single=single,
            clock=clock,
            limits=limits,
            mezzanines=mezzanines if settings.derived.mezzanine else None,
        )
        processing = Processing(
            db=db,
            objects=objects,
            ledger=ledger,
            projects=base.projects,
            delivery=delivery,
            digesters=StreamDigesters(),
            detector=ContentDetector(),
            scanner=scanner,
            svg=StrictSvgJudge(),
            inspector=pool,
            progress=progress,
            wakeup=wakeup,
            policies=ScanPolicies(without_scanner=settings.upload.without_scanner, over_size=settings.upload.over_size),
            clock=clock,
            ids=ids,
        )
        webhooks = Webhooks(db=db, ledger=ledger, caller=caller, wakeup=wakeup, urls=urls, clock=clock, ids=ids)
        sweeping = Sweeping(db=db, objects=objects, uploads=uploads, files=files, clock=clock)
        handlers: Mapping[JobKind, Handler] = {
            JobKind.INSPECT: processing.inspect,
            JobKind.DERIVE: processing.derive,
            JobKind.CLEAR: processing.clear,
            JobKind.NOTIFY: webhooks.notify,
            JobKind.DELIVER: webhooks.deliver,
        }
        checks: dict[str, Check] = {"database": db.check, "storage": objects.check}
        if scanner is not None:
            checks["scanner"] = scanner.check
        worker = Worker(
            db=db,
            runner=Runner(db=db, handlers=handlers, clock=clock),
            wakeup=wakeup,
            sweeping=sweeping,
            clock=clock,
            owner=f"{socket.gethostname()}:{os.getpid()}",
        )

        operations = native_operations(
            UploadHandlers(uploads=uploads, confirming=confirming, files=files, urls=urls),
            FileHandlers(files=files, urls=urls, clock=clock),
            RecordHandlers(attachments=Attachments(db=db, clock=clock), urls=urls),
            ProjectHandlers(projects=base.projects, webhooks=webhooks),
        )
        metrics = Metrics(CollectorRegistry())
        uploadcare = UploadcareServices(
            projects=base.projects,
            uploads=uploads,
            confirming=confirming,
            files=files,
            webhooks=webhooks,
            objects=objects,
            urls=urls,
            clock=clock,
            ids=ids,
            direct_size=settings.upload.direct_size,
            wait=timedelta(seconds=settings.upload.wait_s),
            simple_over_http=settings.http.simple_auth_over_http,
        )
        description = native_reference(operations, server_url=public_url)
        app = Application(
            native=NativeApi(PREFIX, operations, Access(base.projects, db, clock), description),
            delivery=DeliveryApi(
                files=files, delivery=delivery, clock=clock, wait=timedelta(seconds=settings.upload.wait_s)
            ),
            storage=Starlette(routes=storage_routes(storage.receiver)) if storage.receiver else None,
            mounted=[
                upload_api(uploadcare),
                rest_api(uploadcare),
                _operations(checks, metrics, settings),
                await _pages(base, urls, storage.origin or urls.upload),
            ],
        )
        yield Installation(
            app=Around(app, metrics, request_log(settings.log)),
            worker=worker,
            checks=checks,
            base=base,
            objects=objects,
            uploads=uploads,
            confirming=confirming,
            files=files,
            delivery=delivery,
            processing=processing,
            sweeping=sweeping,
        )


def scanner_of(settings: Settings) -> Scanner | None:
    return None if isinstance(settings.scanner, NoScanner) else ClamdScanner(settings.scanner)


def _operations(checks: Mapping[str, Check], metrics: Metrics, settings: Settings) -> Mounted:
    api = OperationsApi(checks=checks, registry=metrics.registry, metrics_token=settings.http.metrics_token)
    routes = [
        Route("/healthz", api.healthz),
        Route("/readyz", api.readyz),
        Route("/metrics", api.metrics),
    ]
    return Mounted("operations", (b"/healthz", b"/readyz", b"/metrics"), Starlette(routes=routes))


async def _pages(base: Foundation, urls: PublicUrls, storage: str) -> Mounted:
    try:
        demo = await base.projects.by_name(DEMO)
    except ProjectNotFound:
        demo = None
    pages = PageSettings(
        public_key=demo.public_key if demo else None,
        max_size=demo.max_size if demo else None,
        is_scanned=not isinstance(base.settings.scanner, NoScanner),
        cdn=urls.cdn,
        storage=(storage,),
    )
    prefixes = (b"/", b"/docs", b"/assets", b"/favicon.ico", b"/favicon.svg", b"/robots.txt")
    return Mounted("pages", prefixes, Starlette(routes=page_routes(pages)))
