"""The client for code that does not know asyncio: the same methods, run on a thread of their own."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from longshore_client.client import LongshoreClient
from longshore_client.errors import LongshoreError
from longshore_client.retries import Retries

P = ParamSpec("P")
R = TypeVar("R")

_GRACE_S = 5.0


def _blocking(
    method: Callable[Concatenate[LongshoreClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Client, P], R]:
    @functools.wraps(method)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._run(lambda client: method(client, *args, **kwargs))  # pyright: ignore[reportPrivateUsage] -- ours

    return call


class Client:
    """`LongshoreClient` without `await`: the same methods with the same promises, callable from any thread.

    Use it as `with`, or `close` it. One background thread does the work of all calls, from the first to `close`;
    `on_progress` is called there, and must not call the client. Ctrl-C aborts the upload that is waited for.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        token: str | None = None,
        public_key: str | None = None,
        retries: Retries | None = None,
    ) -> None:
        self._client = LongshoreClient(base_url, key=key, token=token, public_key=public_key, retries=retries)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    upload = _blocking(LongshoreClient.upload)
    upload_many = _blocking(LongshoreClient.upload_many)
    request_upload = _blocking(LongshoreClient.request_upload)
    request_uploads = _blocking(LongshoreClient.request_uploads)
    renew = _blocking(LongshoreClient.renew)
    send = _blocking(LongshoreClient.send)
    confirm = _blocking(LongshoreClient.confirm)
    abort = _blocking(LongshoreClient.abort)
    status = _blocking(LongshoreClient.status)
    wait = _blocking(LongshoreClient.wait)
    file = _blocking(LongshoreClient.file)
    store = _blocking(LongshoreClient.store)
    remove = _blocking(LongshoreClient.remove)
    signed_url = _blocking(LongshoreClient.signed_url)
    record = _blocking(LongshoreClient.record)
    restore = _blocking(LongshoreClient.restore)
    kinds = _blocking(LongshoreClient.kinds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what is still going on (uploads are aborted), close connections, end the thread. May be repeated."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=_GRACE_S)
        await self._client.close()

    def _run(self, act: Callable[[LongshoreClient], Coroutine[Any, Any, R]]) -> R:
        future = self._submitted(act)
        try:
            return future.result()
        except CancelledError:
            raise LongshoreError("The client was closed meanwhile") from None
        except BaseException:
            # Ctrl-C, while the work goes on elsewhere. (No effect when it was the work that raised.)
            future.cancel()
            raise

    def _submitted(self, act: Callable[[LongshoreClient], Coroutine[Any, Any, R]]) -> Future[R]:
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed")
            if self._thread is threading.current_thread():
                raise RuntimeError("the client cannot be called from its own thread, where on_progress runs")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_loop, args=(self._loop,), name="longshore-client", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(act(self._client), self._loop)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
