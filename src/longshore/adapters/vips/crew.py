"""The processes: one zygote, and workers forked from it, each with a socket. Imports no codec.

A worker is killed through its pidfd, so that a number given to another process meanwhile is never hit. When the zygote
dies, its workers die with it, and the next request for a worker starts all anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import structlog

from longshore.adapters.vips import wire
from longshore.adapters.vips.settings import VipsSettings

log = structlog.get_logger(__name__)

_START_S = 30.0  # imports take a third of a second; more only when the machine is overwhelmed
_END_S = 2.0
_FORK_S = 5.0


class Worker:
    """The front's end of one worker process."""

    def __init__(self, sock: socket.socket, pid: int, pidfd: int | None) -> None:
        self._sock = sock
        self._pidfd = pidfd
        self.pid = pid
        self.jobs = 0

    @property
    def is_alive(self) -> bool:
        """False once the process has ended. A worker that is asked nothing says nothing, so any input is its end."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def ask(self, job: wire.Job, descriptors: tuple[int, ...]) -> wire.Reply:
        """Send a job and wait for its end. Raises OSError or ValueError: the worker is gone, or talks nonsense."""
        self.jobs += 1
        wire.send(self._sock, wire.encode_job(job), descriptors)
        return wire.decode_reply(await wire.receive_async(self._sock))

    def kill(self) -> None:
        """End the process at once, whatever it is doing. Who waits for its answer gets an OSError."""
        with contextlib.suppress(ProcessLookupError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif self.is_alive:
                os.kill(self.pid, signal.SIGKILL)

    def forget(self) -> None:
        """Free what the front holds of it. Nobody may be waiting for its answer."""
        self._sock.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


class Zygote:
    """The process that forks. Start it from a thread that lives as long as it should (the kernel ties it to that)."""

    def __init__(self, settings: VipsSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._turn = asyncio.Lock()
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def fork(self) -> Worker:
        """A new worker; the zygote is started if there is none. Raises OSError or TimeoutError."""
        async with self._turn:
            if self._control is None:
                await self._start()
            try:
                async with asyncio.timeout(_FORK_S):
                    return await self._fork()
            except (OSError, ValueError, TimeoutError) as error:
                log.warning("render.zygote_lost", error=str(error))
                await self._end()
                raise ConnectionResetError("the zygote is gone") from error

    async def stop(self) -> None:
        async with self._turn:
            await self._end()

    async def _fork(self) -> Worker:
        assert self._control is not None
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [wire.FORK], [theirs.fileno()])
            text, pidfd = await wire.receive_descriptor(self._control)
            ours.setblocking(False)
            return Worker(ours, int(text), pidfd)
        except BaseException:
            ours.close()
            raise

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        settings = self._settings
        arguments = (theirs.fileno(), os.getpid(), settings.memory, settings.result_size)
        # Not in a thread: the kernel would end the zygote with the thread that started it.
        self._process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-P", "-m", "longshore.adapters.vips.zygote", *(str(number) for number in arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=_environment(),
            cwd="/",
        )
        theirs.close()
        ours.setblocking(False)
        self._control = ours
        self.starts += 1
        try:
            async with asyncio.timeout(_START_S):
                text, _ = await wire.receive_descriptor(ours)
            if text != wire.READY:
                raise ConnectionResetError("the zygote did not start")
        except BaseException:
            await self._end()
            raise

    async def _end(self) -> None:
        process, self._process = self._process, None
        if self._control is not None:
            self._control.close()
            self._control = None
        if process is None:
            return
        if not await _ended(process, _END_S):
            process.kill()
            await _ended(process, _END_S)


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process ends within `seconds`."""
    for _ in range(int(seconds / 0.01)):
        if process.poll() is not None:
            return True
        await asyncio.sleep(0.01)
    return False


def _environment() -> dict[str, str]:
    """Nothing of ours: no secrets, no settings; what libvips and Python need."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if Path(path).is_absolute()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "VIPS_CONCURRENCY": "1",
        "VIPS_WARNING": "0",
        # Decoders that cannot stream (WebP, interlaced PNG) otherwise put pictures over 100 MB into a temporary file,
        # which a worker may not write; what it may hold is bounded by RLIMIT_AS.
        "VIPS_DISC_THRESHOLD": "16g",
        # One arena that keeps what it has: a sixth of the page faults and two thirds of the memory at the same speed.
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
        "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
        "XDG_CACHE_HOME": "/nonexistent",
    }


class Crew:
    """As many workers as were asked for, dead or worn ones replaced."""

    def __init__(self, settings: VipsSettings) -> None:
        self._settings = settings
        self.zygote = Zygote(settings)
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._members: set[Worker] = set()
        self._hiring: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.recycled = 0

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._members]

    async def start(self) -> None:
        """Raises OSError when processes cannot be started."""
        self._is_closing = False
        for _ in range(self._settings.workers):
            self._joined(await self.zygote.fork())

    async def stop(self) -> None:
        """End every process, whatever it is doing."""
        self._is_closing = True
        for task in self._hiring:
            task.cancel()
        await asyncio.gather(*self._hiring, return_exceptions=True)
        for worker in self._members:
            worker.kill()  # those at work are forgotten by who waits for them
        while not self._idle.empty():
            worker = self._idle.get_nowait()
            worker.forget()
            self._members.discard(worker)
        await self.zygote.stop()

    async def take(self) -> Worker:
        """An idle worker: the one that worked last, whose memory is warm. Waits while replacements are on their way."""
        while True:
            worker = await self._idle.get()
            if worker.is_alive:
                return worker
            self.replace(worker)

    def give(self, worker: Worker, *, peak: int) -> None:
        """It has done a job, and has held at most `peak` bytes so far."""
        if worker.jobs >= self._settings.recycle_jobs or peak >= self._settings.recycle_memory:
            self.recycled += 1
            self.replace(worker)
        else:
            self._idle.put_nowait(worker)

    def replace(self, worker: Worker) -> None:
        """Kill it and hire another at once. Nobody may be waiting for its answer."""
        worker.kill()
        worker.forget()
        self._members.discard(worker)
        if self._is_closing:
            return
        task = asyncio.get_running_loop().create_task(self._hire())
        self._hiring.add(task)
        task.add_done_callback(self._hiring.discard)

    async def _hire(self) -> None:
        pause = 0.05
        while True:
            try:
                worker = await self.zygote.fork()
            except OSError as error:
                log.error("render.worker_not_started", error=str(error), retry_s=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
            else:
                self._joined(worker)
                return

    def _joined(self, worker: Worker) -> None:
        self._members.add(worker)
        self._idle.put_nowait(worker)
