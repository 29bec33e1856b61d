"""A transformation: operations on a file, in the form that makes equal work share one result."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from longshore.core.imaging.grammar import canonical
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import (
    Autorotate,
    Document,
    Format,
    Inline,
    Operation,
    Progressive,
    StripMeta,
    document_of,
    normalise,
)

#: Part of every cache key. Raise it whenever the same plan gives other bytes: an encoder, its settings, an operation.
ENCODER_GENERATION = "2"

_DEFAULTS: tuple[Operation, ...] = (Format(), Autorotate(), Progressive(enabled=False), StripMeta())


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """What is done to which file. Build it with `of`; `operations` are then reduced to what changes the result."""

    file_id: str
    operations: tuple[Operation, ...]

    @classmethod
    def of(cls, file_id: str, operations: tuple[Operation, ...]) -> Transformation:
        """Leave out what is the default or does nothing, and `inline`, which changes a header only; of a document also
        everything that is about a file."""
        document = document_of(operations)
        left = tuple(
            op
            for op in operations
            if op not in _DEFAULTS
            and not isinstance(op, Inline)
            and not getattr(op, "is_neutral", False)
            and (document is None or op.positional or isinstance(op, Autorotate | Document))
        )
        asked = any(not isinstance(op, Inline) for op in operations)
        # `-/progressive/no/` alone still means: encode again, in the default format.
        return cls(file_id=file_id, operations=normalise(left or ((Format(),) if asked else ())))

    @property
    def canonical(self) -> str:
        return canonical(self.operations)

    def key(self, output: OutputFormat, generation: str = ENCODER_GENERATION) -> str:
        """The cache key, 64 hex digits. Clients of different Accept classes that get one format share it."""
        return cache_key(self.file_id, self.canonical, output.value, generation)


def cache_key(file_id: str, canonical: str, format_class: str, generation: str = ENCODER_GENERATION) -> str:
    """64 hex digits; equal only for equal parts."""
    parts = (file_id, canonical, format_class, generation)
    # A length before each part: no choice of parts can imitate another.
    return sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
