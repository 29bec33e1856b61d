"""File names of derived results, and what is found of them on the disk."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

from longshore.adapters.disk.pending import is_abandoned
from longshore.core.ids import FileId, parse_file_id

Slot: TypeAlias = tuple[FileId, str]
"""Whose result, and its key."""

_NAME = re.compile(
    r"([A-Za-z0-9_-]{1,96})\.([0-9]{1,19})\.([0-9]{1,9})x([0-9]{1,9})\.([0-9]{1,19})\.([0-9a-f]{8})\.(.+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """`size` in bytes, `made_at` in microseconds since the epoch, `checksum` CRC-32."""

    key: str
    size: int
    width: int
    height: int
    made_at: int
    checksum: int
    content_type: str

    @property
    def text(self) -> str:
        kind = quote(self.content_type, safe="+").replace(".", "%2E")
        return f"{self.key}.{self.size}.{self.width}x{self.height}.{self.made_at}.{self.checksum:08x}.{kind}"


def parse_name(text: str) -> Name | None:
    m = _NAME.fullmatch(text)
    if m is None:
        return None
    return Name(
        key=m[1],
        size=int(m[2]),
        width=int(m[3]),
        height=int(m[4]),
        made_at=int(m[5]),
        checksum=int(m[6], 16),
        content_type=unquote(m[7]),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    slot: Slot
    size: int
    used_at: float


def names_of(key: str, folder: Path) -> list[Name]:
    """The results under `key` in a file's folder, none when that does not exist. Raises OSError."""
    prefix = f"{key}."
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if entry.name.startswith(prefix)]
        return [name for name in map(parse_name, names) if name is not None]
    except FileNotFoundError:
        return []


def scan(root: Path, temp: Path) -> list[Entry]:
    """All results below `root`, the least recently used first. Removes what broken writes left in `temp`."""
    _clear(temp)
    entries = [
        entry
        for shard in _folders(root)
        if len(shard.name) == 2
        for folder in _folders(shard)
        if (file_id := parse_file_id(folder.name)) is not None
        for entry in _results(file_id, folder)
    ]
    return sorted(entries, key=lambda entry: entry.used_at)


def _folders(folder: Path) -> list[Path]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:  # removed under our eyes, or never there
        return [Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False)]
    return []


def _results(file_id: FileId, folder: Path) -> list[Entry]:
    entries: list[Entry] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            name = parse_name(entry.name)
            if name is not None:
                with contextlib.suppress(FileNotFoundError):
                    entries.append(Entry((file_id, name.key), name.size, entry.stat().st_mtime))
    return entries


def _clear(temp: Path) -> None:
    with contextlib.suppress(FileNotFoundError), os.scandir(temp) as found:
        for left in found:
            if left.is_dir(follow_symlinks=False):
                shutil.rmtree(left.path, ignore_errors=True)
            elif is_abandoned(Path(left.path)):
                Path(left.path).unlink(missing_ok=True)
