"""Kinds: named rules for a use of files (`avatar`, `banner`, `product-video`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from longshore.core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unsupported
from longshore.core.ids import ProjectId
from longshore.core.sizes import MAX_SIZE, show_size
from longshore.core.upload import is_label

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TYPE = re.compile(r"[a-z]+/(\*|[a-z0-9][a-z0-9.+_-]*)|\*/\*")
ANY_GROUP = "*"
MAX_RETENTION = timedelta(days=36_500)


class KindNotFound(NotFound):
    code = "kind-not-found"
    title = "There is no such kind in this project"


class BadKind(Invalid):
    code = "bad-kind"
    title = "The kind's definition is not valid"


class KindManagedByFile(Conflict):
    code = "kind-managed-by-file"
    title = "This kind comes from a TOML file; change it there and apply the file again"


class TypeNotAccepted(Unsupported):
    code = "type-not-accepted"
    title = "This kind does not accept files of that type"


class SizeOverLimit(TooLarge):
    code = "size-over-limit"
    title = "The file is larger than allowed"


class GroupNotAllowed(Forbidden):
    code = "group-not-allowed"
    title = "This kind is not open to that group"


class Visibility(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"


class ScanPolicy(StrEnum):
    """What becomes of a file that could not be scanned: no scanner is configured, or the file is larger than it takes.

    `HOLD` keeps it back, `ALLOW` publishes it marked `unscanned`. With a scanner configured that does not answer, the
    check is tried again and then held: no answer is never "clean".
    """

    HOLD = "hold"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`accept` holds types as `image/jpeg`, `image/*` or `*/*`. `sizes` maps a group (or `*`) to bytes; empty means the
    project's limit. `retention` counts from publication; None keeps for good. `scan` None follows the installation."""

    project_id: ProjectId
    name: str
    accept: tuple[str, ...] = ("*/*",)
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    visibility: Visibility = Visibility.PUBLIC
    scan: ScanPolicy | None = None
    retention: timedelta | None = None
    managed_by_file: bool = False

    @property
    def restricts_types(self) -> bool:
        return "*/*" not in self.accept

    def accepts(self, media_type: str) -> bool:
        return any(
            pattern in ("*/*", media_type) or (pattern.endswith("/*") and media_type.startswith(pattern[:-1]))
            for pattern in self.accept
        )

    def size_limit(self, group: str | None) -> int | None:
        """Bytes for that group; None when the kind sets no limit. Raises GroupNotAllowed for a group left out."""
        if not self.sizes:
            return None
        limit = self.sizes.get(group or ANY_GROUP, self.sizes.get(ANY_GROUP))
        if limit is None:
            raise GroupNotAllowed(f"The kind {self.name} is not open to the group {group or '(none)'}", kind=self.name)
        return limit


def check_kind(kind: Kind) -> Kind:
    """The kind itself. Raises BadKind naming the first wrong thing."""
    if not _NAME.fullmatch(kind.name):
        raise BadKind("A kind's name is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit", field="name")
    if not kind.accept:
        raise BadKind(f"{kind.name}: accept lists no type; leave it out to accept all", field="accept")
    for pattern in kind.accept:
        if not _TYPE.fullmatch(pattern):
            raise BadKind(
                f"{kind.name}: {pattern[:80]!r} is not a media type such as image/jpeg or image/*", field="accept"
            )
    for group, size in kind.sizes.items():
        if group != ANY_GROUP and not is_label(group):
            raise BadKind(
                f"{kind.name}: {group[:80]!r} is not a group: 1 to 127 of A-Z a-z 0-9 _ . : @ -", field="size"
            )
        if not 0 < size <= MAX_SIZE:
            raise BadKind(f"{kind.name}: the size for {group[:80]!r} must be 1 byte to 5 TiB", field="size")
    if kind.retention is not None and not timedelta(0) < kind.retention <= MAX_RETENTION:
        raise BadKind(f"{kind.name}: retention must be more than nothing, and 100 years at most", field="retention")
    return kind


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise SizeOverLimit(f"The file may have at most {show_size(limit)}", limit=limit, size=size)
