"""multipart/form-data (RFC 7578) as a stream: one part after the other, no part ever whole in memory.

The parser is python-multipart's; this turns its callbacks into iterators. What a part is for, and how large it may be,
is the caller's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import DEFAULT_MAX_HEADER_SIZE, MultipartParser, parse_options_header

from longshore.core.errors import Invalid
from longshore.ports.storage import BodyIncomplete

_MEDIA_TYPE = b"multipart/form-data"
_BOUNDARY_LENGTH = 70  # RFC 2046, 5.1.1
_PREAMBLE = 4096


class FormInvalid(Invalid):
    code = "form-invalid"
    title = "The body is not the multipart/form-data that is wanted here"


@dataclass(frozen=True, slots=True)
class _Data:
    piece: bytes


class _End:
    """Of a part, or of the form."""


_PART_END, _FORM_END = _End(), _End()


class Part:
    """One part; `name` is its field, `filename` and `content_type` are what the sender claims. Iterate over its bytes
    before asking the form for the next part, which skips what is left of this one."""

    def __init__(self, form: Form, headers: dict[bytes, bytes]) -> None:
        disposition, options = parse_options_header(headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise FormInvalid("A part has no Content-Disposition: form-data with a name")
        self.name = options[b"name"].decode("utf-8", "replace")
        file_name = options.get(b"filename")
        self.filename = None if file_name is None else file_name.decode("utf-8", "replace")
        self.content_type = headers.get(b"content-type", b"").decode("latin-1") or None
        self.is_done = False
        self._form = form

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Raises FormInvalid, BodyIncomplete, and what the body of the request raises."""
        if not self.is_done:
            match await self._form.event():
                case _Data(piece):
                    return piece
                case _:
                    self.is_done = True
        raise StopAsyncIteration

    async def text(self, limit: int) -> str:
        """The value of a field of at most `limit` bytes. Raises FormInvalid."""
        value = b""
        async for piece in self:
            value += piece
            if len(value) > limit:
                raise FormInvalid(f"The field {self.name[:40]!r} is longer than {limit} bytes")
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise FormInvalid(f"The field {self.name[:40]!r} is not UTF-8") from error


class Form:
    """The parts of a body in the order they come. Raises FormInvalid at once when `content_type` is not a form's.

    `max_header` bounds each header line of a part, in bytes."""

    def __init__(
        self, content_type: str | None, body: AsyncIterator[bytes], *, max_header: int = DEFAULT_MAX_HEADER_SIZE
    ) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != _MEDIA_TYPE or not 0 < len(boundary) <= _BOUNDARY_LENGTH:
            raise FormInvalid("Send multipart/form-data with a boundary")
        self.boundary = boundary
        self._body = body
        self._events: deque[Part | _Data | _End] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._part: Part | None = None
        self._fed = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": lambda: self._events.append(_PART_END),
                "on_end": lambda: self._events.append(_FORM_END),
            },
            max_header_size=max_header,
        )

    async def next(self) -> Part | None:
        """The next part, or None after the last. Raises FormInvalid, BodyIncomplete, and what the body raises."""
        if self._part is not None:
            async for _ in self._part:
                pass
        match await self.event():
            case Part() as part:
                self._part = part
                return part
            case _:
                self._events.append(_FORM_END)  # asked again, it is still the end
                return None

    async def event(self) -> Part | _Data | _End:
        """For `Part` only: what comes next in the body."""
        while not self._events:
            piece = await anext(self._body, None)
            if piece is None:
                raise BodyIncomplete
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise FormInvalid from error
            self._fed += len(piece)
            if self._part is None and not self._events and self._fed > _PREAMBLE:
                raise FormInvalid("The first boundary does not come")
        return self._events.popleft()

    def _on_part_begin(self) -> None:
        self._headers = {}

    def _on_header_field(self, text: bytes, start: int, end: int) -> None:
        self._name += text[start:end]

    def _on_header_value(self, text: bytes, start: int, end: int) -> None:
        self._value += text[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        self._events.append(Part(self, self._headers))

    def _on_part_data(self, text: bytes, start: int, end: int) -> None:
        self._events.append(_Data(text[start:end]))
