"""What the two APIs need from the rest of the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from longshore.core.ids import Ids
from longshore.core.sizes import MIB
from longshore.core.time import Clock
from longshore.core.urls import PublicUrls
from longshore.ports.storage import ObjectStore
from longshore.services.confirming import Confirming
from longshore.services.files import Files
from longshore.services.projects import Projects
from longshore.services.uploads import Uploads
from longshore.services.webhooks import Webhooks

DIRECT_LIMIT = 100 * MIB
"""The contract says "smaller than 100 megabytes"; the Ruby client sends what is below 100 MiB in one request."""
WAIT = timedelta(seconds=5)
IDLE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadcareServices:
    """`direct_size` bounds what one request may bring, in bytes. `wait`: how long an upload waits for its files' check
    (decision 12). `idle`: a sender silent for so long is given up. `simple_over_http`: off where the REST API is
    reached over a network without TLS in front."""

    projects: Projects
    uploads: Uploads
    confirming: Confirming
    files: Files
    webhooks: Webhooks
    objects: ObjectStore
    urls: PublicUrls
    clock: Clock
    ids: Ids
    direct_size: int = DIRECT_LIMIT
    wait: timedelta = WAIT
    idle: timedelta = IDLE
    simple_over_http: bool = True
