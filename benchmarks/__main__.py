"""`./run bench [NAME]`: the figures that the project promises, each printed beside a peer or a limit in one run."""

from __future__ import annotations

import importlib
import sys
import time

#: Each module has a `main()` that prints its figures.
NAMES = {
    "admissions": "native API admissions a second, and the same with one transaction each",
    "database": "the same below HTTP; reads; the ledger",
    "ready": "from confirm to ready, beside the bare work in one script",
    "read": "one read split into digests, type and scan",
    "cached": "cached delivery, beside a bare Starlette route",
    "engine": "renders, beside bare pyvips, sharp, thumbor and ImageMagick",
    "put": "1 GiB by signed PUT, beside nginx",
    "s3": "signatures a second; puts to Ceph, beside a bare loop of presigned PUTs",
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark called {unknown[0]}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        print(f"\n== {name}: {NAMES[name]}", flush=True)
        started = time.perf_counter()
        importlib.import_module(f"benchmarks.{name}").main()
        print(f"   ({time.perf_counter() - started:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
