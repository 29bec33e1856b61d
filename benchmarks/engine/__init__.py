"""The image engine beside bare pyvips calls. Run with `python -m benchmarks.engine`."""

from benchmarks.engine.cold import main

__all__ = ["main"]
