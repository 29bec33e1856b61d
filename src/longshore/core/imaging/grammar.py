"""The URL language of delivery: from a path to typed operations and back (contract 3.2 to 3.4).

One table, `ROWS`, says which names exist and how their parameters are read. Everything else that a URL may say is
a `BadOperation`, whose sentence names the operation and the rule it broke. What an operation means for pixels is
not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote

from longshore.core.errors import Invalid
from longshore.core.imaging.operations import (
    Autorotate,
    Format,
    FormatName,
    Inline,
    Metadata,
    Operation,
    Preview,
    Progressive,
    Quality,
    QualityLevel,
    Resize,
    StripMeta,
    normalise,
)

#: Longest path read, in characters, and most operations in it: more is an attack or a mistake, not a picture.
MAX_PATH = 8192
MAX_OPERATIONS = 100

_ECHO = 60  # characters of the caller's own text that an error repeats


class BadOperation(Invalid):
    """The path asks for something that does not exist, or with parameters that break the operation's rule."""

    code = "bad-operation"
    title = "The URL contains an operation that is not valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """What a delivery path asks for.

    `operations` are normalised: positional ones in URL order, the rest by name. `filename` is decoded free text from
    outside (it may hold slashes and control characters): a name to download as, never a path.
    """

    operations: tuple[Operation, ...] = ()
    filename: str | None = None

    @property
    def is_original(self) -> bool:
        """True when no pixel is asked for: the stored bytes are the answer."""
        return all(isinstance(operation, Inline) for operation in self.operations)

    @property
    def inline(self) -> bool | None:
        """What `inline/...` says; None when the path leaves it to the default."""
        for operation in self.operations:
            if isinstance(operation, Inline):
                return operation.enabled
        return None


def parse(text: str) -> Directive:
    """Read `text`, the raw (percent-encoded) path after `/<uuid>/`, without the query.

    Empty segments count for nothing, operations named `@...` are markers and are dropped, `p` may stand for `%`. A
    last segment without a slash after it is the filename, even right after an operation, unless the path would
    then end in an operation without a name (`-/preview`). Raises BadOperation.
    """
    if len(text) > MAX_PATH:
        raise BadOperation(f"The path is longer than {MAX_PATH} characters")
    segments = [segment for segment in text.split("/") if segment]
    filename = None
    if segments and not text.endswith("/") and segments[-1] != "-" and (len(segments) < 2 or segments[-2] != "-"):
        filename = unquote(segments.pop(), errors="replace")
    if segments and segments[0] != "-":
        raise BadOperation(f'"{_shown(unquote(segments[0]))}" is not known here; operations begin with "-/"')
    chains: list[list[str]] = []
    for segment in segments:
        if segment == "-":
            chains.append([])
        else:
            chains[-1].append(unquote(segment, errors="replace"))
    chains = [chain for chain in chains if chain and not chain[0].startswith("@")]
    if len(chains) > MAX_OPERATIONS:
        raise BadOperation(f"The path has {len(chains)} operations; at most {MAX_OPERATIONS} are allowed")
    return Directive(operations=normalise(tuple(_read(chain) for chain in chains)), filename=filename)


def canonical(operations: tuple[Operation, ...]) -> str:
    """The one spelling of these operations, e.g. `-/preview/800x600/-/format/auto/`; empty for none.

    `parse(canonical(operations)).operations == normalise(operations)`.
    """
    return "".join(f"-/{operation.canonical}/" for operation in normalise(operations))


def _read(chain: list[str]) -> Operation:
    name, parameters = chain[0], chain[1:]
    if name == "effect" and parameters:  # legacy spelling: -/effect/flip/
        name, parameters = parameters[0], parameters[1:]
    row = ROWS.get(name)
    if row is None:
        raise BadOperation(f'There is no operation "{_shown(name)}"', operation=_shown(name))
    return row(Words(name, tuple(parameters)))


def _shown(text: str) -> str:
    """The caller's own words, safe to repeat: printable and short."""
    safe = "".join(character if character.isprintable() else "?" for character in text)
    return safe if len(safe) <= _ECHO else safe[: _ECHO - 1] + "…"


E_ = TypeVar("E_", bound=StrEnum)

_SIZE = re.compile(r"([0-9]{0,6})x([0-9]{0,6})")


@dataclass(frozen=True, slots=True)
class Words:
    """The decoded parameters of one operation, and the readers that turn them into values or a BadOperation."""

    name: str
    parameters: tuple[str, ...]

    def wrong(self, rule: str) -> BadOperation:
        """The error for this operation; `rule` completes the sentence `"resize/0x" : ...`."""
        written = _shown("/".join((self.name, *self.parameters)))
        return BadOperation(f'"{written}": {rule}', operation=self.name)

    def at_most(self, count: int, rule: str) -> None:
        if len(self.parameters) > count:
            raise self.wrong(rule)

    def size(self, index: int, rule: str) -> tuple[int | None, int | None]:
        """Parameter `index` as `WxH`, where a side may be missing; sides are at least 1 pixel."""
        found = _SIZE.fullmatch(self.parameters[index]) if index < len(self.parameters) else None
        if found is None or found[0] == "x":
            raise self.wrong(rule)
        width, height = (int(side) if side else None for side in found.groups())
        if width == 0 or height == 0:
            raise self.wrong("a side must be at least 1 pixel")
        return width, height

    def choice(self, of: type[E_], aliases: Mapping[str, E_] | None = None) -> E_:
        """The only parameter as a member of a closed set of words."""
        rule = f"takes one of {', '.join(of)}"
        if len(self.parameters) != 1:
            raise self.wrong(rule)
        word = self.parameters[0]
        if aliases and word in aliases:
            return aliases[word]
        try:
            return of(word)
        except ValueError:
            raise self.wrong(rule) from None

    def yes(self) -> bool:
        """The only parameter as yes or no."""
        if self.parameters not in (("yes",), ("no",)):
            raise self.wrong("takes yes or no")
        return self.parameters == ("yes",)


def _preview(words: Words) -> Preview:
    rule = "takes nothing or one box in pixels, WxH"
    words.at_most(1, rule)
    if not words.parameters:
        return Preview()
    width, height = words.size(0, rule)
    if width is None or height is None:
        raise words.wrong(rule)
    return Preview(width=width, height=height)


def _resize(words: Words) -> Resize:
    rule = "takes one size in pixels: WxH, Wx or xH"
    words.at_most(1, rule)
    width, height = words.size(0, rule)
    return Resize(width=width, height=height)


#: Every operation there is: its name in the URL and its reader.
ROWS: Mapping[str, Callable[[Words], Operation]] = {
    "preview": _preview,
    "resize": _resize,
    "autorotate": lambda words: Autorotate(enabled=words.yes()),
    "format": lambda words: Format(value=words.choice(FormatName, {"jpg": FormatName.JPEG})),
    "quality": lambda words: Quality(level=words.choice(QualityLevel)),
    "progressive": lambda words: Progressive(enabled=words.yes()),
    "strip_meta": lambda words: StripMeta(what=words.choice(Metadata)),
    "inline": lambda words: Inline(enabled=words.yes()),
}
