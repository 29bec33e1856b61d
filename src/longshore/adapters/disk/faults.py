"""The operating system's errors in the product's words."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Generator
from datetime import timedelta

from longshore.core.errors import StorageFull, Upstream

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_RETRY = timedelta(minutes=1)
_RETRY = timedelta(seconds=5)


def storage_full() -> StorageFull:
    return StorageFull(retry_after=_FULL_RETRY)


@contextlib.contextmanager
def translated() -> Generator[None]:
    """OSError becomes StorageFull or Upstream, the cause kept. Paths stay out of the message: it is public."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise storage_full() from error
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise Upstream(f"The storage folder does not answer as it should ({name})", retry_after=_RETRY) from error
