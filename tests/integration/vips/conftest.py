"""Files and plans for the engine's tests, and looking at its processes."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.operations import Operation, Preview, Resize
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.media import ImageFacts
from tests import corpus
from tests.integration.vips.studio import Studio

PHOTO = corpus.photo_jpeg(1632, 1224, 2)
FACTS = ImageFacts(format="JPEG", width=1632, height=1224, color_mode="RGB")


def plan(*operations: Operation, to: OutputFormat = OutputFormat.JPEG) -> Plan:
    return make_plan(operations, FACTS, Choice(format=to, varies=False))


QUICK = plan(Preview(width=80, height=60))
#: About two seconds of one core.
SLOW = plan(Resize(width=5000), to=OutputFormat.AVIF)


class Files:
    """Descriptors for a test, closed after it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = self._folder = folder
        self._stack = stack
        self._count = 0

    def source(self, content: bytes = PHOTO) -> int:
        self._count += 1
        path = self._folder / f"source-{self._count}"
        path.write_bytes(content)
        return self._opened(path, os.O_RDONLY)

    def target(self) -> int:
        self._count += 1
        return self._opened(self._folder / f"target-{self._count}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def _opened(self, path: Path, flags: int) -> int:
        descriptor = os.open(path, flags)
        self._stack.callback(os.close, descriptor)
        return descriptor


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    with ExitStack() as stack:
        yield Files(tmp_path, stack)


def is_running(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    """A pool of one worker for a whole module."""
    async with VipsPool(VipsSettings(workers=1)) as pool:
        yield Studio(pool, tmp_path_factory.mktemp("studio"))
