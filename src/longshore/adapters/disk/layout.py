"""Where an object lies below the root folder.

    <root>/<bucket>/<first two characters>/<segments joined by ~>             the object
    <root>/<bucket>/<first two characters>/<segments joined by ~>.sealed      takes no more bytes (see `objects.seal`)
    <root>/<bucket>/.tmp/<segments joined by ~>.<random>                      a write going on, or broken

One flat name per key: `a` and `a/b` can both exist, no folder has to be made durable or removed with an object, and a
person finds a file by its uuid. Random ids spread evenly over 256 folders.
"""

from __future__ import annotations

from pathlib import Path

from longshore.ports.storage import Bucket, ObjectKey, is_key_name

SEALED = ".sealed"


class Layout:
    def __init__(self, root: Path) -> None:
        self.root = root

    def bucket(self, bucket: Bucket) -> Path:
        return self.root / bucket.value

    def temp(self, bucket: Bucket) -> Path:
        return self.root / bucket.value / ".tmp"

    def label(self, key: ObjectKey) -> str:
        """Raises ValueError for what is no key: nothing outside the root can be named, whatever a caller does."""
        if not is_key_name(key.name):
            raise ValueError(f"not a key: {key.name[:80]!r}")
        return key.name.replace("/", "~")

    def folder(self, key: ObjectKey) -> Path:
        return self.root / key.bucket.value / self.label(key)[:2]

    def path(self, key: ObjectKey) -> Path:
        return self.folder(key) / self.label(key)

    def seal(self, key: ObjectKey) -> Path:
        return self.folder(key) / f"{self.label(key)}{SEALED}"

    def key(self, bucket: Bucket, file_name: str) -> ObjectKey | None:
        """The key a file belongs to: an object, its seal or its temporary file. None for what is not ours."""
        name = file_name.partition(".")[0].replace("~", "/")
        return ObjectKey(bucket, name) if is_key_name(name) else None
