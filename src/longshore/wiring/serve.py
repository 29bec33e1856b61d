"""The embedded server: one web process that also works off the ledger, and its render workers."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Callable, Generator
from pathlib import Path

import structlog
import uvicorn

from longshore.core.errors import Conflict, Problem
from longshore.http.protocol import bounded_protocol
from longshore.wiring.compose import Installation, installation
from longshore.wiring.foundation import foundation
from longshore.wiring.settings import Settings, SqliteChoice

log = structlog.get_logger()


class AlreadyServing(Conflict):
    """Another process serves this data folder: SQLite and the in-process locks allow one (decision 23)."""

    code = "already-serving"
    title = "Another process is serving this data folder already"


class PortTaken(Problem):
    code = "port-taken"
    title = "The port is in use"


def event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one (not on Windows): more than twice the requests of asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(settings: Settings, ready: Callable[[Installation, str], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight. `ready` is called once with the public URL.

    Raises AlreadyServing, PortTaken, and what opening the parts raises.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(settings.data_dir / "serve.lock"), _listening(settings) as listener:
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else host  # noqa: S104 -- compared, not bound
        public_url = (settings.public_url or f"http://{shown}:{port}").rstrip("/")
        async with foundation(settings) as base, installation(base, public_url) as parts:
            server = _Server(
                uvicorn.Config(
                    parts.app,
                    http=bounded_protocol(max_header=settings.http.header_size, max_url=settings.http.url_size),
                    ws="none",
                    lifespan="off",
                    access_log=False,
                    log_config=None,
                    server_header=False,
                    proxy_headers=False,
                    timeout_keep_alive=75,
                    timeout_graceful_shutdown=int(settings.http.stop_s),
                )
            )
            if isinstance(settings.database, SqliteChoice):
                async with base.db.transaction() as tx:
                    await tx.jobs.release_all()  # we are alone here: whoever held them was killed
            working = asyncio.create_task(parts.worker.run())
            working.add_done_callback(lambda _: server.stop())
            try:
                with _stopped_by_signals(server):
                    await server.run(listener, lambda: ready(parts, public_url))
            finally:
                parts.worker.stop()
                await working


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, telling when it answers."""

    async def run(self, listener: socket.socket, ready: Callable[[], None]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- ours is the async one
        self._ready = ready
        await self._serve([listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def stop(self) -> None:
        self.should_exit = True


@contextlib.contextmanager
def _stopped_by_signals(server: _Server) -> Generator[None]:
    """The first signal stops gracefully, the second at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    signals = (signal.SIGTERM, signal.SIGINT)
    for one in signals:
        loop.add_signal_handler(one, stop)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)


@contextlib.contextmanager
def _listening(settings: Settings) -> Generator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as e:
            raise PortTaken(
                f"Cannot listen on {settings.host}:{settings.port}: {e.strerror}; LONGSHORE_PORT chooses another port"
            ) from e
        listener.listen(2048)
        listener.set_inheritable(False)
        yield listener


@contextlib.contextmanager
def _alone(path: Path) -> Generator[None]:
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise AlreadyServing(
                f"{path.parent} is being served already; the embedded mode is one process (LONGSHORE_DATA_DIR)"
            ) from e
        yield
    finally:
        os.close(fd)
