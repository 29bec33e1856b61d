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


def names_in(folder: Path) -> list[Name]:
    """The results in a file's folder, none when it does not exist. Raises OSError."""
    try:
        with os.scandir(folder) as found:
            return [name for entry in found if (name := parse_name(entry.name)) is not None]
    except FileNotFoundError:
        return []


def scan(root: Path, temp: Path) -> list[Entry]:
    """All results below `root`, the least recently used first. Removes what broken writes left in `temp`."""
    entries: list[Entry] = []
    with contextlib.suppress(FileNotFoundError):
        _clear(temp)
        for shard in os.scandir(root):
            if len(shard.name) == 2 and shard.is_dir(follow_symlinks=False):
                for folder in os.scandir(shard.path):
                    file_id = parse_file_id(folder.name)
                    if file_id is not None:
                        entries += _results(file_id, folder.path)
    return sorted(entries, key=lambda entry: entry.used_at)


def _results(file_id: FileId, folder: str) -> list[Entry]:
    entries: list[Entry] = []
    with contextlib.suppress(FileNotFoundError):  # dropped or evicted under our eyes
        for found in os.scandir(folder):
            name = parse_name(found.name)
            if name is not None:
                entries.append(Entry((file_id, name.key), name.size, found.stat().st_mtime))
    return entries


def _clear(temp: Path) -> None:
    for left in os.scandir(temp):
        if left.is_dir(follow_symlinks=False):
            shutil.rmtree(left.path, ignore_errors=True)
        elif is_abandoned(Path(left.path)):
            Path(left.path).unlink(missing_ok=True)
