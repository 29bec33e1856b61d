"""The operations of the URL API, typed. One class per operation; each knows its canonical spelling.

What a class variable says: `name` is the word in the URL; `repeatable` operations act every time they appear, of
the others the last one wins; `positional` operations see the size the previous one left, the others describe the
answer as a whole and may stand anywhere. Adding an operation: a class here, its member of `Operation`, a row in
`grammar`, and its arithmetic in `geometry` or its step in `plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class FormatName(StrEnum):
    """What a URL may ask for after `format/` (`jpg` is read as `jpeg`)."""

    AUTO = "auto"
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    PRESERVE = "preserve"


class QualityLevel(StrEnum):
    """One word is one perceptual level, whatever the format; encoders translate."""

    NORMAL = "normal"
    BETTER = "better"
    BEST = "best"
    LIGHTER = "lighter"
    LIGHTEST = "lightest"
    SMART = "smart"
    SMART_RETINA = "smart_retina"


class Metadata(StrEnum):
    """What `strip_meta` removes: everything, nothing, or only what tells on people (place, serial numbers)."""

    ALL = "all"
    NONE = "none"
    SENSITIVE = "sensitive"


def _word(answer: bool) -> str:
    return "yes" if answer else "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Fit inside `width` x `height` pixels keeping the ratio; never enlarge."""

    width: int = 2048
    height: int = 2048

    name: ClassVar[str] = "preview"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = True

    @property
    def canonical(self) -> str:
        return f"preview/{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Exactly `width` x `height` pixels; an absent side follows the ratio. Enlarges; both sides may distort."""

    width: int | None = None
    height: int | None = None

    name: ClassVar[str] = "resize"
    repeatable: ClassVar[bool] = True
    positional: ClassVar[bool] = True

    @property
    def canonical(self) -> str:
        return f"resize/{self.width or ''}x{self.height or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Autorotate:
    """Whether the EXIF orientation is applied, before everything else. Default yes."""

    enabled: bool = True

    name: ClassVar[str] = "autorotate"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False

    @property
    def canonical(self) -> str:
        return f"autorotate/{_word(self.enabled)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The kind of file to answer with. Default auto, as soon as anything is done to the pixels."""

    value: FormatName = FormatName.AUTO

    name: ClassVar[str] = "format"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False

    @property
    def canonical(self) -> str:
        return f"format/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How much a lossy encoder may lose. Never forces a format."""

    level: QualityLevel = QualityLevel.NORMAL

    name: ClassVar[str] = "quality"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False

    @property
    def canonical(self) -> str:
        return f"quality/{self.level}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressive:
    """JPEG in several scans. Default no."""

    enabled: bool = True

    name: ClassVar[str] = "progressive"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False

    @property
    def canonical(self) -> str:
        return f"progressive/{_word(self.enabled)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripMeta:
    """Which metadata the answer loses. Default all."""

    what: Metadata = Metadata.ALL

    name: ClassVar[str] = "strip_meta"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False

    @property
    def canonical(self) -> str:
        return f"strip_meta/{self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """`Content-Disposition`: inline (yes) or attachment (no). Touches no pixel and is no part of a cache key."""

    enabled: bool = True

    name: ClassVar[str] = "inline"
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False

    @property
    def canonical(self) -> str:
        return f"inline/{_word(self.enabled)}"


Operation = Preview | Resize | Autorotate | Format | Quality | Progressive | StripMeta | Inline


def normalise(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """The same work in one order: positional operations as they come, then the others by name.

    Of an operation that does not repeat, the last one stays, at its own place. Applying it twice changes nothing.
    """
    last = {operation.name: index for index, operation in enumerate(operations)}
    kept = [op for index, op in enumerate(operations) if op.repeatable or last[op.name] == index]
    return (
        *(op for op in kept if op.positional),
        *sorted((op for op in kept if not op.positional), key=lambda op: op.name),
    )
