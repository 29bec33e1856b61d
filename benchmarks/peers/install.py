"""Installs the peers: `python -m benchmarks.peers.install`. What is there in the right version is left alone.

sharp comes from npm and thumbor from PyPI, both locked by hash beside this file; ImageMagick 6 and jemalloc from this
Debian's archive, whose signatures apt checks: downloaded and unpacked, not installed, so neither rights nor the
system's own `convert` matter. All of it lies below one folder of the user's cache; LONGSHORE_PEERS puts it elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
_MACHINE = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}


class PeerMissing(Exception):
    """A peer cannot be installed here; the message says why. Benchmarks then go on without it."""


def folder() -> Path:
    """Where the peers lie."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("LONGSHORE_PEERS") or cache / "longshore" / "peers")


def sharp() -> Path:
    """The folder with `node_modules`. Needs Node and npm. Raises PeerMissing."""

    def install(place: Path) -> None:
        for name in ("package.json", "package-lock.json", "sharp.mjs"):
            shutil.copy(HERE / name, place)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"], cwd=place)

    return _installed("sharp", [HERE / name for name in ("package.json", "package-lock.json", "sharp.mjs")], install)


def thumbor() -> Path:
    """The Python of a venv that holds it. Raises PeerMissing."""

    def install(place: Path) -> None:
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        lock = (HERE / "thumbor.lock").read_text()
        tools = [
            found[0]
            for name in ("setuptools", "wheel")
            if (found := re.search(rf"^{name}==.*?(?=^\S)", lock, re.DOTALL | re.MULTILINE))
        ]
        (place / "tools.lock").write_text("\n".join(tools))
        # some of its packages are sdists: built with the locked tools, not with whatever is newest
        _run([*pip, "-r", str(place / "tools.lock")])
        _run([*pip, "--no-build-isolation", "-r", str(HERE / "thumbor.lock")])

    return _installed("thumbor", [HERE / "thumbor.lock"], install) / "bin/python"


def magick() -> dict[str, str]:
    """The environment in which `convert` is Debian's ImageMagick 6, as `MAGICK` its path. Raises PeerMissing."""
    place = _unpacked("imagemagick")
    machine = _machine()
    programs = sorted(place.glob("usr/bin/convert-im6*"))
    if not programs:
        raise PeerMissing("this Debian's imagemagick is not ImageMagick 6")
    modules = next(iter(place.glob(f"usr/lib/{machine}/ImageMagick-6*")), place)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "MAGICK": str(programs[0]),
        "LD_LIBRARY_PATH": f"{place}/usr/lib/{machine}",
        "MAGICK_CONFIGURE_PATH": f"{place}/etc/ImageMagick-6",
        "MAGICK_CODER_MODULE_PATH": str(next(iter(modules.glob("modules-*/coders")), modules)),
    }


def jemalloc() -> Path:
    """The library that sharp's documentation recommends on glibc. Raises PeerMissing."""
    found = sorted(_unpacked("libjemalloc2").glob(f"usr/lib/{_machine()}/libjemalloc.so.*"))
    if not found:
        raise PeerMissing("libjemalloc2 holds no library")
    return found[0]


def _unpacked(package: str) -> Path:
    """A folder with the package and all that it needs and this system has not."""

    def install(place: Path) -> None:
        said = _run(["apt-get", "-y", "--no-install-recommends", "--print-uris", "install", package])
        names = re.findall(r"^'\S+' ([^_\s]+)_(\S+)_\w+\.deb ", said, re.MULTILINE)
        if not names:  # installed already: only its own files
            names = [(package, "")]
        wanted = [f"{name}={version.replace('%3a', ':')}" if version else name for name, version in names]
        _run(["apt-get", "-q", "download", *wanted], cwd=place)
        for archive in place.glob("*.deb"):
            _run(["dpkg", "-x", str(archive), str(place)])
            archive.unlink()

    return _installed(package, [], install)


def _installed(name: str, locks: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """The folder of a peer, filled by `install` unless it was by the same locks."""
    place = folder() / name
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = place / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return place
    print(f"   installing {name} for comparison", file=sys.stderr, flush=True)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    install(place)
    stamp.write_text(wanted)
    return place


def _machine() -> str:
    machine = os.uname().machine
    if machine not in _MACHINE:
        raise PeerMissing(f"there are no Debian packages for {machine} here")
    return _MACHINE[machine]


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise PeerMissing(f"{command[0]} is not here") from None
    if done.returncode:
        end = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise PeerMissing(f"{' '.join(command[:4])} failed: {' '.join(end)}")
    return done.stdout


def main() -> int:
    fine = True
    for install in (sharp, thumbor, magick, jemalloc):
        try:
            print(f"{install.__name__}: {install()}")
        except PeerMissing as missing:
            print(f"{install.__name__}: {missing}")
            fine = False
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
