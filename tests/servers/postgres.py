"""A private PostgreSQL cluster: ready in about a second, its data in a short folder, gone afterwards.

Each test gets a database of its own, copied from a template that was migrated once. PostgreSQL refuses to run as root:
then the cluster belongs to the user `postgres`, whom the Debian package brings.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg

from longshore.adapters.sql.postgres.schema import ensure_schema
from longshore.adapters.sql.postgres.settings import PostgresSettings
from tests.servers.process import ServerFailed, ServerProcess, free_port, short_folder

SUPERUSER = "longshore"
_TEMPLATE = "migrated"
_QUICK = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
"""For tests whose data need not survive the machine."""


def find_bin() -> Path:
    """The folder of `postgres` and `initdb`; Debian keeps it out of PATH. ServerFailed names the package."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not versions:
        raise ServerFailed("initdb is not installed: apt-get install --no-install-recommends postgresql")
    return versions[-1].parent


class Postgres:
    """A cluster on 127.0.0.1:`port`, with the switches that fault tests need."""

    def __init__(self, folder: Path, *, durable: bool, options: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self._numbers = itertools.count()
        programs = find_bin()
        user = "postgres" if os.geteuid() == 0 else None
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        command = [programs / "initdb", "-D", folder / "data", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        made = subprocess.run(command, user=user, group=user, cwd=folder, capture_output=True, text=True, check=False)
        if made.returncode:
            raise ServerFailed(f"initdb failed: {made.stderr}")
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={folder}",
            "shared_buffers=64MB",
            "max_connections=100",
            *(() if durable else _QUICK),
            *options,
        ]
        self._process = ServerProcess(
            [str(programs / "postgres"), "-D", str(folder / "data"), *(f"--{setting}" for setting in settings)],
            folder=folder,
            is_ready=self.answers,
            when_orphaned=signal.SIGQUIT,  # an immediate end, but with nothing left in shared memory
            user=user,
        )

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        """End in order, at once for those who are connected ("fast")."""
        self._process.signal(signal.SIGINT)
        self._process.stop()

    def kill(self) -> None:
        """End as by a crash: the postmaster and all who work for it, in the middle of whatever they do."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def pause(self) -> None:
        """Freeze all: connections are accepted by the kernel, nothing is answered."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        pid = self._process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.Error):
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            return True
        return False

    def url(self, database: str, user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def execute(self, command: str, database: str = "postgres") -> None:
        """One command, by the superuser, outside of transactions."""
        with psycopg.connect(self.url(database), autocommit=True) as db:
            db.execute(command)  # pyright: ignore[reportArgumentType, reportCallIssue] -- tests write it

    def empty_database(self) -> str:
        """URL of a new database with nothing in it."""
        return self._create("template0")

    def database(self) -> str:
        """URL of a new database with our schema in it."""
        with psycopg.connect(self.url("postgres")) as db:
            exists = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_TEMPLATE,)).fetchone()
        if not exists:
            self.execute(f"CREATE DATABASE {_TEMPLATE}")
            ensure_schema(PostgresSettings(url=self.url(_TEMPLATE)))
        return self._create(_TEMPLATE)

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Forget a database, whoever is still connected."""
        self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def log(self) -> str:
        return self._process.log()


@contextlib.contextmanager
def running_postgres(*options: str, durable: bool = False) -> Iterator[Postgres]:
    """A started cluster in a folder of its own; ended and removed afterwards. `durable` waits for the disk."""
    with short_folder("pg") as folder:
        server = Postgres(folder, durable=durable, options=options)
        server.start()
        try:
            yield server
        finally:
            server.kill()
