"""The parameters of one operation in a URL, and how each kind of value is read (contract 3.3).

Digits are ASCII digits; `p` and `%` are per cent. Whatever does not fit is a `BadOperation` whose sentence repeats the
operation, shortened and printable, and says the rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from longshore.core.errors import Invalid
from longshore.core.imaging.operations.values import KEYWORDS, Box, Colour, Length, Position

_ECHO = 60  # characters of the caller's own text that an error repeats


class BadOperation(Invalid):
    """The path asks for something that does not exist, or with parameters that break the operation's rule."""

    code = "bad-operation"
    title = "The URL contains an operation that is not valid"


class OperationUnavailable(BadOperation):
    """An operation of the language that this version does not do."""

    code = "operation-unavailable"
    title = "The URL contains an operation that is not available here yet"


def shown(text: str) -> str:
    """The caller's own words, safe to repeat: printable and short."""
    safe = "".join(character if character.isprintable() else "?" for character in text)
    return safe if len(safe) <= _ECHO else safe[: _ECHO - 1] + "…"


E_ = TypeVar("E_", bound=StrEnum)

_SIZE = re.compile(r"([0-9]{0,6})x([0-9]{0,6})")
_BOX = re.compile(r"([0-9]{1,6})([p%]?)x([0-9]{1,6})([p%]?)")
_POSITION = re.compile(r"(-?[0-9]{1,6})([p%]?),(-?[0-9]{1,6})([p%]?)")
_LENGTH = re.compile(r"([0-9]{1,6})([p%]?)")
_INTEGER = re.compile(r"-?[0-9]{1,6}")
_RATIO = re.compile(r"([0-9]{1,6}):([0-9]{1,6})")
_COLOUR = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}")


def is_box(text: str) -> bool:
    return _BOX.fullmatch(text) is not None


def is_ratio(text: str) -> bool:
    return _RATIO.fullmatch(text) is not None


def is_position(text: str) -> bool:
    return text in KEYWORDS or _POSITION.fullmatch(text) is not None


def is_percent(text: str) -> bool:
    found = _LENGTH.fullmatch(text)
    return found is not None and found[2] != ""


@dataclass(frozen=True, slots=True)
class Words:
    """The decoded parameters of one operation, and the readers that turn them into values or a BadOperation."""

    name: str
    parameters: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, index: int) -> str:
        return self.parameters[index]

    def wrong(self, rule: str) -> BadOperation:
        """The error for this operation; `rule` completes the sentence `"resize/0x": ...`."""
        return BadOperation(f'"{self.written}": {rule}', operation=shown(self.name))

    def unavailable(self) -> OperationUnavailable:
        return OperationUnavailable(f'"{self.written}" is not available here yet', operation=shown(self.name))

    @property
    def written(self) -> str:
        return shown("/".join((self.name, *self.parameters)))

    def between(self, fewest: int, most: int, rule: str) -> None:
        """The number of parameters."""
        if not fewest <= len(self.parameters) <= most:
            raise self.wrong(rule)

    def size(self, index: int, rule: str) -> tuple[int | None, int | None]:
        """Parameter `index` as `WxH` in pixels, where a side may be missing; sides are at least 1 pixel."""
        found = _SIZE.fullmatch(self.parameters[index]) if index < len(self.parameters) else None
        if found is None or found[0] == "x":
            raise self.wrong(rule)
        width, height = (int(side) if side else None for side in found.groups())
        if width == 0 or height == 0:
            raise self.wrong("a side must be at least 1 pixel")
        return width, height

    def pixels(self, index: int, rule: str) -> tuple[int, int]:
        """Parameter `index` as `WxH` in pixels, both sides given."""
        width, height = self.size(index, rule)
        if width is None or height is None:
            raise self.wrong(rule)
        return width, height

    def box(self, index: int, rule: str) -> Box:
        """Parameter `index` as `WxH`, each in pixels or per cent, more than nothing."""
        found = _BOX.fullmatch(self.parameters[index])
        if found is None:
            raise self.wrong(rule)
        width, height = Length(int(found[1]), bool(found[2])), Length(int(found[3]), bool(found[4]))
        if not width.value or not height.value:
            raise self.wrong("a side must be more than 0")
        return Box(width, height)

    def ratio(self, index: int) -> tuple[int, int]:
        """Parameter `index`, which has the shape of a ratio."""
        first, second = (int(part) for part in self.parameters[index].split(":"))
        if not first or not second:
            raise self.wrong("both numbers of a ratio must be at least 1")
        return first, second

    def position(self, index: int, rule: str) -> Position:
        """Parameter `index` as a keyword or `x,y`, each in pixels or per cent, also negative."""
        word = self.parameters[index]
        if word in KEYWORDS:
            return KEYWORDS[word]
        found = _POSITION.fullmatch(word)
        if found is None:
            raise self.wrong(rule)
        return Position(_place(found[1], found[2]), _place(found[3], found[4]))

    def colour(self, index: int, rule: str) -> Colour:
        word = self.parameters[index] if index < len(self.parameters) else ""
        if _COLOUR.fullmatch(word) is None:
            raise self.wrong(rule)
        if len(word) == 3:
            word = "".join(digit * 2 for digit in word)
        return Colour(*bytes.fromhex(word))

    def integer(self, index: int, low: int, high: int, rule: str) -> int:
        found = _INTEGER.fullmatch(self.parameters[index])
        if found is None or not low <= int(found[0]) <= high:
            raise self.wrong(rule)
        return int(found[0])

    def lengths(self, index: int, rule: str) -> tuple[Length, ...]:
        """Parameter `index` as lengths with commas between, each in pixels or per cent."""
        found = [_LENGTH.fullmatch(part) for part in self.parameters[index].split(",")]
        if not all(found):
            raise self.wrong(rule)
        return tuple(Length(int(one[1]), bool(one[2]) and one[1].strip("0") != "") for one in found if one)

    def choice(self, of: type[E_], aliases: Mapping[str, E_] | None = None) -> E_:
        """The only parameter as a member of a closed set of words."""
        word = self.parameters[0] if len(self.parameters) == 1 else ""
        if aliases and word in aliases:
            return aliases[word]
        try:
            return of(word)
        except ValueError:
            raise self.wrong(f"takes one of {', '.join(of)}") from None

    def yes(self) -> bool:
        """The only parameter as yes or no."""
        if self.parameters not in (("yes",), ("no",)):
            raise self.wrong("takes yes or no")
        return self.parameters == ("yes",)


def _place(digits: str, unit: str) -> Length:
    """One coordinate; 0 % and 0 pixels are the same place and are written in one way."""
    value = int(digits)
    return Length(value, bool(unit) and value != 0)
