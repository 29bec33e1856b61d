"""The image engine: libvips, Pillow and pi-heif in worker processes.

The front (`pool`, `crew`, `admit`, `killers`, `wire`, `sniff`, `settings`) imports no codec; `worker`, `facts`,
`render`, `decode` and `encode` run only in processes forked from `zygote`.
"""

from longshore.adapters.vips.pool import PoolStats, VipsPool
from longshore.adapters.vips.settings import VipsSettings

__all__ = ["PoolStats", "VipsPool", "VipsSettings"]
