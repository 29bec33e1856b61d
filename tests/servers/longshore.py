"""A real Longshore in embedded mode: `longshore serve` as a child, on a free port, with a folder of its own."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.process import ServerProcess, free_port, short_folder

SOURCES = Path(__file__).parents[2]


@dataclass(frozen=True)
class ProjectKeys:
    name: str
    public_key: str
    secret_key: str


class Longshore:
    """A running server at `url`. `settings` are environment variables without their `LONGSHORE_`."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "PORT": str(self.port),
            "DATA_DIR": str(self.data),
            "LOG__FORMAT": "json",
            # webhooks of tests are received on loopback
            "OUTBOUND__ALLOW": "127.0.0.1",
            **settings,
        }
        # `env` becomes Python, and `setpriv` has become `env`: the process is the server itself
        variables = [f"LONGSHORE_{name}={value}" for name, value in self.settings.items()]
        self.process = ServerProcess(
            ["/usr/bin/env", f"PYTHONPATH={SOURCES / 'src'}", *variables, *_COMMAND, "serve", "--demo"],
            folder=folder,
            is_ready=self.answers,
        )
        self._demo: ProjectKeys | None = None

    def answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
            return answer.status == 200
        return False

    @property
    def demo(self) -> ProjectKeys:
        """The project that the server made at its start."""
        if self._demo is None:
            self._demo = _keys(self.cli("project", "show", "demo"))
        return self._demo

    def new_project(self, name: str) -> ProjectKeys:
        """A project for one test alone."""
        return _keys(self.cli("project", "create", name))

    def cli(self, *arguments: str, code: int = 0) -> Any:
        """Run `longshore ARGUMENTS --json` on the same data folder; its answer. `code` is the exit code expected."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout else done.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `longshore ARGUMENTS` on the same data folder and settings."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "PYTHONPATH": str(SOURCES / "src"),
            **{f"LONGSHORE_{name}": value for name, value in self.settings.items()},
        }
        command = [*_COMMAND, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def log(self) -> list[dict[str, Any]]:
        """What it has logged so far, an object each."""
        lines = (self.folder / "output.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def __enter__(self) -> "Longshore":
        self.process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


_COMMAND = [sys.executable, "-W", "error", "-m", "longshore.cli"]


def _keys(described: Mapping[str, Any]) -> ProjectKeys:
    return ProjectKeys(described["name"], described["public_key"], described["secret_key"])


@contextlib.contextmanager
def running_longshore(settings: Mapping[str, str] | None = None) -> Iterator[Longshore]:
    """Starts one; it ends with the block and leaves nothing behind."""
    with short_folder("longshore") as folder, Longshore(folder, settings or {}) as server:
        yield server


def clamd_settings(socket: Path) -> dict[str, str]:
    """The settings for a scanner at that socket."""
    return {"SCANNER__TYPE": "clamd", "SCANNER__ADDRESS": str(socket)}
