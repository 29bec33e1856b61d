"""The pool's processes: confined, killed in time, replaced at once, never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.errors import StorageFull
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import Preview, Resize
from longshore.core.media import MediaTooLarge
from longshore.ports.rendering import RenderCrashed, RenderQueueFull, RenderRefused, RenderTimeout, ResultTooLarge
from tests.integration.vips.conftest import PHOTO, QUICK, SLOW, Files, children_of, is_running, plan

DEADLINE = timedelta(milliseconds=150)


async def within(seconds: float, condition) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        await asyncio.sleep(0.005)
    return False


def limits_of(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return {line[:26].strip(): line[26:].split() for line in lines}


def zygote_of(pool: VipsPool) -> int:
    (zygote,) = (pid for pid in children_of(os.getpid()) if set(pool.pids) <= set(children_of(pid)))
    return zygote


def test_the_front_imports_no_codec() -> None:
    code = (
        "import sys, longshore.adapters.vips; print(sorted({'pyvips', 'PIL', 'pi_heif', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=_env(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_zygote_has_one_thread_and_workers_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGSHORE_SECRET", "hidden")
    async with VipsPool(VipsSettings(workers=2, memory=1 << 30, result_size=1 << 20)) as pool:
        zygote = zygote_of(pool)
        assert len(list(Path(f"/proc/{zygote}/task").iterdir())) == 1
        for pid in pool.pids:
            limits = {
                line[:26].strip(): line[26:].split() for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
            }
            assert await within(2, lambda pid=pid: str(1 << 30) in Path(f"/proc/{pid}/limits").read_text())
            limits = {
                line[:26].strip(): line[26:].split() for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
            }
            assert limits["Max address space"][:2] == [str(1 << 30)] * 2
            assert limits["Max file size"][:2] == [str(1 << 20)] * 2
            assert limits["Max core file size"][:2] == ["0", "0"]
            assert limits["Max open files"][:2] == ["64", "64"]
            assert b"hidden" not in Path(f"/proc/{pid}/environ").read_bytes()
            opened = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
            assert sum(name.startswith("socket:") for name in opened) == 1


async def test_a_worker_past_its_deadline_is_dead_at_once_and_replaced(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        late = list[float]()
        for _ in range(3):  # the machine may be busy with other tests
            await pool.render(QUICK, files.source(), files.target())
            (before,) = pool.pids
            began = time.monotonic()
            with pytest.raises(RenderTimeout):
                await pool.render(SLOW, files.source(), files.target(), deadline=DEADLINE)
            assert await within(1, lambda pid=before: not is_running(pid))
            late.append(time.monotonic() - began - DEADLINE.total_seconds())
            await pool.render(QUICK, files.source(), files.target())
            assert pool.pids != [before]
        assert min(late) < 0.05
        assert (pool.stats().timeouts, pool.stats().workers) == (3, 1)


async def test_workers_are_killed_and_forked_many_times_without_hanging(files: Files) -> None:
    """A fork of a process that had run libvips would hang after some of these."""
    async with VipsPool(VipsSettings(workers=2, killer_strikes=1000)) as pool:
        for _ in range(40):
            with pytest.raises(RenderTimeout):
                await pool.render(SLOW, files.source(), files.target(), deadline=timedelta(milliseconds=10))
            async with asyncio.timeout(5):
                await pool.render(QUICK, files.source(), files.target())
        assert await within(1, lambda: len(pool.pids) == 2)
        assert len([pid for pid in children_of(zygote_of(pool)) if is_running(pid)]) == 2


async def test_work_that_kills_twice_is_refused_for_a_while(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, killer_pause=0.6)) as pool:
        source = files.source()
        for _ in range(2):
            with pytest.raises(RenderTimeout):
                await pool.render(SLOW, source, files.target(), deadline=timedelta(milliseconds=30))
        with pytest.raises(RenderRefused) as refused:
            await pool.render(SLOW, source, files.target())
        assert refused.value.retry_after is not None
        await pool.render(QUICK, source, files.target())  # the file is not to blame, nor is anyone else's work
        await asyncio.sleep(0.6)
        with pytest.raises(RenderTimeout):
            await pool.render(SLOW, source, files.target(), deadline=timedelta(milliseconds=30))


async def test_a_job_that_needs_too_much_memory_fails_alone(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, memory=400 << 20)) as pool:
        with pytest.raises(RenderCrashed):
            await pool.render(
                plan(Resize(width=5000, height=5000), to=OutputFormat.AVIF), files.source(), files.target()
            )
        await pool.render(QUICK, files.source(), files.target())


async def test_a_result_with_too_many_bytes_is_not_written(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, result_size=20_000)) as pool:
        target = files.target()
        with pytest.raises(ResultTooLarge):
            await pool.render(plan(Preview(width=800, height=800), to=OutputFormat.PNG), files.source(), target)
        assert os.fstat(target).st_size == 0
        await pool.render(QUICK, files.source(), files.target())


async def test_a_full_disk_is_not_the_files_fault(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        full = os.open("/dev/full", os.O_WRONLY)
        try:
            with pytest.raises(StorageFull) as refused:
                await pool.render(QUICK, files.source(), full)
        finally:
            os.close(full)
        assert refused.value.retry_after is not None
        await pool.render(QUICK, files.source(), files.target())


async def test_a_worker_that_is_shot_is_replaced(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        job = asyncio.ensure_future(pool.render(SLOW, files.source(), files.target()))
        await asyncio.sleep(0.1)
        os.kill(pool.pids[0], signal.SIGSEGV)
        with pytest.raises(RenderCrashed):
            await job
        await pool.render(QUICK, files.source(), files.target())
        os.kill(pool.pids[0], signal.SIGKILL)  # while it has nothing to do: nobody notices
        await asyncio.sleep(0.05)
        await pool.render(QUICK, files.source(), files.target())
        assert pool.stats().crashes == 1


async def test_a_zygote_that_is_shot_is_started_again(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=2)) as pool:
        os.kill(zygote_of(pool), signal.SIGKILL)
        await asyncio.sleep(0.05)
        for _ in range(4):
            await pool.render(QUICK, files.source(), files.target())
        assert await within(3, lambda: len(pool.pids) == 2)
        assert pool.stats().zygote_starts == 2


async def test_a_caller_that_leaves_takes_its_work_along(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        job = asyncio.ensure_future(pool.render(SLOW, files.source(), files.target()))
        await asyncio.sleep(0.1)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        began = time.monotonic()
        await pool.render(QUICK, files.source(), files.target())
        assert time.monotonic() - began < 0.5
        assert pool.stats().crashes == 0


async def test_workers_are_recycled(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, recycle_jobs=3)) as pool:
        seen = set[int]()
        for _ in range(9):
            seen.update(pool.pids)
            await pool.render(QUICK, files.source(), files.target())
        assert pool.stats().recycled == 3
        assert len(seen) >= 3


async def test_a_full_queue_says_when_to_come_back(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, light_queue=2, heavy_queue=1, stop_grace=0.1)) as pool:
        jobs = [asyncio.ensure_future(pool.render(SLOW, files.source(), files.target())) for _ in range(2)]
        await asyncio.sleep(0.1)
        with pytest.raises(RenderQueueFull) as busy:
            await pool.render(SLOW, files.source(), files.target())
        assert busy.value.retry_after is not None
        assert timedelta(seconds=1) <= busy.value.retry_after <= timedelta(seconds=30)
        assert (pool.stats().busy, pool.stats().waiting_heavy, pool.stats().turned_away) == (1, 1, 1)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def test_waiting_too_long_is_answered_too(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, queue_wait=0.1)) as pool:
        job = asyncio.ensure_future(pool.render(SLOW, files.source(), files.target()))
        await asyncio.sleep(0.05)
        with pytest.raises(RenderQueueFull):
            await pool.render(QUICK, files.source(), files.target())
        assert pool.stats().waiting_light == 0
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_heavy_work_leaves_a_worker_for_light_work(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=2)) as pool:
        jobs = [asyncio.ensure_future(pool.render(SLOW, files.source(), files.target())) for _ in range(3)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            await pool.render(QUICK, files.source(), files.target())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def test_stopping_ends_every_process_even_at_work(files: Files) -> None:
    pool = VipsPool(VipsSettings(workers=2, stop_grace=0.1))
    await pool.start()
    pids = [*pool.pids, zygote_of(pool)]
    job = asyncio.ensure_future(pool.render(SLOW, files.source(), files.target()))
    await asyncio.sleep(0.05)
    await pool.stop()
    with pytest.raises(RenderCrashed):
        await job
    assert await within(1, lambda: not any(is_running(pid) for pid in pids))
    with pytest.raises(RenderQueueFull):
        await pool.render(QUICK, files.source(), files.target())
    await pool.stop()


def test_processes_end_with_a_front_that_is_killed(tmp_path: Path) -> None:
    """Even those in the middle of their work."""
    (tmp_path / "photo").write_bytes(PHOTO)
    script = f"""
import asyncio, os
from longshore.adapters.vips import VipsPool, VipsSettings
from tests.integration.vips.conftest import SLOW, children_of
async def main():
    async with VipsPool(VipsSettings(workers=2)) as pool:
        source = os.open({str(tmp_path / "photo")!r}, os.O_RDONLY)
        target = os.open({str(tmp_path / "out")!r}, os.O_WRONLY | os.O_CREAT)
        job = asyncio.ensure_future(pool.render(SLOW, source, target))
        await asyncio.sleep(0.2)
        print(*pool.pids, *children_of(os.getpid()), flush=True)
        await job
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], env=_env(), stdout=subprocess.PIPE, text=True) as front:
        assert front.stdout is not None
        pids = [int(pid) for pid in front.stdout.readline().split()]
        assert len(pids) == 3
        assert all(is_running(pid) for pid in pids)
        front.kill()
        front.wait()
    end = time.monotonic() + 1
    while any(is_running(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(is_running(pid) for pid in pids)


async def test_limits_of_the_installation_reach_the_workers(files: Files) -> None:
    async with VipsPool(VipsSettings(workers=1, limits=ImageLimits(input_pixels=1_000_000))) as pool:
        with pytest.raises(MediaTooLarge):
            await pool.inspect(files.source())


def _env() -> dict[str, str]:
    root = Path(__file__).parents[3]
    return {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
