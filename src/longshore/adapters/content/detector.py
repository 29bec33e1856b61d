"""Type by content. Binary signatures decide first, so that a polyglot is what its first bytes say; then markup, which
must never pass for something harmless; then text.
"""

from __future__ import annotations

from longshore.core.media import OCTET_STREAM
from longshore.core.sizes import KIB


class ContentDetector:
    """The `TypeDetector` port. About 0.4 ms for a head of 64 KiB, on the event loop; the first call loads tables."""

    #: Enough for the prolog and comments before an SVG's first tag, and for the first members of an office document.
    head_size = 64 * KIB

    async def detect(self, head: bytes, *, name: str) -> str:
        return media_type(head[: self.head_size], name=name, whole=len(head) < self.head_size)


def media_type(head: bytes, *, name: str, whole: bool) -> str:
    """See `TypeDetector.detect`; `whole` says that the file ends where `head` does."""
    # loaded with the first file, not with the process: puremagic reads its tables when imported
    from longshore.adapters.content import markup, signatures, texts

    if not head:
        return OCTET_STREAM
    text = texts.decoded(head)
    if found := signatures.by_signature(head, name=name, is_text=text is not None):
        return found
    if found := markup.look(texts.for_markup(head)):
        return found
    return OCTET_STREAM if text is None else texts.kind_of(text, name=name, whole=whole)
