"""A real server in a process of its own that answers `/storage/` and little else.

python -m tests.integration.disk.server <folder> <port> [largest file it may write]
"""

from __future__ import annotations

import asyncio
import resource
import sys
from datetime import timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.disk.receiver import DiskLinkReceiver
from longshore.core.time import SystemClock
from longshore.http.protocol import bounded_protocol
from longshore.http.storage import routes

KEY = b"integration".ljust(32, b".")


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def late(request: Request) -> PlainTextResponse:
    """Answers without asking for the body, after it may well have arrived."""
    await asyncio.sleep(0.3)
    return PlainTextResponse("late")


def main() -> None:
    folder, port, *limit = sys.argv[1:]
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit[0]), int(limit[0])))
    receiver = DiskLinkReceiver(DiskObjectStore(Path(folder)), KEY, SystemClock())
    app = Starlette(
        routes=[
            *routes(receiver, idle=timedelta(seconds=1)),
            Route("/hello", hello, methods=["GET", "POST"]),
            Route("/late", late, methods=["POST"]),
        ]
    )
    uvicorn.run(
        app, port=int(port), http=bounded_protocol(header_timeout=1.5), log_level="error", access_log=False, ws="none"
    )


if __name__ == "__main__":
    main()
