"""Says at the end of a run what ran, and on what: a green run of half the tests should not look like a whole one."""

import collections
import platform
import re
import subprocess
from importlib.metadata import version

import pytest

from tests.servers.process import ServerFailed, find_program


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed", "error") for report in terminalreporter.getreports(outcome)]
    ran: collections.Counter[str] = collections.Counter()
    for nodeid in {report.nodeid for report in reports if hasattr(report, "nodeid")}:
        ran[_sort_of_test(nodeid)] += 1
    options = terminalreporter.config.option
    chosen_by = [f"-m '{options.markexpr}'"] * bool(options.markexpr) + [f"-k '{options.keyword}'"] * bool(
        options.keyword
    )
    used_servers = any("server" in getattr(report, "keywords", {}) for report in reports)

    terminalreporter.section("what ran")
    terminalreporter.line(", ".join(f"{name} {count}" for name, count in sorted(ran.items())) or "nothing")
    if chosen_by:
        terminalreporter.line(f"only a part, chosen by {' '.join(chosen_by)}")
    on = [f"Python {platform.python_version()}", f"libvips wheel {version('pyvips-binary')}"]
    terminalreporter.line(", ".join(on + (_server_versions() if used_servers else ["no server"])))


def _sort_of_test(nodeid: str) -> str:
    """`tests/unit/...` is unit; the client's tests are client."""
    folders = nodeid.partition("::")[0].split("/")
    if folders[0] != "tests":
        return "client"
    return folders[1] if len(folders) > 2 else "corpus"


def _server_versions() -> list[str]:
    return [
        _version("clamd", "--version"),
        _version("nginx", "-v"),
        _version("radosgw", "--version"),
        _version("chromium", "--version"),
    ]


def _version(program: str, option: str) -> str:
    try:
        path = find_program(program, package=program)
    except ServerFailed:
        return f"{program} missing"
    done = subprocess.run([path, option], capture_output=True, text=True, check=False)
    number = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return f"{program} {number[0] if number else '?'}"
