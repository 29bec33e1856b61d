"""Settings: one TOML file, then the environment over it. Read once, here and nowhere else.

`LONGSHORE_PORT=8700` sets `port`, `LONGSHORE_SCANNER__TYPE=clamd` sets `type` in the table `[scanner]`. A wrong value
stops the start with one sentence that names it, what was expected, and where it is documented.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from longshore.adapters.clamd import ClamdSettings
from longshore.adapters.outbound import OutboundSettings
from longshore.adapters.s3 import S3Settings
from longshore.adapters.vips import VipsSettings
from longshore.core.errors import Invalid
from longshore.core.kind import ScanPolicy
from longshore.core.sizes import MIB

PREFIX = "LONGSHORE_"
DOCUMENTED = "docs/reference/settings.md"

#: Read by the `longshore upload` command and the client, not by the server.
CLIENT_VARIABLES = frozenset({"LONGSHORE_URL", "LONGSHORE_SECRET_KEY", "LONGSHORE_PUBLIC_KEY", "LONGSHORE_TOKEN"})
#: Read by `./run`.
RUN_VARIABLES = frozenset({"LONGSHORE_PYTHON"})
CONFIG_VARIABLE = "LONGSHORE_CONFIG"


class SettingsInvalid(Invalid):
    """A setting is wrong or unknown."""

    code = "settings-invalid"
    title = "The settings are not valid"


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of settings."""


class SqliteChoice(Group, frozen=True, tag_field="type", tag="sqlite"):
    """SQLite in the data folder."""

    readers: Annotated[int, Meta(ge=1, le=64)] = 3
    """Threads that read, each with a connection of its own."""
    batch_rows: Annotated[int, Meta(ge=1)] = 4_000
    """How many rows of requested uploads one transaction writes at most."""


class PostgresChoice(Group, frozen=True, tag_field="type", tag="postgres"):
    """PostgreSQL, which several processes and hosts share."""

    url: str
    """`postgresql://user:password@host:port/database`, with libpq's parameters after `?`, such as `sslmode=require`."""
    connections: Annotated[int, Meta(ge=2, le=1000)] = 10
    """Connections of one process for transactions and reads, opened when they are needed; one more writes requests."""
    patience_s: Annotated[float, Meta(gt=0, le=300)] = 5.0
    """How long to wait for a free connection before answering that the database is busy."""
    lock_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 5.0
    """How long a statement waits for a row that another transaction has changed."""
    statement_timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 15.0
    """How long a statement may take."""
    batch_rows: Annotated[int, Meta(ge=1)] = 4_000
    """How many rows of requested uploads one transaction writes at most."""


class DiskChoice(Group, frozen=True, tag_field="type", tag="disk"):
    """Objects in the data folder."""

    threads: Annotated[int, Meta(ge=1, le=256)] = 16
    """Threads that read and write files."""


class S3Choice(S3Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="s3"):
    """Objects in an S3 store, and uploads straight to it; `longshore storage setup` prepares it."""


class NoScanner(Group, frozen=True, tag_field="type", tag="none"):
    """Nothing is scanned."""


class Clamd(ClamdSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="clamd"):
    """clamd by its socket or by TCP."""


class DerivedSettings(Group, frozen=True):
    """The cache of derived results on the local disk."""

    size: Annotated[int, Meta(ge=MIB)] = 10 * 1024 * MIB
    """Bytes on disk at most; the least recently used results go first."""
    memory: Annotated[int, Meta(ge=0)] = 64 * MIB
    """Bytes of small results kept in memory."""
    mezzanine: bool = True
    """Whether photographs of more than 4 megapixels get a copy of 2048 pixels among the derived results, from which
    further variants are made in half the time."""


class UploadSettings(Group, frozen=True):
    """How files come in."""

    direct_size: Annotated[int, Meta(ge=1)] = 100 * MIB
    """Largest file that `POST /base/` takes, in bytes."""
    wait_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    """How long `/base/`, `/multipart/complete/` and the CDN path wait for a check to end (decision 12)."""
    without_scanner: ScanPolicy = ScanPolicy.ALLOW
    """What becomes of files when no scanner is configured and their kind does not say."""
    over_size: ScanPolicy = ScanPolicy.HOLD
    """What becomes of files larger than the scanner takes when their kind does not say."""


class HttpSettings(Group, frozen=True):
    """The web server."""

    header_size: Annotated[int, Meta(ge=1024)] = 32 * 1024
    """Bytes of one request's headers at most; more is refused with 431."""
    url_size: Annotated[int, Meta(ge=512)] = 8 * 1024
    """Bytes of a request's path and query at most; more is refused with 414."""
    stop_s: Annotated[float, Meta(ge=0)] = 30.0
    """How long a stop waits for what is in flight."""
    metrics_token: str | None = None
    """With it `/metrics` also answers to others than loopback: `Authorization: Bearer <token>`."""
    simple_auth_over_http: bool = True
    """Whether `Uploadcare.Simple` credentials are taken over plain HTTP. Turn it off where there is TLS in front."""


class LogSettings(Group, frozen=True):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is written."""
    format: Literal["auto", "json", "console"] = "auto"
    """`auto` is coloured lines on a terminal and JSON elsewhere."""
    requests: bool = True
    """Whether every request gets a line."""


class Settings(Group, frozen=True):
    """All settings of an installation."""

    host: str = "127.0.0.1"
    """The address the web server listens on."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8700
    """Its port; 0 takes a free one and prints it."""
    public_url: Annotated[str, Meta(pattern=r"^https?://[^/\s]+(/[^\s]*)?$")] | None = None
    """What people reach the server by, without a path; `http://host:port` when absent."""
    data_dir: Path = Path("longshore-data")
    """Where everything is kept."""
    master_key: str | None = None
    """32 bytes in base64 or hex that protect stored secrets; without it the file `master.key` in the data folder."""
    database: SqliteChoice | PostgresChoice = SqliteChoice()
    """Where rows are kept."""
    storage: DiskChoice | S3Choice = DiskChoice()
    """Where objects are kept."""
    scanner: NoScanner | Clamd = NoScanner()
    """Who looks for malware."""
    derived: DerivedSettings = DerivedSettings()
    render: VipsSettings = VipsSettings()
    """The image engine."""
    upload: UploadSettings = UploadSettings()
    outbound: OutboundSettings = OutboundSettings()
    """Requests to the outside, such as webhooks."""
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()


def load(environment: Mapping[str, str], config: Path | None = None) -> Settings:
    """The settings from a TOML file (`config`, or what LONGSHORE_CONFIG names) and the environment.

    Raises SettingsInvalid with one sentence.
    """
    file = config or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    values = _from_file(file) if file else {}
    for variable, text in sorted(environment.items(), key=lambda item: item[0].count("__")):
        if variable.startswith(PREFIX) and variable not in CLIENT_VARIABLES | RUN_VARIABLES | {CONFIG_VARIABLE}:
            _place(values, variable, text)
    for group, usual in _USUAL_TYPES.items():
        if isinstance(values.get(group), dict):
            values[group].setdefault("type", usual)
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_decoded)
    except msgspec.ValidationError as e:
        raise SettingsInvalid(_sentence(str(e), values)) from e


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise SettingsInvalid(f"The settings file {path} cannot be read: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise SettingsInvalid(f"The settings file {path} is not TOML: {e}") from e


def _place(values: dict[str, Any], variable: str, text: str) -> None:
    *groups, name = variable.removeprefix(PREFIX).lower().split("__")
    table = values
    for group in groups:
        inner: Any = table.setdefault(group, {})
        if not isinstance(inner, dict):
            raise SettingsInvalid(f"{variable}: {group} is a single value, not a table; see {DOCUMENTED}")
        table = cast("dict[str, Any]", inner)
    table[name] = text.split(",") if name in _LISTS else text


#: What a group is when only something inside it is set.
_USUAL_TYPES = {"database": "sqlite", "storage": "disk"}

#: Settings that are lists; in the environment their items are separated by commas.
_LISTS = frozenset({"allow"})


def _decoded(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise NotImplementedError(kind)


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*?)`)?$", re.DOTALL)


def _sentence(message: str, values: Mapping[str, Any]) -> str:
    """msgspec's message as a sentence that names the setting as people write it."""
    match = _AT.match(message)
    what, where = (match["what"], match["where"]) if match else (message, None)
    unknown = re.search(r"unknown field `(\w+)`", what)
    if unknown:
        where = ".".join(part for part in (where, unknown[1]) if part)
        what = "there is no such setting"
    value: Any = values
    where = where or ""
    for part in where.split(".") if where else []:
        value = value.get(part) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- TOML data
    variable = PREFIX + where.replace(".", "__").upper()
    shown = f" = {value!r}" if isinstance(value, str | int | float) else ""
    return f"Setting {variable} ({where or 'top level'}{shown}): {what}. Documented in {DOCUMENTED}"
