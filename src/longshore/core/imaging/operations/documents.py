"""Operations that answer with JSON about the picture. They are the last of a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from longshore.core.imaging.operations.values import Describing


@dataclass(frozen=True, slots=True, kw_only=True)
class Json(Describing):
    """`json`: what is known about the picture, with a perceptual hash of 64 bits and a BlurHash."""

    name: ClassVar[str] = "json"

    @property
    def canonical(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Jsonp(Describing):
    """`jsonp`: `json`, as a call of `uploadcare_callback`."""

    name: ClassVar[str] = "jsonp"

    @property
    def canonical(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class MainColors(Describing):
    """`main_colors[/1..256]` (4): the colours of the picture, the most frequent first, as JSON."""

    count: int = 4

    name: ClassVar[str] = "main_colors"

    @property
    def canonical(self) -> str:
        return f"main_colors/{self.count}"
