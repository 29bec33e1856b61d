"""What the repository promises about itself: its commands, its locks, its libvips."""

import re
import subprocess
from pathlib import Path

import pytest
import pyvips

ROOT = Path(__file__).parents[2]


def _run_help() -> str:
    return subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True).stdout


def _implemented() -> set[str]:
    """The commands that `run` dispatches on."""
    menu = (ROOT / "run").read_text().rpartition("case $command in")[2]
    return set(re.findall(r"^  ([a-z]+)(?: \|[^)]*)?\)", menu, re.MULTILINE))


@pytest.mark.parametrize("where", ["help", "README.md"])
def test_every_command_of_run_is_explained(where: str) -> None:
    text = _run_help() if where == "help" else (ROOT / "README.md").read_text()
    explained = set(re.findall(r"^(?:\| `)?\./run ([a-z]+)", text, re.MULTILINE))

    assert explained == _implemented() - {"start"}  # that is plain ./run


def test_an_unknown_command_is_refused_in_one_line() -> None:
    done = subprocess.run([ROOT / "run", "tets"], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "run: unknown command 'tets'; ./run help lists them\n"


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_every_locked_package_has_a_version_and_hashes(lock: Path) -> None:
    # continued lines become one line per package
    packages = [line for line in lock.read_text().replace("\\\n", "").splitlines() if line and line.lstrip()[0] != "#"]

    assert packages
    assert [line for line in packages if not re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_dev_lock_contains_the_runtime_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9.-]+==[^\\\n]+", (ROOT / name).read_text(), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_libvips_is_the_wheels() -> None:
    """A libvips of the system would decode other formats, with other bugs."""
    assert (pyvips.version(0), pyvips.version(1)) == (8, 18)
    assert pyvips.API_mode
