"""Admissions through the native API: authenticated, a durable row and its audit, a signed answer, a log line.

Beside the same server with one transaction for each request. Target: 4,000 a second, and twice the other.
"""

from __future__ import annotations

from benchmarks.load import cpu_seconds, requests_per_second
from tests.servers.longshore import running_longshore

TARGET, RATIO = 4_000, 2.0
ROUNDS = 3
_BODY = '{"name":"photo.jpg","type":"image/jpeg","size":3194023,"metadata":{"campaign":"7"}}'


def main() -> None:
    batched: list[float] = []
    single: list[float] = []
    cpu = 0.0
    with running_longshore() as ours, running_longshore({"DATABASE__BATCH_ROWS": "1"}) as other:
        for _ in range(ROUNDS):
            before, rate = cpu_seconds(ours.process.pid), _admit(ours.url, ours.demo.secret_key)
            cpu = (cpu_seconds(ours.process.pid) - before) / (rate * 5) * 1e6
            batched.append(rate)
            single.append(_admit(other.url, other.demo.secret_key))
    best = max(batched)
    print(f"   {best:8.0f} admissions/s ({cpu:.0f} µs of CPU each)   target {TARGET}")
    print(f"   {max(single):8.0f} admissions/s with one transaction each")
    print(f"   {best / max(single):8.2f} x   target {RATIO} x")


def _admit(url: str, key: str) -> float:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return requests_per_second(f"{url}/api/v1/uploads", method="POST", headers=headers, body=_BODY)


if __name__ == "__main__":
    main()
