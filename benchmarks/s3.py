"""Our S3 adapter against Ceph, beside a bare aiohttp loop of presigned PUTs; and signatures a second.

    python -m benchmarks.s3      prints presigns a second (60,000 demanded) and two ratios (bare / ours, 0.95 demanded)

Pairs run alternately on the same store, in memory; the ratio is the median over the pairs.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aiohttp
import yarl

from longshore.adapters.s3 import S3Settings
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.links import S3LinkSigner
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.adapters.s3.sigv4 import place_of, presign
from longshore.core.ids import FileId, RandomIds
from longshore.core.sizes import KIB, MIB
from longshore.core.time import SystemClock
from longshore.ports.storage import Bucket, Constraints, ObjectKey
from tests.s3 import Peek
from tests.servers.ceph import ACCESS_KEY, REGION, SECRET_KEY, running_ceph

PRESIGNS, PRESIGNS_WANTED = 50_000, 60_000
SMALL, LARGE = 4 * KIB, 64 * MIB
PART, AT_ONCE = 16 * MIB, 2
"""As the adapter sends a body of unknown length."""
RATIO_WANTED = 0.95


def presigns(signer: S3LinkSigner) -> float:
    """Links a second, through the port: type, length and condition signed."""
    limits = Constraints(
        content_type="image/jpeg", size_min=SMALL, size_max=SMALL, expires_at=datetime.now(UTC) + timedelta(hours=1)
    )
    keys = [ObjectKey.incoming(FileId(uuid4())) for _ in range(PRESIGNS)]
    best = 0.0
    for _ in range(3):
        started = time.perf_counter()
        for key in keys:
            signer.put(key, limits)
        best = max(best, PRESIGNS / (time.perf_counter() - started))
    return best


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), MIB):
        yield content[start : start + MIB]


async def measured(work: Callable[[], Awaitable[object]], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        await work()
    return time.perf_counter() - started


async def ratio(
    ours: Callable[[], Awaitable[object]], bare: Callable[[], Awaitable[object]], *, rounds: int, times: int
) -> tuple[float, float, float]:
    """Median of bare / ours, and both in seconds a call."""
    pairs: list[tuple[float, float]] = []
    await measured(ours, 2)
    await measured(bare, 2)
    for turn in range(rounds):
        first, second = (ours, bare) if turn % 2 else (bare, ours)
        took = {first: await measured(first, times), second: await measured(second, times)}
        pairs.append((took[bare], took[ours]))
    each = [statistics.median(side) / times for side in zip(*pairs, strict=True)]
    return statistics.median(theirs / mine for theirs, mine in pairs), each[0], each[1]


async def against(endpoint: str, bucket: str, folder: Path) -> None:
    settings = S3Settings(endpoint=endpoint, region=REGION, bucket=bucket, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    connection = Connection(settings, SystemClock())
    store = S3ObjectStore(connection, folder, RandomIds())
    print(f"presigns: {presigns(S3LinkSigner(settings, SystemClock())):,.0f}/s (at least {PRESIGNS_WANTED:,})")

    place = place_of(endpoint, bucket, "path")
    # no more keys than the store in memory has room for
    names = [str(uuid4()) for _ in range(4)]
    turn = 0
    async with aiohttp.ClientSession(trust_env=False) as session:

        async def bare(content: bytes) -> None:
            nonlocal turn
            turn += 1
            url = presign("PUT", place, names[turn % 4], signing=connection.signing, now=datetime.now(UTC), expires=900)
            headers = {"Content-Length": str(len(content))}
            async with session.put(yarl.URL(url, encoded=True), data=in_pieces(content), headers=headers) as answer:
                assert answer.status == 200
                await answer.read()

        async def ours(content: bytes) -> None:
            nonlocal turn
            turn += 1
            await store.put(ObjectKey(Bucket.FILES, names[turn % 4]), in_pieces(content), limit=len(content))

        async def bare_parts(content: bytes) -> None:
            """The same bytes with the same part size and parallelism, each part an object."""
            room = asyncio.Semaphore(AT_ONCE)

            async def part(start: int) -> None:
                async with room:
                    await bare(content[start : start + PART])

            await asyncio.gather(*(part(start) for start in range(0, len(content), PART)))

        for name, size, peer, wanted, rounds, times in (
            ("4 KiB", SMALL, bare, RATIO_WANTED, 15, 40),
            ("64 MiB, beside a loop over its parts", LARGE, bare_parts, RATIO_WANTED, 9, 1),
            ("64 MiB, beside one PUT of a length known before", LARGE, bare, None, 9, 1),
        ):
            content = os.urandom(size)
            found, theirs, mine = await ratio(
                lambda content=content: ours(content),
                lambda content=content, peer=peer: peer(content),
                rounds=rounds,
                times=times,
            )
            print(
                f"put of {name}: ours {mine * 1000:.2f} ms, bare aiohttp {theirs * 1000:.2f} ms;"
                f" ratio {found:.2f} ({f'at least {wanted}' if wanted else 'no target'})"
            )
    await store.close()


def main() -> None:
    with running_ceph() as ceph, tempfile.TemporaryDirectory(prefix="ls-s3-") as folder:
        asyncio.run(against(ceph.endpoint, Peek.new(ceph.endpoint).bucket, Path(folder)))


if __name__ == "__main__":
    main()
