"""Operations about the file that is answered: its format, its bytes, its metadata, its header."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from longshore.core.imaging.operations.values import Describing, yes_or_no


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


class Profile(StrEnum):
    """What happens to an embedded colour profile: a fast conversion to sRGB, one by the profile, or none."""

    FAST = "fast"
    ICC = "icc"
    KEEP = "keep_profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Describing):
    """`format/jpeg|png|webp|avif|auto|preserve`: the kind of file to answer with. Default auto, as soon as anything is
    done to the pixels."""

    value: FormatName = FormatName.AUTO

    name: ClassVar[str] = "format"

    @property
    def canonical(self) -> str:
        return f"format/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality(Describing):
    """`quality/normal|better|best|lighter|lightest|smart|smart_retina`: how much a lossy encoder may lose. Never
    forces a format."""

    level: QualityLevel = QualityLevel.NORMAL

    name: ClassVar[str] = "quality"

    @property
    def canonical(self) -> str:
        return f"quality/{self.level}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressive(Describing):
    """`progressive/yes|no`: JPEG in several scans. Default no."""

    enabled: bool = True

    name: ClassVar[str] = "progressive"

    @property
    def canonical(self) -> str:
        return f"progressive/{yes_or_no(self.enabled)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripMeta(Describing):
    """`strip_meta/all|none|sensitive`: which metadata the answer loses. Default all."""

    what: Metadata = Metadata.ALL

    name: ClassVar[str] = "strip_meta"

    @property
    def canonical(self) -> str:
        return f"strip_meta/{self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Srgb(Describing):
    """`srgb/fast|icc|keep_profile`: what happens to an embedded colour profile."""

    profile: Profile

    name: ClassVar[str] = "srgb"

    @property
    def canonical(self) -> str:
        return f"srgb/{self.profile}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxIccSize(Describing):
    """`max_icc_size/<KB>`: the largest colour profile that may stay in the answer, 10 KB by default; 0 drops any."""

    kilobytes: int = 10

    name: ClassVar[str] = "max_icc_size"

    @property
    def canonical(self) -> str:
        return f"max_icc_size/{self.kilobytes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rasterize(Describing):
    """`rasterize`: draw an SVG as pixels. Every operation here does so, so this only asks for it alone."""

    name: ClassVar[str] = "rasterize"

    @property
    def canonical(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline(Describing):
    """`inline/yes|no`: `Content-Disposition` inline (yes) or attachment (no). Touches no pixel and is no part of a
    cache key."""

    enabled: bool = True

    name: ClassVar[str] = "inline"

    @property
    def canonical(self) -> str:
        return f"inline/{yes_or_no(self.enabled)}"
