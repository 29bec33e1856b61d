"""A load generator that costs little: wrk (Debian package `wrk`), on loopback only."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.process import find_program


def requests_per_second(
    url: str,
    *,
    seconds: int = 5,
    connections: int = 64,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> float:
    """Answered requests a second. Raises RuntimeError when any answer was not 2xx."""
    assert url.startswith("http://127.0.0.1:"), "only this machine is a target"
    lines = [
        f'wrk.method = "{method}"',
        *(f'wrk.headers["{name}"] = "{value}"' for name, value in (headers or {}).items()),
    ]
    if body:
        lines.append(f"wrk.body = [[{body}]]")
    return _measured(url, "\n".join(lines), seconds=seconds, connections=connections)


def rate_over(urls: Sequence[str], *, seconds: int, connections: int) -> float:
    """Answered requests a second when each request asks for the next of `urls`, all of one server. As above."""
    assert all(url.startswith("http://127.0.0.1:") for url in urls), "only this machine is a target"
    paths = ",".join(f'"/{url.split("/", 3)[3]}"' for url in urls)
    script = f"""
        local paths, number = {{{paths}}}, 0
        request = function()
            number = number + 1
            return wrk.format("GET", paths[(number - 1) % #paths + 1])
        end
    """
    return _measured(urls[0], script, seconds=seconds, connections=connections)


def _measured(url: str, lua: str, *, seconds: int, connections: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua)
        script.flush()
        command = [
            find_program("wrk", package="wrk"),
            *("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script.name, url),
        ]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise RuntimeError(f"not every request was answered well:\n{printed}")
    found = re.search(r"Requests/sec:\s+([0-9.]+)", printed)
    assert found is not None, printed
    return float(found[1])


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all its threads, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
