"""Reading a file once: digests, type by content, the scanner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from longshore.core.digests import Digests
from longshore.core.errors import Invalid, Upstream


class Digester(Protocol):
    """Computes the digests of one stream. The hashing leaves the event loop."""

    async def update(self, piece: bytes) -> None: ...

    def finish(self) -> Digests: ...


class Digesters(Protocol):
    def begin(self) -> Digester: ...


class TypeDetector(Protocol):
    """Type by content, never by name (`media.md` 5, rule 4)."""

    #: How many bytes from the beginning `detect` wants to see.
    head_size: int

    async def detect(self, head: bytes, *, name: str) -> str:
        """A lower-case media type without parameters; `application/octet-stream` when nothing is recognised.

        `name` may only choose between types that look alike inside (text kinds, zip-based documents), never make
        active content of harmless bytes or the other way round.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`signature` names what was found, without decoration; None means clean."""

    signature: str | None


class ScannerFailed(Upstream):
    """No usable answer. Never the same as clean. The field `reason` says why in one word."""

    code = "scanner-failed"
    title = "The malware scanner did not answer"

    @property
    def is_final(self) -> bool:
        """The same bytes would get the same answer: they go beyond what the scanner looks into."""
        return self.fields.get("reason") in ("limits", "size")


class Scanner(Protocol):
    """Malware scanning of a stream."""

    #: More than this many bytes cannot be scanned (decision 16).
    max_size: int

    async def scan(self, body: AsyncIterator[bytes]) -> Verdict:
        """Feed `body` to the scanner and wait for its word. May stop reading early once it knows.

        Raises ScannerFailed for anything but a clear answer.
        """
        ...

    async def check(self) -> str:
        """One readable line on who answers (`doctor`, `/readyz`). Raises ScannerFailed."""
        ...


class UnsafeSvg(Invalid):
    """An SVG with script or references to the outside."""

    code = "unsafe-svg"
    title = "The SVG holds something that could run or load from elsewhere"


class SvgJudge(Protocol):
    """Whether an SVG is safe to keep for people to see."""

    async def judge(self, body: bytes) -> None:
        """Raises UnsafeSvg naming the rule, BrokenMedia when it is not well-formed XML."""
        ...
