"""The import contracts of pyproject.toml hold, and would notice if they did not."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = "Every package has its place, and imports only what lies below it"
NO_TECHNOLOGY = "core, ports and services know no web, database, broker, cloud or image library"
ADAPTERS_BY_WIRING = "Only wiring imports adapters"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources with the contracts, to plant things in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint_imports(tree: Path) -> tuple[int, str]:
    """Exit code and report of import-linter, run on `tree` alone."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_tree_as_it_stands_keeps_its_contracts(tree: Path) -> None:
    status, report = lint_imports(tree)

    assert status == 0, report
    assert "3 kept, 0 broken" in report


@pytest.mark.parametrize(
    ("place", "line", "contract"),
    [
        ("core", "import longshore.services", LAYERS),
        ("ports", "import longshore.services", LAYERS),
        ("services", "import longshore.http", LAYERS),
        ("services", "import longshore.adapters", LAYERS),
        ("adapters", "import longshore.services", LAYERS),
        ("http", "import longshore.worker", LAYERS),
        ("worker", "import longshore.http", LAYERS),
        ("wiring", "import longshore.cli", LAYERS),
        ("core", "import PIL.Image", NO_TECHNOLOGY),
        ("ports", "import aiohttp", NO_TECHNOLOGY),
        ("services", "import sqlalchemy", NO_TECHNOLOGY),
        ("services", "def late() -> None:\n    import sqlite3", NO_TECHNOLOGY),
        ("http", "import longshore.adapters", ADAPTERS_BY_WIRING),
        ("worker", "import longshore.adapters", ADAPTERS_BY_WIRING),
        ("cli", "import longshore.adapters", ADAPTERS_BY_WIRING),
    ],
)
def test_a_planted_import_breaks_its_contract(tree: Path, place: str, line: str, contract: str) -> None:
    (tree / "src" / "longshore" / place / "planted.py").write_text(f"{line}\n")
    status, report = lint_imports(tree)

    assert status != 0
    assert f"{contract} BROKEN" in report


def test_a_package_without_a_place_breaks_the_layers(tree: Path) -> None:
    (tree / "src" / "longshore" / "helpers").mkdir()
    (tree / "src" / "longshore" / "helpers" / "__init__.py").write_text("")
    status, report = lint_imports(tree)

    assert status != 0
    assert f"{LAYERS} BROKEN" in report
    assert "longshore.helpers" in report


@pytest.mark.parametrize("package", ["core", "ports"])
def test_core_and_ports_need_the_standard_library_only(package: str) -> None:
    """The contract above lists what is forbidden; here anything is that we did not write or get with Python."""
    foreign = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "src" / "longshore" / package).rglob("*.py")
        for name in _imported(path)
        if name not in sys.stdlib_module_names and name != "longshore"
    }

    assert foreign == set()


def _imported(path: Path) -> set[str]:
    """Top-level names of what a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
