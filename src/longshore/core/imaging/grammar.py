"""The URL language of delivery: from a path to typed operations and back (contract 3.2 to 3.4).

What an operation's name is and how its parameters are read stands in `rows` and `words`. Everything that a URL may say
beyond that is a `BadOperation`, whose sentence names the operation and the rule it broke. What an operation means for
pixels is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from longshore.core.imaging.operations import Document, Inline, Operation, normalise, overlays_of
from longshore.core.imaging.rows import LATER, LEADING, ROWS
from longshore.core.imaging.words import BadOperation, OperationUnavailable, Words, shown

__all__ = [
    "MAX_OPERATIONS",
    "MAX_PATH",
    "ROWS",
    "BadOperation",
    "Directive",
    "OperationUnavailable",
    "canonical",
    "parse",
]

#: Longest path read, in characters, and most operations in it: more is an attack or a mistake, not a picture.
MAX_PATH = 8192
MAX_OPERATIONS = 100


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

    @property
    def overlays(self) -> tuple[str, ...]:
        """The ids of the other files that are needed."""
        return overlays_of(self.operations)


def parse(text: str) -> Directive:
    """Read `text`, the raw (percent-encoded) path after `/<uuid>/`, without the query.

    Empty segments count for nothing, operations named `@...` are markers and are dropped, `p` may stand for `%`. A
    last segment without a slash after it is the filename, even right after an operation, unless the path would
    then end in an operation without a name (`-/preview`). Some names may stand right behind the uuid (`main_colors/`).
    Raises BadOperation.
    """
    if len(text) > MAX_PATH:
        raise BadOperation(f"The path is longer than {MAX_PATH} characters")
    segments = [segment for segment in text.split("/") if segment]
    filename = None
    if segments and not text.endswith("/") and segments[-1] != "-" and (len(segments) < 2 or segments[-2] != "-"):
        filename = unquote(segments.pop(), errors="replace")
    chains: list[list[str]] = []
    if segments and segments[0] != "-":
        if unquote(segments[0]) not in LEADING:
            raise BadOperation(f'"{shown(unquote(segments[0]))}" is not known here; operations begin with "-/"')
        chains.append([])
    for segment in segments:
        if segment == "-":
            chains.append([])
        else:
            chains[-1].append(unquote(segment, errors="replace") if "%" in segment else segment)
    chains = [chain for chain in chains if chain and not chain[0].startswith("@")]
    if len(chains) > MAX_OPERATIONS:
        raise BadOperation(f"The path has {len(chains)} operations; at most {MAX_OPERATIONS} are allowed")
    operations = tuple(_read(chain) for chain in chains)
    if segments and segments[0] in LEADING:
        # What stands before the chain is said about its result.
        operations = (*operations[1:], *operations[:1])
    for operation in operations[:-1]:
        if isinstance(operation, Document):
            raise BadOperation(f'"{operation.name}" must be the last operation', operation=operation.name)
    return Directive(operations=normalise(operations), filename=filename)


def canonical(operations: tuple[Operation, ...]) -> str:
    """The one spelling of these operations, e.g. `-/preview/800x600/-/format/auto/`; empty for none.

    `parse(canonical(operations)).operations == normalise(operations)`.
    """
    return "".join(f"-/{operation.canonical}/" for operation in normalise(operations))


def _read(chain: list[str]) -> Operation:
    name, parameters = chain[0], chain[1:]
    if name == "effect" and parameters:  # legacy spelling: -/effect/flip/
        name, parameters = parameters[0], parameters[1:]
    row = ROWS.get(name) or LATER.get(name)
    if row is None:
        raise BadOperation(f'There is no operation "{shown(name)}"', operation=shown(name))
    return row(Words(name, tuple(parameters)))
